"""What an endpoint of the plan estimates, and from which readings of a study."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from analysis import multireader
from analysis.agreement.batch import Weights
from analysis.multireader import ClusteredEstimate, Pairs
from analysis.questions import (
    acceptability,
    accuracy,
    between_readers,
    shifts,
    turing,
)
from analysis.questions import arms as question_arms
from analysis.questions.judgements import judgements_of
from analysis.responses import Responses
from analysis.responses.pairing import paired_readings, paired_with_open
from reader_study.formats.arms import Arms
from reader_study.formats.endpoint import ACCURACY, Endpoint, Measure
from reader_study.formats.plan import AnalysisPlan
from reader_study.formats.questionnaire import Question
from reader_study.formats.responses import ONE_METHOD, Reading
from reader_study.formats.showing.shown import ShownReadings

MOST_READERS = 12
"""Readers that are shown one by one."""

Alone = tuple[tuple[str, ClusteredEstimate], ...]

_NAMES: Mapping[Measure, str] = {
    "agreement": "Agreement",
    "kappa": "Cohen's kappa",
    "weighted_kappa": "Weighted kappa",
    "ac1": "Gwet's AC1",
    "acceptability": "Share acceptable, difference",
    "turing": "Balanced accuracy of telling the methods apart",
    "shift": "Mean shift on the scale",
    "share_acceptable": "Share acceptable",
    "auc": "AUC, difference",
    "sensitivity": "Sensitivity, difference",
    "specificity": "Specificity, difference",
    "preferred": "Share put first",
    "found": "Share found",
}
_BETWEEN = {
    "methods": "",
    "readers": " between readers",
    "readings": " of first and second reading",
}
_COEFFICIENTS: Mapping[Measure, between_readers.ConsistencyCoefficient] = {
    "agreement": "percent_agreement",
    "kappa": "fleiss_kappa",
    "ac1": "gwet_ac1",
}
_MANY = 3  # readers, of whom one can be left out in turn
FEWEST_CASES = 20
"""Cases from which a share acceptable is claimed to lie above a bound; with 15 it was
claimed in 6 of 100 studies where it did not (docs/method/decisions.md)."""


def name_of(endpoint: Endpoint) -> str:
    """Return what an endpoint estimates.

    Examples:
        >>> name_of(Endpoint(question="Q3", measure="kappa", between="readers"))
        "Fleiss' kappa between readers"
    """
    name = _NAMES[endpoint.measure]
    if endpoint.measure == "weighted_kappa":
        name = f"{name} ({endpoint.weights} weights)"
    if endpoint.measure == "kappa" and endpoint.between == "readers":
        name = "Fleiss' kappa"
    return f"{name}{_BETWEEN[endpoint.between]}"


@dataclass(frozen=True)
class Unanswerable:
    """Why a study has nothing to say to an endpoint.

    Attributes:
        reason: What the endpoint would need, as the rest of a sentence about it.
    """

    reason: str


@dataclass(frozen=True, eq=False)
class Estimated:
    """What the data say to an endpoint about two methods, or about one.

    Attributes:
        methods: Reference and test method, or the one method.
        together: The estimate of all readers.
        alone: The same of each reader; or, between readers, without each.
        chance: What it is if nothing is told apart, where that is not 0 or 0.5.
    """

    methods: tuple[str, ...]
    together: ClusteredEstimate
    alone: Alone
    chance: float | None = None


class Planned(Protocol):
    """A study that a plan is answered from, whatever readers saw at a time."""

    @property
    def plan(self) -> AnalysisPlan:
        """What was to be analysed."""
        ...

    @property
    def readings(self) -> Responses | Arms | ShownReadings:
        """All of them."""
        ...

    def question(self, endpoint: Endpoint) -> Question:
        """Return the question of an endpoint that fits the questionnaire."""
        ...

    def estimates(self, endpoint: Endpoint) -> list[Estimated] | Unanswerable:
        """Estimate an endpoint in each comparison of the study."""
        ...


@dataclass(frozen=True, eq=False)
class PlannedStudy:
    """The readings that a plan is to be answered from.

    Attributes:
        plan: What was to be analysed.
        readings: All of them.
        methods: Those under which cases were read.
        contrasts: Readings under each two methods that are compared.
    """

    plan: AnalysisPlan
    readings: Responses | Arms
    methods: tuple[str, ...]
    contrasts: tuple[Responses, ...]

    @classmethod
    def of_arms(cls, arms: Arms, plan: AnalysisPlan) -> "PlannedStudy":
        """Return a study with the comparisons that its plan asks for."""
        planned = plan.compared_in(arms.methods)
        contrasts = tuple(arms.compared(*methods) for methods in planned)
        return cls(plan, arms, arms.methods, contrasts)

    def question(self, endpoint: Endpoint) -> Question:
        """Return the question of an endpoint that fits the questionnaire."""
        asked = self.readings.questionnaire
        return next(question for question in asked if question.id == endpoint.question)

    def estimates(self, endpoint: Endpoint) -> list[Estimated] | Unanswerable:
        """Estimate an endpoint in each comparison, or under its one method."""
        return estimates_of(endpoint, self)


def estimates_of(
    endpoint: Endpoint, study: PlannedStudy
) -> list[Estimated] | Unanswerable:
    """Estimate an endpoint in each comparison of the study, or under its method."""
    if endpoint.of_one_method:
        found = _of_one_method(endpoint, study)
        return found if isinstance(found, Unanswerable) else [found]
    if not study.contrasts:
        return _nothing_compared(study)
    if endpoint.measure in ACCURACY:
        return _of_accuracy(endpoint, study)
    return [_compared(endpoint, responses, study) for responses in study.contrasts]


def _nothing_compared(study: PlannedStudy) -> Unanswerable:
    if len(study.methods) == 1:
        named = "".join(f", {name}" for name in study.methods if name != ONE_METHOD)
        return Unanswerable(f"needs two methods; this file holds one{named}")
    plan = study.plan
    tests = " and ".join(plan.tests or (plan.test,))
    return Unanswerable(
        f"compares {plan.reference} with {tests}; this file holds "
        f"{', '.join(study.methods)}"
    )


def _of_accuracy(
    endpoint: Endpoint, study: PlannedStudy
) -> list[Estimated] | Unanswerable:
    estimated = []
    for responses in study.contrasts:
        found = accuracy.accuracy_of(responses, study.plan)
        if isinstance(found, str):
            said = found.removesuffix(".")
            return Unanswerable(f"needs ratings beside a truth ({said})")
        metric = next((one for one in found.metrics if one == endpoint.measure), None)
        if metric is None:
            return Unanswerable("needs a threshold from which a rating calls disease")
        alone = tuple(
            (str(reader), found.of_reader(metric, reader)[-1])
            for reader in found.readers
        )
        methods = (responses.reference, responses.test)
        estimated.append(Estimated(methods, found.difference(metric), alone))
    return estimated


def _compared(
    endpoint: Endpoint, responses: Responses, study: PlannedStudy
) -> Estimated:
    methods = (responses.reference, responses.test)
    if endpoint.measure == "turing":
        judgements = judgements_of(responses, endpoint.question)
        together = turing.pooled_detection(judgements).balanced_accuracy
        readers = turing.reader_detections(judgements)
        alone = tuple((own.name, own.balanced_accuracy) for own in readers)
        return Estimated(methods, together, alone)
    counted = study.plan.incomplete_pairs == "disagree"
    of_agreement = endpoint.measure == "agreement" and counted
    pairs_of = paired_with_open if of_agreement else paired_readings
    pairs = pairs_of(responses, study.question(endpoint))
    return Estimated(methods, *_of_pairs(pairs, endpoint, study))


def _of_pairs(
    pairs: Pairs, endpoint: Endpoint, study: PlannedStudy
) -> tuple[ClusteredEstimate, Alone]:
    return _estimate(pairs, endpoint, study, "crossed"), tuple(
        (name, _estimate(_own(pairs, place), endpoint, study, "patient"))
        for place, name in enumerate(pairs.readers)
    )


def _own(pairs: Pairs, reader: int) -> Pairs:
    return pairs.subset(pairs.reader == reader)


def _estimate(
    pairs: Pairs,
    endpoint: Endpoint,
    study: PlannedStudy,
    variance: multireader.Variance,
) -> ClusteredEstimate:
    if endpoint.measure == "acceptability":
        acceptance = acceptability.acceptance_of(pairs, study.plan.acceptable_codes)
        return acceptability.acceptable_difference(acceptance, variance)
    if endpoint.measure == "shift":
        return shifts.mean_shift(pairs, variance)
    if endpoint.measure == "agreement":
        return multireader.clustered_agreement(pairs, variance)
    if endpoint.measure == "ac1":
        return multireader.clustered_ac1(pairs, variance)
    return multireader.clustered_kappa(pairs, variance, _weights(endpoint, study))


def _weights(endpoint: Endpoint, study: PlannedStudy) -> Weights:
    if endpoint.measure != "weighted_kappa":
        return None
    if endpoint.weights != "own":
        return endpoint.weights
    return study.plan.own_weights(study.question(endpoint))


def _of_one_method(endpoint: Endpoint, study: PlannedStudy) -> Estimated | Unanswerable:
    method = endpoint.method or (study.methods[0] if len(study.methods) == 1 else "")
    first = [r for r in study.readings.readings if r.method == method]
    again = [r for r in study.readings.repeats if r.method == method]
    why = _why_not(endpoint, study, first, again)
    if why:
        return Unanswerable(why)
    question = study.question(endpoint)
    if endpoint.measure == "share_acceptable":
        found = _share(first, endpoint, study)
    elif endpoint.between == "readings":
        pairs = question_arms.within_reader_of(first, again, question).pairs
        found = _of_pairs(pairs, endpoint, study)
    else:
        found = _between_readers(first, endpoint, question)
    return Estimated((method,), *found)


def _why_not(
    endpoint: Endpoint,
    study: PlannedStudy,
    first: Sequence[Reading],
    again: Sequence[Reading],
) -> str:
    """Return what an endpoint about one method would need; empty if it is there."""
    held = ", ".join(study.methods)
    if not first:
        if not endpoint.method:
            return f"must name the method that it is about, one of {held}"
        return f"is about {endpoint.method}; this file holds {held}"
    if endpoint.between == "readings" and not again:
        return "needs cases that were read again; this file has none"
    n_cases = len({reading.case for reading in first})
    share = endpoint.measure == "share_acceptable" and endpoint.claim == "at_least"
    if share and n_cases < FEWEST_CASES:
        return f"needs {FEWEST_CASES} cases for its claim; this file has {n_cases}"
    alone = len({reading.reader for reading in first}) == 1
    if endpoint.between == "readers" and alone:
        return "needs two readers; this file holds one"
    return ""


def _share(
    first: Sequence[Reading], endpoint: Endpoint, study: PlannedStudy
) -> tuple[ClusteredEstimate, Alone]:
    """Return the share of acceptable answers, of all readers and of each."""
    answered = [r for r in first if r.answers.get(endpoint.question) is not None]
    good = set(study.plan.acceptable_codes)
    taken = np.array([r.answers[endpoint.question] in good for r in answered], float)
    readers = list(dict.fromkeys(r.reader for r in answered))
    cases = {name: i for i, name in enumerate(dict.fromkeys(r.case for r in answered))}
    reader = np.array([readers.index(r.reader) for r in answered], dtype=np.int64)
    case = np.array([cases[r.case] for r in answered], dtype=np.int64)

    def own(place: int) -> ClusteredEstimate:
        one = reader == place
        return multireader.proportion_of(taken[one], reader[one], case[one], "patient")

    together = multireader.proportion_of(taken, reader, case, "crossed")
    return together, tuple((name, own(at)) for at, name in enumerate(readers))


def _between_readers(
    first: Sequence[Reading], endpoint: Endpoint, question: Question
) -> tuple[ClusteredEstimate, Alone]:
    """Return agreement between all readers, and without each of them in turn."""
    name = _COEFFICIENTS[endpoint.measure]

    def of(readings: Sequence[Reading]) -> ClusteredEstimate:
        return question_arms.one_between_readers(readings, question, name)

    return of(first), tuple(_without_each(first, of))


def _without_each(
    first: Sequence[Reading], of: Callable[[Sequence[Reading]], ClusteredEstimate]
) -> Iterator[tuple[str, ClusteredEstimate]]:
    readers = list(dict.fromkeys(reading.reader for reading in first))
    if not _MANY <= len(readers) <= MOST_READERS:
        return
    for name in readers:
        yield f"without {name}", of([r for r in first if r.reader != name])
