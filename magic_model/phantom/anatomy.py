"""A patient's anatomy: tissue shares of each voxel, depth below the skull."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from magic_model.data.volume import FloatArray
from magic_model.phantom.deformation import Posture, template_coordinates
from magic_model.phantom.fields import random_field
from magic_model.phantom.grid import PIXELS, Box, Grid
from magic_model.phantom.sampling import sample
from magic_model.phantom.template import Template, load_template

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
        brain: Voxels of the maps that are brain, whole frame.
    """

    grid: Grid
    box: Box
    mni_mm: FloatArray
    outside_mm: FloatArray
    tissues: Tissues
    map_tissues: Tissues
    brain: BoolArray


def make_anatomy(grid: Grid, rng: np.random.Generator) -> Anatomy:
    """Draw a head and work out what each voxel holds."""
    template = load_template()
    posture = Posture.draw(rng)
    mni = template_coordinates(grid, posture, rng)
    (outside,) = sample([template.outside_mm], template.coarse_indices(mni))
    thickness = 1 + 0.12 * random_field(grid.node_axes_mm, 45.0, rng)
    atrophy = float(rng.uniform(0.9, 1.5))
    box = grid.box_around(outside < 2)
    at = np.stack([grid.finer(axis, box) for axis in template.indices(mni)])
    tissues = _tissues(template, at, atrophy)
    return Anatomy(
        grid=grid,
        box=box,
        mni_mm=mni,
        outside_mm=np.where(outside > 0, outside / thickness, outside),
        tissues=tissues,
        map_tissues=_on_maps(tissues, grid, box),
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


def whole_frame(part: FloatArray, box: Box) -> FloatArray:
    """Put a box back into the frame, 0 around it."""
    frame = np.zeros((PIXELS, PIXELS, part.shape[2]), dtype=np.float32)
    frame[box.in_plane] = part
    return frame


def _tissues(template: Template, at: FloatArray, atrophy: float) -> Tissues:
    """Sample the template and sharpen it: it is the blurred mean of 152 brains."""
    images = [template.grey, template.white, template.vessels]
    grey, white, vessel = sample(images, at)
    csf = np.clip(1 - grey - white, 0, 1) * np.float32(atrophy)
    cubes = [share * share * share for share in (grey, white, csf)]
    rest = (1 - vessel) / (cubes[0] + cubes[1] + cubes[2])
    return Tissues(cubes[0] * rest, cubes[1] * rest, cubes[2] * rest, vessel)


def _on_maps(tissues: Tissues, grid: Grid, box: Box) -> Tissues:
    parts = (tissues.grey, tissues.white, tissues.csf, tissues.vessel)
    return Tissues(
        *(whole_frame(slice_mean(share, grid.map_planes), box) for share in parts)
    )


def _brain(template: Template, at: FloatArray, grid: Grid, box: Box) -> BoolArray:
    """Voxels of the maps that lie in the brain."""
    (brain,) = sample([template.brain], at[..., grid.map_planes])
    inside: BoolArray = whole_frame(brain, box) > 0.5
    return inside
