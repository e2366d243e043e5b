"""The script that computes the headline again in R, and what it should find.

Table 1 of two methods, pairs as independent, and the estimate of the primary endpoint,
by the packages vcd and psych. The same code as a Quarto document is there to be edited.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from analysis.api import Study
from analysis.deposit.readings import Deposited
from analysis.report.endpoints import EndpointResult, answer_plan
from analysis.report.results import analyse_questions
from analysis.report.section import ReportContext
from analysis.responses.scales import on_scales
from reader_study.formats.delimited import csv_text
from reader_study.formats.rating import rated

_COLUMNS = ("question", "figure", "program")
_WEIGHTS = {"linear": '"Equal-Spacing"', "quadratic": '"Fleiss-Cohen"'}
_HEADING = re.compile(r"^## (.+)\n", re.MULTILINE)


class Recomputed:
    """The headline of a study of two methods, for R.

    Attributes:
        script: Text of analysis.R.
        document: Text of analysis.qmd.
        expected: Text of expected.csv: by question and figure what the program found.
    """

    def __init__(self, study: Study, deposit: Deposited) -> None:
        """Write both, and the figures of Table 1 and of the primary endpoint."""
        level, incomplete = study.chosen.over(study.plan)
        found = on_scales(study.responses)
        asked = [question for question in deposit.questionnaire if question.on_scale]
        ids = {question.id for question in asked}  # not of several: no column is theirs
        questions = [
            result
            for result in analyse_questions(found, incomplete)
            if result.pairs.question.id in ids
        ]
        context = ReportContext(found, study.plan, questions, level)
        rated_too = replace(context, responses=study.responses)
        primary = _primary(rated_too)  # a number or a place on a line may rate
        methods = (study.responses.reference, study.responses.test)
        values = {
            "title": study.plan.title or f"Agreement between {' and '.join(methods)}",
            "reference": methods[0],
            "test": methods[1],
            "level": level,
            "disagree": incomplete == "disagree",
            "questions": asked,
            "primary": {} if primary is None else _for_r(primary, rated_too),
        }
        template = _templates().get_template("analysis.R.j2")
        self.script = f"{template.render(values).rstrip()}\n"
        self.document = _as_quarto(self.script)
        self.expected = csv_text(_COLUMNS, _expected(context, primary))


def _templates() -> Environment:
    loader = PackageLoader("analysis.deposit")
    found = Environment(loader=loader, undefined=StrictUndefined, autoescape=False)  # noqa: S701 - R, not HTML
    found.filters["r"] = r_text
    found.filters["r_name"] = lambda name: f"`{name}`"
    found.filters["one_line"] = lambda text: " ".join(str(text).split())
    return found


def r_text(text: object) -> str:
    r"""Return a text as R reads it.

    Examples:
        >>> print(r_text('say "no"\n'))
        "say \"no\"\n"
    """
    return json.dumps(str(text), ensure_ascii=False)


def _primary(context: ReportContext) -> EndpointResult | None:
    """Return the primary endpoint, None where there is none that R computes."""
    found = answer_plan(context).primary
    if found is None or found.endpoint.of_one_method:
        return None
    own = found.endpoint.measure == "weighted_kappa" and found.endpoint.weights == "own"
    return None if own or math.isnan(found.estimate.estimate) else found


def _for_r(found: EndpointResult, context: ReportContext) -> dict[str, str]:
    endpoint, plan = found.endpoint, context.plan
    given = {
        "question": r_text(endpoint.question),
        "measure": r_text(endpoint.measure),
        "low": _number(found.interval.low),
        "high": _number(found.interval.high),
    }
    if endpoint.measure == "weighted_kappa":
        given["weights"] = _WEIGHTS[endpoint.weights]
    if endpoint.measure == "acceptability":
        codes = ", ".join(r_text(code) for code in plan.acceptable_codes)
        given["acceptable"] = f"c({codes})"
    if endpoint.measure == "agreement":
        given["open_disagrees"] = str(plan.incomplete_pairs == "disagree").upper()
    if endpoint.measure in {"sensitivity", "specificity"}:
        responses = context.responses
        threshold = rated(responses.readings, responses.questionnaire, plan).threshold
        given["threshold"] = f"{threshold!r}"
    return given


def _number(value: float) -> str:
    return "NA" if math.isnan(value) else repr(float(value))


def _expected(
    context: ReportContext, primary: EndpointResult | None
) -> Iterator[Mapping[str, Any]]:
    level = context.confidence_level
    for result in context.questions:
        share = result.percent.confidence_interval(level)
        kappa = result.kappa.confidence_interval(level)
        figures = {
            "pairs": result.percent.n,
            "agreement": result.percent.estimate,
            "agreement_low": share.low,
            "agreement_high": share.high,
            "kappa": result.kappa.estimate,
            "kappa_low": math.nan if kappa.caution else kappa.low,
            "kappa_high": math.nan if kappa.caution else kappa.high,
            "kappa_by_psych": result.kappa.estimate,
        }
        for name, value in figures.items():
            yield _row(result.pairs.question.id, name, value)
    if primary is not None:
        name = f"primary_{primary.endpoint.measure}"
        yield _row(primary.question.id, name, primary.estimate.estimate)


def _row(question: str, figure: str, value: float) -> dict[str, str]:
    return dict(zip(_COLUMNS, (question, figure, _number(value)), strict=True))


def _as_quarto(script: str) -> str:
    """Return the script as a document: its headings as text, its code in blocks."""
    opening, *parts = _HEADING.split(script)
    title, *said = (line.removeprefix("#").strip() for line in opening.splitlines())
    document = [
        "---",
        f"title: {json.dumps(title, ensure_ascii=False)}",
        "format: html",
        "execute: {echo: true, warning: false}",
        "---",
        "",
        *(line for line in said if line),
    ]
    for heading, code in zip(parts[::2], parts[1::2], strict=True):
        document += ["", f"## {heading}", "", "```{r}", code.strip(), "```"]
    return "\n".join([*document, ""])
