"""The perfusion information ratio, the two factors it stands for, and their balance."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import copysign
from numbers import Real

from magic_model.errors import DataError, is_a
from magic_model.maps import PerfusionMap

Ratio = float | Mapping[PerfusionMap, float]
"""Perfusion information ratio, of all maps or of each (1 where it is not named)."""

_LEAST_CORRELATION = 0.02  # taken for what is less; anatomy would never come out


def shares(ratio: float) -> tuple[float, float]:
    """Factors of perfusion and anatomy; their ratio is `ratio`, their sum is 2.

    Raises:
        DataError: If the ratio is not positive and finite.
    """
    if not (is_a(ratio, Real) and 0 < ratio < float("inf")):
        msg = f"The perfusion information ratio must be positive, got {ratio}"
        raise DataError(msg)
    return 2 / (1 + 1 / ratio), 2 / (1 + ratio)


def ratio_of(ratio: Ratio, name: PerfusionMap) -> float:
    """Return the ratio of one map."""
    return ratio.get(name, 1.0) if isinstance(ratio, Mapping) else ratio


@dataclass(frozen=True)
class Balance:
    """How much of a trained map its own CT numbers tell, over the brains trained on.

    It parts the output before Tanh into its mean, the line through the CT numbers at
    each pixel (anatomy), and the rest (perfusion). The weights that a network has
    learnt for the NCCT tell nothing of that, as its features hold anatomy as well.

    Attributes:
        mean: Of the output before Tanh.
        sd: Its standard deviation.
        ncct_mean: Of the NCCT around a pixel (`networks.pilo.anatomy_of`).
        ncct_sd: Its standard deviation.
        correlation: Of both.
    """

    mean: float
    sd: float
    ncct_mean: float
    ncct_sd: float
    correlation: float

    @property
    def slope(self) -> float:
        """Anatomy for a step of 1 of the NCCT."""
        return self._known * self.sd / self.ncct_sd

    @property
    def lift(self) -> float:
        """By how much anatomy is enlarged where it stands alone, beside its factor.

        So that it has the spread of the trained map there, and none is pale.
        """
        return max(1.0, 0.5 / abs(self._known))

    @property
    def _known(self) -> float:
        least = max(abs(self.correlation), _LEAST_CORRELATION)
        return copysign(least, self.correlation)
