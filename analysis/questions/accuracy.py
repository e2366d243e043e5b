"""Question beyond agreement: do readers diagnose as well under the test method?

Ratings of readings are held against the truth of their cases. Estimates have readers
and cases random: Obuchowski and Rockette's analysis of variance with the guarded limits
of `analysis.accuracy.guarded`.
"""

import itertools
import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from analysis.accuracy.guarded import Difference, Modality
from analysis.accuracy.inference import NO_VARIANCE, infer
from analysis.accuracy.roc import RocCurve, reader_curves
from analysis.accuracy.scores import Scores, scores_of
from analysis.accuracy.study import Metric, MultireaderAccuracy, multireader_accuracy
from analysis.multireader.estimate import ClusteredEstimate
from analysis.responses import Responses
from reader_study.formats.arms import Arms
from reader_study.formats.checking import FormatError
from reader_study.formats.plan import AnalysisPlan
from reader_study.formats.rating import Rated, rated

COUNTS_ONLY = (
    "The paper's printed counts name no reference standard, and which case an answer "
    "belongs to is arbitrary, so accuracy cannot come from them."
)
METRICS: tuple[Metric, ...] = ("auc", "sensitivity", "specificity")


@dataclass(frozen=True, eq=False)
class AccuracyEstimate(ClusteredEstimate):
    """An accuracy, or a difference of two, with limits that hold near 1.

    Attributes:
        guarded: Gives the limits at any quantile.
    """

    guarded: Modality | Difference = field(repr=False, kw_only=True)

    def _limits(self, quantile: float) -> tuple[float, float]:
        return self.guarded.low(quantile), self.guarded.high(quantile)

    def _distance(self, null: float) -> float:
        return self.guarded.distance(null)


@dataclass(frozen=True)
class Calls:
    """Pairs of a reader and a case by whose call of disease was right.

    Attributes:
        both: Under both methods.
        only_reference: Under the reference method alone.
        only_test: Under the test method alone.
        neither: Under neither: the methods agree, and both are wrong.
    """

    both: int
    only_reference: int
    only_test: int
    neither: int

    @property
    def n(self) -> int:
        """All pairs."""
        return self.both + self.only_reference + self.only_test + self.neither

    @property
    def agree(self) -> int:
        """Pairs in which both methods led to the same call."""
        return self.both + self.neither

    def __add__(self, other: "Calls") -> "Calls":
        """Return the pairs of both."""
        return Calls(
            self.both + other.both,
            self.only_reference + other.only_reference,
            self.only_test + other.only_test,
            self.neither + other.neither,
        )


