"""Figure 6 of the paper: thick measured slices against a generated volume."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from magic_model.colours import colour_map
from magic_model.data.grid import reorient_ras, resample
from magic_model.data.volume import FloatArray, Kind, Volume
from magic_model.errors import DataError
from magic_model.figures.panels import add_colour_bar, letter_sides, show_pixels
from magic_model.maps import PerfusionMap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.gridspec import GridSpec


_PAPER_SLICE_MM = 8.0
"""Distance of measured slices in Figure 6 of the paper."""


def to_thick_slices(volume: Volume, slice_mm: float = _PAPER_SLICE_MM) -> Volume:
    """Average neighbouring slices of a map into thick ones.

    Voxels that are 0 or not finite hold no value: they are left out of the average,
    and where they make up more than half of it the thick slice holds 0 as well.
    Slices at the top that do not fill a thick one are left out.

    Args:
        volume: A map with thin slices, in any orientation.
        slice_mm: Thickness wanted; the nearest multiple of the thin one is taken.

    Returns:
        The map in RAS orientation.

    Raises:
        ValueError: If the thickness is not above that of the map, or the map is
            thinner than one slice.
    """
    fine = reorient_ras(volume)
    thin, depth = fine.spacing[2], fine.shape[2]
    together = round(slice_mm / thin)
    if not 1 < together <= depth:
        msg = (
            f"A thick slice must hold between 2 and {depth} slices of {thin:g} mm, "
            f"got {slice_mm:g} mm"
        )
        raise ValueError(msg)
    x, y, _ = fine.shape
    count = depth // together
    stacks = fine.array[..., : count * together].reshape(x, y, count, together)
    held = np.isfinite(stacks) & (stacks != 0)
    number = held.sum(axis=3)
    total = np.where(held, stacks, 0).sum(axis=3)
    mean = np.where(2 * number >= together, total / np.maximum(number, 1), 0)
    affine = fine.affine.copy()
    affine[:3, 3] += affine[:3, 2] * (together - 1) / 2
    affine[:3, 2] *= together
    return Volume(mean, affine, fine.kind)


def interpolate_linearly(thick: Volume, like: Volume) -> Volume:
    """Fill the gaps between thick slices linearly, on the grid of another volume.

    Args:
        thick: A map; voxels that are 0 or not finite hold no value.
        like: Volume whose grid is taken.

    Returns:
        The map on that grid; 0 where nothing was measured.
    """
    known = np.where(thick.array == 0, np.nan, thick.array)
    return resample(thick.with_array(known), like.affine, like.shape)


Point = tuple[float, float, float]
Plane = tuple[int, int]
Size = tuple[float, float]
Box = tuple[slice, slice, slice]

_MAPS = {Kind(name) for name in PerfusionMap}
_PLANES = ("Axial", "Coronal", "Sagittal")
_AXES: tuple[Plane, ...] = ((0, 1), (0, 2), (1, 2))  # across and along each plane
_SIDES = (
    {"left": "R", "right": "L", "top": "A", "bottom": "P"},
    {"left": "R", "right": "L", "top": "S", "bottom": "I"},
    {"left": "A", "right": "P", "top": "S", "bottom": "I"},
)
_INCHES_PER_MM = 0.0125
_OFF_MIDLINE_MM = 25.0  # the midline itself shows the gap between the hemispheres
_MARGIN_MM = 14.0  # room for the letters


def resolution_figure(
    thick: Volume,
    thin: Volume,
    *,
    through_mm: Point | None = None,
    thick_name: str = "Measured",
) -> "Figure":
    """Draw axial, coronal and sagittal cuts of both, measured above generated.

    The measured map is interpolated linearly onto the grid of the generated one, so
    that both rows show the same places at the same size.

    Args:
        thick: Measured map with its thick slices.
        thin: Generated map of the same kind.
        through_mm: Point in RAS+ that the planes meet in; the middle of the generated
            map, 25 mm to the patient's right, if left out.
        thick_name: What the upper row is called.

    Raises:
        DataError: If the two are not maps of one kind, the generated one is empty, or
            the point lies outside it.
    """
    kind = _kind(thick, thin)
    fine = reorient_ras(thin)
    coarse = interpolate_linearly(reorient_ras(thick), fine)
    box = _box(coarse, fine)
    index = _index(fine, through_mm or _default_point(fine, box))
    sizes = [_size_mm(fine, box, axes) for axes in _AXES]
    figure, grid = _lay_out(sizes)
    names = (
        f"{thick_name}, {_slice_mm(thick):.3g} mm, interpolated",
        f"Generated, {_slice_mm(thin):.3g} mm",
    )
    for row, (volume, name) in enumerate(zip((coarse, fine), names, strict=True)):
        panels = [figure.add_subplot(grid[row, column]) for column in range(3)]
        for ax, axes, size, sides in zip(panels, _AXES, sizes, _SIDES, strict=True):
            show_pixels(ax, colour_map(_cut(volume, box, axes, index), kind), size)
            _centre(ax, size, sizes)
            letter_sides(ax, sides)
        panels[0].set_ylabel(name, fontsize=9)
    for ax, plane in zip(figure.axes, _PLANES, strict=False):
        ax.set_title(plane, fontsize=9, pad=4)
    add_colour_bar(figure, figure.add_subplot(grid[:, 3]), kind)
    return figure


def _kind(thick: Volume, thin: Volume) -> PerfusionMap:
    if thick.kind is not thin.kind or thin.kind not in _MAPS:
        msg = f"Two maps of one kind must be given, got {thick.kind} and {thin.kind}"
        raise DataError(msg)
    return PerfusionMap(thin.kind)


def _box(coarse: Volume, fine: Volume) -> Box:
    """Cut to what either volume holds, with a margin.

    Raises:
        DataError: If the generated map is empty, or the measured one lies elsewhere.
    """
    held = []
    for name, volume in (("measured", coarse), ("generated", fine)):
        here = np.isfinite(volume.array) & (volume.array != 0)
        if not here.any():
            msg = f"The {name} map must hold values where the generated one is"
            raise DataError(msg)
        held.append(here)
    box = []
    for axis, spacing in enumerate(fine.spacing):
        others = tuple({0, 1, 2} - {axis})
        places = np.flatnonzero((held[0] | held[1]).any(axis=others))
        margin = round(_MARGIN_MM / spacing)
        box.append(slice(max(0, places[0] - margin), places[-1] + margin + 1))
    return box[0], box[1], box[2]


def _default_point(fine: Volume, box: Box) -> Point:
    last = [part.indices(n)[1] - 1 for part, n in zip(box, fine.shape, strict=True)]
    middle = [(part.start + end) / 2 for part, end in zip(box, last, strict=True)]
    x, y, z = (fine.affine @ [*middle, 1])[:3]
    return float(x) + _OFF_MIDLINE_MM, float(y), float(z)


def _index(fine: Volume, point: Point) -> tuple[int, int, int]:
    i, j, k = np.rint(np.linalg.solve(fine.affine, [*point, 1])[:3]).astype(int)
    if not all(0 <= n < size for n, size in zip((i, j, k), fine.shape, strict=True)):
        where = ", ".join(f"{x:g}" for x in point)
        msg = f"The planes must meet inside the generated map, got ({where}) mm"
        raise DataError(msg)
    return int(i), int(j), int(k)


def _size_mm(fine: Volume, box: Box, axes: Plane) -> Size:
    """Height and width of a cut."""
    across, along = (
        len(range(*box[axis].indices(fine.shape[axis]))) * fine.spacing[axis]
        for axis in axes
    )
    return along, across


def _cut(
    volume: Volume, box: Box, axes: Plane, index: tuple[int, int, int]
) -> FloatArray:
    """Cut a plane in radiological display: the patient's right, or front, is left."""
    (through,) = {0, 1, 2} - set(axes)
    plane = np.moveaxis(volume.array, through, 2)[..., index[through]]
    cut: FloatArray = plane[box[axes[0]], box[axes[1]]][::-1, ::-1].T
    return cut


def _lay_out(sizes: Sequence[Size]) -> "tuple[Figure, GridSpec]":
    """Return each plane the width that one scale in mm asks for."""
    from matplotlib.figure import Figure

    widths = [width for _, width in sizes]
    tallest = max(height for height, _ in sizes)
    wide = 1.02 * sum(widths) * _INCHES_PER_MM + 1.1
    high = 2 * tallest * _INCHES_PER_MM + 0.5
    figure = Figure(figsize=(wide, high))
    grid = figure.add_gridspec(
        2,
        4,
        width_ratios=[*widths, 0.02 * sum(widths)],
        left=0.3 / wide,
        right=1 - 0.65 / wide,
        bottom=0.1 / high,
        top=1 - 0.3 / high,
        wspace=0.04,
        hspace=0.02,
    )
    return figure, grid


def _centre(ax: "Axes", size: Size, sizes: Sequence[Size]) -> None:
    """Make the planes equally high, on black."""
    height, tallest = size[0], max(height for height, _ in sizes)
    ax.set_facecolor("black")
    ax.set_ylim((height + tallest) / 2, (height - tallest) / 2)


def _slice_mm(volume: Volume) -> float:
    return reorient_ras(volume).spacing[2]
