"""Goodness-of-fit power and precision of kappa of two to many raters of each subject.

Subjects fall into cells: all raters agree on a category, one cell each, or they do not.
How likely the cells are at a given kappa takes a model of how answers hang together:

- `mixture`: a share kappa of the subjects gets one answer from all raters; the others
  get independent ones. R's kappaSize takes it for two categories.
- `dirichlet`: each subject has its own answer shares, Dirichlet around the overall
  ones, with intraclass correlation kappa. kappaSize takes it for three and more.

With two raters both are the same table.
"""

from typing import Literal, get_args

import numpy as np
from scipy.optimize import brentq
from scipy.special import chdtri

from analysis.arrays import FloatArray
from analysis.errors import as_whole
from analysis.power.normal import (
    PowerTest,
    noncentrality_needed,
    power_of_noncentrality,
)

RatersModel = Literal["mixture", "dirichlet"]

_LOWEST = 1e-6  # how near to 0 agreement of all may come


def raters_power(
    shares: FloatArray, test: PowerTest, n: float, raters: int, model: RatersModel
) -> float:
    """Power at n subjects; the test is two-sided.

    Args:
        shares: `(k,)` share of each category, the same for all raters.
        test: What is tested.
        n: Number of subjects.
        raters: Raters of each subject.
        model: How the raters' answers hang together.

    Raises:
        ValueError: If there are fewer than two raters or the model is unknown.

    References:
        Altaye M, Donner A, Klar N. Biometrics 2001;57:584.
        doi:10.1111/j.0006-341X.2001.00584.x. Donner A, Rotondi MA. Int J Biostat
        2010;6:31. doi:10.2202/1557-4679.1275
    """
    step = noncentrality_per_subject(
        shares, (test.kappa, test.null), raters=raters, model=model
    )
    return power_of_noncentrality(n * step, test.alpha)


def raters_sample_size(
    shares: FloatArray,
    test: PowerTest,
    power: float,
    raters: int,
    model: RatersModel,
) -> float:
    """Subjects needed for the power, unrounded; round up to use it."""
    step = noncentrality_per_subject(
        shares, (test.kappa, test.null), raters=raters, model=model
    )
    return noncentrality_needed(power, test.alpha) / step


def raters_lower_limit(
    shares: FloatArray,
    kappa: float,
    n: float,
    raters: int,
    *,
    model: RatersModel,
    alpha: float = 0.05,
) -> float:
    """Lower limit of kappa expected from n subjects, one-sided at 1 - alpha.

    It is -inf where even the lowest kappa that the model allows is not excluded.
    """
    critical = float(chdtri(1, 2 * alpha))

    def excess(limit: float) -> float:
        step = noncentrality_per_subject(
            shares, (kappa, limit), raters=raters, model=model
        )
        return n * step - critical

    lowest = _lowest_kappa(shares, raters, model)
    if excess(lowest) < 0:
        return -np.inf
    return float(brentq(excess, lowest, kappa, xtol=1e-12))


def raters_for_lower_limit(
    shares: FloatArray,
    kappa: float,
    limit: float,
    raters: int,
    *,
    model: RatersModel,
    alpha: float = 0.05,
) -> float:
    """Subjects needed for a one-sided lower limit, unrounded; round up to use it."""
    step = noncentrality_per_subject(shares, (kappa, limit), raters=raters, model=model)
    return float(chdtri(1, 2 * alpha)) / step


def noncentrality_per_subject(
    shares: FloatArray,
    kappas: tuple[float, float],
    *,
    raters: int,
    model: RatersModel,
) -> float:
    """Noncentrality that one subject adds to the chi-square with 1 degree of freedom.

    Args:
        shares: `(k,)` share of each category.
        kappas: The true kappa, and that of the hypothesis.
        raters: Raters of each subject.
        model: How the raters' answers hang together.
    """
    true, expected = (_cells(shares, kappa, raters, model) for kappa in kappas)
    used = expected > 0
    return float(((true - expected)[used] ** 2 / expected[used]).sum())


def _cells(
    shares: FloatArray, kappa: float, raters: int, model: RatersModel
) -> FloatArray:
    if as_whole("Raters", raters) < 2:
        msg = f"Agreement takes 2 raters or more, got {raters}"
        raise ValueError(msg)
    if model not in get_args(RatersModel):
        msg = f"Model must be one of {', '.join(get_args(RatersModel))}, got {model}"
        raise ValueError(msg)
    if model == "mixture":
        agree = kappa * shares + (1 - kappa) * shares**raters
    else:
        earlier = np.arange(raters)[:, None]
        chosen = shares * (1 - kappa) + earlier * kappa
        agree = (chosen / (1 - kappa + earlier * kappa)).prod(axis=0)
    if agree.min() < 0 or (model == "dirichlet" and kappa < 0):
        msg = f"Kappa of {raters} raters with these shares cannot be {kappa:g}"
        raise ValueError(msg)
    return np.append(agree, max(0.0, 1 - float(agree.sum())))


def _lowest_kappa(shares: FloatArray, raters: int, model: RatersModel) -> float:
    """Return the kappa at which agreement on a category, or disagreement, runs out."""
    if model == "dirichlet":
        return 0.0
    used = shares[(shares > 0) & (shares < 1)]
    bound = -(used ** (raters - 1)) / (1 - used ** (raters - 1))
    return float(bound.max()) + _LOWEST
