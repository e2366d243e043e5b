"""Cut NCCT and maps of a patient into paired axial slices (paper 2.1.2)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from magic_model.data.grid import (
    HALF,
    BoolArray,
    Maps,
    Shape,
    common_grid,
    in_plane_grid,
    map_support,
    reorient_ras,
    resample,
)
from magic_model.data.neighbours import raised, sample_neighbours
from magic_model.data.skull_strip import MorphologicalSkullStripper, SkullStripper
from magic_model.data.slice_stack import SliceStack, to_display
from magic_model.data.volume import Affine, Kind, Volume
from magic_model.errors import DataError
from magic_model.maps import PerfusionMap

__all__ = [
    "PAPER_SLICES",
    "SliceGeometry",
    "SliceStack",
    "central_slices",
    "prepare_slices",
]


@dataclass(frozen=True, kw_only=True)
class SliceGeometry:
    """Which slices are taken, and how large they are."""

    size: int = 256
    """Pixels along each side."""

    n_slices: int = 10
    """Number of slices at most."""

    slice_mm: float = 10.0
    """Distance of slices where those of the maps are thinner."""

    offset_mm: float = 4.0
    """Distance of the NCCT slices below and above."""

    enough: float = 0.1
    """Share of the fullest slice's area that a slice must have."""


PAPER_SLICES = SliceGeometry()


def prepare_slices(
    patient_id: str,
    ncct: Volume,
    maps: Mapping[PerfusionMap, Volume],
    brain: Volume | None = None,
    *,
    geometry: SliceGeometry = PAPER_SLICES,
    stripper: SkullStripper | None = None,
) -> SliceStack:
    """Cut NCCT and perfusion maps of a patient into paired slices.

    The slices lie in the axial plane of the maps; the NCCT is sampled there by affine.
    Without maps, for a patient to generate them for, the slices are those of the NCCT.

    Args:
        patient_id: Study-local name, which errors begin with.
        ncct: In HU.
        maps: Any number of them, in their units.
        brain: Brain mask on any grid; found by `stripper` if left out.
        geometry: Which slices are taken.
        stripper: Finds the brain; own morphology if left out.

    Raises:
        DataError: If the brain is not found, or maps, brain and NCCT do not overlap.
    """
    try:
        head = reorient_ras(ncct.require_finite())
        mask = brain or (stripper or MorphologicalSkullStripper())(head)
        known = where_measured(maps) if maps else {}
        reference = next(iter(known.values()), head)
        grid = in_plane_grid(reference, geometry.size)
        valid = _validity(known, mask, head, grid)
    except DataError as error:
        msg = f"{patient_id}: {error}"
        raise DataError(msg) from error
    step = max(1, round(geometry.slice_mm / reference.spacing[2]))
    chosen = np.array(
        central_slices(valid, geometry.n_slices, step, enough=geometry.enough)
    )
    slab, positions = _slab(grid, chosen)
    return SliceStack(
        patient_id=patient_id,
        ncct=sample_neighbours(head, mask, slab, geometry.offset_mm)[positions],
        maps={
            name: to_display(resample(volume, *slab).array)[positions]
            for name, volume in known.items()
        },
        mask=to_display(valid)[chosen],
        affine=slab[0],
        positions=positions,
    )


def central_slices(
    validity: BoolArray, n: int = 10, step: int = 1, *, enough: float = 0.1
) -> list[int]:
    """Choose slices around the middle of those that hold enough.

    Args:
        validity: `(x, y, z)`.
        n: Number of slices; fewer are given where fewer hold enough.
        step: 1 takes neighbours, 2 leaves out every other slice, and so on.
        enough: Share of the largest slice's valid area that a slice must have; at 0
            anything is enough.

    Raises:
        DataError: If no slice holds anything.
    """
    area = validity.sum(axis=(0, 1))
    if not area.any():
        msg = f"At least one slice must hold something, all {len(area)} are empty"
        raise DataError(msg)
    full = np.flatnonzero((area >= enough * area.max()) & (area > 0))
    count = min(n, (len(full) - 1) // step + 1)
    first = (len(full) - (count - 1) * step - 1) // 2
    return [int(index) for index in full[first::step][:count]]


def where_measured(maps: Maps) -> dict[PerfusionMap, Volume]:
    """Bring the maps onto one grid; NaN where none of them holds a value."""
    gridded = common_grid(maps)
    support = map_support(gridded)
    return {
        name: volume.with_array(np.where(support, volume.array, np.nan))
        for name, volume in gridded.items()
    }


def _validity(
    known: Maps, brain: Volume, head: Volume, grid: tuple[Affine, Shape]
) -> BoolArray:
    """Tell where a grid holds maps, NCCT and brain, `(x, y, z)`.

    Raises:
        DataError: Naming the first of them without which nothing is left.
    """
    valid: BoolArray = np.ones(grid[1], dtype=np.bool_)
    everywhere = head.with_array(np.ones(head.shape))
    needs = [
        ("NCCT and perfusion maps must overlap in space", everywhere),
        ("The brain must overlap NCCT and perfusion maps", brain),
    ]
    if known:
        held = map_support(known)
        support = next(iter(known.values())).with_array(held, Kind.BRAIN_MASK)
        needs.insert(0, ("Perfusion maps must hold values other than 0", support))
    for rule, volume in needs:
        # Linear, as the maps: a voxel then counts where they are interpolated.
        valid &= resample(volume, *grid).array > HALF
        if not valid.any():
            msg = f"{rule}, got none"
            raise DataError(msg)
    return valid


def _slab(
    grid: tuple[Affine, Shape], chosen: NDArray[np.int64]
) -> tuple[tuple[Affine, Shape], NDArray[np.int64]]:
    """Cut the thinnest even slab out of a grid that has the chosen slices."""
    spread = max(1, int(np.gcd.reduce(np.diff(chosen, prepend=chosen[0]))))
    positions = (chosen - chosen[0]) // spread
    affine, (x, y, _) = grid
    cut = raised(affine, float(chosen[0]))
    cut[:3, 2] *= spread
    return (cut, (x, y, int(positions[-1]) + 1)), positions
