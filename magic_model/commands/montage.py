"""`magic-model montage`: the pictures of a reader study, and its cases.csv."""

from collections import Counter
from pathlib import Path

from magic_model.commands.progress import patients_progress
from magic_model.data.cohort import GENERATED_FILE, read_cohort
from magic_model.data.paired import PairedSlices, pair_slices
from magic_model.data.slices import SliceGeometry
from magic_model.errors import counted
from magic_model.montage.cases import (
    FILE,
    Case,
    discard_cases,
    select_patients,
    share_without_value,
    write_cases,
    write_picture,
)
from magic_model.montage.picture import MontageLayout, draw_montage


def montage(
    measured: Path,
    generated: Path,
    out: Path,
    *,
    split: str = "test",
    slices: int = 10,
    panel: int = 256,
) -> str:
    """Draw two montages per patient, measured and generated, and sum them up."""
    layout = MontageLayout(rows=slices, panel=panel)
    cohort = read_cohort(measured)
    selected = select_patients(
        cohort, read_cohort(generated, GENERATED_FILE), split, layout.maps
    )
    geometry = SliceGeometry(size=panel, n_slices=slices)
    discard_cases(out)
    cases, holes = [], []
    with patients_progress("montages") as progress:
        for pair in pair_slices(cohort, selected, layout.maps, geometry=geometry):
            cases.append(_draw(pair, layout, out))
            holes.append(_holes(pair))
            progress(len(cases), len(selected.patients))
    write_cases(out, cases)
    return _describe(cases, holes, out)


def _draw(pair: PairedSlices, layout: MontageLayout, out: Path) -> Case:
    name, stack = pair.patient.patient_id, pair.reference
    reference = draw_montage(stack, stack.maps, layout)
    test = draw_montage(stack, pair.generated, layout)
    return Case(
        name,
        str(pair.patient.severity),
        write_picture(out, f"{name}_reference", reference),
        write_picture(out, f"{name}_test", test),
    )


def _holes(pair: PairedSlices) -> tuple[float, float]:
    mask = pair.reference.mask
    return (
        share_without_value(pair.reference.maps, mask),
        share_without_value(pair.generated, mask),
    )


def _describe(cases: list[Case], holes: list[tuple[float, float]], out: Path) -> str:
    counts = Counter(case.severity for case in cases)
    classes = ", ".join(f"{count} {name}" for name, count in counts.items())
    measured, generated = (max(shares) for shares in zip(*holes, strict=True))
    return (
        f"{counted(len(cases), 'case')} in {out}: {classes}\n"
        f"Pixels of the brain without a value, worst map of all cases: measured "
        f"{measured:.1%}, generated {generated:.1%}\n"
        f"Cases: {out / FILE}"
    )
