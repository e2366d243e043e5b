"""The perfusion information ratio, and the two factors that it stands for."""

from collections.abc import Mapping
from numbers import Real

from magic_model.errors import DataError, is_a
from magic_model.maps import PerfusionMap

Ratio = float | Mapping[PerfusionMap, float]
"""Perfusion information ratio, of all maps or of each (1 where it is not named)."""


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
