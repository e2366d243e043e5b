"""Intraclass correlations of several raters, the six of Shrout and Fleiss."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from analysis.agreement.krippendorff import rating_table
from analysis.arrays import FloatArray
from analysis.errors import as_number, one_of
from analysis.intervals import ConfidenceInterval
from analysis.showing import Shown

Form = Literal["ICC1", "ICC2", "ICC3", "ICC1k", "ICC2k", "ICC3k"]
"""1: each case has raters of its own; 2: raters are a sample, absolute agreement; 3:
these raters, consistency. k: of the mean of all raters, else of one."""

_NOT_DEFINED = "every rating is the same, so cases cannot be told apart"
_ALIKE = "the mean of every case is the same, so cases cannot be told apart"
_NO_ERROR = "the ratings leave no error, so nothing can be tested"
_NO_FREEDOM = (
    "cases differ by less than chance, and leave the limits no degrees of freedom"
)
_ROUNDING = 1e-9
_NO_LIMIT = "a limit of one rater's correlation is too low for that of their mean"


@dataclass(frozen=True, kw_only=True)
class IntraclassCorrelation(Shown):
    """One intraclass correlation with its F test, unrounded.

    Attributes:
        form: Which of the six.
        estimate: NaN where it is undefined, and then `undefined_reason` says why. It
            may be below 0.
        n: Number of cases behind it.
        n_raters: Number of raters.
        f_statistic: Of the test that cases do not differ; NaN where there is none.
        df1: Its degrees of freedom.
        df2: Those of the error.
        p_value: Its p-value.
        undefined_reason: Why there is no estimate or no test, else None.
    """

    form: Form
    estimate: float
    n: int
    n_raters: int
    f_statistic: float = math.nan
    df1: int = 0
    df2: int = 0
    p_value: float = math.nan
    undefined_reason: str | None = None
    _squares: "_Squares | None" = None

    def confidence_interval(self, confidence_level: float = 0.95) -> ConfidenceInterval:
        """Return the limits of Shrout and Fleiss.

        Where there is none, its `caution` tells why.

        Raises:
            ValueError: If the level is not between 0 and 1.
        """
        if not 0 < as_number("Confidence level", confidence_level) < 1:
            msg = f"Confidence level must be between 0 and 1, got {confidence_level:g}"
            raise ValueError(msg)
        if self._squares is None:
            limit = 1.0 if self.estimate == 1 else math.nan
            return ConfidenceInterval(limit, limit, self.undefined_reason)
        tail = (1 - confidence_level) / 2
        squares, k = self._squares, self.n_raters
        if not squares.cases:
            return ConfidenceInterval(math.nan, math.nan, _ALIKE)
        if self.form.startswith("ICC2"):
            low, high = squares.limits_of_sampled_raters(tail)
            if math.isnan(low):
                return ConfidenceInterval(low, high, _NO_FREEDOM)
        else:
            low, high = squares.limits(self.df1, self.df2, self.f_statistic, tail)
        if not self.form.endswith("k"):
            return ConfidenceInterval(low, high)
        low, high = _of_mean(low, k), _of_mean(high, k)
        return ConfidenceInterval(low, high, _NO_LIMIT if math.isnan(low) else None)


def intraclass_correlation(
    ratings: ArrayLike, form: Form = "ICC2"
) -> IntraclassCorrelation:
    """Return how far cases, and not raters or chance, make ratings differ.

    Args:
        ratings: `(cases, raters)` numbers; a case with a missing rating (NaN) is left
            out.
        form: `ICC1` to `ICC3`, of one rater, or `ICC1k` to `ICC3k`, of their mean.

    Raises:
        ValueError: If the ratings are not a table of numbers, or the form is unknown.

    References:
        Shrout PE, Fleiss JL. Psychol Bull 1979;86:420. doi:10.1037/0033-2909.86.2.420

    Examples:
        >>> found = intraclass_correlation([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8]])
        >>> round(found.estimate, 3)
        0.343
    """
    one_of("form", form, get_args(Form))
    table = rating_table(ratings)
    table = table[~np.isnan(table).any(axis=1)]
    n, k = table.shape
    if n < 2:
        reason = f"at least two cases must have all ratings, got {n}"
        return IntraclassCorrelation(
            form=form, estimate=math.nan, n=n, n_raters=k, undefined_reason=reason
        )
    squares = _Squares.of(table)
    estimate = squares.estimate(form)
    error = squares.within if form.startswith("ICC1") else squares.residual
    df2 = n * (k - 1) if form.startswith("ICC1") else (n - 1) * (k - 1)
    if math.isnan(estimate) or error == 0:
        return IntraclassCorrelation(
            form=form,
            estimate=estimate,
            n=n,
            n_raters=k,
            undefined_reason=squares.reason(estimate),
        )
    statistic = squares.cases / error
    return IntraclassCorrelation(
        form=form,
        estimate=estimate,
        n=n,
        n_raters=k,
        f_statistic=statistic,
        df1=n - 1,
        df2=df2,
        p_value=float(special.fdtrc(n - 1, df2, statistic)),
        _squares=squares,
    )


@dataclass(frozen=True)
class _Squares:
    """Mean squares of cases by raters, and their numbers."""

    cases: float
    raters: float
    residual: float
    within: float
    n: int
    k: int

    @classmethod
    def of(cls, table: FloatArray) -> "_Squares":
        n, k = table.shape
        centred = table - table.mean()
        of_cases, of_raters = centred.mean(axis=1), centred.mean(axis=0)
        left = centred - of_cases[:, None] - of_raters
        noise = 1e-12 * max(1.0, float((centred**2).sum()))
        sums = [
            k * float((of_cases**2).sum()),
            n * float((of_raters**2).sum()),
            float((left**2).sum()),
        ]
        cases, raters, residual = (0.0 if s < noise else s for s in sums)
        within = (raters + residual) / (n * (k - 1))
        return cls(
            cases / (n - 1),
            raters / (k - 1),
            residual / ((n - 1) * (k - 1)),
            within,
            n,
            k,
        )

    def reason(self, estimate: float) -> str:
        """Why there is no estimate, or nothing that can be tested."""
        if math.isnan(estimate):
            return _ALIKE if self.within else _NOT_DEFINED
        return _NO_ERROR

    def estimate(self, form: str) -> float:
        """Return a correlation; NaN where nothing differs."""
        error = self.within if form.startswith("ICC1") else self.residual
        above = self.cases - error
        of_raters = (self.raters - self.residual) / self.n
        added = self.k * of_raters if form.startswith("ICC2") else 0.0
        if form.endswith("k"):
            below = self.cases + added / self.k
        else:
            below = self.cases + (self.k - 1) * error + added
        return above / below if below else math.nan

    def limits(
        self, df1: int, df2: int, statistic: float, tail: float
    ) -> tuple[float, float]:
        """Return limits of the forms 1 and 3, of one rater."""
        low = statistic / float(special.fdtri(df1, df2, 1 - tail))
        high = statistic * float(special.fdtri(df2, df1, 1 - tail))
        rest = self.k - 1
        return (low - 1) / (low + rest), (high - 1) / (high + rest)

    def limits_of_sampled_raters(self, tail: float) -> tuple[float, float]:
        """Return limits of form 2, of one rater: Satterthwaite's degrees of freedom.

        The less cases differ, the fewer they are; where both limits would lie to one
        side of the correlation, both are NaN.
        """
        n, k, own = self.n, self.k, self.estimate("ICC2")
        ratio = k * own * self.raters / self.residual
        part = n * (1 + (k - 1) * own) - k * own
        above = (k - 1) * (n - 1) * (ratio + part) ** 2
        df = above / ((n - 1) * ratio**2 + part**2)
        rest = k * self.raters + (k * n - k - n) * self.residual

        def at(share: float) -> float:
            cases = self.cases * float(special.fdtri(df, n - 1, share))
            below = rest + n * cases
            return n * (cases - self.residual) / below if below else math.nan

        low, high = at(tail), at(1 - tail)
        return (low, high) if low <= own <= high else (math.nan, math.nan)


def _of_mean(one: float, k: int) -> float:
    """Return the correlation of the mean of k raters (Spearman and Brown), if any."""
    below = 1 + (k - 1) * one
    return k * one / below if below > _ROUNDING else math.nan
