"""A patient's anatomy: size, posture and form of the head, and its tissues."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Self

import numpy as np
from numpy.typing import NDArray

from magic_model.data.volume import FloatArray
from magic_model.phantom import grid as phantom_grid
from magic_model.phantom.template import Template, load_template

_PIVOT_MNI_MM = (0.0, -17.0, 15.0)  # middle of the brain
_PIVOT_MM = (0.0, 0.0, 15.0)  # where it comes to lie, before the shift
_VENTRICLE_MM = (13.0, -8.0, 17.0)  # middle of the right lateral ventricle
_VENTRICLE_REACH_MM = (15.0, 34.0, 17.0)

_LEVELS = ((60.0, 0.2), (30.0, 0.2))
"""Spacing of B-spline coefficients in mm, and their bound as a share of it.

A cubic B-spline displacement folds nowhere as long as no coefficient exceeds 0.403 of
the spacing (Choi and Lee 2000, doi:10.1006/gmod.2000.0531). Shares add up over levels.
"""


@dataclass(frozen=True)
class Posture:
    """What is drawn for a head as a whole.

    Attributes:
        scale: Size relative to the template, along each axis.
        angles: Turns about x, y and z in radians.
        shift_mm: Place in the frame.
        ventricles: How much the right and the left ventricle are widened: 0 not at
            all, negative narrowed.
    """

    scale: tuple[float, float, float]
    angles: tuple[float, float, float]
    shift_mm: tuple[float, float, float]
    ventricles: tuple[float, float]

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """Draw a head; left and right ventricles differ a little."""
        size = rng.uniform(0.95, 1.04)
        scale = size * rng.uniform(0.97, 1.03, 3)
        angles = np.deg2rad(rng.normal(0, (2.5, 1.5, 2.5)).clip(-5, 5))
        shift = rng.normal(0, (2, 3, 2)).clip(-6, 6)
        wider, difference = rng.uniform(-0.1, 0.45), rng.normal(0, 0.06)
        return cls(
            tuple(scale.tolist()),
            tuple(angles.tolist()),
            tuple(shift.tolist()),
            (wider + difference, wider - difference),
        )


def template_coordinates(
    grid: phantom_grid.Grid, posture: Posture, rng: np.random.Generator
) -> FloatArray:
    """Give, for each node of the grid, the place of the template that is seen there.

    Returns:
        `(3, x, y, z)` MNI coordinates in mm.
    """
    at = grid.node_coordinates()
    centred = [
        a - np.float32(p + s)
        for a, p, s in zip(at, _PIVOT_MM, posture.shift_mm, strict=True)
    ]
    turn = _rotation(posture.angles) / np.array(posture.scale)[:, None]
    mapped = [
        sum(np.float32(turn[i, j]) * centred[j] for j in range(3))
        + np.float32(_PIVOT_MNI_MM[i])
        for i in range(3)
    ]
    points = np.stack(np.broadcast_arrays(*mapped)).astype(np.float32)
    points += _random_displacement(grid, rng)
    return _widen_ventricles(points, posture.ventricles)


def sample(images: Sequence[FloatArray], at: FloatArray) -> list[FloatArray]:
    """Interpolate images of one grid linearly at the same places.

    It does what `scipy.ndimage.map_coordinates` of order 1 does, about three times as
    fast for three images: the places are looked up once, slab after slab.

    Args:
        images: `(x, y, z)` each, of one shape, two voxels or more along
            each axis, in C order.
        at: `(3, i, j, k)` places in voxels; those outside count as on the edge.

    Returns:
        For each image its values, `(i, j, k)`.
    """
    results = [np.empty(at.shape[1:], dtype=np.float32) for _ in images]
    for i in range(at.shape[1]):
        slab = _sample_slab(images, at[:, i])
        for result, values in zip(results, slab, strict=True):
            result[i] = values
    return results


BoolArray = NDArray[np.bool_]

_SLICE_PLANES = 5
"""Planes of 1 mm that a map averages: CT perfusion slices are thicker than NCCT's."""


@dataclass(frozen=True, eq=False)
class Tissues:
    """Share of each tissue; the four add up to 1 within the skull.

    Attributes:
        grey: Grey matter, `(x, y, z)`.
        white: White matter.
        csf: Cerebrospinal fluid.
        vessel: Blood within large vessels.
    """

    grey: FloatArray
    white: FloatArray
    csf: FloatArray
    vessel: FloatArray


@dataclass(frozen=True, eq=False)
class Anatomy:
    """A head without a lesion.

    Attributes:
        grid: Where the voxels lie.
        box: Part of the grid that holds the brain; `tissues` covers no more.
        mni_mm: `(3, ...)` MNI coordinates at the nodes of the grid.
        outside_mm: Distance to the inside of the skull at the nodes, positive outside.
        tissues: Shares on the NCCT planes, within the box.
        map_tissues: Shares on the planes of the maps, whole frame.
        map_veins: The venous part of `map_tissues.vessel`.
        brain: Voxels of the maps that are brain, whole frame.
    """

    grid: phantom_grid.Grid
    box: phantom_grid.Box
    mni_mm: FloatArray
    outside_mm: FloatArray
    tissues: Tissues
    map_tissues: Tissues
    map_veins: FloatArray
    brain: BoolArray


