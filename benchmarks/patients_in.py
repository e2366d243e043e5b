"""Patients in: a large head imported, the brain found in it, a slab registered.

    python -m benchmarks.patients_in
    python -m benchmarks.patients_in --parts import

A digital head is written as a hospital sends it, 320 CT images of 512 x 512 and four
maps, and imported by the command in a process of its own: CPU seconds and peak memory.
Its brain is found as the product does, and once more with distance transforms in place
of bundled lines, as before: both masks must be equal, and the ratio of CPU seconds is
given. Last, slabs of ten slices are moved and registered.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np
from pydicom.uid import generate_uid
from scipy import ndimage

from benchmarks.data import write_series
from magic_model.data import skull_strip
from magic_model.data.grid import resample
from magic_model.data.registration import register_rigid
from magic_model.data.volume import Affine, Kind, Volume
from magic_model.maps import PAPER_MAPS
from magic_model.phantom.generate import plan_cohort
from magic_model.phantom.patient import PhantomSpec, simulate
from magic_model.severity import Severity

PARTS = ("import", "strip", "slab")
SHAPE, PIXEL_MM, SLICE_MM = (512, 512, 320), 0.45, 0.5
ROUNDS, SLABS = 3, 5
MOVED_MM = (8.0, -6.0, 5.0)
MAP_SLOPE = 0.01


def timed(work: Callable[[], object]) -> float:
    """Give the CPU seconds of a piece of work."""
    start = time.process_time()
    work()
    return time.process_time() - start


def large_head() -> dict[Kind, Volume]:
    """A whole head, the NCCT in 320 slices of 512 x 512."""
    spec = PhantomSpec(Severity.MILD_MODERATE, "full")
    images = simulate(spec, np.random.default_rng(1)).images
    small = images[Kind.NCCT]
    affine = np.diag([PIXEL_MM, PIXEL_MM, SLICE_MM, 1.0])
    middle = small.affine @ [*(np.array(small.shape) - 1) / 2, 1]
    affine[:3, 3] = middle[:3] - affine[:3, :3] @ (np.array(SHAPE) - 1) / 2
    return images | {Kind.NCCT: resample(small, affine, SHAPE, outside=-1000.0)}


def write_study(images: dict[Kind, Volume], folder: Path) -> None:
    """Write the NCCT and the paper's maps as series of one study."""
    frame = generate_uid()
    for kind in (Kind.NCCT, *(Kind(name.value) for name in PAPER_MAPS)):
        volume = images[kind]
        is_ct = kind is Kind.NCCT
        slope, intercept = (1.0, -1024.0) if is_ct else (MAP_SLOPE, 0.0)
        shown = np.rint((volume.array - intercept) / slope)[::-1, ::-1]
        last = volume.affine @ [volume.shape[0] - 1, volume.shape[1] - 1, 0, 1]
        write_series(
            folder / kind,
            shown.astype(np.int16).transpose(2, 1, 0),
            place=tuple(last[:3] * [-1, -1, 1]),
            spacing=volume.spacing,
            frame=frame,
            ImageType=["ORIGINAL", "PRIMARY", "AXIAL"]
            if is_ct
            else ["DERIVED", "SECONDARY", kind.upper()],
            SeriesDescription="CT HEAD" if is_ct else kind.upper(),
            SeriesNumber=1 + list(Kind).index(kind),
            RescaleSlope=slope,
            RescaleIntercept=intercept,
            RescaleType="HU" if is_ct else "US",
        )


_WITH_PEAK = """
import sys
from pathlib import Path
from magic_model.cli import main
status = main(sys.argv[1:])
lines = Path("/proc/self/status").read_text().splitlines()
print("peak kB", next(line for line in lines if line.startswith("VmHWM")).split()[1])
sys.exit(status)
"""
"""Runs a command and prints the peak of its own memory. What the system counts for a
child begins with the memory of the process that started it."""


def import_once(folder: Path, out: Path) -> str:
    """Import a folder by the command; tell CPU seconds and peak memory."""
    command = [sys.executable, "-c", _WITH_PEAK, "import", str(folder)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [*command, "--layout", "dicom", "--out", str(out)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    lines = done.stdout.splitlines()
    line = next(text for text in lines if "imported" in text)
    peak = next(int(text.split()[-1]) for text in lines if text.startswith("peak kB"))
    return (
        f"{seconds:.1f} s CPU, peak {peak / 1024**2:.2f} GiB "
        f"({line.replace(str(out), 'the cohort')})"
    )


def _by_distance(
    mm: float, target: skull_strip.BoolArray, spacing: tuple[float, float, float]
) -> skull_strip.BoolArray:
    """Do what bundled lines do, by a Euclidean distance transform."""
    near: skull_strip.BoolArray = (
        ndimage.distance_transform_edt(~target, sampling=spacing) <= mm
        if target.any()
        else np.zeros_like(target)
    )
    return near


def stripped_both_ways(ncct: Volume) -> str:
    """Find the brain both ways in turns, so that a busy machine slows both."""
    masks: list[Volume] = []
    seconds: dict[str, list[float]] = {"lines": [], "distances": []}

    def strip() -> None:
        masks.append(skull_strip.MorphologicalSkullStripper()(ncct))

    for _ in range(ROUNDS):
        seconds["lines"].append(timed(strip))
        with mock.patch.object(skull_strip, "_within", _by_distance):
            seconds["distances"].append(timed(strip))
    equal = all(np.array_equal(masks[0].array, mask.array) for mask in masks)
    lines, distances = (min(some) for some in seconds.values())
    return (
        f"{lines:.2f} s CPU by bundled lines, {distances:.2f} s by distance "
        f"transforms: {distances / lines:.1f} times as fast, masks "
        f"{'equal' if equal else 'NOT equal'}"
    )


def slabs_registered() -> str:
    """Register moved slabs with skull stripping."""
    seconds = []
    for planned in plan_cohort(SLABS, 3):
        images = simulate(planned.spec, planned.rng()).images
        moved: Affine = images[Kind.NCCT].affine.copy()
        moved[:3, 3] += MOVED_MM
        ncct = Volume(images[Kind.NCCT].array, moved, Kind.NCCT)
        seconds.append(timed(partial(register_rigid, ncct, images[Kind.CBF])))
    return f"median {np.median(seconds):.1f} s CPU, most {max(seconds):.1f} s"


def main() -> None:
    """Print a line for each part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parts = parser.parse_args().parts
    if {"import", "strip"} & set(parts):
        images = large_head()
        shape = " x ".join(map(str, SHAPE))
    if "import" in parts:
        with tempfile.TemporaryDirectory() as name:
            write_study(images, Path(name) / "study" / "patient")
            told = import_once(Path(name) / "study", Path(name) / "cohort")
        print(f"import of {shape} and four maps: {told}", flush=True)
    if "strip" in parts:
        told = stripped_both_ways(images[Kind.NCCT])
        print(f"brain of {shape}: {told}", flush=True)
    if "slab" in parts:
        print(f"a slab registered: {slabs_registered()}")


if __name__ == "__main__":
    main()
