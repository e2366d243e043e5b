"""Where a lesion sits: a branch of an artery, and a field that falls off from it."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from magic_model.data.volume import FloatArray
from magic_model.phantom.fields import random_field
from magic_model.phantom.grid import Grid
from magic_model.phantom.territories import Side, Territory, territory_share

Point = tuple[float, float, float]

_CHANCE = {Territory.MCA: 0.8, Territory.PCA: 0.12, Territory.ACA: 0.08}
_APEX: dict[Territory, Point] = {  # where the wedges of a territory meet
    Territory.ACA: (6, 10, 8),
    Territory.MCA: (24, -8, 10),
    Territory.PCA: (16, -40, 4),
}
_FOCI: dict[Territory, list[Point]] = {  # branches, right side, MNI mm
    Territory.ACA: [(9, 42, 26), (9, 5, 50)],
    Territory.MCA: [(46, 18, 22), (52, -20, 34), (54, -36, 8), (48, -4, 14)],
    Territory.PCA: [(16, -80, 4), (24, -66, -6)],
}
_JITTER_MM = 5.0
_HALF_ANGLE = 0.55  # rad
_DEPTH_MM = 45.0
_ROUGHNESS = 0.35


@dataclass(frozen=True)
class Site:
    """The blocked branch.

    Attributes:
        territory: Artery.
        side: Side of the patient.
        focus_mm: Middle of the lesion in MNI space.
    """

    territory: Territory
    side: Side
    focus_mm: Point

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """Draw a branch; four of five belong to the middle cerebral artery."""
        territory = list(_CHANCE)[rng.choice(len(_CHANCE), p=list(_CHANCE.values()))]
        side = Side.RIGHT if rng.random() < 0.5 else Side.LEFT
        foci = _FOCI[territory]
        x, y, z = np.array(foci[rng.integers(len(foci))]) + rng.normal(0, _JITTER_MM, 3)
        return cls(territory, side, (side.sign * max(float(x), 4), float(y), float(z)))


def severity_field(
    site: Site, mni_mm: FloatArray, grid: Grid, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Give a field whose level sets are wedges from the ventricle to the cortex.

    Args:
        site: The blocked branch.
        mni_mm: `(3, x, y, z)` MNI coordinates at the nodes of the grid.
        grid: The grid.
        rng: Source of chance, for an irregular border.

    Returns:
        The field, highest at the focus, and the share of the territory (0 to 1), both
        at the nodes.
    """
    share = territory_share(mni_mm, site.territory, site.side)
    apex = _APEX[site.territory]
    start = (site.side.sign * apex[0], apex[1], apex[2])
    along = [f - s for f, s in zip(site.focus_mm, start, strict=True)]
    length = math.hypot(*along)
    offset = [mni_mm[i] - np.float32(start[i]) for i in range(3)]
    distance = np.sqrt(sum(o * o for o in offset)) + np.float32(1e-3)
    cosine = (
        sum(o * np.float32(a / length) for o, a in zip(offset, along, strict=True))
        / distance
    )
    # The tip of the wedge is blunt: close to the apex the angle says little.
    blunt = distance / (distance + np.float32(6))
    angle = np.arccos(np.clip(cosine, -1, 1)) * blunt
    field = -((angle / _HALF_ANGLE) ** 2) - ((distance - length) / _DEPTH_MM) ** 2
    field += _ROUGHNESS * random_field(grid.node_axes_mm, 14.0, rng)
    field += 2 * np.log(share + np.float32(1e-4))
    return field.astype(np.float32), share
