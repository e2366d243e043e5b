"""Whether maps of one head are the same at any spacing and in any field of view.

python -m benchmarks.same_maps [--checkpoint RUN] [--work FOLDER] [--only PART]

A small network is trained for a minute on slabs of digital patients. Maps of a whole
head that it has not seen are then generated at several spacings, and with the head in
fields of several sizes. Printed are mean absolute differences of CBF from the maps at
1 mm (from those in the scan's own field), in brain that both have, at the same places.
Of bfloat16, differences of all maps are in their units; a processor that has none is
made to compute in it here, which takes long. `as 0.1` is the same network with scans
fitted into its slices, as version 0.1 did.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from magic_model.data.grid import reorient_ras, resample
from magic_model.data.skull_strip import MorphologicalSkullStripper
from magic_model.data.slices import SliceStack
from magic_model.data.volume import FloatArray, Kind, Volume
from magic_model.inference.model import TorchBackend
from magic_model.inference.opened import Backend, generate_slices, open_model
from magic_model.inference.prepare import prepare_ncct
from magic_model.maps import MAP_SPECS, PerfusionMap
from magic_model.phantom.generate import make_cohort
from magic_model.phantom.patient import Contents
from magic_model.recipes.files import load_recipe
from magic_model.training.cohort import train_cohort
from magic_model.training.trainer import RunSettings

PATIENTS, SEED, EPOCHS = 6, 11, 16
SPACINGS = (1.0, 3.0, 5.0, 8.0, 10.0)
FIELDS = (215.0, 230.0, 250.0, 270.0, 320.0, 400.0, 500.0)
THICK = 5  # slices of 1 mm left out but one, for fields: a fifth shows as much
FEW = 25.0  # mm between slices for bfloat16, which takes long where there is none
AIR = -1000.0
LIMITS = {"spacing": 0.15, "field": 1.0}  # mL/100g/min


@dataclass(frozen=True)
class Difference:
    """How far maps are from those at 1 mm in the scan's own field.

    Attributes:
        title: What was changed.
        mean: Mean absolute difference of CBF in mL/100g/min.
        largest: Largest one.
        before: Mean one as version 0.1 prepared scans; NaN where it is not told.
        notes: What the preparation says.
    """

    title: str
    mean: float
    largest: float
    before: float = np.nan
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        said = f"  {'; '.join(self.notes)}" if self.notes else ""
        before = f"{self.before:8.2f}" if np.isfinite(self.before) else " " * 8
        return f"{self.title:28}{self.mean:8.3f}{self.largest:9.2f}{before}{said}"


def trained(work: Path) -> Path:
    """Train a small network on slabs; give the folder of its run."""
    make_cohort(work / "cohort", PATIENTS, SEED, contents=Contents(exact=True))
    recipe = load_recipe("tiny").with_epochs(EPOCHS)
    start = time.process_time()
    train_cohort(work / "cohort", recipe, RunSettings(folder=work / "run", seed=1))
    print(f"Trained {recipe.name} for {time.process_time() - start:.0f} s of CPU")
    return work / "run"


def whole_head(work: Path) -> Volume:
    """A digital patient that was not trained on, from top to bottom at 1 mm."""
    cohort = make_cohort(
        work / "head", 1, SEED + 1, contents=Contents("full", exact=True)
    )
    return reorient_ras(cohort.load(cohort.patients[0], Kind.NCCT))


def in_field(head: Volume, field_mm: float, *, aside_mm: float = 0.0) -> Volume:
    """Pad a head with air, or crop it, to a square field; off its centre if wanted."""
    array, affine = head.array, head.affine.copy()
    for axis, aside in enumerate((aside_mm, -aside_mm / 2)):
        mm = head.spacing[axis]
        more = round(field_mm / mm) - head.shape[axis]
        low = more // 2 + round(aside / mm)
        width = [(0, 0)] * 3
        width[axis] = (max(low, 0), max(more - low, 0))
        array = np.pad(array, width, constant_values=AIR)
        first = max(-low, 0)
        kept = slice(first, first + head.shape[axis] + more)
        array = array[(slice(None),) * axis + (kept,)]
        affine[:3, 3] -= affine[:3, axis] * low
    return Volume(array, affine, head.kind)


@dataclass(frozen=True)
class Scan:
    """A head with its brain, which is found once."""

    head: Volume
    brain: Volume

    @classmethod
    def of(cls, head: Volume) -> "Scan":
        """Find the brain."""
        return cls(head, MorphologicalSkullStripper()(head))

    def cbf(
        self,
        backend: Backend,
        spacing_mm: float | None = None,
        *,
        as_before: bool = False,
    ) -> tuple[SliceStack, FloatArray]:
        """Generate CBF."""
        stack = prepare_ncct(
            "head",
            self.head,
            size=backend.size,
            spacing_mm=spacing_mm,
            brain=self.brain,
            sampling=None if as_before else backend.sampling,
        )
        return stack, generate_slices(stack, backend)[PerfusionMap.CBF]


def differences(
    reference: tuple[SliceStack, FloatArray], other: tuple[SliceStack, FloatArray]
) -> FloatArray:
    """Differences at the places of the other maps, in brain that both have."""
    known, found = (
        stack.to_volume(np.where(stack.mask, images, np.nan), Kind.CBF)
        for stack, images in (reference, other)
    )
    at_same = resample(known, found.affine, found.shape, outside=np.nan).array
    held = np.isfinite(at_same) & np.isfinite(found.array)
    held[:, :, np.setdiff1d(np.arange(held.shape[2]), other[0].positions)] = False
    return np.abs(at_same[held] - found.array[held])


def by_spacing(head: Volume, backend: Backend) -> Iterator[Difference]:
    """Compare spacings with 1 mm."""
    scan = Scan.of(head)
    reference = scan.cbf(backend)
    for spacing in SPACINGS:
        found = differences(reference, scan.cbf(backend, spacing))
        yield Difference(
            f"spacing {spacing:g} mm", float(found.mean()), float(found.max())
        )


def by_field(head: Volume, backend: Backend) -> Iterator[Difference]:
    """Compare fields with the scan's own, centred and with the head aside."""
    affine = head.affine @ np.diag([1, 1, THICK, 1])
    thick = Volume(head.array[:, :, ::THICK], affine, head.kind)
    scan = Scan.of(thick)
    reference, before = scan.cbf(backend), scan.cbf(backend, as_before=True)
    placed = [(field, 0.0) for field in FIELDS] + [(400.0, 60.0), (500.0, 83.0)]
    for field, aside in placed:
        scan = Scan.of(in_field(thick, field, aside_mm=aside))
        new, old = scan.cbf(backend), scan.cbf(backend, as_before=True)
        found = differences(reference, new)
        where = f", {aside:.0f} mm aside" if aside else ""
        yield Difference(
            f"field {field:.0f} mm{where}",
            float(found.mean()),
            float(found.max()),
            float(differences(before, old).mean()),
            new[0].notes,
        )


