"""How alike a generated map and the measured one are, over the slices of a patient."""

import math

import numpy as np
from numpy.typing import NDArray

from magic_model.data.grid import BoolArray
from magic_model.data.volume import FloatArray
from magic_model.evaluation.metric import Metric
from magic_model.metrics.pixelwise import (
    bounding_box,
    correlation,
    mean_absolute_error,
    root_mean_square_error,
)
from magic_model.metrics.similarity import (
    BLOCK,
    GAUSSIAN_RADIUS,
    block_means,
    gaussian_means,
    index_of,
    paper_index_of,
    structure_of,
)

Box = tuple[slice, slice]
Array = NDArray[np.float64]

_SIMILARITIES = (
    Metric.SSIM_IN_BRAIN,
    Metric.SSIM_BOX,
    Metric.SSIM_PAPER,
    Metric.UQI_IN_BRAIN,
    Metric.UQI_BOX,
    Metric.UQI_PAPER,
)


def map_scores(
    measured: FloatArray,
    generated: FloatArray,
    mask: BoolArray,
    value_range: tuple[float, float],
) -> dict[Metric, float]:
    """Compare one map of one patient.

    SSIM and UQI are taken slice by slice, of the maps as they are shown (cut to their
    range), and averaged over the slices. Errors and correlation are taken over all
    voxels of the brain at once, of the maps as they are.

    Args:
        measured: `(n, rows, columns)` in its unit, 0 off the mask.
        generated: The same shape, 0 off the mask.
        mask: `(n, rows, columns)`; no slice of it may be empty.
        value_range: Of the map; its span is the data range of SSIM.

    Raises:
        ValueError: If shapes differ or a slice of the mask is empty.
    """
    slices = [
        _slice_scores(np.clip(x, *value_range), np.clip(y, *value_range), inside, span)
        for span in [value_range[1] - value_range[0]]
        for x, y, inside in zip(measured, generated, mask, strict=True)
    ]
    return {
        **{
            metric: _mean(np.array([s[metric] for s in slices]))
            for metric in _SIMILARITIES
        },
        Metric.MAE: mean_absolute_error(measured, generated, mask),
        Metric.RMSE: root_mean_square_error(measured, generated, mask),
        Metric.CORRELATION: correlation(measured, generated, mask),
    }


def _slice_scores(
    measured: FloatArray, generated: FloatArray, mask: BoolArray, span: float
) -> dict[Metric, float]:
    box = bounding_box(mask)
    crop = _grown(box, mask.shape)
    x, y, inside = measured[crop], generated[crop], mask[crop]
    box = _within(box, crop)
    gaussian, block = gaussian_means(x, y), block_means(x, y)
    structure, index = structure_of(gaussian, span), index_of(block)
    rough = structure_of(gaussian, float(y.max()))
    return {
        Metric.SSIM_IN_BRAIN: _masked(structure, inside, GAUSSIAN_RADIUS),
        Metric.SSIM_BOX: _mean(_windows_in(box, structure, 2 * GAUSSIAN_RADIUS)),
        Metric.SSIM_PAPER: _over_frame(rough, mask.shape, 2 * GAUSSIAN_RADIUS),
        Metric.UQI_IN_BRAIN: _masked(index, inside, BLOCK // 2),
        Metric.UQI_BOX: _mean(_windows_in(box, index, BLOCK - 1)),
        Metric.UQI_PAPER: _over_frame(paper_index_of(block), mask.shape, BLOCK),
    }


def _grown(box: Box, frame: tuple[int, ...]) -> Box:
    """Grow a box until every window off it sees nothing but background."""
    margin = 2 * GAUSSIAN_RADIUS
    rows, columns = (
        slice(max(0, side.start - margin), min(length, side.stop + margin))
        for side, length in zip(box, frame, strict=True)
    )
    return rows, columns


def _within(box: Box, crop: Box) -> Box:
    rows, columns = (
        slice(side.start - whole.start, side.stop - whole.start)
        for side, whole in zip(box, crop, strict=True)
    )
    return rows, columns


def _windows_in(box: Box, quality: Array, extent: int) -> Array:
    """Return the windows that lie wholly in a box; a window has extent + 1 pixels."""
    rows, columns = (
        slice(side.start, max(side.start, side.stop - extent)) for side in box
    )
    return quality[rows, columns]


def _masked(quality: Array, inside: BoolArray, before: int) -> float:
    rows, columns = quality.shape
    middles = inside[before : before + rows, before : before + columns]
    return _mean(quality[middles])


def _over_frame(quality: Array, frame: tuple[int, ...], lost: int) -> float:
    """Average over all windows of the frame, those off the crop being equal (1)."""
    count = math.prod(length - lost for length in frame)
    return 1 - float((1 - quality).sum()) / count


def _mean(values: Array) -> float:
    """Mean of the values that are defined; NaN without any."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else math.nan
