"""What the checks of values find on phantoms, and where nothing is wrong.

    python -m benchmarks.value_checks
    python -m benchmarks.value_checks --patients 5

Draws phantom patients and counts: findings as they are; mirrored maps found, of the
seven ways for each; flips named of maps that are only shifted within the slice; NCCTs
with vessels of 300 HU more that are named; and CT numbers with an offset or in 8 bits
that are refused.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np

from magic_model.data.checks import check_patient
from magic_model.data.flips import FLIPS, flip_findings
from magic_model.data.grid import resample
from magic_model.data.ncct_values import ncct_findings, require_hounsfield
from magic_model.data.skull_strip import MorphologicalSkullStripper
from magic_model.data.volume import FloatArray, Kind, Volume
from magic_model.errors import DataError
from magic_model.phantom.generate import plan_cohort
from magic_model.phantom.patient import Phantom, simulate

PATIENTS, SEED = 20, 7
SHIFTS = ((6, 0), (-8, 3), (0, 8), (-4, -7))
VESSEL_HU = 300.0
_MAPS = (Kind.CBF, Kind.CBV, Kind.MTT, Kind.TTP, Kind.TMAX)

NOT_HU: dict[str, Callable[[FloatArray], FloatArray]] = {
    "HU + 1024": lambda hu: hu + 1024,
    "8 bit, 0 to 80 HU": lambda hu: np.rint(np.clip(hu / 80, 0, 1) * 255),
    "8 bit, -160 to 240 HU": lambda hu: np.rint(np.clip((hu + 160) / 400, 0, 1) * 255),
}

Maps = dict[Kind, Volume]


def _changed(maps: Maps, change: Callable[[FloatArray], FloatArray]) -> Maps:
    return {
        kind: volume.with_array(change(volume.array)) if kind in _MAPS else volume
        for kind, volume in maps.items()
    }


def _flips(maps: Maps, brain: Volume) -> Iterator[str]:
    for axes in FLIPS:
        mirrored = _changed(maps, lambda array, axes=axes: np.flip(array, axes))
        if list(flip_findings(mirrored, brain)):
            yield "mirrored maps found"
    for shift in SHIFTS:
        moved = _changed(maps, lambda array, s=shift: np.roll(array, s, (0, 1)))
        if list(flip_findings(moved, brain)):
            yield "shifted maps called mirrored"


def _values(phantom: Phantom, brain: Volume) -> Iterator[str]:
    ncct, grid = phantom.images[Kind.NCCT], phantom.images[Kind.CBF]
    on_maps = resample(ncct, grid.affine, grid.shape, order=0)
    enhanced = on_maps.array + VESSEL_HU * phantom.tissues.vessel
    if ncct_findings(on_maps.with_array(enhanced), brain, mask_given=True):
        yield "contrast agent named"
    for name, change in NOT_HU.items():
        try:
            require_hounsfield(ncct.with_array(change(ncct.array)))
        except DataError:
            yield f"{name} refused"


def count(patients: int, seed: int) -> Counter[str]:
    """Count what is found in a cohort of phantoms."""
    counts: Counter[str] = Counter()
    for patient in plan_cohort(patients, seed):
        phantom = simulate(patient.spec, patient.rng())
        ncct, grid = phantom.images[Kind.NCCT], phantom.images[Kind.CBF]
        mask = MorphologicalSkullStripper()(ncct)
        brain = resample(mask, grid.affine, grid.shape, order=0)
        maps = {k: v for k, v in phantom.images.items() if k in (*_MAPS, Kind.NCCT)}
        counts["findings where nothing is wrong"] += len(
            check_patient(maps, brain).findings
        )
        counts.update(_flips(maps, brain))
        counts.update(_values(phantom, brain))
    return counts


def main() -> None:
    """Print the counts, and of how many."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=PATIENTS)
    parser.add_argument("--seed", type=int, default=SEED)
    args = parser.parse_args()
    of = {
        "mirrored maps found": len(FLIPS),
        "shifted maps called mirrored": len(SHIFTS),
    }
    counts = count(args.patients, args.seed)
    rows = [
        "findings where nothing is wrong",
        "mirrored maps found",
        "shifted maps called mirrored",
        "contrast agent named",
        *(f"{name} refused" for name in NOT_HU),
    ]
    for row in rows:
        print(f"{row:34} {counts[row]:4d} of {args.patients * of.get(row, 1)}")


if __name__ == "__main__":
    main()
