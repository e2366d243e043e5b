"""The page in front of a study by method, and what it says to the checklists."""

import textwrap
from collections.abc import Iterator
from functools import partial

import pandas as pd
from matplotlib.figure import Figure

from analysis.charts.forest import ForestRow, forest_plot
from analysis.multireader import ClusteredEstimate
from analysis.questions.arms import WithinReader
from analysis.report import answers, checklist, formatting, front, setting
from analysis.report.arms import results
from analysis.report.endpoints import PlanAnswered, answer_study
from analysis.report.estimates import PlannedStudy
from analysis.report.section import Picture, Section, Table
from reader_study.formats.endpoint import Endpoint
from reader_study.formats.responses import ONE_METHOD

_MOST_ROWS = 14
_MOST_CONTRASTS = 4
_FEW_CONTRASTS = 2
_LONGEST_QUESTION = 44
_SHORT_QUESTION = 30
_ACCURACY = "Agreement is not accuracy: all can be wrong together."


def front_of(study: results.ArmsResults) -> front.Front | None:
    """Answer the plan and say what was studied.

    None where it is not known which case an answer belongs to, so that nothing can be
    said of agreement.
    """
    if study.provenance == "reconstructed":
        return None
    context = study.context
    planned = PlannedStudy.of_arms(context.rated, context.plan)
    answered = answer_study(planned)
    own = front.Own(
        facts=setting.facts(context, _methods(study)),
        meaning=_meaning(study),
        picture=_picture(study, answered),
        questions=_questions(study),
        deviations=setting.deviations(context, _deviations(study, planned)),
    )
    primary = {"results": [answers.endpoint_json(one) for one in answered.primaries]}
    return front.front_from(context, answered, own, primary)


def _methods(study: results.ArmsResults) -> str:
    named = [arm.method for arm in study.arms if arm.method != ONE_METHOD]
    if len(named) < 2:
        return "".join(named)
    reference = _reference(study)
    others = [name for name in named if name != reference]
    return f"{reference} (reference), {' and '.join(others)}"


def _reference(study: results.ArmsResults) -> str:
    """Return the plan's reference method, else the first of the file."""
    methods = [arm.method for arm in study.arms]
    planned = study.context.plan.reference
    return planned if planned in methods else methods[0]


def _meaning(study: results.ArmsResults) -> str:
    taken = {
        1: "Intervals say what other patients of the same kind could have given this "
        "reader.",
        2: "Between readers, intervals say what other patients of the same kind could "
        "have given these two.",
    }
    beyond = (
        "Intervals say what other readers and other patients of the same kind could "
        "have given."
    )
    said = taken.get(len(study.readers), beyond)
    return f"{said} {_ACCURACY}"


def _picture(study: results.ArmsResults, answered: PlanAnswered) -> Picture:
    """Return the figure of the primary endpoint, else that of every question."""
    if answered.primaries and answered.primaries[0].estimate.n:
        return answers.primary_picture(answered.primaries)
    kappas = list(_kappas(study))
    left = f" The first {_MOST_ROWS} of {len(kappas)}." if kappas[_MOST_ROWS:] else ""
    return Picture(
        "primary",
        partial(_draw, kappas[:_MOST_ROWS], _kappa(study), study.confidence_level),
        f"{_kappa(study)} of every question with its interval",
        f"{_kappa(study)} of every question, {_random(study)}.{left}",
    )


def _kappa(study: results.ArmsResults) -> str:
    between = len(study.readers) > 1 and not study.contrasts
    return "Fleiss' kappa between readers" if between else "Cohen's kappa"


def _random(study: results.ArmsResults) -> str:
    n = len(study.readers)
    if n > 2 or (n == 2 and study.contrasts):
        return front.CROSSED
    return "patients random"


def _kappas(study: results.ArmsResults) -> Iterator[tuple[str, ClusteredEstimate]]:
    for contrast in _contrasts(study):
        for name, kappa in contrast.kappa.items():
            yield f"{name}  {_other(study, contrast)}", kappa
    if study.contrasts:
        return
    for asked in study.arms[0].questions:
        if asked.between.coefficients:
            yield asked.question.id, asked.between.coefficients["fleiss_kappa"]
        elif asked.within:
            yield asked.question.id, asked.within.kappa


