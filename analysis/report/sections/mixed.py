"""Ordinal mixed model: which way the method moves answers, reader and case apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis import mixed_models
from analysis.report import formatting
from analysis.report.section import ARBITRARY_CASES, ReportContext, Section, Table
from analysis.responses import Question, Responses

ID = "mixed"
TITLE = "Ordinal mixed model"
METHOD = "method"
GROUPINGS = ("reader", "case", "reader:case")
_LONGEST_LABEL = 20
_MOST_VIEWS = 500
"""Of readers on cases; the time of a fit grows with the cube of their number."""


@dataclass(frozen=True)
class QuestionModel:
    """The model of one question.

    Attributes:
        model: As fitted.
        test: Of the method's effect.
        unused: Answers of the scale that nobody gave, left out of it.
        dropped: Why readers' views of single cases are not in the model, else None.
    """

    model: mixed_models.OrdinalMixedModel
    test: mixed_models.LikelihoodRatioTest
    unused: tuple[str, ...] = ()
    dropped: str | None = None


def mixed_section(context: ReportContext) -> Section | None:
    """Return the odds ratio of the test method for each question."""
    if len(context.responses.readers) < 2:
        return None
    if context.provenance == "reconstructed":
        return Section(ID, TITLE, refused=ARBITRARY_CASES)
    level, questions = context.confidence_level, context.responses.questionnaire
    found = {q.id: question_model(context.responses, q) for q in questions}
    test = context.responses.test
    return Section(
        ID,
        TITLE,
        findings=_findings(found, test, level),
        tables=(
            Table(
                "ordinal_mixed_model",
                f"Odds ratio of an answer further along the scale with {test}, with "
                f"{100 * level:g} % confidence interval",
                pd.DataFrame([_row(q, found[q.id], level) for q in questions]),
                _notes(found),
            ),
        ),
        methods=(
            "Each question was given a cumulative logit model with method as a fixed "
            "effect and crossed random intercepts of reader, case and, where the "
            "data support it, reader by case, fitted by Laplace's approximation "
            "{pinheiro_chao}; intervals are Wald's, the p-value is that of the "
            "likelihood ratio test. Models without a finite maximum are reported as "
            "such {albert_anderson}.",
        ),
        references=("pinheiro_chao", "albert_anderson"),
        content={name: _json(of, level) for name, of in found.items()},
    )


def question_model(responses: Responses, question: Question) -> QuestionModel:
    """Fit the model with readers' views of single cases, or without if need be."""
    readings = [r for r in responses.readings if question.id in r.answers]
    answers = [reading.answers[question.id] for reading in readings]
    used = [code for code in question.codes if code in set(answers)]
    position = {code: place for place, code in enumerate(used)}
    columns: dict[str, ArrayLike] = {
        "reader": [reading.reader for reading in readings],
        "case": [reading.case for reading in readings],
    }
    views = mixed_models.crossing(*columns.values())
    both = {**columns, "reader:case": views}
    fixed = {METHOD: [float(r.method == responses.test) for r in readings]}
    y = np.array([position[answer] for answer in answers], dtype=np.int64)
    model, dropped = mixed_models.fit(y, fixed, columns), None
    if len(np.unique(views)) > _MOST_VIEWS:
        dropped = f"with more than {_MOST_VIEWS} of them it is not tried"
    elif model.undefined_reason is None:
        larger = mixed_models.fit(y, fixed, both)
        dropped = larger.undefined_reason
        if not larger.group_sds["reader:case"]:
            dropped = "its variance is estimated as 0"  # then both models are the same
        model = model if dropped else larger
    unused = tuple(
        label
        for code, label in zip(question.codes, question.labels, strict=True)
        if code not in position
    )
    return QuestionModel(
        model, mixed_models.likelihood_ratio_test(model, METHOD), unused, dropped
    )


def _findings(
    found: Mapping[str, QuestionModel], test: str, level: float
) -> tuple[str, ...]:
    fitted = [n for n, of in found.items() if of.model.undefined_reason is None]
    if not fitted:
        return ("No question supports the model; the table says why.",)
    moved = [n for n in fitted if found[n].test.p_value < 1 - level]
    return (
        f"{test} moves answers along the scale at the {100 * (1 - level):.3g} % level "
        f"in: {', '.join(moved) or 'none'} (of {len(fitted)} questions with a model, "
        "no correction for their number).",
        "The model tells whether one method draws other answers on the whole, not "
        "whether the methods agree.",
    )


def _row(question: Question, of: QuestionModel, level: float) -> dict[str, str]:
    model = of.model
    row = {
        "Question": formatting.neutralise(question.id),
        "Answers": str(model.n),
        "Further along is": formatting.neutralise(_last(question)),
    }
    if model.undefined_reason:
        spread = {_sd(name): "" for name in GROUPINGS}
        return row | {"Odds ratio": "not estimable", "p": "", **spread}
    ratio = model.odds_ratio(METHOD, level)
    low, high = (formatting.format_estimate(x, 2) for x in (ratio.low, ratio.high))
    odds = f"{formatting.format_estimate(ratio.estimate, 2)} [{low}, {high}]"
    spread = {
        _sd(name): formatting.format_estimate(model.group_sds[name], 2)
        if name in model.group_sds
        else "left out"
        for name in GROUPINGS
    }
    return row | {
        "Odds ratio": odds,
        "p": formatting.format_p(of.test.p_value),
        **spread,
    }


def _sd(grouping: str) -> str:
    return f"SD, {grouping}"


def _last(question: Question) -> str:
    code, label = question.codes[-1], question.labels[-1]
    return label if len(label) <= _LONGEST_LABEL else f"code {code}"


def _notes(found: Mapping[str, QuestionModel]) -> tuple[str, ...]:
    notes = ["SD: standard deviation of the random intercepts, in log odds."]
    said: dict[str, list[str]] = {}
    for name, of in found.items():
        for reason in _remarks(of):
            said.setdefault(reason, []).append(name)
    notes += [f"{', '.join(names)}: {reason}." for reason, names in said.items()]
    return tuple(notes)


def _remarks(of: QuestionModel) -> Sequence[str]:
    remarks = [
        f'nobody answered "{label}", so the scale is without it' for label in of.unused
    ]
    if of.model.undefined_reason:
        return [*remarks, f"not estimable: {of.model.undefined_reason}"]
    if of.dropped:
        remarks.append(f"without reader:case: {of.dropped}")
    return [*remarks, *of.model.cautions]


def _json(of: QuestionModel, level: float) -> formatting.Json:
    model = of.model
    ratio, coefficient = model.odds_ratio(METHOD, level), model.coefficients[METHOD]
    return {
        "odds_ratio": formatting.number(ratio.estimate),
        "low": formatting.number(ratio.low),
        "high": formatting.number(ratio.high),
        "log_odds_ratio": formatting.number(coefficient.estimate),
        "standard_error": formatting.number(coefficient.standard_error),
        "likelihood_ratio": formatting.number(of.test.statistic),
        "p_value": formatting.number(of.test.p_value),
        "standard_deviations": {
            n: formatting.number(sd) for n, sd in model.group_sds.items()
        },
        "n_answers": model.n,
        "unused_answers": list(of.unused),
        "reader_by_case_left_out": of.dropped,
        "undefined_reason": model.undefined_reason,
        "cautions": list(model.cautions),
    }
