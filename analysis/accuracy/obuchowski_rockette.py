"""Obuchowski and Rockette's analysis of variance, with Hillis' degrees of freedom.

Readers that all use every modality, or each reader one modality only. Cases may be
crossed, nested in readers or in modalities, or partly shared: covariances are means
over all pairs of cells of a kind, those without a common case included as 0.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.accuracy.inference import NO_VARIANCE, Equality, Error
from analysis.showing import Shown

FloatArray = NDArray[np.float64]

_NO_SQUARES = 1e-24  # mean squares of proportions that are rounding of 0
_NO_COVARIANCE = 1e-14


@dataclass(frozen=True)
class Covariances(Shown):
    """Error variance and covariances of two cells, as means over all pairs of a kind.

    Attributes:
        error_variance: Of one reader with one modality.
        cov1: Same reader, different modalities; None where no reader used two.
        cov2: Same modality, different readers; None with one reader.
        cov3: Both different; None with one reader.
    """

    error_variance: float
    cov1: float | None
    cov2: float | None
    cov3: float | None


@dataclass(frozen=True)
class VarianceComponents(Shown):
    """What readers add to the errors of cases; may be below 0.

    Attributes:
        reader: Variance of readers.
        reader_modality: Variance of readers by modality.
    """

    reader: float
    reader_modality: float


class Anova:
    """Mean squares and covariances of a study, and the errors that follow from them."""

    def __init__(
        self, values: FloatArray, covariances: FloatArray, random: str
    ) -> None:
        """Take the values of the cells.

        Args:
            values: `(modalities, readers)`; NaN where a reader did not use a modality.
            covariances: Of all cells, in the order of `values.ravel()`.
            random: `readers_and_cases`, `readers` or `cases`.
        """
        self._values, self._random = values, random
        self._matrix = covariances
        self.used = ~np.isnan(values)
        self.crossed = bool(self.used.all())

    @property
    def means(self) -> FloatArray:
        """Return the mean over readers of each modality."""
        found: FloatArray = np.nanmean(self._values, axis=1)
        return found

    @cached_property
    def covariances(self) -> Covariances:
        """Return the means over all pairs of cells of a kind."""
        kinds = (
            _mean(self._matrix, self._kind(modality, reader))
            for modality, reader in ((True, True), (False, True), (True, False))
        )
        variance, cov1, cov2 = kinds
        cov3 = _mean(self._matrix, self._kind(False, False))
        if not self.crossed:  # any two readers of different modalities
            cov1 = math.nan
        return Covariances(variance, *(_known(cov) for cov in (cov1, cov2, cov3)))

    @cached_property
    def between_modalities(self) -> float:
        """Return the mean square of modalities."""
        n_readers = self.used.sum(axis=1)
        grand = np.average(self.means, weights=n_readers)
        squares = (n_readers * (self.means - grand) ** 2).sum()
        return _squares(squares, len(self._values) - 1)

    @cached_property
    def residual(self) -> float:
        """Return the mean square of modality by reader, or of readers in modalities."""
        centred = self._values - self.means[:, None]
        n_modalities, n_readers = self._values.shape
        if not self.crossed:
            return _squares(np.nansum(centred**2), self._residual_df)
        centred = centred - self._values.mean(axis=0) + self._values.mean()
        return _squares((centred**2).sum(), (n_modalities - 1) * (n_readers - 1))

    @property
    def variance_components(self) -> VarianceComponents | None:
        """Return the components of readers; only where they use all modalities."""
        found = self.covariances
        known = (found.cov1, found.cov2, found.cov3)
        if not self.crossed or None in known or math.isnan(found.error_variance):
            return None
        cov1, cov2, cov3 = (float(cov or 0.0) for cov in known)
        of_readers = self._values.mean(axis=0)
        squares = len(self._values) * ((of_readers - of_readers.mean()) ** 2).sum()
        mean_square = _squares(squares, len(of_readers) - 1)
        own = (mean_square - self.residual) / len(self._values) - cov1 + cov3
        by_modality = self.residual - found.error_variance + cov1 + cov2 - cov3
        return VarianceComponents(own, by_modality)

    @property
    def _residual_df(self) -> int:
        n_modalities, n_readers = (int(size) for size in self._values.shape)
        if self.crossed:
            return (n_modalities - 1) * (n_readers - 1)
        return int(self.used.sum()) - n_modalities

    @property
    def _typical_readers(self) -> float:
        """Return the readers of a modality; of unequal numbers what stands for them."""
        sizes = self.used.sum(axis=1).astype(float)
        total, others = sizes.sum(), len(sizes) - 1
        if others == 0:
            return float(total)
        return float((total**2 - (sizes**2).sum()) / (total * others))

    @cached_property
    def denominator(self) -> Error:
        """Return the expected mean square of modalities if none differs.

        Only where readers are a sample is the difference of covariances cut off at 0.
        """
        found = self.covariances
        cov1, cov2, cov3 = (cov or 0.0 for cov in (found.cov1, found.cov2, found.cov3))
        readers = self._typical_readers
        if self._random == "readers":
            return Error(self.residual, self._residual_df)
        if math.isnan(found.error_variance):
            return Error(math.nan)
        if self._random == "cases":
            if not self.crossed:
                cov1 = cov3
            parts = found.error_variance - cov1 + (readers - 1) * (cov2 - cov3)
            return Error(_rounded(parts), degenerate=True)
        shared = _rounded(max(cov2 - cov3, 0.0))
        total = self.residual + readers * shared
        return Error(total, _satterthwaite(total, self.residual, self._residual_df))

    def difference(self, first: int, second: int) -> Error:
        """Return the error of the difference of two modalities; one for all pairs."""
        sizes = self.used.sum(axis=1)
        found = self.denominator
        share = float(1 / sizes[first] + 1 / sizes[second])
        return Error(found.variance * share, found.df, degenerate=found.degenerate)

    def modality(self, index: int) -> Error:
        """Return the error of one modality, from its own data only."""
        values = self._values[index][self.used[index]]
        readers = len(values)
        square = _squares(((values - values.mean()) ** 2).sum(), readers - 1)
        if self._random == "readers":
            return Error(square / readers, readers - 1)
        own = np.arange(self._values.size).reshape(self._values.shape)[index]
        own = own[self.used[index]]
        matrix = self._matrix[np.ix_(own, own)]
        off = ~np.eye(readers, dtype=bool)
        cov2 = _rounded(max(float(matrix[off].mean()), 0.0)) if readers > 1 else 0.0
        if self._random == "cases":
            variance = float(matrix.diagonal().mean())
            return Error((variance + (readers - 1) * cov2) / readers, degenerate=True)
        total = square + readers * cov2
        return Error(total / readers, _satterthwaite(total, square, readers - 1))

    def reader_difference(self, first: int, second: int, reader: int) -> Error:
        """Return the error of one reader's difference of two modalities."""
        n_readers = self._values.shape[1]
        pair = [first * n_readers + reader, second * n_readers + reader]
        (one, both), (_, other) = self._matrix[np.ix_(pair, pair)]
        return Error(_rounded(float(one + other - 2 * both)), degenerate=True)

    def equality(self) -> Equality:
        """Return the test that all modalities are the same."""
        df1 = len(self._values) - 1
        if not df1:
            return Equality(undefined_reason="there is one modality only")
        error = self.denominator
        if not error.variance > 0:
            reason = NO_VARIANCE if error.variance == 0 else "the error is not positive"
            return Equality(df1=df1, undefined_reason=reason)
        ratio = self.between_modalities / error.variance
        if math.isinf(error.df):
            p_value = special.chdtrc(df1, df1 * ratio)
            ratio = df1 * ratio if self._random == "cases" else ratio
        else:
            p_value = special.fdtrc(df1, error.df, ratio)
        return Equality(
            statistic=float(ratio), df1=df1, df2=error.df, p_value=float(p_value)
        )

    def _kind(self, same_modality: bool, same_reader: bool) -> NDArray[np.bool_]:
        """Return which pairs of used cells are of a kind."""
        modality, reader = (axis.ravel() for axis in np.indices(self._values.shape))
        used = self.used.ravel()
        alike = (modality[:, None] == modality) == same_modality
        alike &= (reader[:, None] == reader) == same_reader
        found: NDArray[np.bool_] = alike & used[:, None] & used
        return found


def _satterthwaite(total: float, square: float, df: int) -> float:
    """Return the degrees of freedom of a mean square plus constants."""
    if math.isnan(total) or df == 0:
        return math.nan
    return math.inf if square == 0 else df * (total / square) ** 2


def _squares(total: float, df: int) -> float:
    if df < 1:
        return math.nan
    mean = float(total) / df
    return 0.0 if mean < _NO_SQUARES else mean


def _mean(matrix: FloatArray, at: NDArray[np.bool_]) -> float:
    return float(matrix[at].mean()) if at.any() else math.nan


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _rounded(value: float) -> float:
    return 0.0 if abs(value) < _NO_COVARIANCE else value
