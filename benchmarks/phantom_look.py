"""How rough and how spread maps of phantoms are, beside those of the authors' sample.

    python -m benchmarks.phantom_look [--sample FOLDER] [--patients 6]

Maps are cut off at their ranges and rounded to 256 grey levels, as in the sample. Per
slice with 5,000 pixels of brain or more: the 5th, 50th and 95th percentile; the spread,
95th less 5th percentile over the median; the roughness, the standard deviation of a
pixel less the mean of its four neighbours, over that of the map; and how alike pixels 3
apart are (correlation). Printed are medians over slices. The class that is found in
measured maps stands beside the planted one.
"""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from scipy import ndimage

from magic_model.data.layouts.magic_sample import find_magic_sample
from magic_model.data.lesion import find_lesion
from magic_model.data.volume import FloatArray, Kind, Volume
from magic_model.errors import SeverityUnknownError
from magic_model.maps import MAP_SPECS, PAPER_MAPS, PerfusionMap
from magic_model.phantom.generate import PlannedPatient, plan_cohort
from magic_model.phantom.patient import Phantom, measure, scan_patient, simulate

SEED = 3
LEAST_PIXELS = 5000
APART = 3
_CROSS = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32) / 4

Row = tuple[float, ...]


def describe(values: FloatArray, brain: np.ndarray) -> Row:
    """Return percentiles, spread, roughness and likeness of a slice of a map."""
    inside = ndimage.binary_erosion(brain)
    low, middle, high = np.percentile(values[brain], (5, 50, 95))
    rough = (values - ndimage.convolve(values, _CROSS))[inside].std()
    pairs = [
        np.corrcoef(a[both], b[both])[0, 1]
        for a, b, both in (
            (values[APART:], values[:-APART], brain[APART:] & brain[:-APART]),
            (
                values[:, APART:],
                values[:, :-APART],
                brain[:, APART:] & brain[:, :-APART],
            ),
        )
    ]
    return (
        low,
        middle,
        high,
        (high - low) / middle,
        rough / values[brain].std(),
        float(np.mean(pairs)),
    )


def slices(maps: dict[PerfusionMap, Volume], name: PerfusionMap) -> Iterable[Row]:
    """Yield the rows of a patient's slices; brain is where CBF is above 0."""
    low, high = MAP_SPECS[name].value_range
    level = np.rint((np.clip(maps[name].array, low, high) - low) / (high - low) * 255)
    shown = (low + level / 255 * (high - low)).astype(np.float32)
    brain = ndimage.binary_fill_holes(
        maps[PerfusionMap.CBF].array > 0, np.ones((3, 3, 1))
    )
    for z in range(shown.shape[2]):
        if brain[..., z].sum() >= LEAST_PIXELS:
            yield describe(shown[..., z], brain[..., z])


def table(title: str, patients: Sequence[dict[PerfusionMap, Volume]]) -> None:
    """Print a row for each map."""
    for name in PAPER_MAPS:
        rows = np.array([row for maps in patients for row in slices(maps, name)])
        numbers = np.median(rows, axis=0)
        cells = " | ".join(f"{x:.2f}" for x in numbers)
        print(f"| {title} | {MAP_SPECS[name].title} | {cells} |")


def draw(planned: PlannedPatient) -> tuple[Phantom, Phantom]:
    """Return a patient with exact and with measured maps."""
    rng = planned.rng()
    exact = simulate(planned.spec, rng)
    return exact, measure(exact, scan_patient(exact, rng.spawn(1)[0]))


def maps_of(phantom: Phantom) -> dict[PerfusionMap, Volume]:
    """Return the maps alone."""
    return {name: phantom.images[Kind(name.value)] for name in PerfusionMap}


def found(phantom: Phantom) -> str:
    """Say what the rule for patients finds."""
    try:
        lesion = find_lesion(maps_of(phantom), phantom.images[Kind.BRAIN_MASK])
    except SeverityUnknownError as error:
        return f"unknown ({error})"
    return (
        f"{lesion.severity}: core {lesion.core_ml:.0f} mL, at risk "
        f"{lesion.penumbra_ml:.0f} mL"
    )


def planted(planned: PlannedPatient, phantom: Phantom) -> str:
    """Say what was planted."""
    core, risk = (
        float(phantom.images[k].array.sum()) * phantom.images[k].voxel_ml
        for k in (Kind.CORE_MASK, Kind.PENUMBRA_MASK)
    )
    return f"{planned.spec.severity}: core {core:.0f} mL, at risk {risk:.0f} mL"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sample", type=Path)
    parser.add_argument("--patients", type=int, default=6)
    chosen = parser.parse_args()
    plan = plan_cohort(chosen.patients, SEED)
    cohort = [draw(planned) for planned in plan]
    print("| maps | map | 5 % | median | 95 % | spread | roughness | r at 3 pixels |")
    print("|---|---|---|---|---|---|---|---|")
    table("exact", [maps_of(exact) for exact, _ in cohort])
    table("measured", [maps_of(measured) for _, measured in cohort])
    if chosen.sample:
        patients = []
        for source in find_magic_sample(chosen.sample):
            images = source.load_images()
            patients.append({name: images[Kind(name.value)] for name in PAPER_MAPS})
        table("sample", patients)
    print("\n| planted | found in exact maps | found in measured maps |")
    print("|---|---|---|")
    for planned, (exact, measured) in zip(plan, cohort, strict=True):
        print(f"| {planted(planned, exact)} | {found(exact)} | {found(measured)} |")


if __name__ == "__main__":
    main()
