"""Table 1 and the supplementary tables as data frames of text, to print or to save."""

import pandas as pd

from analysis.report.formatting import format_coefficient, format_percent, neutralise
from analysis.report.question import QuestionResult
from analysis.report.study import StudyResults

_MOST_CATEGORIES_BY_READER = 3


def table_one(study: StudyResults) -> pd.DataFrame:
    """Agreement and kappa of each question, in the form of the paper's Table 1."""
    percent = f"{100 * study.confidence_level:g}% CI"
    level = study.confidence_level
    return pd.DataFrame(
        [
            {
                "Question": neutralise(result.pairs.question.id),
                "Pairs": str(result.percent.n),
                "Incomplete": str(result.pairs.n_incomplete),
                f"Agreement [{percent}]": format_percent(result.percent, level),
                f"Cohen's kappa [{percent}]": format_coefficient(result.kappa, level),
            }
            for result in study.questions
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
    frame = pd.DataFrame({"Reader": [neutralise(reader) for reader in study.readers]})
    for method in (study.reference, study.test):
        for column, label in enumerate(result.pairs.question.labels):
            frame[neutralise(f"{method}: {label}")] = by_reader[method][:, column]
    frame.loc[len(frame)] = ["Sum", *frame.iloc[:, 1:].sum().tolist()]
    return frame


def contingency(study: StudyResults, result: QuestionResult) -> pd.DataFrame:
    """Complete pairs, reference method in rows, as in Table S.6."""
    codes = result.pairs.question.codes
    frame = pd.DataFrame(
        {neutralise(study.reference): [neutralise_code(c) for c in codes]}
    )
    for column, code in enumerate(codes):
        frame[neutralise(f"{study.test}: {code}")] = result.table.counts[:, column]
    return frame


def neutralise_code(code: int | str) -> str:
    """Write a code; a number is no formula, text might be."""
    return str(code) if isinstance(code, int) else neutralise(code)


def reasons_table(study: StudyResults) -> pd.DataFrame:
    """Explanations that readers gave, one per row."""
    columns = ["Question", "Reader", "Case", "Method", "Answer", "Reason"]
    return pd.DataFrame(
        [
            [
                neutralise(text)
                for text in (r.question, r.reader, r.case, r.method, r.answer, r.reason)
            ]
            for r in study.reasons
        ],
        columns=columns,
    )


def to_latex(frame: pd.DataFrame, caption: str, *, prose: bool = False) -> str:
    r"""Write a table for LaTeX with `booktabs`; text is escaped.

    Args:
        frame: Cells as text.
        caption: What it shows.
        prose: Cells are sentences, which need lines to be broken.
    """
    styler = frame.style.hide(axis="index").format(escape="latex")
    styler = styler.format_index(escape="latex", axis="columns")
    of_sentences = rf"p{{{0.8 / max(1, len(frame.columns) - 1):.2f}\linewidth}}"
    columns = "l" + of_sentences * (len(frame.columns) - 1) if prose else None
    return str(
        styler.to_latex(
            hrules=True, caption=caption, position="htbp", column_format=columns
        )
    )


def _shown_by_reader(result: QuestionResult) -> bool:
    few = result.table.k <= _MOST_CATEGORIES_BY_READER
    return few and result.pairs.by_reader is not None
