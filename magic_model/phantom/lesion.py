"""An ischaemic lesion: residual flow, core and tissue at risk inside one territory."""

from dataclasses import dataclass

import numpy as np

from magic_model.data.volume import FloatArray
from magic_model.phantom.anatomy import Anatomy, BoolArray
from magic_model.phantom.site import Site, severity_field
from magic_model.severity import Severity

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
class Lesion:
    """Where flow is reduced, and by how much.

    Attributes:
        site: The blocked branch.
        field: Severity field at the nodes of the grid.
        levels: Values of the field, rising.
        flows: Residual share of normal flow at these values, falling.
        penumbra: Tissue at risk on the maps, core included.
        core: The part of it that is taken as lost.
    """

    site: Site
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
) -> Lesion | None:
    """Draw a lesion whose core and tissue at risk give the severity asked for.

    The voxels are taken in the order of a field that falls off from the focus, as many
    as the volumes need; so the class is met exactly.

    Returns:
        The lesion; None in `WITHOUT_LESION` of the patients of class `none`.
    """
    if severity is Severity.NONE and rng.random() < WITHOUT_LESION:
        return None
    site, grid = Site.draw(rng), anatomy.grid
    field, share = severity_field(site, anatomy.mni_mm, grid, rng)
    on_maps = grid.on_maps(field)
    tissue = anatomy.brain & (anatomy.map_tissues.csf < 0.5)
    supplied = int((tissue & (grid.on_maps(share) > 0.5)).sum())
    wanted = rng.uniform(*_PENUMBRA_ML) / grid.map_voxel_ml
    n_penumbra = int(min(wanted, supplied * _LARGEST_SHARE * rng.uniform(0.6, 1)))
    n_core = round(n_penumbra * rng.uniform(*_RATIO[severity]))
    levels, flows = _levels(np.sort(on_maps[tissue])[::-1], n_penumbra, n_core)
    penumbra_level = levels[flows.index(PENUMBRA_RIM_FLOW)]
    core_level = levels[flows.index(CORE_RIM_FLOW)] if n_core else np.inf
    return Lesion(
        site=site,
        field=field,
        levels=levels,
        flows=flows,
        penumbra=tissue & (on_maps > penumbra_level),
        core=tissue & (on_maps > core_level),
    )


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
