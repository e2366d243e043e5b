"""The page in front: what was studied, what the plan asked, and what was found."""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from analysis.charts.forest import ForestRow, forest_plot
from analysis.report import answers, formatting, setting
from analysis.report.endpoints import PlanAnswered, answer_plan
from analysis.report.estimates import name_of
from analysis.report.question import QuestionResult
from analysis.report.section import (
    ARBITRARY_CASES,
    Picture,
    ReportContext,
    Setting,
    Table,
)
from reader_study.formats.plan import AnalysisPlan

CROSSED = "readers and patients random"
_MOST_QUESTIONS = 14
_LONGEST_QUESTION = 58
_SHOWN_OF_HASH = 16


@dataclass(frozen=True)
class Front:
    """One page for who reads one page.

    Attributes:
        facts: What was studied, by heading.
        plan: Where the plan comes from, and what is a claim.
        primary: Sentences that answer the primary endpoint.
        meaning: What intervals say here, and what agreement does not.
        picture: Of the primary endpoint; of every question where there is none.
        family: Endpoints after it, None where there are none.
        remarks: What must be said of the endpoints.
        questions: Every question, readers and patients random.
        deviations: What went otherwise than planned.
        methods: Sentences on how it was computed, ready for a paper.
        references: Keys of `analysis.report.methods` behind them.
        content: Numbers, unrounded, for results.json.
    """

    facts: Mapping[str, str]
    plan: str
    primary: tuple[str, ...]
    meaning: str
    picture: Picture
    family: Table | None
    remarks: tuple[str, ...]
    questions: Table
    deviations: tuple[str, ...]
    methods: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    content: Mapping[str, Any] = field(default_factory=dict)


def front_of(context: ReportContext) -> Front:
    """Answer the plan of a study of two methods and say what was studied."""
    answered = answer_plan(context)
    own = Own(
        facts=setting.facts(context, setting.two_methods(context.responses)),
        meaning=_meaning(context),
        picture=_picture(context, answered),
        questions=_questions(context),
        deviations=setting.deviations(
            context,
            [*setting.of_methods(context), *setting.of_pairs(context.questions)],
        ),
    )
    first = [answers.endpoint_json(one) for one in answered.primaries]
    primary = {"result": next(iter(first), None)}
    return front_from(context, answered, own, primary)


@dataclass(frozen=True)
class Own:
    """What the page says that depends on how many methods there are."""

    facts: Mapping[str, str]
    meaning: str
    picture: Picture
    questions: Table
    deviations: tuple[str, ...]


def front_from(
    context: Setting, answered: PlanAnswered, own: Own, primary: Mapping[str, Any]
) -> Front:
    """Return the page of a study whose plan is answered.

    Args:
        context: The study.
        answered: Its plan.
        own: What depends on its methods.
        primary: Of results.json, what the primary endpoint says.
    """
    plan = context.plan
    return Front(
        facts=own.facts,
        plan=plan_in_words(plan, answered),
        primary=_primary(plan, answered),
        meaning=own.meaning,
        picture=own.picture,
        family=answers.family_table(answered),
        remarks=answered.left_out,
        questions=own.questions,
        deviations=own.deviations,
        methods=_methods(plan, answered),
        references=_references(answered),
        content=_content(plan, answered, primary),
    )


def plan_in_words(plan: AnalysisPlan, answered: PlanAnswered) -> str:
    """Return where the plan comes from, and what is a claim on this page."""
    origin = origin_of_plan(plan)
    if not plan.prespecified:
        return origin
    claims = any(one.endpoint.claim != "estimate" for one in answered.results)
    if not claims and (answered.closed or answered.left_out):
        return f"{origin} None of its claims can be judged on these readings."
    if not claims:
        return f"{origin} It makes no claim; every result is an estimate."
    return (
        f"{origin} Only the endpoints that it names are claims, together at an error "
        f"of {100 * answered.alpha:g} %; all else is exploratory."
    )


def origin_of_plan(plan: AnalysisPlan) -> str:
    """Return as a sentence whether the plan was fixed before anyone read."""
    if not plan.prespecified:
        return (
            "No plan lay beside the readings: nothing was planned, and everything here "
            "is exploratory."
        )
    if plan.seal == "holds":
        registered = (
            " The registered text beside the readings (SHA-256 "
            f"{plan.registration_sha256[:_SHOWN_OF_HASH]}) names this protocol."
        )
        return (
            "Fixed before the study was built, in the sealed protocol (SHA-256 "
            f"{plan.protocol_sha256[:_SHOWN_OF_HASH]})."
            f"{registered if plan.registered == 'same' else ''}"
        )
    if plan.seal == "broken":
        return "As stated in plan.json, which is not the plan of the sealed protocol."
    return (
        "As stated in plan.json; that it is older than the readings cannot be verified "
        "here."
    )


def _primary(plan: AnalysisPlan, answered: PlanAnswered) -> tuple[str, ...]:
    if not plan.prespecified:
        return ("No primary endpoint was planned; the table has every question.",)
    result = answered.primary
    if result is None:
        return (answered.missing or "The plan names no primary endpoint.",)
    if len(answered.primaries) > 1:
        said = [*answers.compared(answered.primaries)]
    else:
        found, meaning = answers.statements(result)
        said = [found, answers.verdict(result), meaning]
    if answered.primary_text:
        said.append(
            f'The plan has it in words, "{answered.primary_text.strip()}", which was '
            f"understood as {name_of(result.endpoint)} of {result.question.id}."
        )
    cautions = dict.fromkeys(
        c for of in answered.primaries for c in of.estimate.cautions
    )
    if cautions:
        said.append(f"Caution: {'; '.join(cautions)}.")
    return tuple(said)


