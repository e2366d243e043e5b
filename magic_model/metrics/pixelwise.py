"""Errors in physical units, correlation, overlap, and the central volume residual."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from magic_model.errors import as_numbers


def bounding_box(mask: ArrayLike) -> tuple[slice, slice]:
    """Return rows and columns of the smallest box around a mask.

    "A bounding box was applied to the brain region [...] to ensure that results would
    not be skewed by the background" (paper 2.2.1).

    Args:
        mask: `(rows, columns)`.

    Raises:
        ValueError: If the mask is empty.

    Examples:
        >>> bounding_box([[0, 0, 0], [0, 1, 0], [0, 0, 0]])
        (slice(1, 2, None), slice(1, 2, None))
    """
    inside = np.asarray(mask, dtype=np.bool_)
    if not inside.any():
        msg = "A mask must hold at least one pixel, got none"
        raise ValueError(msg)
    rows, columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    return (
        slice(int(rows[0]), int(rows[-1]) + 1),
        slice(int(columns[0]), int(columns[-1]) + 1),
    )


Array = NDArray[np.float64]


def mean_absolute_error(
    x: ArrayLike, y: ArrayLike, mask: ArrayLike | None = None
) -> float:
    """Mean absolute difference in the unit of the images.

    Raises:
        ValueError: If shapes differ or there is nothing to compare.
    """
    a, b = _values(x, y, mask)
    return float(np.abs(a - b).mean())


def roc_auc(values: ArrayLike, truth: ArrayLike) -> float:
    """Area under the ROC curve: how often a pixel of the truth has the larger value.

    Ties count half.

    Args:
        values: Of any shape.
        truth: The same shape, 0 and 1.

    Returns:
        NaN where all pixels are of one kind.

    Examples:
        >>> roc_auc([1, 2, 3, 4], [0, 1, 0, 1])
        0.75
    """
    positive = np.asarray(truth, dtype=np.bool_).ravel()
    n, m = int(positive.sum()), int((~positive).sum())
    if not n or not m:
        return math.nan
    ranks = rankdata(np.asarray(values, dtype=np.float64).ravel())
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * m))


def root_mean_square_error(
    x: ArrayLike, y: ArrayLike, mask: ArrayLike | None = None
) -> float:
    """Root of the mean squared difference in the unit of the images.

    Raises:
        ValueError: If shapes differ or there is nothing to compare.
    """
    a, b = _values(x, y, mask)
    return math.sqrt(float(np.square(a - b).mean()))


def peak_signal_to_noise(
    x: ArrayLike, y: ArrayLike, data_range: float, mask: ArrayLike | None = None
) -> float:
    """Peak signal-to-noise ratio in dB: 20 log10 of data range over RMSE.

    Args:
        x: Of any shape.
        y: The same shape.
        data_range: Largest minus smallest value that there can be.
        mask: Where to look; everywhere if left out. A background that is black in both
            raises the figure without any likeness.

    Returns:
        Infinity for equal images.

    Raises:
        ValueError: If shapes differ or there is nothing to compare.
    """
    error = root_mean_square_error(x, y, mask)
    return 20 * math.log10(data_range / error) if error else math.inf


def correlation(x: ArrayLike, y: ArrayLike, mask: ArrayLike | None = None) -> float:
    """Pearson correlation; NaN if an image is constant.

    Raises:
        ValueError: If shapes differ or there is nothing to compare.
    """
    a, b = _values(x, y, mask)
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return math.nan
    a, b = a - a.mean(), b - b.mean()
    return float(a @ b / math.sqrt(float(a @ a) * float(b @ b)))


def dice(a: ArrayLike, b: ArrayLike) -> float:
    """Overlap of two masks, twice the common part over the sum; NaN if both are empty.

    Raises:
        ValueError: If shapes differ.
    """
    first, second = np.asarray(a, np.bool_), np.asarray(b, np.bool_)
    if first.shape != second.shape:
        msg = f"Masks must have one shape, got {first.shape} and {second.shape}"
        raise ValueError(msg)
    total = int(first.sum()) + int(second.sum())
    return 2 * int((first & second).sum()) / total if total else math.nan


def central_volume_residual(
    cbf: ArrayLike, cbv: ArrayLike, mtt: ArrayLike, mask: ArrayLike | None = None
) -> float:
    """Mean absolute difference of CBV and CBF x MTT / 60, in mL/100g.

    Args:
        cbf: In mL/100g/min, of any shape.
        cbv: In mL/100g, the same shape.
        mtt: In s, the same shape.
        mask: Where to look; everywhere if left out.

    Raises:
        ValueError: If shapes differ or there is nothing to compare.

    Examples:
        >>> central_volume_residual([60.0, 30.0], [4.0, 3.0], [4.0, 4.0])
        0.5
    """
    flow, transit = _shaped(cbf, mtt)
    return mean_absolute_error(flow * transit / 60, cbv, mask)


def _shaped(x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    a, b = as_numbers(x, "An image"), as_numbers(y, "An image")
    if a.shape != b.shape:
        msg = f"Images must have one shape, got {a.shape} and {b.shape}"
        raise ValueError(msg)
    return a, b


def _values(x: ArrayLike, y: ArrayLike, mask: ArrayLike | None) -> tuple[Array, Array]:
    a, b = _shaped(x, y)
    if mask is not None:
        inside = np.asarray(mask, dtype=np.bool_)
        if inside.shape != a.shape:
            msg = f"A mask must have the shape of the images {a.shape}, "
            msg += f"got {inside.shape}"
            raise ValueError(msg)
        a, b = a[inside], b[inside]
    if not a.size:
        msg = "There must be at least one value to compare, got none"
        raise ValueError(msg)
    return a.ravel(), b.ravel()
