"""Cut NCCT and maps of a patient into paired axial slices (paper 2.1.2)."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from magic_model.data import grid as data_grid
from magic_model.data.ncct_values import require_hounsfield
from magic_model.data.normalise import NCCT_WINDOW
from magic_model.data.skull_strip import MorphologicalSkullStripper, SkullStripper
from magic_model.data.straight import straighten
from magic_model.data.unmeasured import measured_only
from magic_model.data.volume import Affine, FloatArray, Kind, Volume
from magic_model.errors import DataError
from magic_model.maps import PerfusionMap

_Scalar = TypeVar("_Scalar", bound=np.generic)


@dataclass(frozen=True, eq=False)
class SliceStack:
    """Slices of a patient, lowest first.

    Images are `(row, column)` in radiological display: row 0 is anterior, column 0 is
    the patient's right.

    Attributes:
        patient_id: Study-local name.
        ncct: `(n, 3, size, size)` HU below, at and above each slice; the lower end of
            the window outside the brain.
        maps: `(n, size, size)` each, in its unit; 0 where it holds no value.
        mask: `(n, size, size)` bool, where there are maps, brain and NCCT.
        affine: `(4, 4)` of the slab that `to_volume` gives.
        positions: `(n,)` slice of the slab that each belongs to.
        notes: What was done to bring a scan to pixels of a given side.
    """

    patient_id: str
    ncct: FloatArray
    maps: Mapping[PerfusionMap, FloatArray]
    mask: data_grid.BoolArray
    affine: Affine
    positions: NDArray[np.int64]
    notes: tuple[str, ...] = ()

    @property
    def heights(self) -> NDArray[np.float64]:
        """`(n,)` mm in RAS+ (superior) of the middle of each slice."""
        _, rows, columns = self.mask.shape
        middle = self.affine @ [(columns - 1) / 2, (rows - 1) / 2, 0, 1]
        heights: NDArray[np.float64] = middle[2] + self.affine[2, 2] * self.positions
        return heights

    def to_volume(self, images: FloatArray, kind: Kind | str) -> Volume:
        """Put one image `(n, size, size)` per slice back in space; 0 between them."""
        whole = np.zeros((int(self.positions[-1]) + 1, *images.shape[1:]), np.float32)
        whole[self.positions] = images
        return Volume(from_display(whole), self.affine, kind)


def to_display(array: NDArray[_Scalar]) -> NDArray[_Scalar]:
    """Turn `(x, y, z)` in RAS into `(slice, row, column)` in radiological display."""
    return np.ascontiguousarray(array[::-1, ::-1].transpose(2, 1, 0))


def from_display(images: NDArray[_Scalar]) -> NDArray[_Scalar]:
    """Turn `(slice, row, column)` back into `(x, y, z)` in RAS."""
    return images.transpose(2, 1, 0)[::-1, ::-1]


_WHOLE = 1e-4  # slices; how near to a whole number of them an offset is one
_ROUNDING = 1e-6  # slices; below it the offset is that number, but for its last digits


@dataclass(frozen=True, kw_only=True)
class SliceGeometry:
    """Which slices are taken, and how large they are."""

    size: int = 256
    """Pixels along each side."""

    pixel_mm: float | None = None
    """Side of a pixel; if None the longer side of the image fills the slice."""

    around_brain: bool = False
    """Whether the brain fills the slice instead, by one box for all slices."""

    spacing_mm: float | None = None
    """Distance of the slices that there are; that of the image if None."""

    n_slices: int = 10
    """Number of slices at most."""

    slice_mm: float = 10.0
    """Distance of slices where those of the maps are thinner."""

    offset_mm: float = 4.0
    """Distance of the NCCT slices below and above."""

    slab_mm: float = 0.0
    """Thickness over which each NCCT slice is averaged; single planes at 0."""

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
        DataError: If the NCCT is not in HU, the brain is not found, or maps, brain and
            NCCT do not overlap.
    """
    try:
        head = _head(ncct)
        mask = brain or (stripper or MorphologicalSkullStripper())(head)
        known = where_measured(maps) if maps else {}
        reference = next(iter(known.values()), head)
        grid = _grid(reference, mask, geometry)
        if geometry.around_brain:
            valid = _validity(known, mask, head, (reference.affine, reference.shape))
            shown = valid & _holds_enough(valid, geometry.enough)
            grid = data_grid.grid_over(reference, shown, geometry.size)
        valid = _validity(known, mask, head, grid)
    except DataError as error:
        msg = f"{patient_id}: {error}"
        raise DataError(msg) from error
    step = max(1, round(geometry.slice_mm / float(np.linalg.norm(grid[0][:3, 2]))))
    chosen = np.array(
        central_slices(valid, geometry.n_slices, step, enough=geometry.enough)
    )
    slab, positions = _slab(grid, chosen)
    return SliceStack(
        patient_id=patient_id,
        ncct=_sample_slabs(head, mask, slab, geometry)[positions],
        maps={
            name: to_display(data_grid.resample(volume, *slab).array)[positions]
            for name, volume in known.items()
        },
        mask=to_display(valid)[chosen],
        affine=slab[0],
        positions=positions,
        notes=tuple(_notes(reference, mask, geometry, grid[0])),
    )


