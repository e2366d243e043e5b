"""Answers under one method: how readers agree with one another and with themselves."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.agreement import batch
from analysis.arrays import FloatArray, IntArray
from analysis.multireader import (
    ClusteredEstimate,
    Coefficient,
    Pairs,
    ReaderAgreement,
    clustered_agreement,
    clustered_kappa,
    per_reader,
    proportion_of,
    score,
)
from analysis.questions import between_readers
from analysis.questions.reader_matrix import reader_kappas, reader_tables
from reader_study.formats.questionnaire import Answer, Question
from reader_study.formats.responses import Reading

COEFFICIENTS: tuple[between_readers.ConsistencyCoefficient, ...] = (
    "percent_agreement",
    "fleiss_kappa",
    "conger_kappa",
    "gwet_ac1",
    "krippendorff_alpha",
)
"""Of agreement between readers, in the order of a report."""

_OF_PAIRS: Mapping[str, batch.Chance] = {
    "fleiss_kappa": batch.square_of_mean_margin,
    "gwet_ac1": batch.gwet_chance,
}
_FEWEST_READERS = 3  # of whom one can be left out in turn


@dataclass(frozen=True, eq=False)
class BetweenReaders:
    """How readers agree with one another on a question, under one method.

    Attributes:
        ratings: `(cases, readers)` positions on the scale, NaN where not answered.
        readers: Names of the readers.
        k: Number of answers on the scale.
        coefficients: By name; patients and readers are random where there are three
            readers or more, else patients.
        these_readers: The same with patients random and readers fixed.
    """

    ratings: FloatArray
    readers: tuple[str, ...]
    k: int
    coefficients: Mapping[str, ClusteredEstimate]
    these_readers: Mapping[str, ClusteredEstimate]

    @property
    def counts(self) -> IntArray:
        """`(readers, k)` how often each reader gave each answer."""
        chosen = self.ratings[..., None] == np.arange(self.k)
        return np.asarray(chosen.sum(axis=0), dtype=np.int64)

    @property
    def n_answers(self) -> int:
        """Number of answers."""
        return int(np.isfinite(self.ratings).sum())

    @property
    def n_cases(self) -> int:
        """Number of cases with answers of two readers or more."""
        return int((np.isfinite(self.ratings).sum(axis=1) > 1).sum())


def between_readers_of(
    readings: Sequence[Reading], question: Question, *, ordinal: bool = False
) -> BetweenReaders:
    """Measure how readers agree with one another on a question.

    Args:
        readings: Of one method, each reader and case once.
        question: What was asked.
        ordinal: Krippendorff's alpha takes answers as steps of a scale.
    """
    readers = tuple(dict.fromkeys(reading.reader for reading in readings))
    ratings = _ratings(readings, question, readers)
    k = len(question.codes)

    def estimate(
        name: between_readers.ConsistencyCoefficient,
        variance: between_readers.ConsistencyVariance,
    ) -> ClusteredEstimate:
        steps = ordinal and name == "krippendorff_alpha"
        chosen = "krippendorff_alpha_ordinal" if steps else name
        return agreement_between_readers(ratings, k, chosen, variance)

    names = COEFFICIENTS if len(readers) > 1 else ()
    fixed: dict[str, ClusteredEstimate] = {
        name: estimate(name, "jackknife") for name in names
    }
    variance = _variance(len(readers))
    if variance == "jackknife":
        return BetweenReaders(ratings, readers, k, fixed, fixed)
    random: dict[str, ClusteredEstimate] = {
        name: estimate(name, variance) for name in names
    }
    return BetweenReaders(ratings, readers, k, random, fixed)


def one_between_readers(
    readings: Sequence[Reading],
    question: Question,
    coefficient: between_readers.ConsistencyCoefficient,
) -> ClusteredEstimate:
    """Return one coefficient as `between_readers_of` does.

    Args:
        readings: Of one method and two readers or more, each reader and case once.
        question: What was asked.
        coefficient: What is measured.
    """
    readers = tuple(dict.fromkeys(reading.reader for reading in readings))
    ratings, k = _ratings(readings, question, readers), len(question.codes)
    return agreement_between_readers(ratings, k, coefficient, _variance(len(readers)))


def _variance(n_readers: int) -> between_readers.ConsistencyVariance:
    """What varies: readers too, where one of them can be left out in turn."""
    return "jackknife" if n_readers < _FEWEST_READERS else "crossed_conservative"


def agreement_between_readers(
    ratings: FloatArray,
    k: int,
    coefficient: between_readers.ConsistencyCoefficient,
    variance: between_readers.ConsistencyVariance,
) -> ClusteredEstimate:
    """Return a coefficient as `consistency` does, common ones with a score interval.

    Fleiss' kappa is Scott's pi of all pairs of readers, so agreement, kappa and AC1
    have the score intervals of a table of pairs, on the effective number of them.
    """
    found = between_readers.consistency(ratings, k, coefficient, variance)
    if math.isnan(found.estimate):
        return found
    if coefficient == "percent_agreement":
        share = replace(found, bounds=(0.0, 1.0))
        truths = score.proportions(share.estimate, share.n)
        return score.with_score_interval(share, truths)
    if coefficient not in _OF_PAIRS:
        return found
    pairs = _pairs_of_readers(ratings, k) * found.n
    influence = Coefficient(_OF_PAIRS[coefficient]).influence
    return score.with_score_interval(found, score.tilted_tables(pairs, influence))


def _pairs_of_readers(ratings: FloatArray, k: int) -> FloatArray:
    """`(k, k)` shares of the answers of two readers, every case alike."""
    chosen = np.asarray(ratings[..., None] == np.arange(k), dtype=np.float64)
    of_case = np.einsum("cia,cjb->cab", chosen, chosen)
    of_case -= np.einsum("cia,ab->cab", chosen, np.eye(k))
    totals = of_case.sum(axis=(1, 2))
    shares = of_case[totals > 0] / totals[totals > 0, None, None]
    return np.asarray(shares.mean(axis=0))


def _ratings(
    readings: Sequence[Reading], question: Question, readers: Sequence[str]
) -> FloatArray:
    """`(cases, readers)` positions on the scale."""
    place: dict[Answer, int] = {code: n for n, code in enumerate(question.codes)}
    row = {name: i for i, name in enumerate(dict.fromkeys(r.case for r in readings))}
    column = {name: i for i, name in enumerate(readers)}
    ratings = np.full((len(row), len(column)), np.nan)
    for reading in readings:
        answer = reading.answers.get(question.id)
        if answer is not None:
            ratings[row[reading.case], column[reading.reader]] = place[answer]
    return ratings


@dataclass(frozen=True, eq=False)
class WithOthers:
    """How one reader agrees with the others on a question.

    Attributes:
        reader: Name of the reader.
        agreement: Share of the others' answers to the same case that are this
            reader's; patients random.
        kappas: Cohen's kappa with each other reader by name; NaN where undefined.
        shares: Share of cases answered alike with each other reader; NaN without any.
    """

    reader: str
    agreement: ClusteredEstimate
    kappas: Mapping[str, float]
    shares: Mapping[str, float]


def reader_by_reader(found: BetweenReaders) -> tuple[WithOthers, ...]:
    """Compare each reader with each other one."""
    kappas = reader_kappas(found.ratings, found.k)
    tables = reader_tables(found.ratings, found.k)
    with np.errstate(invalid="ignore"):
        shares = np.trace(tables, axis1=2, axis2=3) / tables.sum(axis=(2, 3))
    return tuple(
        WithOthers(
            reader=name,
            agreement=_with_others(found.ratings, place),
            kappas=_by_name(found.readers, kappas[place], place),
            shares=_by_name(found.readers, shares[place], place),
        )
        for place, name in enumerate(found.readers)
    )


def _with_others(ratings: FloatArray, place: int) -> ClusteredEstimate:
    """Share of the others who gave this reader's answer, mean over cases."""
    own, others = ratings[:, [place]], np.delete(ratings, place, axis=1)
    answered = np.isfinite(others)
    known = np.isfinite(own[:, 0]) & answered.any(axis=1)
    alike = (own == others).sum(axis=1)[known] / answered.sum(axis=1)[known]
    cases = np.arange(len(alike))
    return proportion_of(alike, np.zeros_like(cases), cases, "patient")


