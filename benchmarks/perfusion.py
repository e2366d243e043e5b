"""Perfusion maps against tissue whose flow, transit time and delay are known.

    python -m benchmarks.perfusion
    python -m benchmarks.perfusion --reference FOLDER

Prints a row for each noise, method and map: the mean error over tiles of tissue (bias),
its standard deviation (spread), correlation and slope against the truth, each tile as
the median of its voxels. The object is made here (flow 10 to 60 mL/100g/min, MTT 4 to
12 s, delay 0 and 3 s, one artery and one vein), or read from a folder with ctp.nii.gz,
frame_times.txt, brain_mask.nii.gz, tiles.nii.gz and truth.json. Then: how wide an edge
of flow becomes (10 to 90 %), how much flow changes when the artery is seen 3 s earlier
or later, how single voxels of a digital patient compare (frames 1.5 s apart), and how
long a slab of 8 x 256 x 256 voxels and 45 frames takes.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from magic_model.data.grid import resample
from magic_model.data.volume import Kind
from magic_model.maps import PerfusionMap
from magic_model.perfusion.compute import Choices, Perfusion, compute_perfusion
from magic_model.perfusion.deconvolution import Deconvolution, convolve
from magic_model.perfusion.series import Series, read_mask, read_series
from magic_model.phantom.generate import plan_cohort
from magic_model.phantom.patient import simulate
from magic_model.severity import Severity

NOISES_HU = (0.0, 2.0)
FLOWS, TRANSITS, DELAYS = (10, 20, 40, 60), (4, 8, 12), (0, 3)
TILE = 10
TIMES = np.arange(50.0)
_K = 1.05 / ((1 - 0.45) / (1 - 0.25)) / 6000  # from CBF to k
ARTERY, VEIN = (2, 2, 0), (2, 20, 0)


@dataclass(frozen=True, eq=False)
class Known:
    """A series with its truth.

    Attributes:
        series: HU over time.
        brain: Voxels of tissue.
        labels: Tile of each voxel, from 1; 0 elsewhere.
        truth: By map, a value for each tile.
    """

    series: Series
    brain: np.ndarray[Any, np.dtype[np.bool_]]
    labels: np.ndarray[Any, np.dtype[np.int64]]
    truth: dict[PerfusionMap, np.ndarray[Any, np.dtype[np.float64]]]


def artery(times: np.ndarray, arrival: float = 8.0) -> np.ndarray:
    """Return a bolus of 300 HU with a tail that stays (recirculation)."""
    t = np.maximum(times - arrival, 0)
    bolus = 300 * (t / 4.5) ** 3 * np.exp(3 * (1 - t / 4.5))
    return bolus + 25 * (1 - np.exp(-t / 12))


def make_object(
    noise_hu: float,
    tissues: Sequence[tuple[float, float, float]] | None = None,
    times: np.ndarray = TIMES,
    spacing: tuple[float, float, float] = (2.2, 2.2, 5.0),
) -> Known:
    """Return tiles of tissue (CBF, MTT, delay) beside an artery and a vein."""
    kinds = tissues or [(f, m, d) for f in FLOWS for m in TRANSITS for d in DELAYS]
    across = min(6, len(kinds))
    down = -(-len(kinds) // across)
    shape = (6 + across * TILE, max(down * TILE, 24), 2)
    labels = np.zeros(shape, int)
    hu = np.full((*shape, len(times)), 33.0)
    aif = artery(times)
    hu[1:4, 1:4] += aif
    hu[1:4, 18:23] += convolve(times, aif, 3.0, 4.0) / 3
    for n, (flow, transit, delay) in enumerate(kinds):
        x, y = 6 + n % across * TILE, n // across * TILE
        labels[x : x + TILE, y : y + TILE] = n + 1
        hu[x : x + TILE, y : y + TILE] += (
            flow * _K * convolve(times, aif, transit, delay)
        )
    hu += noise_hu * np.random.default_rng(3).standard_normal(hu.shape)
    flows, transits, delays = (np.array(x, float) for x in zip(*kinds, strict=True))
    series = Series(hu.astype(np.float32), np.diag([*spacing, 1.0]), times)
    truth = {
        PerfusionMap.CBF: flows,
        PerfusionMap.CBV: flows * transits / 60,
        PerfusionMap.MTT: transits,
        PerfusionMap.TMAX: delays,
    }
    return Known(series, labels > 0, labels, truth)


def read_object(folder: Path) -> Known:
    """Read a reference object."""
    series = read_series(folder / "ctp.nii.gz", folder / "frame_times.txt")
    tiles = json.loads((folder / "truth.json").read_text(encoding="utf-8"))["tiles"]
    image: Any = nib.load(folder / "tiles.nii.gz")
    numbers = np.asarray(image.dataobj)
    labels = np.zeros(numbers.shape, int)
    for n, tile in enumerate(tiles):
        labels[numbers == tile["label"]] = n + 1
    named = {
        PerfusionMap.CBF: "cbf",
        PerfusionMap.CBV: "cbv",
        PerfusionMap.MTT: "mtt",
        PerfusionMap.TMAX: "delay",
        PerfusionMap.TTP: "ttp",
    }
    truth = {k: np.array([t[v] for t in tiles], float) for k, v in named.items()}
    return Known(series, read_mask(folder / "brain_mask.nii.gz", series), labels, truth)


@dataclass(frozen=True)
class Score:
    """How a map compares with the truth, over tiles."""

    bias: float
    spread: float
    mean_absolute: float
    r: float
    slope: float


def score(known: Known, result: Perfusion) -> dict[PerfusionMap, Score]:
    """Compare the median of each tile with its truth."""
    return {
        name: _score(
            truth,
            np.array(
                [
                    np.median(result.maps[name].array[known.labels == n + 1])
                    for n in range(len(truth))
                ]
            ),
        )
        for name, truth in known.truth.items()
    }


def _score(truth: np.ndarray, found: np.ndarray) -> Score:
    error = found - truth
    return Score(
        float(error.mean()),
        float(error.std()),
        float(np.abs(error).mean()),
        float(np.corrcoef(truth, found)[0, 1]),
        float(np.polyfit(truth, found, 1)[0]),
    )


def phantom_series(noise_hu: float, step_s: float) -> tuple[Known, float]:
    """Return a digital patient over time, voxel by voxel, and the mL of a voxel.

    Each voxel of the brain is a tile of its own; transit times and delays (Tmax less
    half the transit time) are rounded to .5 s. An artery runs through the middle, a
    vein behind it.
    """
    planned = plan_cohort({Severity.MILD_MODERATE: 1}, 3)[0]
    images = simulate(planned.spec, planned.rng()).images
    cbf, mtt, tmax = (images[kind] for kind in (Kind.CBF, Kind.MTT, Kind.TMAX))
    head = resample(images[Kind.NCCT], cbf.affine, cbf.shape).array
    brain = cbf.array > 0
    x, y, _ = np.argwhere(brain).mean(axis=0).astype(int)
    brain[x - 2 : x + 3, y - 2 : y + 3] = False
    transit = np.round(mtt.array[brain] * 2) / 2
    delay = np.round((tmax.array[brain] - mtt.array[brain] / 2) * 2) / 2
    times = np.arange(0, 60, step_s)
    aif = artery(times)
    kinds, which = np.unique(np.stack([transit, delay], 1), axis=0, return_inverse=True)
    curves = np.array([convolve(times, aif, m, d) for m, d in kinds])[which.ravel()]
    hu = np.repeat(head[..., None], len(times), axis=3).astype(np.float32)
    hu[brain] += (cbf.array[brain][:, None] * _K * curves).astype(np.float32)
    hu[x - 1 : x + 2, y - 1 : y + 2] += aif.astype(np.float32)
    back = int(np.argwhere(brain)[:, 1].min())
    hu[x - 2 : x + 3, back - 2 : back + 2] += convolve(times, aif, 3.0, 4.0) / 3
    rng = np.random.default_rng(0)
    hu += noise_hu * rng.standard_normal(hu.shape, dtype=np.float32)
    labels = np.zeros(brain.shape, int)
    labels[brain] = np.arange(brain.sum()) + 1
    truth = {
        PerfusionMap.CBF: cbf.array[brain],
        PerfusionMap.CBV: cbf.array[brain] * transit / 60,
        PerfusionMap.MTT: transit,
        PerfusionMap.TMAX: delay,
    }
    return Known(Series(hu, cbf.affine, times), brain, labels, truth), cbf.voxel_ml


def print_phantom(noise_hu: float, step_s: float) -> None:
    """Print how single voxels of a digital patient compare, and the volume at risk."""
    known, voxel_ml = phantom_series(noise_hu, step_s)
    maps = compute_perfusion(known.series, Choices(known.brain)).maps
    for name, truth in known.truth.items():
        s = _score(truth, maps[name].array[known.brain])
        print(
            f"phantom, {noise_hu:g} HU, frames {step_s:g} s apart, {name}: bias "
            f"{s.bias:.2f}, r {s.r:.3f}, slope {s.slope:.2f}"
        )
    late = known.truth[PerfusionMap.TMAX] > 6, maps[PerfusionMap.TMAX].array > 6
    print(
        "  mL later than 6 s: {:.0f}, found {:.0f}".format(
            *(float(np.count_nonzero(x)) * voxel_ml for x in late)
        )
    )


def edge_width(noise_hu: float, spacing: float) -> float:
    """Return the 10-90 % width in mm of an edge from 15 to 60 mL/100g/min."""
    kinds = [(15.0, 6.0, 0.0)] * 2 + [(60.0, 4.0, 0.0)] * 2
    known = make_object(noise_hu, kinds, spacing=(spacing, spacing, 5.0))
    found = compute_perfusion(known.series, Choices(known.brain))
    profile = found.maps[PerfusionMap.CBF].array[6:46, :TILE].mean(axis=(1, 2))
    low, high = profile[3:12].mean(), profile[28:37].mean()
    near = slice(14, 27)
    share = np.maximum.accumulate((profile[near] - low) / (high - low))
    at = [np.interp(x, share, np.arange(14, 27)) for x in (0.1, 0.9)]
    return float(at[1] - at[0]) * spacing


def delay_effect(noise_hu: float, seconds: float) -> float:
    """Return the mean change of tile CBF when the artery is seen later, as a share."""
    known = make_object(noise_hu)
    hu = known.series.array.copy()
    hu[1:4, 1:4] = 33 + artery(TIMES - seconds)
    moved = replace(known, series=replace(known.series, array=hu))
    choices = Choices(known.brain, ARTERY, VEIN)
    flows = [
        np.median(
            compute_perfusion(k.series, choices)
            .maps[PerfusionMap.CBF]
            .array[known.brain]
        )
        for k in (known, moved)
    ]
    return float(flows[1] / flows[0] - 1)


def slab_seconds() -> float:
    """Return the seconds that a slab takes, four fifths of it brain."""
    rng = np.random.default_rng(1)
    known = make_object(0.0)
    curves = known.series.array[known.brain][:, :45]
    shape = (256, 256, 8)
    pick = rng.integers(0, len(curves), (8, 8, 2)).repeat(32, 0).repeat(32, 1)
    hu = curves[pick.repeat(4, 2)]
    hu += 4 * rng.standard_normal(hu.shape, dtype=np.float32)
    hu[10:13, 10:13] = 40 + artery(TIMES[:45])
    series = Series(hu, np.diag([0.9, 0.9, 5, 1.0]), TIMES[:45])
    brain = np.zeros(shape, bool)
    brain[14:242, 14:242] = True
    started = time.perf_counter()
    compute_perfusion(series, Choices(brain))
    return time.perf_counter() - started


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", type=Path, nargs="*", default=[])
    given = parser.parse_args()
    objects = [(f"{x:g} HU", make_object(x)) for x in NOISES_HU]
    objects += [(folder.name, read_object(folder)) for folder in given.reference]
    print("noise      method       map      bias  spread  mean |e|      r  slope")
    for noise, known in objects:
        for method in Deconvolution:
            found = compute_perfusion(known.series, Choices(known.brain, method=method))
            for name, s in score(known, found).items():
                print(
                    f"{noise:10} {method:12} {name:5} {s.bias:8.2f}{s.spread:8.2f}"
                    f"{s.mean_absolute:10.2f}{s.r:7.3f}{s.slope:7.2f}"
                )
    for noise in NOISES_HU:
        print_phantom(noise, 1.5)
    for noise in NOISES_HU:
        for mm in (1.0, 2.2):
            width = edge_width(noise, mm)
            print(f"edge at {noise:g} HU, voxels of {mm:g} mm: {width:.1f} mm")
        for seconds in (-3.0, 3.0):
            change = delay_effect(noise, seconds)
            print(f"CBF, artery {seconds:+g} s, {noise:g} HU: {change:+.1%}")
    print(f"slab of 8 x 256 x 256 x 45: {slab_seconds():.1f} s")


if __name__ == "__main__":
    main()
