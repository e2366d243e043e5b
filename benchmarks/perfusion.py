"""Perfusion maps against tissue whose flow, transit time and delay are known.

    python -m benchmarks.perfusion
    python -m benchmarks.perfusion --reference FOLDER

Prints a row for each noise, method and map: the mean error over tiles of tissue (bias),
its standard deviation (spread), correlation and slope against the truth, each tile as
the median of its voxels. The object is made without the code that is tested
(perfusion_objects.py: flow 10 to 60 mL/100g/min, MTT 4 to 12 s, delay 0 and 3 s, one
artery and one vein), or read from a folder with ctp.nii.gz, frame_times.txt,
brain_mask.nii.gz, tiles.nii.gz and truth.json. Then: single voxels of a digital
patient with a planted lesion, its volumes and how rough its maps are; the same where
residues are not exponential; what a program could reach that knew which voxels are
alike; how wide an edge of flow becomes (10 to 90 %); how much flow changes when the
artery is seen 3 s earlier or later; and how long a slab of 8 x 256 x 256 voxels and 45
frames takes.
"""

import argparse
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from benchmarks.perfusion_objects import (
    ARTERY,
    PUBLISHED,
    TILE,
    TIMES,
    VEIN,
    Floats,
    Head,
    Known,
    Shape,
    artery,
    make_head,
    make_object,
)
from magic_model.data.lesion import find_lesion
from magic_model.data.volume import Kind, Volume
from magic_model.maps import PerfusionMap
from magic_model.perfusion import bayes, denoising, parameters
from magic_model.perfusion.compute import Choices, Perfusion, compute_perfusion
from magic_model.perfusion.deconvolution import Deconvolution
from magic_model.perfusion.series import Series, read_mask, read_series
from magic_model.perfusion.tissues import Tissues

NOISES_HU = (0.0, 2.0)


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


def head_maps(head: Head, method: Deconvolution) -> dict[PerfusionMap, Floats]:
    """Compute the maps of a digital patient."""
    known = head.known
    found = compute_perfusion(known.series, Choices(known.brain, method=method))
    return {name: volume.array for name, volume in found.maps.items()}


def lesion_ml(head: Head, maps: dict[PerfusionMap, Floats]) -> tuple[float, float]:
    """Return core and tissue at risk in mL, by the rule that patients get."""
    affine = head.known.series.affine
    volumes = {
        name: Volume(np.asarray(array, np.float32), affine, Kind(name.value))
        for name, array in maps.items()
    }
    brain = Volume(head.known.brain.astype(np.float32), affine, Kind.BRAIN_MASK)
    lesion = find_lesion(volumes, brain)
    return lesion.core_ml, lesion.penumbra_ml


def roughness(head: Head, array: Floats) -> float:
    """Return how neighbours in matter differ, as a share of the median.

    The median absolute difference of voxels beside each other, all of grey or all of
    white matter.
    """
    beside = head.tissue[1:] & head.tissue[:-1] & (head.grey[1:] == head.grey[:-1])
    steps = np.abs(np.diff(array, axis=0))[beside]
    return float(np.median(steps) / np.median(array[head.tissue]))


def print_head(noise_hu: float, method: Deconvolution, head: Head) -> None:
    """Print how single voxels of a digital patient compare, and volumes."""
    known = head.known
    maps = head_maps(head, method)
    truth = {name: head.on_grid(values) for name, values in known.truth.items()}
    late = [
        float(np.count_nonzero(m[PerfusionMap.TMAX][known.brain] > 6)) * head.voxel_ml
        for m in (truth, maps)
    ]
    volumes = [lesion_ml(head, m) for m in (truth, maps)]
    for name, values in truth.items():
        told = f"head, {noise_hu:g} HU, {method}, {name}:"
        for where, mask in (
            ("matter", head.tissue),
            ("grey", head.tissue & head.grey),
            ("white", head.tissue & ~head.grey),
        ):
            s = _score(values[mask], maps[name][mask])
            told += f" {where} bias {s.bias:.2f} r {s.r:.3f} slope {s.slope:.2f};"
        rough = (roughness(head, m[name]) for m in (truth, maps))
        print(told, "roughness {:.1%}, found {:.1%}".format(*rough))
    (core, risk), (core_found, risk_found) = volumes
    print(
        f"  mL: Tmax > 6 s {late[0]:.1f}, found {late[1]:.1f}; by the rule of patients "
        f"at risk {risk:.1f}, found {risk_found:.1f}; core {core:.1f}, found "
        f"{core_found:.1f}"
    )