def _by_name(
    readers: Sequence[str], values: FloatArray, place: int
) -> dict[str, float]:
    rest = (at for at in range(len(readers)) if at != place)
    return {readers[at]: float(values[at]) for at in rest}


@dataclass(frozen=True, eq=False)
class WithinReader:
    """How readers agree with themselves on a question, when they read a case again.

    Attributes:
        pairs: First and second answers.
        n_incomplete: Repeats of which one answer is missing.
        agreement: Share answered alike, readers and patients random.
        kappa: Cohen's kappa of first and second reading, readers and patients random.
        alone: Each reader, patients random.
    """

    pairs: Pairs
    n_incomplete: int
    agreement: ClusteredEstimate
    kappa: ClusteredEstimate
    alone: tuple[ReaderAgreement, ...]


def within_reader_of(
    first: Sequence[Reading], repeats: Sequence[Reading], question: Question
) -> WithinReader:
    """Measure how readers agree with themselves on a question.

    Args:
        first: First readings under one method.
        repeats: Later readings under it, in the order in which they were made; the
            earliest of a reader and case is the second reading.
        question: What was asked.
    """
    second: dict[tuple[str, str], Answer | None] = {}
    for reading in repeats:
        answer = reading.answers.get(question.id)
        second.setdefault((reading.reader, reading.case), answer)
    again = [r for r in first if (r.reader, r.case) in second]
    complete = [
        (r.reader, r.case, r.answers[question.id], second[r.reader, r.case])
        for r in again
        if r.answers.get(question.id) is not None
        and second[r.reader, r.case] is not None
    ]
    columns = [list(column) for column in zip(*complete, strict=True)] or [[]] * 4
    reader, case, one, two = columns
    pairs = Pairs.from_labels(reader, case, one, two, question.codes)
    return WithinReader(
        pairs=pairs,
        n_incomplete=len(again) - len(complete),
        agreement=clustered_agreement(pairs),
        kappa=clustered_kappa(pairs),
        alone=per_reader(pairs),
    )
