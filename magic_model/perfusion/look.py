"""What a report shows of a series: its baseline, its vessels' slices, its frames."""

import math
from dataclasses import dataclass

import numpy as np

from magic_model.data.volume import FloatArray, Kind, Volume
from magic_model.perfusion.compute import Perfusion
from magic_model.perfusion.denoising import Array, Mask
from magic_model.perfusion.vessels import Voxel


@dataclass(frozen=True, eq=False)
class Look:
    """Pictures and measures of a series, so that the report needs no series.

    Attributes:
        baseline: Mean of the frames before contrast arrives, on the grid of the maps.
        artery: Highest value over time of the artery's slice, `(x, y, 1)`.
        vein: The same of the vein; None where none was found.
        noise_hu: Standard deviation of the noise of a voxel in each frame.
    """

    baseline: Volume
    artery: Volume
    vein: Volume | None
    noise_hu: Array


def look_at(result: Perfusion) -> Look:
    """Look at a series that is in memory."""
    series = result.series

    def highest(voxel: Voxel) -> Volume:
        return slice_of(
            series.array[:, :, voxel[2]].max(axis=-1), voxel[2], series.affine
        )

    return Look(
        series.mean(result.baseline_frames),
        highest(result.artery.voxel),
        None if result.vein is None else highest(result.vein.voxel),
        frame_noise(series.array, result.brain, result.baseline_frames),
    )


def frame_noise(series: FloatArray, brain: Mask, baseline: int) -> Array:
    """Return the noise of a voxel within the brain in each frame, in HU.

    By the mean difference of neighbours along the first axis, without what differs by
    more than six times the median: vessels and edges. NaN where it cannot be told.

    Args:
        series: `(x, y, z, frames)` in HU.
        brain: Where noise is measured.
        baseline: Frames whose mean is taken off.
    """
    frames = series.shape[3]
    first = series[..., :baseline].mean(axis=-1)
    inside = brain[1:] & brain[:-1]
    noise = [_noise(series[..., t] - first, inside) for t in range(frames)]
    # A frame of the baseline is in the mean that is taken off.
    share = np.ones(frames) + 1 / baseline
    share[:baseline] = 1 - 1 / baseline if baseline > 1 else math.nan
    return np.asarray(np.array(noise) / np.sqrt(share))


def _noise(change: FloatArray, inside: Mask) -> float:
    steps = np.abs(np.diff(change, axis=0)[inside])
    if not steps.size:
        return math.nan
    usual = steps[steps <= 6 * np.median(steps)]
    return float(usual.mean()) * math.sqrt(math.pi) / 2


def slice_of(
    values: FloatArray,
    k: int,
    affine: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> Volume:
    """Return one slice of a volume in its place."""
    own = affine.copy()
    own[:3, 3] += k * own[:3, 2]
    return Volume(values[..., None], own, Kind.NCCT)