def make_anatomy(grid: phantom_grid.Grid, rng: np.random.Generator) -> Anatomy:
    """Draw a head and work out what each voxel holds."""
    template = load_template()
    posture = Posture.draw(rng)
    mni = template_coordinates(grid, posture, rng)
    (outside,) = sample([template.outside_mm], template.coarse_indices(mni))
    thickness = 1 + 0.12 * phantom_grid.random_field(grid.node_axes_mm, 45.0, rng)
    atrophy = float(rng.uniform(0.9, 1.5))
    box = grid.box_around(outside < 2)
    at = np.stack([grid.finer(axis, box) for axis in template.indices(mni)])
    tissues, veins = _tissues(template, at, atrophy)
    return Anatomy(
        grid=grid,
        box=box,
        mni_mm=mni,
        outside_mm=np.where(outside > 0, outside / thickness, outside),
        tissues=tissues,
        map_tissues=_on_maps(tissues, grid, box),
        map_veins=whole_frame(slice_mean(veins, grid.map_planes), box),
        brain=_brain(template, at, grid, box),
    )


def slice_mean(image: FloatArray, planes: Sequence[int]) -> FloatArray:
    """Average the planes of 1 mm that make up each slice of the maps.

    Args:
        image: `(x, y, z)` on NCCT planes.
        planes: The planes in the middle of the slices.
    """
    reach = _SLICE_PLANES // 2
    means = [
        image[..., max(0, plane - reach) : plane + reach + 1].mean(axis=2)
        for plane in planes
    ]
    return np.stack(means, axis=2)


def whole_frame(part: FloatArray, box: phantom_grid.Box) -> FloatArray:
    """Put a box back into the frame, 0 around it."""
    frame = np.zeros(
        (phantom_grid.PIXELS, phantom_grid.PIXELS, part.shape[2]), dtype=np.float32
    )
    frame[box.in_plane] = part
    return frame


def _rotation(angles: tuple[float, float, float]) -> NDArray[np.float64]:
    matrix = np.eye(3)
    for axis, angle in enumerate(angles):
        i, j = [k for k in range(3) if k != axis]
        turn = np.eye(3)
        turn[i, i] = turn[j, j] = math.cos(angle)
        turn[i, j], turn[j, i] = -math.sin(angle), math.sin(angle)
        matrix = matrix @ turn
    return matrix


def _random_displacement(
    grid: phantom_grid.Grid, rng: np.random.Generator
) -> FloatArray:
    axes = grid.node_axes_mm
    extent = [float(axis[-1]) for axis in axes]
    components = []
    for _ in range(3):
        levels = [
            phantom_grid.spline_field(
                phantom_grid.random_coefficients(extent, spacing, rng), spacing, axes
            )
            * np.float32(spacing * share)
            for spacing, share in _LEVELS
        ]
        components.append(levels[0] + levels[1])
    return np.stack(components)


def _widen_ventricles(points: FloatArray, amounts: tuple[float, float]) -> FloatArray:
    """Pull the sampled places towards each ventricle, which so appears wider."""
    pulled = points.copy()
    for side, amount in zip((1, -1), amounts, strict=True):
        centre = (side * _VENTRICLE_MM[0], *_VENTRICLE_MM[1:])
        apart = [points[i] - np.float32(centre[i]) for i in range(3)]
        squared = sum(
            (a / np.float32(reach)) ** 2
            for a, reach in zip(apart, _VENTRICLE_REACH_MM, strict=True)
        )
        pull = np.float32(amount) * np.exp(-squared / 2)
        pulled[0] -= pull * apart[0]
        pulled[2] -= pull * apart[2]
    return pulled


def _sample_slab(images: Sequence[FloatArray], at: FloatArray) -> list[FloatArray]:
    shape = images[0].shape
    strides = (shape[1] * shape[2], shape[2], 1)
    first = np.zeros(at.shape[1:], dtype=np.intp)
    weights = []
    for where, size, stride in zip(at, shape, strides, strict=True):
        inside = np.clip(where, 0, size - 1)
        low = np.minimum(inside.astype(np.intp), size - 2)
        t = (inside - low).astype(np.float32)
        weights.append((1 - t, t))
        first += low * stride
    values = [np.zeros(first.shape, dtype=np.float32) for _ in images]
    for corner in product((0, 1), repeat=3):
        x, y, z = (weight[step] for weight, step in zip(weights, corner, strict=True))
        weight = x * y * z
        index = first + sum(c * s for c, s in zip(corner, strides, strict=True))
        for i, image in enumerate(images):
            values[i] += weight * image.take(index)
    return values


def _tissues(
    template: Template, at: FloatArray, atrophy: float
) -> tuple[Tissues, FloatArray]:
    """Sample the template and sharpen it: it is the blurred mean of 152 brains.

    Returns:
        The tissues, and the share of veins.
    """
    images = [template.grey, template.white, template.vessels, template.veins]
    grey, white, vessel, veins = sample(images, at)
    csf = np.clip(1 - grey - white, 0, 1) * np.float32(atrophy)
    cubes = [share * share * share for share in (grey, white, csf)]
    rest = (1 - vessel) / (cubes[0] + cubes[1] + cubes[2])
    tissues = Tissues(cubes[0] * rest, cubes[1] * rest, cubes[2] * rest, vessel)
    return tissues, veins


def _on_maps(
    tissues: Tissues, grid: phantom_grid.Grid, box: phantom_grid.Box
) -> Tissues:
    parts = (tissues.grey, tissues.white, tissues.csf, tissues.vessel)
    return Tissues(
        *(whole_frame(slice_mean(share, grid.map_planes), box) for share in parts)
    )


def _brain(
    template: Template, at: FloatArray, grid: phantom_grid.Grid, box: phantom_grid.Box
) -> BoolArray:
    """Voxels of the maps that lie in the brain."""
    (brain,) = sample([template.brain], at[..., grid.map_planes])
    inside: BoolArray = whole_frame(brain, box) > 0.5
    return inside
