"""Odds ratio of an answer further along the scale, test method against reference."""

import math
import warnings
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.intervals import ConfidenceInterval, student_quantile
from analysis.showing import Shown

_FEWEST = 5
"""Answers in the less common half of each cut; with fewer the ratio has no support."""
_LARGEST = 6.0  # log odds; beyond, it is one of the infinite ones


@dataclass(frozen=True)
class MarginalOddsRatio(Shown):
    """Proportional odds ratio of all answers; see `marginal_odds_ratio`.

    Attributes:
        estimate: Odds of an answer further along the scale under the test method over
            those under the reference; NaN where it has none.
        standard_error: Of its logarithm, patients as clusters.
        df: Degrees of freedom of Student's t: patients - 1.
        n: Answers.
        undefined_reason: Why there is none, None where there is.
    """

    estimate: float
    standard_error: float
    df: float
    n: int
    undefined_reason: str | None = None

    def confidence_interval(self, confidence_level: float = 0.95) -> ConfidenceInterval:
        """Return the limits, from those of the logarithm.

        Raises:
            ValueError: If the level is not between 0 and 1.
        """
        t = student_quantile(confidence_level, self.df)
        if self.undefined_reason is not None:
            return ConfidenceInterval(math.nan, math.nan, self.undefined_reason)
        margin = t * self.standard_error
        return ConfidenceInterval(
            self.estimate * math.exp(-margin), self.estimate * math.exp(margin)
        )


def marginal_odds_ratio(
    answers: ArrayLike, is_test: ArrayLike, cases: Sequence[Hashable]
) -> MarginalOddsRatio:
    """Estimate the odds ratio by generalised estimating equations.

    The answers of all readers to a case make one cluster with an error of its own;
    readers are these ones. That error is multiplied by sqrt(K / (K - 1)) and goes with
    Student's t of K - 1. It describes; which way answers move is tested by the mean
    shift, with readers and patients random.

    Args:
        answers: `(n,)` positions on the scale.
        is_test: `(n,)` whether the picture was of the test method.
        cases: `(n,)` case of each answer.

    Raises:
        ValueError: If the three differ in length.

    References:
        Heagerty PJ, Zeger SL. J Am Stat Assoc 1996;91:1024.
        doi:10.1080/01621459.1996.10476973
        Liang KY, Zeger SL. Biometrika 1986;73:13. doi:10.1093/biomet/73.1.13
    """
    given, test = np.asarray(answers, dtype=int), np.asarray(is_test, dtype=bool)
    place = {case: number for number, case in enumerate(dict.fromkeys(cases))}
    groups = np.array([place[case] for case in cases], dtype=int)
    if not given.shape == test.shape == groups.shape:
        got = f"{given.shape}, {test.shape} and {groups.shape}"
        msg = f"Answers, methods and cases must be (n,) each, got {got}"
        raise ValueError(msg)
    used, position = np.unique(given, return_inverse=True)
    reason = _unsupported(used, position, test, len(place))
    if reason is not None:
        return MarginalOddsRatio(math.nan, math.nan, math.nan, len(given), reason)
    log_odds, error = _fitted(position, test, groups)
    if not (abs(log_odds) < _LARGEST and math.isfinite(error)):
        reason = "the model has no finite maximum"
        return MarginalOddsRatio(math.nan, math.nan, math.nan, len(given), reason)
    scale = math.sqrt(len(place) / (len(place) - 1))
    return MarginalOddsRatio(
        math.exp(log_odds), scale * error, len(place) - 1, len(given)
    )


def _unsupported(
    used: np.ndarray, position: np.ndarray, test: np.ndarray, n_cases: int
) -> str | None:
    if n_cases < 2:
        return "there are fewer than two cases"
    if test.all() or not test.any():
        return "there are answers under one method only"
    if len(used) < 2:
        return "all answers are the same"
    for name, own in (("test", position[test]), ("reference", position[~test])):
        if np.ptp(own) == 0:
            return f"all answers under the {name} method are the same"
    beyond = [(position >= cut).sum() for cut in range(1, len(used))]
    fewest = min(min(count, len(position) - count) for count in beyond)
    if len(used) == 2 and fewest < _FEWEST:
        return f"one of two answers was given {fewest} times, fewer than {_FEWEST}"
    return None


def _fitted(
    position: np.ndarray, test: np.ndarray, groups: np.ndarray
) -> tuple[float, float]:
    """Return the log odds ratio and its sandwich error; NaN where the fit fails."""
    # Slow to import, and only a report needs it.
    from statsmodels.genmod.cov_struct import Independence
    from statsmodels.genmod.generalized_estimating_equations import OrdinalGEE

    exog = test[:, None].astype(float)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # what they say is in the result
        try:
            fit = OrdinalGEE(
                position, exog, groups=groups, cov_struct=Independence()
            ).fit()
        except (np.linalg.LinAlgError, ValueError):
            return math.nan, math.nan
        # Errors are computed when they are asked for, and may warn then.
        return float(fit.params.iloc[-1]), float(fit.bse.iloc[-1])
