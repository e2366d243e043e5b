"""How rough and how spread maps of phantoms are, beside those of the authors' sample.

    python -m benchmarks.phantom_look [--sample FOLDER] [--patients 6]

Maps are cut off at their ranges and rounded to 256 grey levels, as in the sample. Per
slice with 5,000 pixels of brain or more: the 5th, 50th and 95th percentile; the spread,
95th less 5th percentile over the median; the roughness, the standard deviation of a
pixel less the mean of its four neighbours, over that of the map; and how alike pixels 3
apart are (correlation). Printed are medians over slices. For the reasons that measured
maps are smoother than the sample's stand two rows more: maps by oscillation-index SVD,
as programs without tissue models make them, interpolated in plane as all measured maps
are; and, from the same curves, the TTP that is the time of a frame, with pixels doubled
and not interpolated. The class that is found in measured maps stands beside the planted
one.
"""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from magic_model.data.layouts.magic_sample import find_magic_sample
from magic_model.data.lesion import find_lesion
from magic_model.data.volume import FloatArray, Kind, Volume
from magic_model.errors import SeverityUnknownError
from magic_model.maps import MAP_SPECS, PAPER_MAPS, PerfusionMap
from magic_model.perfusion.compute import Choices, Perfusion, compute_perfusion
from magic_model.perfusion.deconvolution import Deconvolution
from magic_model.perfusion.denoising import Seen, denoise
from magic_model.perfusion.tissues import Tissues
from magic_model.phantom.generate import PlannedPatient, plan_cohort
from magic_model.phantom.patient import Phantom, measure, scan_patient, simulate
from magic_model.phantom.scan import brain_of_series, interpolated

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


@dataclass(frozen=True)
class Drawn:
    """A patient.

    Attributes:
        exact: With the maps behind the series.
        measured: With those measured from it.
        svd: Maps measured without tissue models, in `PAPER_MAPS`.
        frames: The same on pixels of 1.8 mm that were doubled, TTP the time of a frame.
    """

    exact: Phantom
    measured: Phantom
    svd: dict[PerfusionMap, Volume]
    frames: dict[PerfusionMap, Volume]


def draw(planned: PlannedPatient) -> Drawn:
    """Simulate and scan a patient, and measure its maps in each way."""
    rng = planned.rng()
    exact = simulate(planned.spec, rng)
    series = scan_patient(exact, rng.spawn(1)[0])
    brain = exact.images[Kind.BRAIN_MASK]
    choices = Choices(
        brain_of_series(brain).array > 0, method=Deconvolution.OSCILLATION
    )
    coarse = compute_perfusion(series, choices)
    frames = {name: volume.array for name, volume in coarse.maps.items()}
    frames[PerfusionMap.TTP] = frame_of_peak(coarse)
    return Drawn(
        exact,
        measure(exact, series),
        interpolated(coarse, brain),
        {
            name: brain.with_array(array.repeat(2, 0).repeat(2, 1), name.value)
            for name, array in frames.items()
        },
    )


def frame_of_peak(result: Perfusion) -> FloatArray:
    """Return the time of the frame in which each denoised curve is highest."""
    series, frames = result.series, result.baseline_frames
    tissues = Tissues.behind(series.times, result.artery.curve)
    clean = denoise(
        Seen.of(series.array, frames),
        result.brain,
        series.spacing,
        result.noise_hu,
        tissues.basis(frames, 16),
    )
    image = np.zeros(result.brain.shape, np.float32)
    highest = clean.curves(0, len(clean.scores)).argmax(axis=1)
    image[result.brain] = series.times[highest]
    return image


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
    drawn = [draw(planned) for planned in plan]
    cohort = [(patient.exact, patient.measured) for patient in drawn]
    print("| maps | map | 5 % | median | 95 % | spread | roughness | r at 3 pixels |")
    print("|---|---|---|---|---|---|---|---|")
    table("exact", [maps_of(exact) for exact, _ in cohort])
    table("measured", [maps_of(measured) for _, measured in cohort])
    table("oscillation", [patient.svd for patient in drawn])
    table("by frames", [patient.frames for patient in drawn])
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