def central_slices(
    validity: data_grid.BoolArray, n: int = 10, step: int = 1, *, enough: float = 0.1
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
    full = np.flatnonzero(_holds_enough(validity, enough))
    if not len(full):
        n_empty = validity.shape[2]
        msg = f"At least one slice must hold something, all {n_empty} are empty"
        raise DataError(msg)
    count = min(n, (len(full) - 1) // step + 1)
    first = (len(full) - (count - 1) * step - 1) // 2
    return [int(index) for index in full[first::step][:count]]


def where_measured(maps: data_grid.Maps) -> dict[PerfusionMap, Volume]:
    """Bring the maps onto one grid; NaN where none of them holds a value."""
    gridded = data_grid.common_grid(maps)
    support = data_grid.map_support(gridded)
    return {
        name: volume.with_array(np.where(support, volume.array, np.nan))
        for name, volume in gridded.items()
    }


def _holds_enough(validity: data_grid.BoolArray, enough: float) -> data_grid.BoolArray:
    """Return which slices `(z,)` hold a share of what the fullest one holds."""
    area = validity.sum(axis=(0, 1))
    full: data_grid.BoolArray = (area >= enough * area.max()) & (area > 0)
    return full


def _head(ncct: Volume) -> Volume:
    """Straighten an NCCT, whose values must be HU."""
    upright = require_hounsfield(measured_only(straighten(ncct)))
    return data_grid.reorient_ras(upright)


def _grid(
    reference: Volume, brain: Volume, geometry: SliceGeometry
) -> tuple[Affine, data_grid.Shape]:
    """Lay the grid of the slices; the volumes themselves are never sampled twice."""
    if geometry.pixel_mm is None:
        grid = data_grid.in_plane_grid(reference, geometry.size)
    else:
        grid = data_grid.grid_around(reference, brain, geometry.size, geometry.pixel_mm)
    if geometry.spacing_mm is None:
        return grid
    return data_grid.respace(grid, geometry.spacing_mm)


_EQUAL = 0.01  # of a pixel's side; nearer ones are not told apart


def _notes(
    reference: Volume, brain: Volume, geometry: SliceGeometry, affine: Affine
) -> Iterator[str]:
    """Say what was done to bring an image to pixels of a given side."""
    pixel = geometry.pixel_mm
    if pixel is None:
        return
    x, y, _ = reference.spacing
    if max(abs(x - pixel), abs(y - pixel)) > _EQUAL * pixel:
        yield (
            f"pixels of {x:.3g} x {y:.3g} mm were resampled to the {pixel:.3g} mm that "
            "the network was trained with"
        )
    wide, high = reference.shape[0] * x, reference.shape[1] * y
    field = geometry.size * pixel
    done = {"cropped": max(wide, high) > field + pixel}
    done["padded with air"] = min(wide, high) < field - pixel
    if any(done.values()):
        how = " and ".join(name for name, was in done.items() if was)
        yield (
            f"the field of {wide:.0f} x {high:.0f} mm was {how} to the network's "
            f"{field:.0f} x {field:.0f} mm around the brain"
        )
    if _is_cut(brain, affine, geometry.size):
        yield f"the brain reaches beyond the network's {field:.0f} mm and is cut there"


def _is_cut(brain: Volume, affine: Affine, size: int) -> bool:
    """Whether a box around the brain reaches beyond the pixels of a grid."""
    held = brain.array > data_grid.HALF
    ends = []
    for axes in ((1, 2), (0, 2), (0, 1)):
        along = np.flatnonzero(held.any(axes))
        ends.append((along[0], along[-1]))
    corners = np.array([[*corner, 1] for corner in itertools.product(*ends)])
    to_pixels = np.linalg.inv(affine) @ brain.affine
    places = (corners @ to_pixels.T)[:, :2]
    return bool(places.min() < -1 or places.max() > size)


def _sample_slabs(
    head: Volume,
    brain: Volume,
    slab: tuple[Affine, data_grid.Shape],
    geometry: SliceGeometry,
) -> FloatArray:
    """Sample the NCCT at three heights, each averaged over the planes of a slab.

    Planes beyond the scan do not count.

    Returns:
        `(n, 3, size, size)` HU in radiological display.
    """
    affine, shape = slab
    n = max(1, round(geometry.slab_mm / head.spacing[2]))
    if n == 1:
        return _sample_neighbours(head, brain, slab, geometry.offset_mm)
    mm = float(np.linalg.norm(affine[:3, 2]))
    inside = _inside(brain, affine, shape)
    planes = (np.arange(n) - (n - 1) / 2) * geometry.slab_mm / n
    slabs = []
    for height in (-geometry.offset_mm, 0.0, geometry.offset_mm):
        total = np.zeros(inside.shape, np.float32)
        count = np.zeros(inside.shape, np.float32)
        for plane in planes:
            moved = _shift_along_z(affine, float((height + plane) / mm))
            ct = to_display(
                data_grid.resample(head, moved, shape, outside=_BEYOND).array
            )
            held = ct > _BEYOND / 100
            total += np.where(held, ct, np.float32(0))
            count += held
        mean = total / np.maximum(count, 1)
        shown = inside & (count > 0)
        slabs.append(np.where(shown, mean, np.float32(NCCT_WINDOW[0])))
    return np.stack(slabs, axis=1)


_BEYOND = -1e6  # HU; what is more than a little mixed with it lies beyond the scan


def _sample_neighbours(
    head: Volume, brain: Volume, slab: tuple[Affine, data_grid.Shape], offset_mm: float
) -> FloatArray:
    """Sample the NCCT at three heights around each slice of a slab.

    Args:
        head: In HU.
        brain: Mask on any grid; outside it the lower end of the window is given.
        slab: Affine and shape `(size, size, n)` of the slices.
        offset_mm: How far below and above.

    Returns:
        `(n, 3, size, size)` HU in radiological display.
    """
    affine, shape = slab
    step = offset_mm / float(np.linalg.norm(affine[:3, 2]))
    reach = round(step)
    if abs(step - reach) < _WHOLE:
        # Below and above lie on slices of the slab, if it reaches a little further; the
        # middle slices stay where they are.
        down = step if abs(step - reach) < _ROUNDING else reach
        longer = (shape[0], shape[1], shape[2] + 2 * reach)
        planes = _masked(head, brain, _shift_along_z(affine, -down), longer)
        at = (slice(start, start + shape[2]) for start in (0, reach, 2 * reach))
        return np.stack([planes[part] for part in at], axis=1)
    heights = (-step, 0.0, step)
    return np.stack(
        [_masked(head, brain, _shift_along_z(affine, by), shape) for by in heights],
        axis=1,
    )


def _shift_along_z(affine: Affine, slices: float) -> Affine:
    """Move a grid up by a number of slices."""
    moved = affine.copy()
    moved[:3, 3] += slices * affine[:3, 2]
    return moved


def _masked(
    head: Volume, brain: Volume, affine: Affine, shape: data_grid.Shape
) -> FloatArray:
    """Return `(slice, row, column)`."""
    ct = data_grid.resample(head, affine, shape, outside=NCCT_WINDOW[0]).array
    inside = _inside(brain, affine, shape)
    return np.where(inside, to_display(ct), np.float32(NCCT_WINDOW[0]))


def _inside(
    brain: Volume, affine: Affine, shape: data_grid.Shape
) -> data_grid.BoolArray:
    """Return where a mask holds more than half, `(slice, row, column)`."""
    return to_display(data_grid.resample(brain, affine, shape).array > data_grid.HALF)


def _validity(
    known: data_grid.Maps,
    brain: Volume,
    head: Volume,
    grid: tuple[Affine, data_grid.Shape],
) -> data_grid.BoolArray:
    """Return where a grid holds maps, NCCT and brain, `(x, y, z)`.

    Raises:
        DataError: Naming the first of them without which nothing is left.
    """
    valid: data_grid.BoolArray = np.ones(grid[1], dtype=np.bool_)

    def there(volume: Volume) -> data_grid.BoolArray:
        # Linear, as the maps: a voxel then counts where they are interpolated.
        held: data_grid.BoolArray = (
            data_grid.resample(volume, *grid).array > data_grid.HALF
        )
        return held

    needs = [
        (
            "NCCT and perfusion maps must overlap in space",
            data_grid.covered(head, *grid),
        ),
        ("The brain must overlap NCCT and perfusion maps", there(brain)),
    ]
    if known:
        measured = data_grid.map_support(known)
        support = next(iter(known.values())).with_array(measured, Kind.BRAIN_MASK)
        needs.insert(
            0, ("Perfusion maps must hold values other than 0", there(support))
        )
    for rule, held in needs:
        valid &= held
        if not valid.any():
            msg = f"{rule}, got none"
            raise DataError(msg)
    return valid


def _slab(
    grid: tuple[Affine, data_grid.Shape], chosen: NDArray[np.int64]
) -> tuple[tuple[Affine, data_grid.Shape], NDArray[np.int64]]:
    """Cut the thinnest even slab out of a grid that has the chosen slices."""
    spread = max(1, int(np.gcd.reduce(np.diff(chosen, prepend=chosen[0]))))
    positions = (chosen - chosen[0]) // spread
    affine, (x, y, _) = grid
    cut = _shift_along_z(affine, float(chosen[0]))
    cut[:3, 2] *= spread
    return (cut, (x, y, int(positions[-1]) + 1)), positions