def _contrasts(study: results.ArmsResults) -> list[results.Contrast]:
    """Return the contrasts with the reference method."""
    reference = _reference(study)
    return [of for of in study.contrasts if reference in {of.reference, of.test}]


def _draw(
    kappas: list[tuple[str, ClusteredEstimate]], name: str, level: float
) -> Figure:
    rows = [
        ForestRow(
            textwrap.shorten(label, 26, placeholder="..."),
            kappa.estimate,
            kappa.confidence_interval(level),
        )
        for label, kappa in kappas
    ]
    figure = Figure(figsize=(4.2, 0.75 + 0.17 * len(rows)), layout="constrained")
    xlabel = f"{name}, {100 * level:g}% CI"
    ax = forest_plot(rows, figure.subplots(), xlabel=xlabel, reference=0)
    ax.tick_params(labelsize=7)
    return figure


def _questions(study: results.ArmsResults) -> Table:
    """Return every question: of contrasts, of readers, else of repeat readings."""
    level = f"{100 * study.confidence_level:g}%"
    if study.contrasts:
        rows = list(_contrast_rows(study))
        caption = f"Methods against {_reference(study)}"
    else:
        rows = list(_rows_of_one(study, level))
        caption = "Agreement between readers"
        if len(study.readers) < 2:
            caption = "First and second reading"
        elif study.repeated:
            caption += ", and of readers with themselves"
    notes = [f"In brackets {level} confidence intervals. {_exploratory(study)}"]
    for left, noun in (
        (len(rows) - _MOST_ROWS, "more question"),
        (len(_contrasts(study)) - _MOST_CONTRASTS, "more method"),
    ):
        if left > 0:
            notes.append(f"{setting.counted(left, noun)} after this page.")
    return Table(
        "questions",
        f"{caption}: same answer, agreement beyond chance; {_random(study)}",
        pd.DataFrame(rows[:_MOST_ROWS]),
        tuple(notes),
    )


def _exploratory(study: results.ArmsResults) -> str:
    planned = study.context.plan.prespecified
    return "Exploratory, but for what the plan names." if planned else "Exploratory."


def _asked(asked: results.QuestionInArm, *, short: bool = False) -> str:
    most = _SHORT_QUESTION if short else _LONGEST_QUESTION
    text = textwrap.shorten(asked.question.text, most, placeholder=" ...")
    return formatting.neutralise(f"{asked.question.id} {text}")


def _contrast_rows(study: results.ArmsResults) -> Iterator[dict[str, str]]:
    """Yield a row a question, with columns for each method but the reference."""
    at, contrasts = study.confidence_level, _contrasts(study)
    few = len(contrasts) <= _FEW_CONTRASTS
    for asked in study.arms[0].questions:
        row, name = {"Question": _asked(asked, short=True)}, asked.question.id
        for of in contrasts[:_MOST_CONTRASTS]:
            other = formatting.neutralise(_other(study, of))
            if few:
                row |= {
                    f"{other}: same answer": formatting.format_share(
                        of.agreement[name], at
                    )
                }
            row[f"{other}: kappa"] = formatting.format_clustered(of.kappa[name], at)
        yield row


def _other(study: results.ArmsResults, contrast: results.Contrast) -> str:
    reference = _reference(study)
    return contrast.test if contrast.reference == reference else contrast.reference


def _rows_of_one(study: results.ArmsResults, level: str) -> Iterator[dict[str, str]]:
    at = study.confidence_level
    for asked in study.arms[0].questions:
        row = {"Question": _asked(asked)}
        if asked.between.coefficients:
            row |= _between(asked, level, at)
        if asked.within and asked.between.coefficients:
            again = f"Same reader again, kappa [{level}]"
            row[again] = formatting.format_clustered(asked.within.kappa, at)
        elif asked.within:
            row |= _within(asked.within, level, at)
        yield row


