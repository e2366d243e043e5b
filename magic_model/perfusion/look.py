"""What a report shows of a series: its baseline, its vessels' slices, its frames."""

from dataclasses import dataclass

import numpy as np

from magic_model.data.volume import FloatArray, Kind, Volume
from magic_model.perfusion.compute import Perfusion
from magic_model.perfusion.stillness import Stillness, measure_stillness
from magic_model.perfusion.vessels import Voxel


@dataclass(frozen=True, eq=False)
class Look:
    """Pictures and measures of a series, so that the report needs no series.

    Attributes:
        baseline: Mean of the frames before contrast arrives, on the grid of the maps.
        artery: Highest value over time of the artery's slice, `(x, y, 1)`.
        vein: The same of the vein; None where none was found.
        still: Where the head lay, and noise, in each frame.
    """

    baseline: Volume
    artery: Volume
    vein: Volume | None
    still: Stillness


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
        measure_stillness(
            series.array, result.brain, series.spacing, result.baseline_frames
        ),
    )


def slice_of(
    values: FloatArray,
    k: int,
    affine: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> Volume:
    """Return one slice of a volume in its place."""
    own = affine.copy()
    own[:3, 3] += k * own[:3, 2]
    return Volume(values[..., None], own, Kind.NCCT)
