"""A phantom patient: images, and the truth behind them."""

from dataclasses import dataclass

import numpy as np

from magic_model.data.volume import FloatArray, Kind, Volume
from magic_model.phantom.anatomy import Tissues, make_anatomy
from magic_model.phantom.grid import Grid, Size
from magic_model.phantom.lesion import PhantomLesion, draw_lesion
from magic_model.phantom.ncct import Hypodensity, noise_free_hu, scan
from magic_model.phantom.perfusion import perfusion_maps
from magic_model.severity import Severity


@dataclass(frozen=True)
class PhantomSpec:
    """Specification of a phantom patient.

    Attributes:
        severity: Class of the lesion.
        size: "slab": ten maps 10 mm apart, and NCCT at 1 mm from 5 mm below to 5 mm
            above them. "full": 160 planes at 1 mm, maps on all.
    """

    severity: Severity
    size: Size = "slab"


@dataclass(frozen=True, eq=False)
class Phantom:
    """A patient with the truth about it.

    Attributes:
        images: NCCT, maps and masks.
        noise_free: The NCCT without noise.
        tissues: Shares of the tissues on the maps.
        flow: Share of normal flow that is left, on the maps; 1 outside a lesion.
        lesion: None in a patient without.
        hypodensity: What of the lesion the NCCT shows.
    """

    images: dict[Kind, Volume]
    noise_free: Volume
    tissues: Tissues
    flow: FloatArray
    lesion: PhantomLesion | None
    hypodensity: Hypodensity


def make_patient(spec: PhantomSpec, rng: np.random.Generator) -> dict[Kind, Volume]:
    """Draw a patient and give its NCCT, maps and masks."""
    return simulate(spec, rng).images


def simulate(spec: PhantomSpec, rng: np.random.Generator) -> Phantom:
    """Draw a patient and give the truth as well."""
    grid = Grid.of(spec.size, shift_mm=float(rng.uniform(-3, 3)))
    anatomy = make_anatomy(grid, rng)
    lesion = draw_lesion(anatomy, spec.severity, rng)
    hypodensity = Hypodensity.draw(rng)
    flow = np.ones(anatomy.brain.shape, dtype=np.float32)
    nothing = np.zeros_like(anatomy.brain)
    core, penumbra = nothing, nothing
    if lesion is not None:
        flow = lesion.flow(grid.on_maps(lesion.field))
        core, penumbra = lesion.core, lesion.penumbra
    hu = noise_free_hu(anatomy, lesion, hypodensity)
    on_maps = perfusion_maps(anatomy, flow, rng)
    masks = {
        Kind.BRAIN_MASK: anatomy.brain,
        Kind.CORE_MASK: core,
        Kind.PENUMBRA_MASK: penumbra,
    }
    images = {Kind.NCCT: Volume(scan(hu, rng), grid.ncct_affine, Kind.NCCT)}
    for kind, array in (on_maps | masks).items():
        images[kind] = Volume(array, grid.map_affine, kind)
    return Phantom(
        images=images,
        noise_free=images[Kind.NCCT].with_array(hu),
        tissues=anatomy.map_tissues,
        flow=flow,
        lesion=lesion,
        hypodensity=hypodensity,
    )