def _meaning(context: ReportContext) -> str:
    accuracy = "Agreement between methods is not accuracy: both can be wrong together."
    if _crossed(context):
        return (
            "Intervals say what other readers and other patients of the same kind "
            f"could have given. {accuracy}"
        )
    return f"Intervals take pairs as independent, so they are too narrow. {accuracy}"


def _crossed(context: ReportContext) -> bool:
    return all(result.crossed for result in context.questions)


def _picture(context: ReportContext, answered: PlanAnswered) -> Picture:
    """Return the figure of the primary endpoint, else that of every question."""
    if answered.primary is not None and answered.primary.estimate.n:
        return answers.primary_picture(answered.primaries)
    taken = CROSSED if _crossed(context) else "pairs as independent"
    return Picture(
        "primary",
        partial(_draw_questions, context),
        "Cohen's kappa of every question with its interval",
        f"Cohen's kappa of every question, {taken}.",
    )


def _draw_questions(context: ReportContext) -> Figure:
    level, rows = context.confidence_level, []
    for result in context.questions[:_MOST_QUESTIONS]:
        kappa = result.crossed.kappa if result.crossed else result.kappa
        interval = kappa.confidence_interval(level)
        rows.append(ForestRow(result.pairs.question.id, kappa.estimate, interval))
    figure = Figure(figsize=(4.2, 0.75 + 0.17 * len(rows)), layout="constrained")
    xlabel = f"Cohen's kappa, {100 * level:g}% CI"
    ax = forest_plot(rows, figure.subplots(), xlabel=xlabel, reference=0)
    ax.tick_params(labelsize=7)
    return figure


def _questions(context: ReportContext) -> Table:
    level = f"{100 * context.confidence_level:g}%"
    shown = context.questions[:_MOST_QUESTIONS]
    known = _crossed(context)
    taken = CROSSED if known else "pairs as independent"
    frame = pd.DataFrame([_row(result, context, level) for result in shown])
    said = "Exploratory, but for what the plan names." if known else ARBITRARY_CASES
    notes = [f"In brackets {level} confidence intervals. {said}"]
    if len(context.questions) > len(shown):
        rest = len(context.questions) - len(shown)
        notes.append(f"{setting.counted(rest, 'more question')} in the supplement.")
    test, reference = context.responses.test, context.responses.reference
    return Table(
        "questions",
        f"{reference} against {test}: same answer, agreement beyond chance; {taken}",
        frame,
        tuple(notes),
    )


def _row(result: QuestionResult, context: ReportContext, level: str) -> dict[str, str]:
    question, crossed = result.pairs.question, result.crossed
    at = context.confidence_level
    text = textwrap.shorten(question.text, _LONGEST_QUESTION, placeholder=" ...")
    if crossed is None:
        agreement = formatting.format_percent(result.percent, at)
        kappa = formatting.format_coefficient(result.kappa, at)
    else:
        agreement = formatting.format_share(crossed.agreement, at, 2)
        kappa = formatting.format_clustered(crossed.kappa, at)
    return {
        "Question": formatting.neutralise(f"{question.id} {text}"),
        "Pairs": str(result.percent.n),
        f"Same answer [{level}]": agreement,
        f"Cohen's kappa [{level}]": kappa,
    }


def _methods(plan: AnalysisPlan, answered: PlanAnswered) -> tuple[str, ...]:
    if not plan.prespecified:
        return ("No plan lay beside the readings; all results are exploratory.",)
    said = [f"Plan of analysis: {origin_of_plan(plan)}"]
    if answered.primary is not None:
        result, several = answered.primary, len(answered.primaries)
        shared = (
            f", in {several} comparisons with the reference method, which shared the "
            "error by Holm's step-down method {holm}"
        )
        said.append(
            f"The primary endpoint was {name_of(result.endpoint)} of "
            f"{result.question.id} ({answers.planned(result)})"
            f"{shared if several > 1 else ''}."
        )
    claims = [one for one in answered.family if one.adjusted is not None]
    if claims:
        shared = {
            "holm": "Holm's step-down method {holm}",
            "fixed_sequence": "a fixed sequence",
        }[answered.multiplicity]
        said.append(
            f"{setting.counted(len(claims), 'further claim')} shared the error of "
            f"{100 * answered.alpha:g} % by {shared}, after the claim of the primary "
            "endpoint where it had one; p-values of one-sided claims are doubled, and "
            "that of equivalence is the larger of two one-sided tests."
        )
    said.append(
        "Decisions were made at the level of the plan, "
        f"{100 * plan.confidence_level:g} %."
    )
    return tuple(said)


def _references(answered: PlanAnswered) -> tuple[str, ...]:
    adjusted = any(one.adjusted is not None for one in answered.family)
    by_holm = adjusted and answered.multiplicity == "holm"
    return ("holm",) if by_holm or len(answered.primaries) > 1 else ()


def _content(
    plan: AnalysisPlan, answered: PlanAnswered, primary: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "plan": {
            "prespecified": plan.prespecified,
            "sealed": plan.seal == "holds",
            "protocol_sha256": plan.protocol_sha256 or None,
            "confidence_level": plan.confidence_level,
            **_registered(plan),
        },
        "primary": {
            "text": answered.primary_text or None,
            "missing": answered.missing,
            **primary,
        },
        "family": {
            "multiplicity": answered.multiplicity,
            "alpha": answered.alpha,
            "implied": answered.implied,
            "left_out": list(answered.left_out),
            "endpoints": [answers.endpoint_json(one) for one in answered.family],
        },
    }


def _registered(plan: AnalysisPlan) -> dict[str, str]:
    """Return what results.json says of a registered text; nothing without one."""
    if plan.registered == "none":
        return {}
    return {
        "registered": plan.registered,
        "registration_sha256": plan.registration_sha256,
    }
