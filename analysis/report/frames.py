"""Table 1 and the supplementary tables as data frames of text, to print or to save."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import pandas as pd

from analysis.agreement.result import AgreementResult
from analysis.power import PowerFigures
from analysis.report import formatting
from analysis.report.latex import latex_escaped
from analysis.report.question import QuestionResult
from analysis.report.results import StudyResults

_MOST_CATEGORIES_BY_READER = 3
INDEPENDENT = "pairs as independent"
CROSSED = "readers and patients random"


@dataclass(frozen=True, eq=False)
class ReportFrames:
    """Tables of a study, computed once for all formats of its report.

    Attributes:
        table_one: Agreement and kappa of each question.
        independent: The same with pairs as independent, None where Table 1 is that.
        supplementary: A table of each question by its file name.
        reasons: Explanations that readers gave.
    """

    table_one: pd.DataFrame
    independent: pd.DataFrame | None
    supplementary: Mapping[str, pd.DataFrame]
    reasons: pd.DataFrame

    @classmethod
    def of(cls, study: StudyResults) -> Self:
        """Compute them."""
        questions, level = study.questions, study.confidence_level
        return cls(
            table_one(study),
            independent_table(questions, level) if is_crossed(questions) else None,
            supplementary_tables(study),
            reasons_table(study),
        )


def table_one(study: StudyResults) -> pd.DataFrame:
    """Agreement and kappa of each question, readers and patients random if known."""
    return table_of_questions(study.questions, study.confidence_level)


def table_of_questions(
    questions: Sequence[QuestionResult], level: float
) -> pd.DataFrame:
    """Table 1 of some questions, whatever else is known of their study.

    Its headings say whether readers and patients are random or, where it is not known
    which case an answer belongs to, pairs are taken as independent.
    """
    if not is_crossed(questions):
        return independent_table(questions, level)
    percent = f"{100 * level:g}% CI, {CROSSED}"
    return pd.DataFrame(
        [
            {
                "Question": formatting.neutralise(result.pairs.question.id),
                "Pairs": str(result.percent.n),
                "Incomplete": str(result.pairs.n_incomplete),
                f"Agreement [{percent}]": formatting.format_share(
                    result.crossed.agreement, level, 2
                ),
                f"Cohen's kappa [{percent}]": formatting.format_clustered(
                    result.crossed.kappa, level
                ),
            }
            for result in questions
            if result.crossed
        ]
    )


def is_crossed(questions: Sequence[QuestionResult]) -> bool:
    """Whether every question has results with readers and patients random."""
    return all(result.crossed for result in questions)


def independent_table(
    questions: Sequence[QuestionResult], level: float
) -> pd.DataFrame:
    """Table 1 as the paper has it, pairs as independent; its headings say so."""
    percent = f"{100 * level:g}% CI, {INDEPENDENT}"
    return pd.DataFrame(
        [
            {
                "Question": formatting.neutralise(result.pairs.question.id),
                "Pairs": str(result.percent.n),
                "Incomplete": str(result.pairs.n_incomplete),
                f"Agreement [{percent}]": formatting.format_percent(
                    result.percent, level
                ),
                f"Cohen's kappa [{percent}]": formatting.format_coefficient(
                    result.kappa, level
                ),
            }
            for result in questions
        ]
    )


def supplementary_tables(study: StudyResults) -> dict[str, pd.DataFrame]:
    """One table per question, as in the paper's Tables S.1 to S.7.

    Questions with up to three answers show the counts of each reader, others the
    contingency table of complete pairs. Where counts of readers are not known, the
    contingency table stands in.
    """
    return {
        f"table_s{number}": counts_by_reader(study, result)
        if _shown_by_reader(result)
        else contingency(study, result)
        for number, result in enumerate(study.questions, 1)
    }


def counts_by_reader(study: StudyResults, result: QuestionResult) -> pd.DataFrame:
    """Answers of each reader under each method, with their sum, as in Table S.1."""
    by_reader = result.pairs.by_reader
    if by_reader is None:
        msg = f"Counts by reader are not known for {result.pairs.question.id}"
        raise ValueError(msg)
    frame = pd.DataFrame(
        {"Reader": [formatting.neutralise(reader) for reader in study.readers]}
    )
    for method in (study.reference, study.test):
        for column, label in enumerate(result.pairs.question.labels):
            frame[formatting.neutralise(f"{method}: {label}")] = by_reader[method][
                :, column
            ]
    frame.loc[len(frame)] = ["Sum", *frame.iloc[:, 1:].sum().tolist()]
    return frame


def contingency(study: StudyResults, result: QuestionResult) -> pd.DataFrame:
    """Complete pairs, reference method in rows, as in Table S.6."""
    codes = result.pairs.question.codes
    frame = pd.DataFrame(
        {formatting.neutralise(study.reference): [neutralise_code(c) for c in codes]}
    )
    for column, code in enumerate(codes):
        frame[formatting.neutralise(f"{study.test}: {code}")] = result.table.counts[
            :, column
        ]
    return frame


def coefficient_table(result: QuestionResult, level: float) -> pd.DataFrame:
    """Every coefficient of a question with its interval."""
    percent = formatting.format_percent(result.percent, level)
    coefficients: dict[str, AgreementResult] = {
        "cohen_kappa": result.kappa,
        **result.coefficients,
    }
    rows = [("Percent agreement", percent)]
    rows += [
        (formatting.NAMES[name], formatting.format_coefficient(value, level))
        for name, value in coefficients.items()
    ]
    if result.skew:
        rows.append(
            ("Prevalence index", formatting.format_estimate(result.skew.prevalence))
        )
        rows.append(("Bias index", formatting.format_estimate(result.skew.bias)))
    return pd.DataFrame(
        rows, columns=["Coefficient", f"Estimate [{100 * level:g}% CI, {INDEPENDENT}]"]
    )


def test_table(result: QuestionResult) -> pd.DataFrame:
    """Every test of a question."""
    return pd.DataFrame(
        [
            (
                formatting.NAMES[name],
                formatting.format_estimate(test.statistic),
                "" if test.df is None else str(test.df),
                formatting.format_p(test.p_value),
            )
            for name, test in result.tests.items()
        ],
        columns=["Test", "Statistic", "df", "p"],
    )


def power_table(figures: list[PowerFigures]) -> pd.DataFrame:
    """Figures of all formulations."""
    return pd.DataFrame(
        [
            {
                "Formulation": row.formulation,
                "Pairs needed": "none" if row.n_needed is None else str(row.n_needed),
                "Power": _share(row.power),
                "Power, one pair per case": _share(row.power_cases),
                "Detectable kappa": "none"
                if math.isnan(row.detectable)
                else formatting.format_estimate(row.detectable),
                "Holds up to ICC": "too few pairs"
                if row.largest_icc is None
                else formatting.format_estimate(row.largest_icc, 2),
            }
            for row in figures
            if row.refused is None
        ]
    )


def power_notes(
    figures: Iterable[PowerFigures], wanted: float, *, pairs: float
) -> list[str]:
    """Explain the words that stand where `power_table` has no number."""
    rows = [row for row in figures if row.refused is None]
    notes = []
    if any(math.isnan(row.detectable) for row in rows):
        notes.append(
            f"Detectable kappa none: no kappa that the margins allow is found by "
            f"{pairs:.4g} pairs with a power of {wanted:.0%}."
        )
    if any(row.largest_icc is None for row in rows):
        notes.append(
            f"Holds up to ICC too few pairs: for a power of {wanted:.0%} the study has "
            "too few pairs even if those of a case were independent."
        )
    return notes


def _share(power: float) -> str:
    return f"{100 * power:.1f}%"


def neutralise_code(code: int | str) -> str:
    """Write a code; a number is no formula, text might be."""
    return str(code) if isinstance(code, int) else formatting.neutralise(code)


def reasons_table(study: StudyResults) -> pd.DataFrame:
    """Explanations that readers gave, one per row."""
    columns = ["Question", "Reader", "Case", "Method", "Answer", "Reason"]
    return pd.DataFrame(
        [
            [
                formatting.neutralise(text)
                for text in (r.question, r.reader, r.case, r.method, r.answer, r.reason)
            ]
            for r in study.reasons
        ],
        columns=columns,
    )


def to_latex(frame: pd.DataFrame, caption: str, *, prose: bool = False) -> str:
    r"""Write a table for LaTeX with `booktabs`; all text is escaped.

    Args:
        frame: Cells as text.
        caption: What it shows.
        prose: Cells are sentences, which need lines to be broken.
    """
    of_sentences = rf"p{{{0.8 / max(1, len(frame.columns) - 1):.2f}\linewidth}}"
    columns = "l" + (of_sentences if prose else "l") * (len(frame.columns) - 1)
    rows = [list(frame.columns), *frame.to_numpy().tolist()]
    head, *body = (
        " & ".join(latex_escaped(cell) for cell in row) + r" \\" for row in rows
    )
    lines = [
        r"\begin{table}[htbp]",
        rf"\caption{{{latex_escaped(caption)}}}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        head,
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _shown_by_reader(result: QuestionResult) -> bool:
    few = result.table.k <= _MOST_CATEGORIES_BY_READER
    return few and result.pairs.by_reader is not None
