"""Power and sample size of a z test of kappa, from its variance.

A variance model tells the variance of sqrt(n) x estimated kappa where kappa has a given
value. The test rejects kappa = `null` with the standard error under the null; with the
critical value z_a, the power at n pairs is Phi((sqrt(n) |kappa - null| - z_a s0) / s1).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

_STEPS = 20
_ABOVE_NULL = 1e-6

VarianceModel = Callable[[float], float]
"""From kappa to the variance of sqrt(n) x its estimate."""


class UnattainableKappaError(ValueError):
    """The margins do not allow the kappa that was asked for."""

    def __init__(self, kappa: float, maximum: float) -> None:
        self.kappa = kappa
        self.maximum = maximum
        super().__init__(
            f"kappa {kappa:g} cannot be reached with these margins: "
            f"the maximum is {maximum:.3f}"
        )


@dataclass(frozen=True)
class PowerTest:
    """A test that kappa differs from a null value.

    Attributes:
        kappa: True kappa.
        null: Kappa under the null hypothesis.
        alpha: Type I error.
        two_sided: Whether alpha is shared by both tails.

    Raises:
        ValueError: If the numbers are out of range.
    """

    kappa: float
    null: float = 0.0
    alpha: float = 0.05
    two_sided: bool = True

    def __post_init__(self) -> None:
        if not (-1 <= self.null <= 1 and -1 <= self.kappa <= 1) or (
            self.null == self.kappa
        ):
            msg = (
                "Kappa and its null value must differ and lie within -1 and 1, "
                f"got {self.kappa:g} and {self.null:g}"
            )
            raise ValueError(msg)
        if not 0 < self.alpha < 1:
            msg = f"Alpha must be between 0 and 1, got {self.alpha:g}"
            raise ValueError(msg)

    @property
    def critical(self) -> float:
        """Critical value of the z test."""
        return float(ndtri(1 - self.alpha / (2 if self.two_sided else 1)))


def normal_power(model: VarianceModel, test: PowerTest, n: float) -> float:
    """Power at n pairs."""
    null_sd, sd = math.sqrt(model(test.null)), math.sqrt(model(test.kappa))
    shift = math.sqrt(n) * abs(test.kappa - test.null) - test.critical * null_sd
    return float(ndtr(shift / sd)) if sd else float(shift > 0)


def normal_sample_size(
    model: VarianceModel, test: PowerTest, power: float = 0.8
) -> float:
    """Pairs needed for the power, unrounded; round up to use it."""
    check_power(power)
    null_sd, sd = math.sqrt(model(test.null)), math.sqrt(model(test.kappa))
    needed = test.critical * null_sd + float(ndtri(power)) * sd
    return (needed / (test.kappa - test.null)) ** 2


def detectable_kappa(
    power_at: Callable[[float], float], *, null: float, highest: float, power: float
) -> float:
    """Smallest kappa that is found with the power; NaN if none is.

    Args:
        power_at: Power as a function of kappa, rising.
        null: Kappa under the null hypothesis.
        highest: Largest kappa that can be; it is looked for up to 1/20 below.
        power: Power wanted.
    """
    check_power(power)
    # Step up from the null: at the very highest kappa some models do not converge.
    steps = np.linspace(null, highest, _STEPS + 1)[1:-1].tolist()
    below = null
    for kappa in steps if highest > null else []:
        if power_at(kappa) >= power:
            lowest = max(below, null + _ABOVE_NULL)
            return float(
                brentq(lambda x: power_at(x) - power, lowest, kappa, xtol=1e-7)
            )
        below = kappa
    return math.nan


def check_power(power: float) -> None:
    """Refuse a power that is not between 0 and 1."""
    if not 0 < power < 1:
        msg = f"Power must be between 0 and 1, got {power:g}"
        raise ValueError(msg)