def print_ceiling(head: Head, alike: int) -> None:
    """Print what is left of the noise where a voxel is the mean of so many that agree.

    The curves of each voxel are known here, and get noise of 2 HU over the root of
    their number: what no choice of neighbours does better.

    Args:
        head: Without noise.
        alike: Voxels that are averaged.
    """
    known = head.known
    times, series = known.series.times, known.series
    tissues = Tissues.behind(times, artery(times))
    frames = denoising.count_baseline(times, artery(times))
    rng = np.random.default_rng(1)
    curves = series.array[known.brain]
    curves = curves + 2 / alike**0.5 * rng.standard_normal(curves.shape, np.float32)
    curves -= curves[:, :frames].mean(axis=1, keepdims=True)
    basis = tissues.basis(frames)
    clean = denoising.Denoised(
        (curves @ basis.analysis.T).astype(np.float32),
        basis,
        2.0,
        np.full(len(curves), alike**-0.5, np.float32),
    )
    usual = bayes.usual_delay(clean, tissues)
    found = bayes.estimate(clean, tissues, usual, known.brain, series.spacing)
    values = parameters.parameters_of(found)
    told = f"ceiling, {alike} voxels that agree:"
    for name in (PerfusionMap.CBF, PerfusionMap.TMAX):
        within = head.tissue[known.brain]
        s = _score(known.truth[name][within], values[name][within])
        told += f" {name} bias {s.bias:.2f} r {s.r:.3f} slope {s.slope:.2f};"
    late = np.count_nonzero(values[PerfusionMap.TMAX] > 6) * head.voxel_ml
    print(told, f"mL with Tmax > 6 s {late:.1f}")


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


def print_tiles(noise: str, known: Known) -> None:
    """Print a row for each method and map."""
    for method in Deconvolution:
        found = compute_perfusion(known.series, Choices(known.brain, method=method))
        for name, s in score(known, found).items():
            print(
                f"{noise:10} {method:12} {name:5} {s.bias:8.2f}{s.spread:8.2f}"
                f"{s.mean_absolute:10.2f}{s.r:7.3f}{s.slope:7.2f}"
            )


def print_published() -> None:
    """Print correlations on the tissue of Kudo et al. 2013, by residue and method."""
    shapes: tuple[Shape, ...] = ("exponential", "linear", "box")
    for shape in shapes:
        for noise in NOISES_HU:
            known = make_object(noise, PUBLISHED, shape=shape)
            for method in (Deconvolution.OSCILLATION, Deconvolution.BAYES):
                choices = Choices(known.brain, ARTERY, VEIN, method)
                found = compute_perfusion(known.series, choices)
                told = f"published, {shape}, {noise:g} HU, {method}:"
                for name, s in score(known, found).items():
                    told += f" {name} r {s.r:.3f} slope {s.slope:.2f};"
                late = delay_change(known, found.maps[PerfusionMap.CBF].array)
                print(f"{told} CBF at 3 s of delay {late:+.1%}")


def delay_change(known: Known, cbf: Floats) -> float:
    """Return the median change of CBF from tiles without delay to those 3 s late."""
    tiles = [
        float(np.median(cbf[known.labels == n + 1])) for n in range(len(PUBLISHED))
    ]
    delays = np.array([delay for _, _, delay in PUBLISHED])
    flows = np.array(tiles)
    return float(np.median(flows[delays == 3] / flows[delays == 0]) - 1)


def print_heads() -> None:
    """Print single voxels of digital patients: two methods, three residues, ceiling."""
    for noise in NOISES_HU:
        head = make_head(noise)
        for method in (Deconvolution.TIKHONOV, Deconvolution.BAYES):
            print_head(noise, method, head)
    for alike in (1, 4, 16, 36):
        print_ceiling(make_head(0.0), alike)
    for shape in ("gamma", "box"):
        print(f"residues of shape {shape}:")
        print_head(2.0, Deconvolution.BAYES, make_head(2.0, shape=shape))


def print_edges() -> None:
    """Print widths of edges, and what a late artery does."""
    for noise in NOISES_HU:
        for mm in (1.0, 2.2):
            width = edge_width(noise, mm)
            print(f"edge at {noise:g} HU, voxels of {mm:g} mm: {width:.1f} mm")
        for seconds in (-3.0, 3.0):
            change = delay_effect(noise, seconds)
            print(f"CBF, artery {seconds:+g} s, {noise:g} HU: {change:+.1%}")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", type=Path, nargs="*", default=[])
    given = parser.parse_args()
    objects = [(f"{x:g} HU", make_object(x)) for x in NOISES_HU]
    objects += [(folder.name, read_object(folder)) for folder in given.reference]
    print("noise      method       map      bias  spread  mean |e|      r  slope")
    for noise, known in objects:
        print_tiles(noise, known)
    print_published()
    print_heads()
    print_edges()
    print(f"slab of 8 x 256 x 256 x 45: {slab_seconds():.1f} s")


if __name__ == "__main__":
    main()
