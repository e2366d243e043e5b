"""Core, tissue at risk and class found in maps, against what was planted in phantoms.

    python -m benchmarks.severity
    python -m benchmarks.severity --patients 20
    python -m benchmarks.severity --measured

Prints a row for each way in which the maps (exact ones, or those measured from a noisy
series) are handed over: as they are, with the bolus late everywhere, and with times in
another unit; by Tmax, and by TTP where Tmax
is missing. A class is right if it is the planted one; one that is said to be unknown is
counted apart. Ratios (median, 5th to 95th percentile) are of the volume found over the
planted one, in patients who have it; false cores are those found in patients with
tissue at risk and no core.
"""

import argparse
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed
from statsmodels.stats.proportion import proportion_confint

from magic_model.data.lesion import find_lesion
from magic_model.data.volume import Kind, Volume
from magic_model.errors import SeverityUnknownError
from magic_model.maps import PerfusionMap
from magic_model.metrics import pixelwise
from magic_model.phantom.generate import PlannedPatient, plan_cohort
from magic_model.phantom.patient import measure as measure_maps
from magic_model.phantom.patient import scan_patient, simulate
from magic_model.severity import Severity

PATIENTS, SEED = 100, 1
DELAYS_S = (0.0, 1.0, 1.5, 3.0)
UNITS = {"ms": 1000.0, "0.1 s": 10.0}
ALWAYS = (PerfusionMap.CBF, PerfusionMap.CBV, PerfusionMap.MTT)
TIMES = (PerfusionMap.TMAX, PerfusionMap.TTP)
Way = tuple[str, str]


@dataclass(frozen=True)
class Found:
    """What was found in a patient; volumes and overlaps of core and tissue at risk.

    Attributes:
        planted: The true class.
        severity: The class found, None where it is said to be unknown.
        planted_ml: True volumes.
        ml: Volumes found.
        dice: Overlap with the truth.
    """

    planted: Severity
    severity: Severity | None
    planted_ml: tuple[float, float]
    ml: tuple[float, float] = (0.0, 0.0)
    dice: tuple[float, float] = (0.0, 0.0)


def ways(maps: Mapping[PerfusionMap, Volume]) -> Iterator[tuple[Way, Volume]]:
    """Yield the times of a patient as they may be handed over."""
    for name in TIMES:
        volume = maps[name]
        seconds = volume.array
        for delay in DELAYS_S:
            late = np.where(seconds > 0, seconds + np.float32(delay), 0)
            yield (name.upper(), f"+{delay:g} s"), volume.with_array(late)
        for unit, factor in UNITS.items():
            other = volume.with_array(seconds * np.float32(factor))
            yield (name.upper(), f"in {unit}"), other


def measure(planned: PlannedPatient, exact: bool) -> dict[Way, Found]:
    """Draw a patient and look for the lesion in every way."""
    rng = planned.rng()
    phantom = simulate(planned.spec, rng)
    if not exact:
        phantom = measure_maps(phantom, scan_patient(phantom, rng.spawn(1)[0]))
    images = phantom.images
    maps = {name: images[Kind(name.value)] for name in PerfusionMap}
    truth = [images[kind] for kind in (Kind.CORE_MASK, Kind.PENUMBRA_MASK)]
    planted = tuple(float(mask.array.sum()) * mask.voxel_ml for mask in truth)
    found = {}
    for way, times in ways(maps):
        given = {name: maps[name] for name in ALWAYS}
        given[PerfusionMap(times.kind.value)] = times
        try:
            lesion = find_lesion(given, images[Kind.BRAIN_MASK])
        except SeverityUnknownError:
            found[way] = Found(planned.spec.severity, None, planted)
            continue
        pairs = zip(truth, (lesion.core, lesion.at_risk), strict=True)
        found[way] = Found(
            planned.spec.severity,
            lesion.severity,
            planted,
            (lesion.core_ml, lesion.penumbra_ml),
            tuple(pixelwise.dice(a.array, b.array) for a, b in pairs),
        )
    return found


def row(way: Way, found: Iterable[Found]) -> str:
    """Summarise a way over all patients."""
    patients = list(found)
    right = sum(p.severity is p.planted for p in patients)
    low, high = proportion_confint(right, len(patients), method="wilson")
    known = [p for p in patients if p.severity is not None]
    none_wrongly = sum(
        p.severity is Severity.NONE and p.planted is not Severity.NONE for p in known
    )
    at_risk_only = [p for p in known if p.planted_ml[1] and not p.planted_ml[0]]
    false = [p.ml[0] for p in at_risk_only if p.ml[0]]
    cells = [
        *way,
        f"{right}/{len(patients)} ({100 * low:.0f} to {100 * high:.0f} %)",
        str(len(patients) - len(known)),
        str(none_wrongly),
        *_ratio_and_dice(known, 0),
        *_ratio_and_dice(known, 1),
        f"{len(false)}/{len(at_risk_only)}, up to {max(false, default=0):.0f} mL",
    ]
    return f"| {' | '.join(cells)} |"


def _ratio_and_dice(known: Iterable[Found], part: int) -> tuple[str, str]:
    ill = [p for p in known if p.planted_ml[part]]
    if not ill:
        return "-", "-"
    ratios = [p.ml[part] / p.planted_ml[part] for p in ill]
    low, middle, high = np.quantile(ratios, (0.05, 0.5, 0.95))
    dice = np.median([p.dice[part] for p in ill])
    return f"{middle:.2f} ({low:.2f} to {high:.2f})", f"{dice:.2f}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--patients", type=int, default=PATIENTS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--measured", action="store_true")
    return parser


def main(argv: list[str] | None = None) -> None:
    """Draw the patients and print a row for each way."""
    args = _parser().parse_args(argv)
    plan = plan_cohort(args.patients, seed=args.seed)
    patients = Parallel(n_jobs=args.jobs)(
        delayed(measure)(p, not args.measured) for p in plan
    )
    ill = sum(next(iter(p.values())).planted_ml[0] > 0 for p in patients)
    kind = "measured" if args.measured else "exact"
    print(
        f"{args.patients} slabs with {kind} maps, seed {args.seed}, {ill} of them with "
        "a core\n"
    )
    print(
        "| by | handed over | class right | unknown | `none` wrongly | core found / "
        "planted | Dice | at risk found / planted | Dice | false cores |"
    )
    print("|---" * 10 + "|")
    for way in patients[0]:
        print(row(way, (patient[way] for patient in patients)))


if __name__ == "__main__":
    main()