@dataclass(frozen=True, eq=False)
class Accuracy:
    """How accurate the readings of two methods are.

    Attributes:
        rated: Ratings beside the truth.
        reference: Reference method.
        test: Test method.
    """

    rated: Rated
    reference: str
    test: str

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What is estimated; without a threshold only the AUC."""
        return METRICS if self.rated.threshold is not None else METRICS[:1]

    def of_method(self, metric: Metric, method: str) -> ClusteredEstimate:
        """Return the accuracy of one method over all readers."""
        return self._estimate(self._together[metric], method)

    def difference(self, metric: Metric) -> ClusteredEstimate:
        """Return the accuracy of the test method less that of the reference."""
        return self._estimate(self._together[metric], self.test, self.reference)

    @cached_property
    def readers(self) -> tuple[Hashable, ...]:
        """Names of the readers who rated a case under a method."""
        return self.scores.readers

    @cached_property
    def scores(self) -> Scores:
        """Ratings as one array."""
        return scores_of(self.rated.columns)

    def of_reader(
        self, metric: Metric, reader: Hashable
    ) -> tuple[ClusteredEstimate, ClusteredEstimate, ClusteredEstimate]:
        """Return what one reader has: reference, test and their difference.

        Only cases vary.
        """
        own = self._alone(reader)
        if not {self.reference, self.test} <= set(own["modality"]):
            nothing = self._without("the reader read under one method only", 1)
            return nothing, nothing, nothing
        found = _analysed(own, metric, self.rated.threshold)
        return (
            self._estimate(found, self.reference, n_readers=1),
            self._estimate(found, self.test, n_readers=1),
            self._estimate(found, self.test, self.reference, n_readers=1),
        )

    def alone(self, metric: Metric, reader: Hashable, method: str) -> ClusteredEstimate:
        """Return the accuracy of one reader under one method; only cases vary."""
        own = self._alone(reader)
        if method not in own["modality"]:
            return self._without("the reader read nothing under the method", 1)
        found = _analysed(own, metric, self.rated.threshold)
        return self._estimate(found, method, n_readers=1)

    @cached_property
    def curves(self) -> Mapping[Hashable, Mapping[Hashable, RocCurve]]:
        """ROC curves by method and reader, the reference method first."""
        curves = reader_curves(self.rated.columns)
        return {name: curves[name] for name in (self.reference, self.test)}

    def calls(self, *, diseased: bool) -> Calls | None:
        """Return who was right on cases of one kind; None without a threshold."""
        if self.rated.threshold is None:
            return None
        of = [self.scores.modalities.index(m) for m in (self.reference, self.test)]
        ratings = self.scores.ratings[of][:, :, self.scores.truth == diseased]
        paired = ~np.isnan(ratings).any(axis=0)
        right = (ratings >= self.rated.threshold) == diseased
        reference, test = right[0][paired], right[1][paired]
        return Calls(
            _sum(reference & test),
            _sum(reference & ~test),
            _sum(~reference & test),
            _sum(~reference & ~test),
        )

    @cached_property
    def _together(self) -> Mapping[Metric, MultireaderAccuracy]:
        columns, cut = self.rated.columns, self.rated.threshold
        return {metric: _analysed(columns, metric, cut) for metric in self.metrics}

    def _alone(self, reader: Hashable) -> dict[str, Sequence[object]]:
        columns = self.rated.columns
        own = [place for place, name in enumerate(columns["reader"]) if name == reader]
        return {name: [column[i] for i in own] for name, column in columns.items()}

    def _estimate(
        self,
        found: MultireaderAccuracy,
        *methods: str,
        n_readers: int | None = None,
    ) -> ClusteredEstimate:
        n_readers = len(self.readers) if n_readers is None else n_readers
        guarded = found.guarded(*methods)
        if guarded is None:
            return self._without(found.undefined_reason or "", n_readers)
        plain = infer(guarded.estimate, guarded.error, null=None)
        reason = plain.undefined_reason
        if reason is None and not 0 < abs(guarded.estimate) < 1:
            # A perfect method has no limits on the logit scale; a difference has.
            reason = NO_VARIANCE if isinstance(guarded, Modality) else None
        return AccuracyEstimate(
            estimate=guarded.estimate,
            standard_error=math.nan
            if plain.standard_error is None
            else plain.standard_error,
            df=guarded.error.used_df,
            n=n_readers * self.scores.ratings.shape[2],
            n_readers=n_readers,
            n_cases=self.scores.ratings.shape[2],
            variance="crossed" if n_readers > 1 else "patient",
            undefined_reason=reason,
            bounds=(0.0, 1.0) if isinstance(guarded, Modality) else (-1.0, 1.0),
            guarded=guarded,
        )

    def _without(self, reason: str, n_readers: int) -> ClusteredEstimate:
        return ClusteredEstimate(
            estimate=math.nan,
            standard_error=math.nan,
            df=math.nan,
            n=0,
            n_readers=n_readers,
            n_cases=self.scores.ratings.shape[2],
            variance="crossed",
            undefined_reason=reason,
        )


@dataclass(frozen=True, eq=False)
class MethodAccuracies:
    """How accurate the readings of any number of methods are, and of every two.

    Attributes:
        rated: Ratings beside the truth.
        methods: In the order of the file.
    """

    rated: Rated
    methods: tuple[str, ...]

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What is estimated; without a threshold only the AUC."""
        return METRICS if self.rated.threshold is not None else METRICS[:1]

    @property
    def readers(self) -> tuple[Hashable, ...]:
        """Names of the readers who rated a case under a method."""
        return tuple(dict.fromkeys(self.rated.columns["reader"]))

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Every two methods, reference and test."""
        return tuple(itertools.combinations(self.methods, 2))

    @cached_property
    def of_one(self) -> Mapping[str, Accuracy]:
        """Each method alone."""
        return {name: self._of(name, name) for name in self.methods}

    @cached_property
    def of_two(self) -> Mapping[tuple[str, str], Accuracy]:
        """Every two methods, from their readings only."""
        return {pair: self._of(*pair) for pair in self.pairs}

    @cached_property
    def curves(self) -> Mapping[Hashable, Mapping[Hashable, RocCurve]]:
        """ROC curves by method and reader."""
        curves = reader_curves(self.rated.columns)
        return {name: curves[name] for name in self.methods}

    def _of(self, reference: str, test: str) -> Accuracy:
        columns = self.rated.columns
        at = [i for i, m in enumerate(columns["modality"]) if m in (reference, test)]
        kept = {name: [column[i] for i in at] for name, column in columns.items()}
        return Accuracy(replace(self.rated, columns=kept), reference, test)


def accuracies_of(arms: Arms, plan: AnalysisPlan) -> MethodAccuracies | str | None:
    """Return how accurate a study by method is, or why that cannot be said.

    None where nobody asks: there is no rating in the plan and no case has a truth.
    """
    if not (plan.rating or any(one.truth is not None for one in arms.readings)):
        return None
    found = _rated(arms, arms.methods, plan)
    return found if isinstance(found, str) else MethodAccuracies(found, arms.methods)


def accuracy_of(responses: Responses, plan: AnalysisPlan) -> Accuracy | str:
    """Return how accurate the readings of a study are, or why that cannot be said.

    Args:
        responses: All readings.
        plan: With `rating`, `truth_positive` and `threshold`.
    """
    methods = (responses.reference, responses.test)
    found = _rated(responses, methods, plan)
    return found if isinstance(found, str) else Accuracy(found, *methods)


def _rated(
    study: Responses | Arms, methods: Sequence[str], plan: AnalysisPlan
) -> Rated | str:
    """Return the ratings of a study, or why it has none for one of the methods."""
    if study.reconstructed:
        return COUNTS_ONLY
    try:
        found = rated(study.readings, study.questionnaire, plan)
    except FormatError as error:
        return f"{error}."
    reason = found.undefined_reason or _lacking(found, methods)
    return f"Accuracy cannot be said: {reason}." if reason else found


def _lacking(found: Rated, methods: Sequence[str]) -> str | None:
    if 0 in found.n_cases:
        kind = "diseased" if not found.n_cases[0] else "non-diseased"
        return f"among the rated cases there is no {kind} one"
    gone = sorted(set(methods) - set(found.columns["modality"]))
    return f"no reading under {gone[0]} has a rating" if gone else None


def _analysed(
    columns: Mapping[str, Sequence[object]], metric: Metric, threshold: float | None
) -> MultireaderAccuracy:
    cut = None if metric == "auc" else threshold
    return multireader_accuracy(columns, metric, threshold=cut).for_decisions()


def _sum(which: NDArray[np.bool_]) -> int:
    return int(which.sum())
