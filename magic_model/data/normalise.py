"""Between physical units and the [-1, 1] that networks see."""

import numpy as np
from numpy.typing import ArrayLike

from magic_model.data.volume import FloatArray
from magic_model.maps import MAP_SPECS, PerfusionMap

NCCT_WINDOW = (0.0, 80.0)
"""Window centre 40 HU, width 80 HU (paper 2.1.2)."""

Range = tuple[float, float]


def scale_hounsfield(ct: ArrayLike, window: Range = NCCT_WINDOW) -> FloatArray:
    """Scale CT numbers to [-1, 1], cutting off what lies outside the window.

    Args:
        ct: CT numbers in HU, of any shape.
        window: Smallest and largest CT number kept, in HU.

    Returns:
        An array of the same shape; -1 is the lower end of the window. NaN stays NaN.

    Raises:
        ValueError: If the window does not rise.

    Examples:
        >>> scale_hounsfield([-1000.0, 40.0, 80.0])
        array([-1.,  0.,  1.], dtype=float32)
    """
    return _scale(ct, window)


def unscale_hounsfield(scaled: ArrayLike, window: Range = NCCT_WINDOW) -> FloatArray:
    """Return CT numbers in HU back; the inverse of `scale_hounsfield` in the window."""
    return _unscale(scaled, window)


def scale_map(
    values: ArrayLike, kind: PerfusionMap, value_range: Range | None = None
) -> FloatArray:
    """Scale a perfusion map to [-1, 1], cutting off what lies outside its range.

    Args:
        values: The map in its unit, of any shape.
        kind: Which map it is.
        value_range: Values that become -1 and 1; that of `MAP_SPECS` if left out.

    Raises:
        ValueError: If the range does not rise.

    Examples:
        >>> scale_map([0.0, 15.0, 99.0], PerfusionMap.CBF)
        array([-1. , -0.5,  1. ], dtype=float32)
    """
    return _scale(values, value_range or MAP_SPECS[kind].value_range)


def unscale_map(
    scaled: ArrayLike, kind: PerfusionMap, value_range: Range | None = None
) -> FloatArray:
    """Return a map in its unit back; the inverse of `scale_map` inside the range."""
    return _unscale(scaled, value_range or MAP_SPECS[kind].value_range)


def shown_end(kind: PerfusionMap, value_range: Range) -> float:
    """Return where the range that is shown ends in [-1, 1].

    Args:
        kind: Which map it is.
        value_range: Values that become -1 and 1.

    Examples:
        >>> shown_end(PerfusionMap.CBF, (0.0, 120.0))
        0.0
    """
    return float(scale_map(MAP_SPECS[kind].value_range[1], kind, value_range))


# In double precision, so that only the two roundings to float32 remain.


def _scale(values: ArrayLike, limits: Range) -> FloatArray:
    low, high = _rising(limits)
    array = np.asarray(values, dtype=np.float64)
    return np.clip((array - low) * (2 / (high - low)) - 1, -1, 1).astype(np.float32)


def _unscale(scaled: ArrayLike, limits: Range) -> FloatArray:
    low, high = _rising(limits)
    array = np.asarray(scaled, dtype=np.float64)
    return ((array + 1) * ((high - low) / 2) + low).astype(np.float32)


def _rising(limits: Range) -> Range:
    low, high = limits
    if not low < high:
        msg = f"A range must rise from its first to its second value, got {limits}"
        raise ValueError(msg)
    return low, high