def _between(asked: results.QuestionInArm, level: str, at: float) -> dict[str, str]:
    found = asked.between.coefficients
    alike, kappa = found["percent_agreement"], found["fleiss_kappa"]
    return {
        "Patients": str(asked.between.n_cases),
        f"Same answer [{level}]": formatting.format_share(alike, at),
        f"Fleiss' kappa [{level}]": formatting.format_clustered(kappa, at),
    }


def _within(within: WithinReader, level: str, at: float) -> dict[str, str]:
    return {
        "Pairs": str(within.pairs.n),
        f"Same answer [{level}]": formatting.format_share(within.agreement, at),
        f"Cohen's kappa [{level}]": formatting.format_clustered(within.kappa, at),
    }


def _deviations(study: results.ArmsResults, planned: PlannedStudy) -> Iterator[str]:
    yield from _of_methods(study, planned)
    asked = study.arms[0].questions
    given = {
        one.question.id: sum(
            arm.questions[place].between.n_answers for arm in study.arms
        )
        for place, one in enumerate(asked)
    }
    n = sum(arm.n_readings for arm in study.arms)
    missing = {name: n - number for name, number in given.items()}
    yield from setting.incomplete("Answers not given", missing)
    for arm in study.arms:
        full = len(arm.readers) * arm.n_cases
        if arm.n_readings < full:
            under = f" under {arm.method}" if arm.method != ONE_METHOD else ""
            yield (
                f"Not every reader read every patient{under}: {arm.n_readings} of "
                f"{full} readings are there."
            )


def _of_methods(study: results.ArmsResults, planned: PlannedStudy) -> Iterator[str]:
    """Yield which planned methods are not there, and which are there unplanned."""
    plan = planned.plan
    if not plan.prespecified or len(study.arms) < 2:
        return
    compared = {plan.reference, *(of.test for of in planned.contrasts)}
    tests = plan.tests or (plan.test,)
    if not planned.contrasts:
        if _compares(plan.primary, plan.endpoints):
            yield (
                f"The plan compares {plan.reference} (reference) with "
                f"{' and '.join(tests)}, of which this file does not hold both."
            )
        return
    absent = [name for name in plan.tests if name not in planned.methods]
    if absent:
        yield f"Planned, but not in this file: {', '.join(absent)}."
    further = [name for name in planned.methods if name not in compared]
    if further:
        yield (
            f"Not named by the plan, so exploratory: {', '.join(further)} against "
            f"{plan.reference}."
        )


def _compares(primary: Endpoint | str, endpoints: tuple[Endpoint, ...]) -> bool:
    named = [one for one in (primary, *endpoints) if isinstance(one, Endpoint)]
    return any(not one.of_one_method for one in named)


def checklist_of(study: results.ArmsResults) -> Section:
    """Return GRRAS and what CLAIM and STARD-AI ask, as far as known."""
    several = len(study.arms) > 1
    methods = _methods(study)
    level = f"{100 * study.confidence_level:g} % confidence intervals"
    told = {
        "missing": "Answers that were not given are left out, of that question only.",
        "uncertainty": f"{level}, {_random(study)}; see Methods.",
        "variability": _variability(study),
        "sensitivity": "Five coefficients, each for other readers and for these: in "
        "this report."
        if len(study.readers) > 2
        else "",
    }
    if several:
        told["reference"] = (
            f"{_reference(study)} is the method compared with, not a truth: agreement "
            "between methods is not accuracy. Why it was chosen is the authors' to say."
        )
    said = checklist.Told(
        methods=f"Method{'s' if several else ''}: {methods}." if methods else "",
        estimates=_estimates(study),
        readers=told,
    )
    return checklist.section_of(study.context, said)


def _variability(study: results.ArmsResults) -> str:
    within = (
        "Within readers, of cases that were read again: in this report."
        if study.repeated
        else "Within readers on the same picture: not measured, nothing was read again."
    )
    between = "Between readers: in this report. " if len(study.readers) > 1 else ""
    return f"{between}{within}"


def _estimates(study: results.ArmsResults) -> str:
    level = study.confidence_level
    said = "; ".join(
        f"{label} {formatting.format_clustered(kappa, level)}"
        for label, kappa in _kappas(study)
    )
    return f"{_kappa(study)} [{100 * level:g} % CI], {_random(study)}: {said}."
