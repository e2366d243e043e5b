"""Perfusion maps of phantoms whose heads move, and their large vessels.

    python -m benchmarks.perfusion_motion

Three slices of a phantom's series, at 2 HU, with the head moved in plane from frame to
frame by a standard deviation of 0.5 to 2 mm: how alike maps are to those without
motion, at all voxels of the brain and at those 12 mm or more from bone, and what
another drawing of the noise does. Then the large vessels that are left out of
statistics, against the share of blood that the phantom has in each voxel: in the three
phantoms on which their rule was chosen, in six others, and in three of those at other
slices and with twice the noise.
"""

from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from magic_model.data.volume import FloatArray, Kind
from magic_model.maps import PerfusionMap
from magic_model.perfusion.compute import Choices, Perfusion, compute_perfusion
from magic_model.perfusion.series import Series
from magic_model.perfusion.vessels import beside_edges
from magic_model.phantom.generate import plan_cohort
from magic_model.phantom.patient import Phantom, scan_patient, simulate
from magic_model.phantom.scan import Scan, brain_of_series, halved

MOTIONS_MM = (0.5, 1.0, 2.0)
SLICES = slice(4, 7)
LOW, HIGH = slice(2, 4), slice(6, 8)
CHOSEN_ON, HELD_OUT = (1, 2, 3), (4, 5, 6, 7, 8, 9)
MIDDLE_MM = 12.0
BLOOD = (0.0, 0.02, 0.05, 0.1, 0.2, 1.01)
"""Limits of the shares of blood for which found vessels are counted."""

Mask = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Truth:
    """What a phantom has in each voxel of the brain.

    Attributes:
        blood: Share of large vessels.
        core: Whether it is core by half or more.
    """

    blood: FloatArray
    core: Mask


@dataclass(frozen=True)
class Phantoms:
    """Which phantoms are measured, and how.

    Attributes:
        title: For the table.
        seeds: Of the phantoms.
        slices: Of their series.
        dose: At which they are scanned.
    """

    title: str
    seeds: tuple[int, ...]
    slices: slice
    dose: float = 1.0


PHANTOMS = (
    Phantoms("chosen on", CHOSEN_ON, SLICES),
    Phantoms("held out", HELD_OUT, SLICES),
    Phantoms("low slices", HELD_OUT[:3], LOW),
    Phantoms("high slices", HELD_OUT[:3], HIGH),
    Phantoms("4 HU", HELD_OUT[:3], SLICES, dose=0.25),
)


@cache
def drawn(seed: int) -> Phantom:
    """Return the first patient of a cohort of three, which has a core."""
    planned = plan_cohort(3, seed)[0]
    return simulate(planned.spec, planned.rng())


def brain_of(phantom: Phantom, slices: slice = SLICES) -> Mask:
    """Return the brain on the grid of the series, in the slices that are measured."""
    return brain_of_series(phantom.images[Kind.BRAIN_MASK]).array[..., slices] > 0


def scanned(
    phantom: Phantom, scan: Scan, seed: int = 1, slices: slice = SLICES
) -> Series:
    """Scan the slices that are measured."""
    series = scan_patient(phantom, np.random.default_rng(seed), scan)
    return replace(series, array=np.ascontiguousarray(series.array[:, :, slices]))


def moved(phantom: Phantom, motion_mm: float) -> tuple[Perfusion, Perfusion]:
    """Return maps of a head that lies still, and of the same that moves."""
    choices = Choices(brain_of(phantom))
    still, other = (
        compute_perfusion(scanned(phantom, Scan(motion_mm=mm)), choices)
        for mm in (0.0, motion_mm)
    )
    return still, other


def alike(one: Perfusion, other: Perfusion, name: PerfusionMap, where: Mask) -> float:
    """Return the correlation of a map with another."""
    arrays = (result.maps[name].array[where] for result in (one, other))
    return float(np.corrcoef(*arrays)[0, 1])


def measured_vessels(seed: int, how: Phantoms) -> tuple[Mask, Truth]:
    """Return which voxels of a phantom's brain are found vessels, and the truth."""
    phantom = drawn(seed)
    supply, brain = phantom.supply, brain_of(phantom, how.slices)
    blood = np.zeros(supply.brain.shape, np.float32)
    blood[supply.brain] = supply.arteries + supply.veins
    core = (phantom.images[Kind.CORE_MASK].array > 0).astype(np.float32)
    series = scanned(phantom, Scan(dose=how.dose), slices=how.slices)
    found = compute_perfusion(series, Choices(brain))
    truth = Truth(
        halved(blood)[..., how.slices][brain],
        halved(core)[..., how.slices][brain] >= 0.5,
    )
    return found.vessels[brain], truth


def print_motion(phantom: Phantom) -> None:
    """Print how alike maps of a moved head are to those of one that lies still."""
    brain = brain_of(phantom)
    still, again = (
        compute_perfusion(scanned(phantom, Scan(), seed), Choices(brain))
        for seed in (1, 2)
    )
    rest = still.series.mean(2).array
    middle = brain & ~beside_edges(rest, still.series.spacing, MIDDLE_MM)
    rows = [("other noise", again)]
    rows += [(f"{mm:g} mm", moved(phantom, mm)[1]) for mm in MOTIONS_MM]
    print("| motion | CBF r, all | middle | CBV r, all | middle | restored |")
    print("|---|---|---|---|---|---|")
    for told, found in rows:
        cells = [
            f"{alike(still, found, name, where):.3f}"
            for name in (PerfusionMap.CBF, PerfusionMap.CBV)
            for where in (brain, middle)
        ]
        share = found.blurred.sum() / brain.sum()
        print(f"| {told} | {' | '.join(cells)} | {share:.1%} |")


def print_vessels(how: Phantoms) -> None:
    """Print the share of voxels that are found vessels, by how much blood is in."""
    rows = [measured_vessels(seed, how) for seed in how.seeds]
    found = np.concatenate([mask for mask, _ in rows])
    blood = np.concatenate([truth.blood for _, truth in rows])
    core = np.concatenate([truth.core for _, truth in rows])
    cells = [
        f"{found[these].mean():.1%} of {these.sum()}"
        for low, high in pairwise(BLOOD)
        for these in ((blood >= low) & (blood < high),)
    ]
    taken = blood[found & core]
    least = f", with {taken.min():.0%} of blood or more" if taken.size else ""
    cells.append(f"{taken.size} of {core.sum()}{least}")
    print(f"| {how.title} | {' | '.join(cells)} |")


def main() -> None:
    """Print both tables."""
    print_motion(drawn(1))
    shares = [f"{low:g} to {min(high, 1):g}" for low, high in pairwise(BLOOD)]
    print(f"\n| phantoms | {' | '.join(shares)} | core |")
    print("|---|" + "---|" * len(BLOOD))
    for how in PHANTOMS:
        print_vessels(how)


if __name__ == "__main__":
    main()
