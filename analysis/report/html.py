"""One self-contained page that shows all results."""

import base64
import re
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import jinja2
import pandas as pd

from analysis.report import frames as report_frames
from analysis.report.methods import INCOMPLETE, cited, methods_paragraphs
from analysis.report.question import QuestionResult
from analysis.report.results import StudyResults

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analysis.reproduction import Reproduction


def report_html(
    study: StudyResults,
    figures: "Mapping[str, bytes]",
    reproduction: "Reproduction | None" = None,
    frames: report_frames.ReportFrames | None = None,
) -> str:
    """Render the page.

    Args:
        study: What to report.
        figures: SVG files by name: `forest`, `agreement_charts`, and `power` with a
            reproduction.
        reproduction: The paper's figures to show beside the computed ones.
        frames: Tables of the study, if computed before.
    """
    frames = frames or report_frames.ReportFrames.of(study)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("analysis.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    environment.filters["unbroken"] = unbroken
    return environment.get_template("report.html.j2").render(
        study=study,
        level=f"{100 * study.confidence_level:g}",
        version=version("magic-ctp"),
        reproduction=reproduction,
        table_one=frames.table_one,
        figures={
            name: base64.b64encode(svg).decode("ascii") for name, svg in figures.items()
        },
        questions=[_question(study, result) for result in study.questions],
        power_tables=_power_tables(reproduction),
        recovered_tables=_recovered_tables(reproduction),
        reasons=frames.reasons,
        analysed_sections=[s for s in study.sections if s.refused is None],
        references=cited(study.sections),
        incomplete_text=INCOMPLETE[study.incomplete],
        methods=methods_paragraphs(study),
    )


_INTERVAL = re.compile(r"\[(-?[\d.]+%?), (-?[\d.]+%?)\]")


def unbroken(cell: object) -> str:
    r"""Write a cell so that no line ends within an interval.

    Examples:
        >>> unbroken("0.52 [-0.10, 0.93]")
        '0.52 [-0.10,\xa00.93]'
    """
    return _INTERVAL.sub("[\\1,\N{NO-BREAK SPACE}\\2]", str(cell))


def _power_tables(reproduction: "Reproduction | None") -> dict[str, pd.DataFrame]:
    if reproduction is None:
        return {}
    return {
        question: report_frames.power_table(figures)
        for question, figures in reproduction.power_figures.items()
        if figures[0].refused is None
    }


def _recovered_tables(reproduction: "Reproduction | None") -> pd.DataFrame:
    recovered = reproduction.recovered if reproduction else []
    return pd.DataFrame(
        [
            {
                "Question": table.question.id,
                "Tables that fit totals and agreements": str(table.n_by_margins),
                "and the interval of kappa": str(table.n_by_kappa),
                "and the counts of each reader": str(len(table.fitting)),
                "Table": str(table.table.counts.tolist()),
            }
            for table in recovered
        ]
    )


def _question(study: StudyResults, result: QuestionResult) -> dict[str, Any]:
    question, table = result.pairs.question, result.table
    return {
        "id": question.id,
        "text": question.text,
        "reason": result.kappa.undefined_reason,
        "n": table.n,
        "n_incomplete": result.pairs.n_incomplete,
        "n_one": result.pairs.n_one_answer,
        "n_none": result.pairs.n_no_answer,
        "codes": question.codes,
        "rows": [
            {
                "label": f"{code} {label}",
                "counts": counts,
                "index": index,
                "total": sum(counts),
            }
            for index, (code, label, counts) in enumerate(
                zip(question.codes, question.labels, table.counts.tolist(), strict=True)
            )
        ],
        "column_totals": table.column_totals.tolist(),
        "coefficients": report_frames.coefficient_table(result, study.confidence_level),
        "tests": report_frames.test_table(result),
        "by_reader": None
        if result.pairs.by_reader is None
        else report_frames.counts_by_reader(study, result),
    }
