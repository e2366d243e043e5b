"""Links of the cumulative model: a distribution and its derivatives.

An answer falls into a category where a latent variable lies between two thresholds, so
its probability is F(upper) - F(lower).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from scipy.special import expit, ndtr

from analysis.arrays import FloatArray

Link = Literal["logit", "probit"]

_SMALLEST = 1e-300  # keeps logarithms finite where a probability underflows


class Densities(NamedTuple):
    """Density of the latent variable and its first two slopes."""

    density: FloatArray
    first: FloatArray
    second: FloatArray


@dataclass(frozen=True)
class LinkFunction:
    """A symmetric distribution of the latent variable.

    Attributes:
        name: `logit` or `probit`.
        cumulative: Distribution function.
        densities: Density and its slopes.
        residual_variance: Variance of the latent variable within all groups.
    """

    name: Link
    cumulative: Callable[[FloatArray], FloatArray]
    densities: Callable[[FloatArray], Densities]
    residual_variance: float


class CellSlopes(NamedTuple):
    """Log probability of each answer and its slopes in both thresholds, each `(n,)`.

    `a` stands for the upper threshold and `b` for the lower one.
    """

    value: FloatArray
    a: FloatArray
    b: FloatArray
    aa: FloatArray
    ab: FloatArray
    bb: FloatArray
    aaa: FloatArray
    aab: FloatArray
    abb: FloatArray
    bbb: FloatArray


def link_function(name: str) -> LinkFunction:
    """Look a link up.

    Raises:
        ValueError: If the name is not known.
    """
    if name not in _LINKS:
        msg = f"Link must be one of {', '.join(_LINKS)}, got {name}"
        raise ValueError(msg)
    return _LINKS[name]


def cell_slopes(link: LinkFunction, lower: FloatArray, upper: FloatArray) -> CellSlopes:
    """Differentiate log(F(upper) - F(lower)) up to the third order."""
    p = _between(link, lower, upper)
    fa, fa1, fa2 = (slope / p for slope in link.densities(upper))
    fb, fb1, fb2 = (slope / p for slope in link.densities(lower))
    return CellSlopes(
        value=np.log(p),
        a=fa,
        b=-fb,
        aa=fa1 - fa**2,
        ab=fa * fb,
        bb=-fb1 - fb**2,
        aaa=fa2 - 3 * fa * fa1 + 2 * fa**3,
        aab=fb * (fa1 - 2 * fa**2),
        abb=fa * (fb1 + 2 * fb**2),
        bbb=-fb2 - 3 * fb * fb1 - 2 * fb**3,
    )


def log_probability(
    link: LinkFunction, lower: FloatArray, upper: FloatArray
) -> FloatArray:
    """Give log(F(upper) - F(lower)) without slopes."""
    return np.asarray(np.log(_between(link, lower, upper)))


def _between(link: LinkFunction, lower: FloatArray, upper: FloatArray) -> FloatArray:
    # In the upper tail F is near 1 and the difference would lose its digits.
    flip = lower + upper > 0
    low, high = np.where(flip, -upper, lower), np.where(flip, -lower, upper)
    return np.maximum(link.cumulative(high) - link.cumulative(low), _SMALLEST)


def _logistic(x: FloatArray) -> Densities:
    f = expit(x) * expit(-x)
    tilt = -np.tanh(x / 2)  # 1 - 2 F
    return Densities(f, f * tilt, f * (tilt**2 - 2 * f))


def _normal(x: FloatArray) -> Densities:
    f = np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
    return Densities(f, -x * f, (x**2 - 1) * f)


_LINKS = {
    "logit": LinkFunction("logit", expit, _logistic, math.pi**2 / 3),
    "probit": LinkFunction("probit", ndtr, _normal, 1.0),
}
