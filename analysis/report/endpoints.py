"""The plan answered: estimates of its endpoints, and which of its claims hold."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from analysis import multireader
from analysis.agreement.batch import Weights
from analysis.intervals import ConfidenceInterval
from analysis.multireader import ClusteredEstimate, Pairs
from analysis.questions import acceptability, shifts, turing
from analysis.questions.judgements import judgements_of
from analysis.report.section import ARBITRARY_CASES, ReportContext
from analysis.responses.pairing import paired_readings, paired_with_open
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
        estimate: With readers and patients random.
        alone: The same of each reader, patients random, by name.
        margin: Of its claim, its own or that of the plan.
        alpha: Error of the plan; every p-value is to be compared with it.
        p_value: Of the claim by itself; NaN where there is no claim or nothing can be
            said. That of a one-sided claim is doubled, so that a limit of the two-sided
            interval decides; that of equivalence is the larger of two one-sided ones.
        adjusted: The p-value with those of the plan's other endpoints considered; None
            where the plan adjusts nothing, so that no claim is made.
    """

    endpoint: Endpoint
    question: Question
    estimate: ClusteredEstimate
    alone: tuple[tuple[str, ClusteredEstimate], ...]
    margin: float | None
    alpha: float
    p_value: float
    adjusted: float | None = None

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
        primary: The primary endpoint; None where there is none to compute.
        primary_text: The plan's words for it, where it has words.
        missing: Why there is no primary result, where one was planned.
        family: The endpoints after it.
        left_out: Endpoints that cannot be computed, each with its reason.
        implied: The family follows from the plan's margins, not from a list.
        multiplicity: How the endpoints share the error.
        alpha: Error of the plan.
    """

    primary: EndpointResult | None
    primary_text: str
    missing: str | None
    family: tuple[EndpointResult, ...]
    left_out: tuple[str, ...]
    implied: bool
    multiplicity: Multiplicity
    alpha: float


def answer_plan(context: ReportContext) -> PlanAnswered:
    """Estimate the endpoints of the plan and decide on its claims together.

    Level, margins and what is done with incomplete pairs are those of the plan,
    whatever was chosen for the rest of the report.
    """
    plan, asked = context.plan, context.responses.questionnaire.ids
    planned = plan.family(asked) if plan.prespecified else ()
    text = plan.primary if isinstance(plan.primary, str) else ""
    primary = understood(text, asked) if isinstance(plan.primary, str) else plan.primary
    missing = _not_understood(text) if text and primary is None else None
    first, family, left_out = None, [], []
    if primary is not None:
        found = _result(primary, context)
        first, missing = (None, found) if isinstance(found, str) else (found, None)
    for endpoint in planned:
        found = _result(endpoint, context)
        if isinstance(found, str):
            left_out.append(found)
        else:
            family.append(found)
    first, decided = _decided(first, family, plan.multiplicity)
    return PlanAnswered(
        primary=first,
        primary_text=text,
        missing=missing,
        family=tuple(decided),
        left_out=tuple(dict.fromkeys(left_out)),
        implied=bool(planned) and not plan.endpoints,
        multiplicity=plan.multiplicity,
        alpha=plan.alpha,
    )


def _not_understood(text: str) -> str:
    return (
        f'The plan names it in words: "{text.strip().rstrip(".")}". They do not name '
        "exactly one question and one measure that this program knows, so it is not "
        "computed here."
    )


def _result(endpoint: Endpoint, context: ReportContext) -> EndpointResult | str:
    """Return what the data say, or why they say nothing."""
    asked = context.responses.questionnaire
    fault = misfit(endpoint, asked, context.plan.acceptable_codes)
    if fault is not None:
        return f"An endpoint of the plan cannot be computed: its {fault}."
    if context.provenance == "reconstructed":
        return ARBITRARY_CASES
    question = _question(endpoint, context)
    if endpoint.weights == "own" and context.plan.own_weights(question) is None:
        return (
            "An endpoint of the plan cannot be computed: its own weights must be in "
            f"the plan, for each of the {len(question.codes)} answers to {question.id}."
        )
    together, alone = _estimates(endpoint, context)
    if endpoint.claim == "equivalent":
        together = together.for_equivalence()
    result = EndpointResult(
        endpoint=endpoint,
        question=question,
        estimate=together,
        alone=alone,
        margin=context.plan.margin_of(endpoint),
        alpha=context.plan.alpha,
        p_value=math.nan,
    )
    return replace(result, p_value=_p_value(result))


_Alone = tuple[tuple[str, ClusteredEstimate], ...]


def _estimates(
    endpoint: Endpoint, context: ReportContext
) -> tuple[ClusteredEstimate, _Alone]:
    """Return the estimate of all readers and that of each."""
    if endpoint.measure == "turing":
        judgements = judgements_of(context.responses, endpoint.question)
        together = turing.pooled_detection(judgements).balanced_accuracy
        readers = turing.reader_detections(judgements)
        return together, tuple((own.name, own.balanced_accuracy) for own in readers)
    pairs = _pairs(endpoint, context)
    return _estimate(pairs, endpoint, context, "crossed"), tuple(
        (name, _estimate(_own(pairs, place), endpoint, context, "patient"))
        for place, name in enumerate(pairs.readers)
    )


def _own(pairs: Pairs, reader: int) -> Pairs:
    return pairs.subset(pairs.reader == reader)


def _pairs(endpoint: Endpoint, context: ReportContext) -> Pairs:
    question = _question(endpoint, context)
    counted = context.plan.incomplete_pairs == "disagree"
    pairs = paired_with_open if counted else paired_readings
    of_agreement = endpoint.measure == "agreement"
    return (pairs if of_agreement else paired_readings)(context.responses, question)


def _estimate(
    pairs: Pairs,
    endpoint: Endpoint,
    context: ReportContext,
    variance: multireader.Variance,
) -> ClusteredEstimate:
    if endpoint.measure == "acceptability":
        acceptance = acceptability.acceptance_of(pairs, context.plan.acceptable_codes)
        return acceptability.acceptable_difference(acceptance, variance)
    if endpoint.measure == "shift":
        return shifts.mean_shift(pairs, variance)
    if endpoint.measure == "agreement":
        return multireader.clustered_agreement(pairs, variance)
    if endpoint.measure == "ac1":
        return multireader.clustered_ac1(pairs, variance)
    return multireader.clustered_kappa(pairs, variance, _weights(endpoint, context))


def _weights(endpoint: Endpoint, context: ReportContext) -> Weights:
    if endpoint.measure != "weighted_kappa":
        return None
    if endpoint.weights != "own":
        return endpoint.weights
    return context.plan.own_weights(_question(endpoint, context))


def _question(endpoint: Endpoint, context: ReportContext) -> Question:
    asked = context.responses.questionnaire
    return next(question for question in asked if question.id == endpoint.question)


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
    primary: EndpointResult | None,
    family: Sequence[EndpointResult],
    multiplicity: Multiplicity,
) -> tuple[EndpointResult | None, list[EndpointResult]]:
    """Adjust the p-values: the primary one is a gate before the others.

    The primary endpoint is tested at the whole error. The others are, once its claim is
    shown or where it claims nothing; so an adjusted p-value is never below its.
    """
    gate = 0.0
    if primary is not None:
        primary = replace(primary, adjusted=primary.p_value)
        if primary.endpoint.claim != "estimate":
            gate = 1.0 if math.isnan(primary.p_value) else primary.p_value
    if multiplicity == "none":
        return primary, list(family)
    claiming = [one for one in family if one.endpoint.claim != "estimate"]
    own = [1.0 if math.isnan(one.p_value) else one.p_value for one in claiming]
    together = adjusted_p_values(own, multiplicity)
    by_claim = {
        id(one): max(gate, p) for one, p in zip(claiming, together, strict=True)
    }
    return primary, [replace(one, adjusted=by_claim.get(id(one))) for one in family]


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
    if not p_values:
        return []
    if multiplicity == "fixed_sequence":
        return [float(p) for p in np.maximum.accumulate(p_values)]
    from statsmodels.stats.multitest import multipletests  # slow to import

    return [float(p) for p in multipletests(p_values, method="holm")[1]]
