"""The plan answered: estimates of its endpoints, and which of its claims hold."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from analysis.intervals import ConfidenceInterval
from analysis.multiplicity import holm
from analysis.multireader import ClusteredEstimate
from analysis.report.estimates import (
    Alone,
    Estimated,
    Planned,
    PlannedStudy,
    Unanswerable,
    name_of,
)
from analysis.report.section import ARBITRARY_CASES, ReportContext
from reader_study.formats.endpoint import Endpoint, Multiplicity, misfit, understood
from reader_study.formats.questionnaire import Question

Decision = Literal["shown", "not shown", "cannot be judged", "estimated"]
_CHANCE = 0.5


@dataclass(frozen=True, eq=False)
class EndpointResult:
    """What the data say to one endpoint.

    Attributes:
        endpoint: As planned.
        question: That it is about.
        methods: Reference and test method, or the one that it is about.
        estimate: With readers and patients random.
        alone: The same of each reader, patients random, by name; between readers,
            without each of them.
        margin: Of its claim, its own or that of the plan.
        alpha: Error of the plan; every p-value is to be compared with it.
        p_value: Of the claim by itself; NaN where there is no claim or nothing can be
            said. That of a one-sided claim is doubled, so that a limit of the two-sided
            interval decides; that of equivalence is the larger of two one-sided ones.
        adjusted: The p-value with those of the plan's other endpoints considered; None
            where the plan adjusts nothing, so that no claim is made.
        chance: What the estimate is if nothing is told apart; None where its measure
            says so.
    """

    endpoint: Endpoint
    question: Question
    methods: tuple[str, ...]
    estimate: ClusteredEstimate
    alone: Alone
    margin: float | None
    alpha: float
    p_value: float
    adjusted: float | None = None
    chance: float | None = None

    @property
    def level(self) -> float:
        """Level of the interval that decides: smaller for equivalence."""
        tails = 2 if self.endpoint.claim == "equivalent" else 1
        return round(1 - tails * self.alpha, 12)

    @property
    def interval(self) -> ConfidenceInterval:
        """The interval that decides, at the level of the plan."""
        return self.estimate.confidence_interval(self.level)

    @property
    def null(self) -> float:
        """The value that means no difference, or chance."""
        if self.chance is not None:
            return self.chance
        return _CHANCE if self.endpoint.measure == "turing" else 0.0

    @property
    def limits(self) -> tuple[float, ...]:
        """The values that the interval must not reach for the claim to hold."""
        claim, margin = self.endpoint.claim, self.margin
        if claim == "at_least" and self.endpoint.above is not None:
            return (self.endpoint.above,)
        if claim == "non_inferior" and margin is not None:
            return (-margin,)
        if claim == "equivalent" and margin is not None:
            return (self.null - margin, self.null + margin)
        return (self.null,) if claim == "differs" else ()

    @property
    def decision(self) -> Decision:
        """Whether the claim is shown, all endpoints of the plan considered."""
        if self.endpoint.claim == "estimate" or self.adjusted is None:
            return "estimated"
        if math.isnan(self.p_value):
            return "cannot be judged"
        return "shown" if self.adjusted < self.alpha else "not shown"


@dataclass(frozen=True, eq=False)
class PlanAnswered:
    """The plan and what the data say to it.

    Attributes:
        primaries: The primary endpoint in each comparison; empty where there is none
            to compute.
        primary_text: The plan's words for it, where it has words.
        missing: Why there is no primary result, where one was planned.
        family: The endpoints after it, each in every comparison.
        left_out: Endpoints that cannot be computed, each with its reason.
        closed: The primary endpoint claims something and has no result, so that no
            claim after it is shown.
        implied: The family follows from the plan's margins, not from a list.
        multiplicity: How the endpoints share the error.
        alpha: Error of the plan.
    """

    primaries: tuple[EndpointResult, ...]
    primary_text: str
    missing: str | None
    family: tuple[EndpointResult, ...]
    left_out: tuple[str, ...]
    closed: bool
    implied: bool
    multiplicity: Multiplicity
    alpha: float

    @property
    def primary(self) -> EndpointResult | None:
        """The primary endpoint in the first comparison, None without any."""
        return next(iter(self.primaries), None)

    @property
    def results(self) -> tuple[EndpointResult, ...]:
        """All results, those of the primary endpoint first."""
        return (*self.primaries, *self.family)


def answer_plan(context: ReportContext) -> PlanAnswered:
    """Estimate the endpoints of the plan and decide on its claims together.

    Level, margins and what is done with incomplete pairs are those of the plan,
    whatever was chosen for the rest of the report.
    """
    responses = context.rated
    methods = (responses.reference, responses.test)
    study = PlannedStudy(context.plan, responses, methods, (responses,))
    return answer_study(study)


def answer_study(study: Planned) -> PlanAnswered:
    """Do the same where one method was read, or several are compared.

    An endpoint that compares methods has a result, and a claim, in each comparison.
    """
    plan, asked = study.plan, study.readings.questionnaire.ids
    planned = plan.family(asked) if plan.prespecified else ()
    text = plan.primary if isinstance(plan.primary, str) else ""
    primary = understood(text, asked) if isinstance(plan.primary, str) else plan.primary
    missing = _not_understood(text) if text and primary is None else None
    first: list[EndpointResult] = []
    if primary is not None:
        found = _results(primary, study)
        first = [] if isinstance(found, (str, Unanswerable)) else found
        missing = _no_primary(primary, found)
    family, left_out = _all_results(planned, study)
    closed = primary is not None and primary.claim != "estimate" and not first
    decided, together = _decided(first, family, plan.multiplicity, float(closed))
    return PlanAnswered(
        primaries=tuple(decided),
        primary_text=text,
        missing=missing,
        family=tuple(one for of in together for one in of),
        left_out=left_out,
        closed=closed,
        implied=bool(planned) and not plan.endpoints,
        multiplicity=plan.multiplicity,
        alpha=plan.alpha,
    )


_Found = list["EndpointResult"] | Unanswerable | str


def _no_primary(primary: Endpoint, found: _Found) -> str | None:
    """Return why there is no primary result, None where there is one."""
    if not isinstance(found, Unanswerable):
        return found if isinstance(found, str) else None
    return (
        f"The plan's primary endpoint, {name_of(primary)} of {primary.question}, "
        f"{found.reason}."
    )


def _all_results(
    planned: Sequence[Endpoint], study: Planned
) -> tuple[list[list[EndpointResult]], tuple[str, ...]]:
    """Return results by endpoint, and why others have none."""
    family, said = [], []
    unanswerable: dict[str, list[str]] = {}
    for endpoint in planned:
        found = _results(endpoint, study)
        if isinstance(found, str):
            said.append(found)
        elif isinstance(found, Unanswerable):
            named = f"{endpoint.question}, {name_of(endpoint)}"
            unanswerable.setdefault(found.reason, []).append(named)
        else:
            family.append(found)
    for reason, names in unanswerable.items():
        each = "Each" if len(names) > 1 else "It"
        said.append(
            f"Planned, but without a result: {'; '.join(names)}. {each} {reason}."
        )
    return family, tuple(dict.fromkeys(said))


def _not_understood(text: str) -> str:
    return (
        f'The plan names it in words: "{text.strip().rstrip(".")}". They do not name '
        "exactly one question and one measure that this program knows, so it is not "
        "computed here."
    )


def _results(endpoint: Endpoint, study: Planned) -> _Found:
    """Return what the data say, or why they say nothing."""
    plan = study.plan
    asked = study.readings.questionnaire
    fault = misfit(endpoint, asked, plan.acceptable_codes)
    if fault is not None:
        return f"An endpoint of the plan cannot be computed: its {fault}."
    if study.readings.reconstructed:
        return ARBITRARY_CASES
    question = study.question(endpoint)
    if endpoint.weights == "own" and plan.own_weights(question) is None:
        return (
            "An endpoint of the plan cannot be computed: its own weights must be in "
            f"the plan, for each of the {len(question.codes)} answers to {question.id}."
        )
    found = study.estimates(endpoint)
    if isinstance(found, Unanswerable):
        return found
    return [_judged(endpoint, one, study) for one in found]


def _judged(endpoint: Endpoint, found: Estimated, study: Planned) -> EndpointResult:
    together = found.together
    if endpoint.claim == "equivalent":
        together = together.for_equivalence()
    result = EndpointResult(
        endpoint=endpoint,
        question=study.question(endpoint),
        methods=found.methods,
        estimate=together,
        alone=found.alone,
        margin=study.plan.margin_of(endpoint),
        alpha=study.plan.alpha,
        p_value=math.nan,
        chance=found.chance,
    )
    return replace(result, p_value=_p_value(result))


def _p_value(result: EndpointResult) -> float:
    """Return the p-value of a claim by itself, to be compared with alpha."""
    claim, limits, estimate = result.endpoint.claim, result.limits, result.estimate
    if claim == "estimate" or not limits:
        return math.nan
    if claim == "differs":
        return estimate.p_value(result.null)
    if claim == "equivalent":
        low, high = limits
        below, above = estimate.p_above(low), 1 - estimate.p_above(high)
        return max(below, above)  # both are NaN or none is
    doubled = 2 * estimate.p_above(limits[0])
    return min(doubled, 1.0)  # in this order NaN stays


def _decided(
    primaries: Sequence[EndpointResult],
    family: Sequence[Sequence[EndpointResult]],
    multiplicity: Multiplicity,
    gate: float,
) -> tuple[list[EndpointResult], list[list[EndpointResult]]]:
    """Adjust the p-values: the primary endpoint is a gate before the others.

    It is tested at the whole error, which its comparisons share by Holm's method. The
    others are, once all its claims are shown or where it claims nothing; so an adjusted
    p-value is never below those of the primary endpoint.

    Args:
        primaries: The primary endpoint in each comparison.
        family: The others, each with its comparisons.
        multiplicity: How the others share the error; a fixed sequence goes from
            endpoint to endpoint, whose comparisons share it by Holm's method.
        gate: 1 where no claim of theirs can be shown, else 0.
    """
    gate, first = _step(primaries, gate)
    if multiplicity == "none":
        return first, [list(of) for of in family]
    if multiplicity == "holm":
        _, every = _step([one for of in family for one in of], gate)
        left = iter(every)
        return first, [[next(left) for _ in of] for of in family]
    ends = adjusted_p_values([_step(of, gate)[0] for of in family], "fixed_sequence")
    gates = zip(family, [gate, *ends], strict=False)
    return first, [_step(of, before)[1] for of, before in gates]


def _step(
    results: Sequence[EndpointResult], gate: float
) -> tuple[float, list[EndpointResult]]:
    """Adjust claims that share the error behind a gate; return the next gate."""
    claiming = [one for one in results if one.endpoint.claim != "estimate"]
    own = [1.0 if math.isnan(one.p_value) else one.p_value for one in claiming]
    together = [max(gate, p) for p in adjusted_p_values(own, "holm")]
    by_claim = {id(one): p for one, p in zip(claiming, together, strict=True)}
    adjusted = [replace(one, adjusted=by_claim.get(id(one))) for one in results]
    return max([gate, *together]), adjusted


def adjusted_p_values(
    p_values: Sequence[float], multiplicity: Literal["holm", "fixed_sequence"]
) -> list[float]:
    """Return p-values that can be compared with the error of the whole family.

    Args:
        p_values: In the order of the plan, 0 to 1.
        multiplicity: Holm's step-down method, or the fixed sequence, which stops at the
            first claim that is not shown.

    References:
        Holm S. Scand J Stat 1979;6:65.
        Maurer W, Hothorn LA, Lehmacher W. Biometrie in der chemisch-pharmazeutischen
        Industrie 1995;6:3 (fixed sequence)

    Examples:
        >>> adjusted_p_values([0.25, 0.01], "holm")
        [0.25, 0.02]
        >>> adjusted_p_values([0.25, 0.01], "fixed_sequence")
        [0.25, 0.25]
    """
    if len(p_values) < 2:
        return list(p_values)
    if multiplicity == "fixed_sequence":
        return [float(p) for p in np.maximum.accumulate(p_values)]
    return holm(p_values)
