"""Accuracy of several readers under several modalities, from a table of ratings."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from analysis.accuracy import calls, guarded
from analysis.accuracy.cells import Cells, LeftOut, Pairwise, Proportions, Terms
from analysis.accuracy.inference import (
    Equality,
    Error,
    Inference,
    NonInferiority,
    infer,
    non_inferior,
)
from analysis.accuracy.obuchowski_rockette import Anova, Covariances, VarianceComponents
from analysis.accuracy.scores import Scores, scores_of
from analysis.accuracy.u_statistics import Spread, UStatistics
from analysis.errors import InputError, as_number, one_of
from analysis.showing import Shown

if TYPE_CHECKING:
    import pandas as pd

Metric = Literal["auc", "sensitivity", "specificity", "percent_correct"]
Method = Literal["obuchowski_rockette", "u_statistics"]
Covariance = Literal["jackknife", "delong", "unbiased"]
Random = Literal["readers_and_cases", "readers", "cases"]

_CHOICES = {
    "metric": ("auc", "sensitivity", "specificity", "percent_correct"),
    "method": ("obuchowski_rockette", "u_statistics"),
    "covariance": ("jackknife", "delong", "unbiased"),
    "random": ("readers_and_cases", "readers", "cases"),
}


@dataclass(frozen=True, eq=False, kw_only=True)
class MultireaderAccuracy(Shown):
    """Accuracy of each modality and of each reader, and differences of modalities.

    Attributes:
        metric: `auc`, `sensitivity`, `specificity` or `percent_correct`, or what
            another function estimates.
        method: How it was analysed.
        covariance: Estimator of the error covariances.
        random: What is a sample. One reader is not: where there is one, it is `cases`.
        modalities: Names of the modalities, as they first occur.
        readers: Names of the readers, as they first occur.
        covariances: Error variance and covariances; None where they are not defined.
        undefined_reason: Why nothing beyond the readers' own values is defined.
        decides: Whether limits and tests are those of `for_decisions`.
    """

    metric: str
    method: str
    covariance: str
    random: str
    modalities: tuple[Hashable, ...]
    readers: tuple[Hashable, ...]
    covariances: Covariances | None
    undefined_reason: str | None
    _cells: Cells
    _matrix: np.ndarray
    _analysis: Anova | UStatistics | None
    _other: Anova | UStatistics | guarded.LeftOutDf | None
    _n_cases: int
    decides: bool = False
    _no_limits: str | None = None

    @property
    def n_cases(self) -> int:
        """Return the cases that anybody rated, diseased or not."""
        return self._n_cases

    @property
    def variance_components(self) -> VarianceComponents | None:
        """Return what readers add to the covariances; None where not defined.

        It may be below 0, as an estimate of what is 0 or little.
        """
        for found in (self._analysis, self._other):
            if isinstance(found, Anova):
                return found.variance_components
        return None

    def spread_of_cases(self, first: Hashable, second: Hashable) -> Spread | None:
        """Return what cases do to a difference of two modalities.

        None where the figure of merit is no mean over cases, or nothing is defined.

        Raises:
            ValueError: If there is no such modality, or both are the same.
        """
        pair = self._two(first, second)
        if self._analysis is None or not isinstance(self._cells, Terms):
            return None
        shape = (len(self.modalities), len(self.readers))
        return UStatistics(self._cells, shape).spread(*pair)

    def for_decisions(self) -> "MultireaderAccuracy":
        """Return the study with limits and tests that hold with few cases or near 1.

        Estimates and errors stay. A modality's limits are those of the logit scale, a
        difference's the wider of two; the degrees of freedom are the smaller of Hillis'
        and of BDG, and partial areas are judged without their bias. Without this,
        limits are those of the programs in use.
        """
        return replace(self, decides=True)

    def modality(self, name: Hashable) -> Inference:
        """Return the accuracy of a modality over all readers.

        Raises:
            ValueError: If there is no such modality.
        """
        index = self._index(name)
        if self._analysis is None:
            return Inference(estimate=None, undefined_reason=self.undefined_reason)
        estimate = float(self._analysis.means[index])
        null = 0.5 if self.metric == "auc" else None
        error = self._error(index)
        if self.decides:
            return self._limited(
                guarded.modality(estimate, error, null, self._bias(index))
            )
        return infer(estimate, error, null=null, bounded=True)

    def difference(self, first: Hashable, second: Hashable) -> Inference:
        """Return the first modality's accuracy less the second's.

        Raises:
            ValueError: If there is no such modality, or both are the same.
        """
        if self._analysis is None:
            self._two(first, second)
            return Inference(estimate=None, undefined_reason=self.undefined_reason)
        if self.decides:
            return self._guarded(first, second).infer()
        return infer(*self._difference(first, second))

    def non_inferiority(
        self, test: Hashable, reference: Hashable, margin: float
    ) -> NonInferiority:
        """Return whether a modality is less than a margin worse than a reference.

        Raises:
            ValueError: If a name is unknown, or the margin is not positive.
        """
        margin = as_number("Margin", margin)
        if not 0 < margin < 1:
            msg = f"Margin must be between 0 and 1, got {margin:g}"
            raise InputError(msg)
        self._two(test, reference)
        if self._analysis is None:
            return NonInferiority(
                test=test,
                reference=reference,
                margin=margin,
                estimate=None,
                undefined_reason=self.undefined_reason,
            )
        names = (test, reference)
        if self.decides:
            return self._guarded(test, reference).non_inferior(names, margin)
        return non_inferior(names, margin, *self._difference(test, reference))

    @property
    def equality(self) -> Equality:
        """Return the test that all modalities are the same."""
        if isinstance(self._analysis, Anova):
            return self._analysis.equality()
        reason = self.undefined_reason or "U-statistics compare two modalities only"
        return Equality(undefined_reason=reason)

    @property
    def per_reader(self) -> "pd.DataFrame":
        """Return a frame with the value of each reader under each modality.

        The interval is that of one reader: only cases vary.
        """
        import pandas as pd

        return pd.DataFrame(self._reader_rows())

    def reader_difference(
        self, reader: Hashable, first: Hashable, second: Hashable
    ) -> Inference:
        """Return one reader's difference of two modalities; only cases vary.

        Of `for_decisions`, limits and test are those that hold there.
        """
        index, other = self._two(first, second)
        if reader not in self.readers:
            known = ", ".join(map(str, self.readers))
            msg = f"Reader must be one of {known}, got {reader}"
            raise InputError(msg)
        at = self.readers.index(reader)
        values = self._cells.estimates.reshape(len(self.modalities), -1)
        if np.isnan(values[[index, other], at]).any():
            reason = "the reader has no value under one of the modalities"
            return Inference(estimate=None, undefined_reason=reason)
        means = float(values[index, at]), float(values[other, at])
        error = Anova(values, self._matrix, "cases").reader_difference(index, other, at)
        if not self.decides:
            return infer(means[0] - means[1], error)
        of_cells = self._matrix.diagonal().reshape(values.shape)
        own = [Error(float(of_cells[place, at])) for place in (index, other)]
        return guarded.Difference(means, (own[0], own[1]), error).infer()

    def _reader_rows(self) -> list[dict[str, object]]:
        values, variances = self._cells.estimates, self._matrix.diagonal()
        rows: list[dict[str, object]] = []
        for cell, (value, variance) in enumerate(zip(values, variances, strict=True)):
            modality, reader = divmod(cell, len(self.readers))
            if math.isnan(value):
                reason = "no rating of a diseased, or of a non-diseased case"
                found = Inference(estimate=None, undefined_reason=reason)
            else:
                error = Error(float(variance), degenerate=True)
                found = infer(float(value), error, null=None, bounded=True)
                if self.decides:
                    bias = float(self._cells.bias[cell])
                    found = guarded.modality(float(value), error, None, bias)
                    found = self._limited(found)
            rows.append(
                {
                    "modality": self.modalities[modality],
                    "reader": self.readers[reader],
                    "estimate": found.estimate,
                    "standard_error": found.standard_error,
                    "low": found.low,
                    "high": found.high,
                    "undefined_reason": found.undefined_reason,
                }
            )
        return rows

    def _rows(self) -> Sequence[Mapping[str, object]]:
        found = [(name, self.modality(name)) for name in self.modalities]
        return [{"modality": name, **vars(result)} for name, result in found]

    def _difference(self, first: Hashable, second: Hashable) -> tuple[float, Error]:
        one, other = self._two(first, second)
        assert self._analysis is not None  # noqa: S101
        means = self._analysis.means
        difference = float(means[one] - means[other])
        return difference, self._error(one, other)

    def _error(self, *of: int) -> Error:
        """Return the error of one modality or of a difference, guarded or not."""
        assert self._analysis is not None  # noqa: S101
        what = "modality" if len(of) == 1 else "difference"
        error: Error = getattr(self._analysis, what)(*of)
        if not self.decides or self._other is None:
            return error
        return guarded.fewer_df(error, getattr(self._other, what)(*of))

    def _guarded(self, first: Hashable, second: Hashable) -> guarded.Difference:
        one, other = self._two(first, second)
        assert self._analysis is not None  # noqa: S101
        means = self._analysis.means
        biases = self._bias(one), self._bias(other)
        return guarded.Difference(
            (float(means[one]) - biases[0], float(means[other]) - biases[1]),
            (self._error(one), self._error(other)),
            self._error(one, other),
            biases[0] - biases[1],
        )

    def _bias(self, index: int) -> float:
        """Return the bias of a modality."""
        by_reader = self._cells.bias.reshape(len(self.modalities), -1)[index]
        return float(by_reader[~np.isnan(by_reader)].mean())

    def _limited(self, found: Inference) -> Inference:
        """Return an accuracy without its limits where they are known not to hold."""
        reason = found.undefined_reason or self._no_limits
        if self._no_limits is None or reason is None:
            return found
        return replace(
            found, low=None, high=None, p_value=None, undefined_reason=reason
        )

    def guarded(
        self, first: Hashable, second: Hashable | None = None
    ) -> guarded.Modality | guarded.Difference | None:
        """Return a modality, or a difference of two, that gives limits at any level.

        None where there is no estimate. Degrees of freedom are those of
        `for_decisions`, if it was called.

        Raises:
            ValueError: If there is no such modality, or both are the same.
        """
        if second is not None:
            self._two(first, second)
        index = self._index(first)
        if self._analysis is None:
            return None
        if second is not None:
            return self._guarded(first, second)
        error = self._error(index)
        centre = float(self._analysis.means[index]) - self._bias(index)
        return guarded.Modality(centre, error)

    def _two(self, first: Hashable, second: Hashable) -> tuple[int, int]:
        if first == second:
            msg = f"Two modalities must differ, got {first} twice"
            raise InputError(msg)
        return self._index(first), self._index(second)

    def _index(self, name: Hashable) -> int:
        if name not in self.modalities:
            known = ", ".join(map(str, self.modalities))
            msg = f"Modality must be one of {known}, got {name}"
            raise InputError(msg)
        return self.modalities.index(name)


def multireader_accuracy(
    frame: Any,  # noqa: ANN401 - a data frame or a mapping
    metric: Metric = "auc",
    method: Method = "obuchowski_rockette",
    covariance: Covariance = "jackknife",
    random: Random = "readers_and_cases",
    threshold: float | None = None,
) -> MultireaderAccuracy:
    """Return how accurate readers are under each modality, with readers as a sample.

    Args:
        frame: A data frame, or a mapping of columns: `reader`, `case`, `modality`,
            `truth` (1 diseased, 0 not) and `rating` (a number, higher if more surely
            diseased; empty where missing).
        metric: Empirical AUC, sensitivity, specificity, or the share of all cases that
            are called right (`percent_correct`, from 0 to 1).
        method: Obuchowski and Rockette's analysis of variance, or Gallas' U-statistics.
        covariance: Of the errors, for the analysis of variance. `delong` needs all
            cases rated by all readers under all modalities.
        random: What is a sample. `cases` means that readers are fixed, `readers` that
            cases are. One reader alone is always fixed, by DeLong's test unless
            `random="cases"` asks for another.
        threshold: A rating from here on is a call of disease; for all but the AUC.

    Raises:
        InputError: If the table or an option cannot be used. What is not defined on
            usable data is None in the result, with its reason.
    """
    given = {"metric": metric, "method": method, "covariance": covariance}
    for what, value in (given | {"random": random}).items():
        one_of(what, value, _CHOICES[what])
    return accuracy_of(scores_of(frame), metric, method, covariance, random, threshold)


def accuracy_of(
    scores: Scores,
    metric: Metric,
    method: Method = "obuchowski_rockette",
    covariance: Covariance = "jackknife",
    random: Random = "readers_and_cases",
    threshold: float | None = None,
) -> MultireaderAccuracy:
    """Return what `multireader_accuracy` does, of ratings that are an array already."""
    cells = _cells(scores, metric, threshold)
    return study_of(scores, cells, metric, Ways(method, covariance, random))


@dataclass(frozen=True)
class Ways:
    """How a study is analysed: the options of `multireader_accuracy`."""

    method: Method = "obuchowski_rockette"
    covariance: Covariance = "jackknife"
    random: Random = "readers_and_cases"


def study_of(
    scores: Scores, cells: Cells, metric: str, ways: Ways
) -> MultireaderAccuracy:
    """Return the study of any values of modality and reader.

    Args:
        scores: Names, truth and who rated what.
        cells: The values, in the order of `scores.cells`.
        metric: What they are.
        ways: Those that are no means of terms have the jackknife and no U-statistics.
    """
    method, covariance, random = ways.method, ways.covariance, ways.random
    if method == "u_statistics" and random != "readers_and_cases":
        msg = f"u_statistics need random='readers_and_cases', got {random!r}"
        raise InputError(msg)
    if len(scores.readers) == 1 and random == "readers_and_cases":
        method, random = "obuchowski_rockette", "cases"
        covariance = _of_one_reader(cells)
    shape = scores.ratings.shape[:2]
    reason = _undefined(scores, cells, method, random)
    matrix = np.full((shape[0] * shape[1],) * 2, np.nan)
    if covariance != "delong" or cells.complete:
        matrix = (
            matrix if np.isnan(cells.estimates).all() else cells.covariances(covariance)
        )
    elif method == "obuchowski_rockette" and random != "readers":
        reason = reason or "delong needs every case rated in every cell; take unbiased"
    anova = Anova(cells.estimates.reshape(shape), matrix, random)
    analysis: Anova | UStatistics = anova
    other: Anova | UStatistics | guarded.LeftOutDf | None = None
    if isinstance(cells, Terms):
        other = UStatistics(cells, shape)
        if method == "u_statistics":
            analysis, other = other, anova
    elif isinstance(cells, LeftOut):
        other = guarded.LeftOutDf(cells, anova)
    paired = random == "readers_and_cases" and (anova.crossed or analysis is anova)
    unknown = np.isnan(matrix.diagonal()).any()
    return MultireaderAccuracy(
        metric=metric,
        method=method,
        covariance=covariance,
        random=random,
        modalities=scores.modalities,
        readers=scores.readers,
        covariances=None if unknown else anova.covariances,
        undefined_reason=reason,
        _cells=cells,
        _matrix=matrix,
        _analysis=None if reason else analysis,
        _other=other if paired else None,
        _n_cases=len(scores.truth),
    )


def _of_one_reader(cells: Cells) -> Covariance:
    if not isinstance(cells, Terms):
        return "jackknife"
    return "delong" if cells.complete else "unbiased"


def _cells(scores: Scores, metric: Metric, threshold: float | None) -> Cells:
    """Return the value of each modality and reader."""
    if metric == "auc":
        if threshold is not None:
            msg = f"The AUC takes no threshold, got {threshold}"
            raise InputError(msg)
        sides = (scores.of_class(diseased=True), scores.of_class(diseased=False))
        return Pairwise(*sides)
    if threshold is None:
        msg = f"The {metric} needs a threshold: a rating from there on is a call"
        raise InputError(msg)
    cut = as_number("Threshold", threshold)
    return Proportions(calls.hits(scores, cut, metric))


def _undefined(scores: Scores, cells: Cells, method: str, random: str) -> str | None:
    """Return why a study as a whole has no result."""
    lacking = _lacking_class(scores, cells)
    if lacking:
        return lacking
    rated = ~np.isnan(scores.ratings).all(axis=2)
    values = ~np.isnan(cells.estimates.reshape(rated.shape))
    if (rated & ~values).any():
        modality, reader = np.argwhere(rated & ~values)[0]
        return (
            f"reader {scores.readers[reader]} rated no case of one class under "
            f"{scores.modalities[modality]}"
        )
    nested = bool((rated.sum(axis=0) == 1).all())
    if method == "obuchowski_rockette" and not (rated.all() or nested):
        return (
            "every reader must have used all modalities, or each reader one only; "
            "u_statistics take any design"
        )
    if random == "readers" and len(scores.readers) == 1:
        return "one reader is no sample of readers"
    return None


def _lacking_class(scores: Scores, cells: Cells) -> str | None:
    if not np.isnan(cells.estimates).all():
        return None
    kind = "non-diseased" if scores.truth.all() else "diseased"
    return f"there is no {kind} case"
