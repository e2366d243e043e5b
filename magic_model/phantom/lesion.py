"""An ischaemic lesion: residual flow, core and tissue at risk inside one territory.

Borders of the territories of the cerebral arteries follow the maps of Tatu et al.
(1998, doi:10.1212/WNL.50.6.1699) in outline: planes and ellipsoids, no more.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

import numpy as np

from magic_model.data.volume import FloatArray
from magic_model.phantom.anatomy import Anatomy, BoolArray
from magic_model.phantom.grid import Grid, random_field
from magic_model.severity import Severity

_BORDER_MM = 4.0


class Territory(StrEnum):
    """Supply area of a cerebral artery."""

    ACA = "aca"
    MCA = "mca"
    PCA = "pca"


class Side(StrEnum):
    """Side of the patient."""

    LEFT = "left"
    RIGHT = "right"

    @property
    def sign(self) -> int:
        """Sign of its x coordinates in RAS+."""
        return 1 if self is Side.RIGHT else -1


def territory_share(
    points_mm: FloatArray, territory: Territory, side: Side
) -> FloatArray:
    """Return how far places belong to a territory.

    Args:
        points_mm: `(3, ...)` MNI coordinates in mm.
        territory: Which artery.
        side: Which side.

    Returns:
        Share from 0 to 1; the three territories of both sides and what no one of them
        supplies (cerebellum, brain stem) add up to 1.
    """
    x, y, z = points_mm
    x = np.abs(x)
    depth = {  # mm within the border to what lies around; the MCA takes what is left
        Territory.ACA: _aca(x, y, z),
        Territory.MCA: np.zeros_like(x),
        Territory.PCA: _pca(x, y, z),
        None: _infratentorial(x, y, z),
    }
    weight = {t: np.exp(np.clip(d / _BORDER_MM, -30, 30)) for t, d in depth.items()}
    share = weight[territory] / sum(weight.values())
    own_side: FloatArray = 1 / (1 + np.exp(-side.sign * np.clip(points_mm[0], -30, 30)))
    result: FloatArray = (share * own_side).astype(np.float32)
    return result


_Point = tuple[float, float, float]

_CHANCE = {Territory.MCA: 0.8, Territory.PCA: 0.12, Territory.ACA: 0.08}
_APEX: dict[Territory, _Point] = {  # where the wedges of a territory meet
    Territory.ACA: (6, 10, 8),
    Territory.MCA: (24, -8, 10),
    Territory.PCA: (16, -40, 4),
}
_FOCI: dict[Territory, list[_Point]] = {  # branches, right side, MNI mm
    Territory.ACA: [(9, 42, 26), (9, 5, 50)],
    Territory.MCA: [(46, 18, 22), (52, -20, 34), (54, -36, 8), (48, -4, 14)],
    Territory.PCA: [(16, -80, 4), (24, -66, -6)],
}
_JITTER_MM = 5.0
_HALF_ANGLE = 0.55  # rad
_DEPTH_MM = 45.0
_ROUGHNESS = 0.35


@dataclass(frozen=True)
class _Site:
    """The blocked branch.

    Attributes:
        territory: Artery.
        side: Side of the patient.
        focus_mm: Middle of the lesion in MNI space.
    """

    territory: Territory
    side: Side
    focus_mm: _Point

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """Draw a branch; four of five belong to the middle cerebral artery."""
        territory = list(_CHANCE)[rng.choice(len(_CHANCE), p=list(_CHANCE.values()))]
        side = Side.RIGHT if rng.random() < 0.5 else Side.LEFT
        foci = _FOCI[territory]
        x, y, z = np.array(foci[rng.integers(len(foci))]) + rng.normal(0, _JITTER_MM, 3)
        return cls(territory, side, (side.sign * max(float(x), 4), float(y), float(z)))


CORE_RIM_FLOW = 0.29
"""Share of normal flow left at the border of the core; below 0.3 counts as core."""
PENUMBRA_RIM_FLOW = 0.53
"""The same at the border of tissue at risk, where Tmax passes 6 s."""

WITHOUT_LESION = 0.7
"""Share of the patients without core who have no tissue at risk either."""

_DEEPEST_FLOW = 0.10
_DEEPEST_WITHOUT_CORE = 0.33
_PENUMBRA_ML = (30.0, 200.0)
_LARGEST_SHARE = 0.65  # of the tissue of a territory
_RATIO = {
    Severity.NONE: (0.0, 0.0),
    Severity.MILD_MODERATE: (0.06, 0.44),  # clear of the limits 0 and 0.5
    Severity.SEVERE: (0.56, 0.90),
}
_MARGIN = 1.25  # tissue with reduced flow over tissue at risk
_PLATEAU = 0.15  # part of the core with the deepest reduction


@dataclass(frozen=True, eq=False)
class PhantomLesion:
    """Where flow is reduced, and by how much.

    Attributes:
        site: The blocked branch.
        field: Severity field at the nodes of the grid.
        levels: Values of the field, rising.
        flows: Residual share of normal flow at these values, falling.
        penumbra: Tissue at risk on the maps, core included.
        core: The part of it that is taken as lost.
    """

    site: _Site
    field: FloatArray
    levels: tuple[float, ...]
    flows: tuple[float, ...]
    penumbra: BoolArray
    core: BoolArray

    def flow(self, field: FloatArray) -> FloatArray:
        """Residual share of normal flow, 0.1 to 1, at values of the field."""
        share: FloatArray = np.interp(field, self.levels, self.flows).astype(np.float32)
        return share


def draw_lesion(
    anatomy: Anatomy, severity: Severity, rng: np.random.Generator
) -> PhantomLesion | None:
    """Draw a lesion whose core and tissue at risk give the severity asked for.

    The voxels are taken in the order of a field that falls off from the focus, as many
    as the volumes need; so the class is met exactly.

    Returns:
        The lesion; None in `WITHOUT_LESION` of the patients of class `none`.
    """
    if severity is Severity.NONE and rng.random() < WITHOUT_LESION:
        return None
    site, grid = _Site.draw(rng), anatomy.grid
    field, share = _severity_field(site, anatomy.mni_mm, grid, rng)
    on_maps = grid.on_maps(field)
    tissue = anatomy.brain & (anatomy.map_tissues.csf < 0.5)
    supplied = int((tissue & (grid.on_maps(share) > 0.5)).sum())
    wanted = rng.uniform(*_PENUMBRA_ML) / grid.map_voxel_ml
    n_penumbra = int(min(wanted, supplied * _LARGEST_SHARE * rng.uniform(0.6, 1)))
    n_core = round(n_penumbra * rng.uniform(*_RATIO[severity]))
    levels, flows = _levels(np.sort(on_maps[tissue])[::-1], n_penumbra, n_core)
    penumbra_level = levels[flows.index(PENUMBRA_RIM_FLOW)]
    core_level = levels[flows.index(CORE_RIM_FLOW)] if n_core else np.inf
    return PhantomLesion(
        site=site,
        field=field,
        levels=levels,
        flows=flows,
        penumbra=tissue & (on_maps > penumbra_level),
        core=tissue & (on_maps > core_level),
    )


def _aca(x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
    """Medial frontal and parietal lobe, wider towards the pole and the vertex."""
    width = 13 + 0.2 * np.maximum(y - 25, 0) + 0.22 * np.maximum(z - 25, 0)
    behind = -45 - 0.2 * np.maximum(z - 20, 0)
    above = np.where(y > 15, -25, 22 + 0.0 * y)
    depth: FloatArray = np.minimum(np.minimum(width - x, y - behind), (z - above) / 1.5)
    return depth


def _pca(x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
    """Occipital lobe, lower medial temporal lobe and thalamus."""
    occipital = np.minimum(-52 - 0.55 * x - y, 45 - z)
    temporal = np.minimum(np.minimum(-12 - y, -6 - 0.1 * x - z), 46 - x)
    thalamus = 10 * (
        1 - np.sqrt(((x - 11) / 10) ** 2 + ((y + 19) / 15) ** 2 + ((z - 6) / 11) ** 2)
    )
    depth: FloatArray = np.maximum(np.maximum(occipital, temporal), thalamus)
    return depth


def _infratentorial(x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
    """Cerebellum below the sloping tentorium, and brain stem."""
    cerebellum = np.minimum(-36 - y, -2 - 0.5 * x - 0.12 * np.maximum(-60 - y, 0) - z)
    stem = np.minimum(np.minimum(20 - x, -8 - y), -6 - z)
    depth: FloatArray = 3 * np.maximum(cerebellum, stem)
    return depth


def _severity_field(
    site: _Site, mni_mm: FloatArray, grid: Grid, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Return a field whose level sets are wedges from the ventricle to the cortex.

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


def _levels(
    falling: FloatArray, n_penumbra: int, n_core: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Tie values of the field to residual flow, from the rim to the middle.

    Args:
        falling: The field in all tissue, from the highest value down.
        n_penumbra: Voxels of tissue at risk.
        n_core: Voxels of core.
    """
    n_reduced = min(int(n_penumbra * _MARGIN), len(falling) - 1)
    steps = [(n_reduced, 1.0), (n_penumbra, PENUMBRA_RIM_FLOW)]
    if n_core:
        steps += [(n_core, CORE_RIM_FLOW), (int(n_core * _PLATEAU), _DEEPEST_FLOW)]
    else:
        steps += [(int(n_penumbra * _PLATEAU), _DEEPEST_WITHOUT_CORE)]
    return tuple(float(falling[n]) for n, _ in steps), tuple(flow for _, flow in steps)