def by_precision(head: Volume, backend: Backend) -> Iterator[Difference]:
    """Compare bfloat16 with single precision, every map at its own places."""
    if not isinstance(backend, TorchBackend):
        return
    affine = head.affine @ np.diag([1, 1, THICK, 1])
    thick = Volume(head.array[:, :, ::THICK], affine, head.kind)
    stack = prepare_ncct(
        "head", thick, size=backend.size, spacing_mm=FEW, sampling=backend.sampling
    )
    made = {}
    for half in (False, True):
        if half:
            backend.halve()
        made[half] = generate_slices(stack, backend)
    for name, exact in made[False].items():
        found = np.abs(made[True][name] - exact)[stack.mask]
        spec = MAP_SPECS[name]
        title = f"{spec.title} in bfloat16 [{spec.unit}]"
        yield Difference(title, float(found.mean()), float(found.max()))


PARTS: dict[str, Callable[[Volume, Backend], Iterator[Difference]]] = {
    "spacing": by_spacing,
    "field": by_field,
    "bfloat16": by_precision,
}


def main() -> None:
    """Train if need be, and print the differences."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--only", choices=list(PARTS), help="one part alone")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        work = options.work or Path(scratch)
        backend = open_model(options.checkpoint or trained(work)).backend
        head = whole_head(work)
    print(f"{'CBF in mL/100g/min':28}{'mean':>8}{'largest':>9}{'as 0.1':>8}")
    for kind, part in PARTS.items():
        if options.only not in (None, kind):
            continue
        worst = 0.0
        for difference in part(head, backend):
            print(difference, flush=True)
            worst = max(worst, difference.mean)
        if kind in LIMITS:
            good = "under" if worst < LIMITS[kind] else "NOT under"
            print(f"largest mean by {kind}: {worst:.3f}, {good} {LIMITS[kind]:g}")


if __name__ == "__main__":
    main()
