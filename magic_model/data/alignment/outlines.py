"""How far perfusion maps lie off the brain, told by the outlines of both.

In each axial slice the edge of the maps should run along the edge of the brain. The
rigid motion that brings one onto the other best, whatever their difference in size, is
how far the maps lie off. A shift along the head shows as slices that are all too wide
or too narrow; unlike a share of common voxels it counts as much as one within a slice.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from magic_model.data.volume import Affine

_Mask = NDArray[np.bool_]
_Numbers = NDArray[np.float64]

_PIXEL_MM = 2.0  # finer grids are thinned out
_MOST_SLICES = 16
_MOST_POINTS = 1500
_FEWEST_POINTS = 40  # in all; fewer tell nothing
_FARTHEST_MM = 30.0
_ONE_UP = (0, 0, 1)  # for the slice that is added below
_ARM_MM = 60.0  # from the middle of a brain to its edge: an angle times this is a way
_USUAL_MISFIT_MM = 2.0
_STIFFNESS = 0.02
"""Of what a motion of 1 mm costs, as a share of 1 mm of misfit: thin slabs need it."""


@dataclass(frozen=True)
class Offset:
    """How far the maps lie off the brain.

    Attributes:
        mm: How far their outline must move to lie on the brain's, on average.
        shift_mm: Of its middle to the right, front and top, from brain to maps.
        misfit_mm: Mean distance of the outlines once the maps are moved.
        larger_mm: How far the maps, once moved, reach beyond the brain all around;
            negative if they are smaller.
    """

    mm: float
    shift_mm: tuple[float, float, float]
    misfit_mm: float
    larger_mm: float = 0.0

    def __str__(self) -> str:
        """Name the distance and the ways, such as `11 mm (10 mm right, 4 mm up)`."""
        ways = (("right", "left"), ("to the front", "to the back"), ("up", "down"))
        parts = [
            f"{abs(mm):.0f} mm {way[mm < 0]}"
            for mm, way in zip(self.shift_mm, ways, strict=True)
            if abs(mm) >= 1
        ]
        return f"{self.mm:.0f} mm" + (f" ({', '.join(parts)})" if parts else "")


UNKNOWN = Offset(math.nan, (math.nan,) * 3, math.nan, math.nan)


def outline_offset(support: _Mask, brain: _Mask, affine: Affine) -> Offset:
    """Find how far the maps lie off the brain; `UNKNOWN` where too little is left.

    Args:
        support: Where the maps hold values, `(x, y, z)`; slices along the last axis.
        brain: Brain mask on the same grid.
        affine: Of that grid, to mm in RAS+.
    """
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    both = np.flatnonzero(support.any(axis=(0, 1)) & brain.any(axis=(0, 1)))
    if not both.size:
        return UNKNOWN
    thin = [max(1, round(_PIXEL_MM / s)) for s in spacing[:2]]
    step = math.ceil(both.size / _MOST_SLICES)
    cut = np.s_[:: thin[0], :: thin[1], both[0] : both[-1] + 1 : step]
    pixel = spacing * [*thin, step]
    points = _outline(support[cut]) * pixel
    if len(points) < _FEWEST_POINTS:
        return UNKNOWN
    depth = _signed_distance(brain[cut], pixel)
    return _fitted(
        points[:: math.ceil(len(points) / _MOST_POINTS)], depth, pixel, affine
    )


def _fitted(
    points: _Numbers, depth: _Numbers, pixel: _Numbers, affine: Affine
) -> Offset:
    middle = points.mean(axis=0)
    edge = pixel[:2].mean() / 2  # voxels at the edge lie half a voxel within

    def moved(motion: _Numbers) -> _Numbers:
        turn = Rotation.from_rotvec(motion[3:6] / _ARM_MM).as_matrix()
        at: _Numbers = (points - middle) @ turn.T + middle + motion[:3]
        return at

    def misfit(motion: _Numbers) -> _Numbers:
        where = (moved(motion) / pixel + _ONE_UP).T
        found = ndimage.map_coordinates(depth, where, order=1, mode="nearest")
        apart: _Numbers = found + edge + motion[6]
        return apart

    def cost(motion: _Numbers) -> _Numbers:
        stiff = _STIFFNESS * math.sqrt(len(points)) * motion
        return np.concatenate([misfit(motion), stiff])

    fit = least_squares(
        cost,
        np.zeros(7),
        loss="soft_l1",
        f_scale=_USUAL_MISFIT_MM,
        diff_step=0.5,
        x_scale=1.0,
    )
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    way = -(axes @ fit.x[:3])  # the maps would have to move back
    return Offset(
        mm=float(np.linalg.norm(moved(fit.x) - points, axis=1).mean()),
        shift_mm=(float(way[0]), float(way[1]), float(way[2])),
        misfit_mm=float(np.abs(misfit(fit.x)).mean()),
        larger_mm=-float(fit.x[6]),
    )


def _outline(mask: _Mask) -> _Numbers:
    """Voxels at the edge of the largest piece of each slice, holes filled."""
    found = [np.empty((0, 3))]
    for z in range(mask.shape[2]):
        pieces, n_pieces = ndimage.label(ndimage.binary_opening(mask[..., z]))
        if not n_pieces:
            continue
        largest = 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
        whole = ndimage.binary_fill_holes(pieces == largest)
        edge = np.argwhere(whole & ~ndimage.binary_erosion(whole))
        found.append(np.column_stack([edge, np.full(len(edge), z)]))
    return np.concatenate(found)


def _signed_distance(mask: _Mask, pixel: _Numbers) -> _Numbers:
    """Distance to the edge within each slice, negative inside, and a slice beyond.

    A slice without brain counts as its neighbour. Above and below, the change from
    slice to slice goes on: points may move out of the slab.
    """
    depth = np.empty(mask.shape, dtype=np.float64)
    held = np.flatnonzero(mask.any(axis=(0, 1)))
    half = (pixel[0] + pixel[1]) / 4
    for z in held:
        inside = np.pad(ndimage.binary_fill_holes(mask[..., z]), 1)
        within, without = (
            ndimage.distance_transform_edt(side, sampling=pixel[:2])[1:-1, 1:-1]
            for side in (inside, ~inside)
        )
        depth[..., z] = np.where(inside[1:-1, 1:-1], half - within, without - half)
    for empty in np.flatnonzero(~mask.any(axis=(0, 1))):
        depth[..., empty] = depth[..., held[np.argmin(np.abs(held - empty))]]
    next_to_ends = min(1, mask.shape[2] - 1)
    below = 2 * depth[..., :1] - depth[..., [next_to_ends]]
    above = 2 * depth[..., -1:] - depth[..., [-1 - next_to_ends]]
    extended: _Numbers = np.concatenate([below, depth, above], axis=2)
    return np.clip(extended, -_FARTHEST_MM, _FARTHEST_MM)
