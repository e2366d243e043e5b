"""The cases of a reader study: a montage per patient and method, and cases.csv."""

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from io import BytesIO, StringIO
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from magic_model.colours import RgbArray
from magic_model.data.cohort import GENERATED_FILE, Cohort, Patient, read_cohort
from magic_model.data.grid import BoolArray
from magic_model.data.paired import PairedSlices, pair_slices
from magic_model.data.slices import SliceGeometry
from magic_model.data.split import Split
from magic_model.data.volume import FloatArray, Kind
from magic_model.errors import DataError, pluralize
from magic_model.frames import to_frame
from magic_model.maps import PerfusionMap
from magic_model.montage.picture import MontageLayout, draw_montage
from magic_model.montage.volumes import VolumeLayout, write_volumes
from magic_model.output import require_writable
from magic_model.phantom.generate import planted_severity
from magic_model.severity import UNKNOWN

if TYPE_CHECKING:
    import pandas as pd

FILE = "cases.csv"
FOLDER = "montages"

_COLUMNS = ("case", "severity", "reference_image", "test_image")
_PLANTED = "planted in the phantom"
_ALL = "all"  # every split together

Progress = Callable[[int, int], None]
"""Called with the number of patients done and of all."""


@dataclass(frozen=True)
class Case:
    """One row of cases.csv.

    Attributes:
        name: Study-local name of the patient.
        severity: Class, a value of `magic_model.severity.Severity`, or `unknown`.
        reference_image: Montage of the measured maps, relative to the folder.
        test_image: Montage of the generated maps, relative to the folder.
        reference_volume: NCCT and measured maps as a volume; None if not asked for.
        test_volume: NCCT and generated maps as a volume.
        truth: What is true of the patient; empty where it is not known.
        truth_source: From what that is known.
    """

    name: str
    severity: str
    reference_image: Path
    test_image: Path
    reference_volume: Path | None = None
    test_volume: Path | None = None
    truth: str = ""
    truth_source: str = ""

    def row(self) -> dict[str, str]:
        """Return its cells by column; volumes and truth only where there are any."""
        cells = {
            "case": self.name,
            "severity": self.severity,
            "reference_image": self.reference_image.as_posix(),
            "test_image": self.test_image.as_posix(),
        }
        if self.reference_volume is not None and self.test_volume is not None:
            cells["reference_volume"] = self.reference_volume.as_posix()
            cells["test_volume"] = self.test_volume.as_posix()
        if self.truth:
            cells |= {"truth": self.truth, "truth_source": self.truth_source}
        return cells


@dataclass(frozen=True, repr=False)
class DrawnCases:
    """Montages that were drawn.

    Attributes:
        folder: Where cases.csv is.
        cases: Its rows.
        measured_holes: Share of the brain without a value, in the worst measured map.
        generated_holes: The same of the generated maps.
    """

    folder: Path
    cases: Sequence[Case]
    measured_holes: float
    generated_holes: float

    def to_frame(self) -> "pd.DataFrame":
        """Return the rows of cases.csv."""
        return to_frame(case.row() for case in self.cases)

    def __repr__(self) -> str:
        return f"DrawnCases({str(self.folder)!r}: {pluralize(len(self.cases), 'case')})"

    def describe(self) -> str:
        """Sum up severities and holes."""
        counts = Counter(case.severity for case in self.cases)
        classes = ", ".join(f"{count} {name}" for name, count in counts.items())
        return (
            f"{pluralize(len(self.cases), 'case')} in {self.folder}: {classes}\n"
            f"Pixels of the brain without a value, worst map of all cases: measured "
            f"{self.measured_holes:.1%}, generated {self.generated_holes:.1%}\n"
            f"Cases: {self.folder / FILE}"
        )


def draw_cases(
    measured: Path,
    generated: Path,
    out: Path,
    *,
    split: str = "test",
    layout: MontageLayout | None = None,
    progress: Progress | None = None,
) -> DrawnCases:
    """Draw two montages per patient, measured and generated, and write cases.csv.

    Args:
        measured: Folder with cohort.csv.
        generated: Folder with generated.csv.
        out: Where to write.
        split: Patients drawn: train, val, test or all.
        layout: Size of a montage; ten slices of 256 pixels if left out.
        progress: Called with the number of patients done and of all.

    Raises:
        DataError: If a patient lacks what a case needs, an image cannot be read or a
            file cannot be written.
    """
    layout = layout or MontageLayout()
    require_writable(out)
    cohort = read_cohort(measured)
    selected = select_patients(
        cohort, read_cohort(generated, GENERATED_FILE), split, layout.maps
    )
    geometry = SliceGeometry(size=layout.panel, n_slices=layout.rows, around_brain=True)
    discard_cases(out)
    cases: list[Case] = []
    holes = []
    for pair in pair_slices(cohort, selected, layout.maps, geometry=geometry):
        truth, source = _truth(cohort, pair.patient)
        drawn = _draw(pair, layout, out)
        cases.append(replace(drawn, truth=truth, truth_source=source))
        holes.append(_holes(pair))
        if progress is not None:
            progress(len(cases), len(selected.patients))
    write_cases(out, cases)
    return DrawnCases(out, cases, *(max(s) for s in zip(*holes, strict=True)))


def add_volumes(
    drawn: DrawnCases, measured: Path, generated: Path, layout: VolumeLayout
) -> DrawnCases:
    """Write volumes of cases whose montages are drawn, and name them in cases.csv.

    Args:
        drawn: What `draw_cases` returned.
        measured: Folder with cohort.csv.
        generated: Folder with generated.csv.
        layout: Grid of the volumes.

    Raises:
        DataError: If an image cannot be read or a file cannot be written.
    """
    rows = {
        row.patient_id: row for row in read_cohort(generated, GENERATED_FILE).patients
    }
    selected = Cohort(generated, [rows[case.name] for case in drawn.cases])
    found = write_volumes(read_cohort(measured), selected, drawn.folder, layout)
    cases = [
        replace(case, reference_volume=one, test_volume=other)
        for case, (one, other) in zip(drawn.cases, found, strict=True)
    ]
    write_cases(drawn.folder, cases)
    return replace(drawn, cases=cases)


def share_without_value(
    maps: Mapping[PerfusionMap, FloatArray], mask: BoolArray
) -> float:
    """Share of the mask that the map with most holes leaves black.

    A pixel holds no value if it is 0 or not finite. Readers could tell the methods
    apart by holes that only one of them has.

    Args:
        maps: At least one, of the shape of `mask`.
        mask: Where maps are shown; not empty.
    """
    shown = (array[mask] for array in maps.values())
    return max(1 - float((np.isfinite(m) & (m != 0)).mean()) for m in shown)


def select_patients(
    measured: Cohort, generated: Cohort, split: str, maps: Sequence[PerfusionMap]
) -> Cohort:
    """Return the generated rows of a split, in their order.

    The split is that of the measured cohort. Everything that readers' cases need is
    asked for here, before the first picture is drawn.

    Args:
        measured: NCCT and measured maps.
        generated: Generated maps.
        split: One of `Split`, or `_ALL`.
        maps: Those on the montage.

    Raises:
        DataError: Naming all patients that are not in the measured cohort, lack an
            image, or have a name that no file can have; or if no
            patient is left.
    """
    wanted = _splits(split)
    known = {patient.patient_id: patient for patient in measured.patients}
    faults = [
        f"{row.patient_id} is in {generated.folder}, not in {measured.folder}"
        for row in generated.patients
        if row.patient_id not in known
    ]
    rows = [
        row
        for row in generated.patients
        if row.patient_id in known and known[row.patient_id].split in wanted
    ]
    for row in rows:
        patient = known[row.patient_id]
        faults += _faults_of_case(patient)
        faults += _missing(patient, measured, [Kind.NCCT, *map(Kind, maps)])
        faults += _missing(row, generated, map(Kind, maps))
    if faults:
        raise DataError("; ".join(faults))
    if not rows:
        msg = f"{generated.folder} must hold a patient of split {split}, got none"
        raise DataError(msg)
    return Cohort(generated.folder, rows)


def encode_png(picture: RgbArray) -> bytes:
    """Encode `(height, width, 3)` without loss; the bytes depend on nothing else.

    No text, time or other metadata is in them.
    """
    out = BytesIO()
    Image.fromarray(picture).save(out, format="png")
    return out.getvalue()


def write_picture(folder: Path, name: str, picture: RgbArray) -> Path:
    """Write a montage in one step.

    Args:
        folder: Where cases.csv will be.
        name: File name without suffix.
        picture: `(height, width, 3)`.

    Returns:
        Its path, relative to the folder.

    Raises:
        DataError: If it cannot be written.
    """
    path = Path(FOLDER) / f"{name}.png"
    _write(folder / path, encode_png(picture))
    return path


def write_cases(folder: Path, cases: Sequence[Case]) -> None:
    """Write cases.csv in one step; the montages must be there already.

    Raises:
        DataError: If it cannot be written.
    """
    text = StringIO()
    rows = [case.row() for case in cases]
    header = dict.fromkeys([*_COLUMNS, *(column for row in rows for column in row)])
    writer = csv.DictWriter(text, list(header), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    _write(folder / FILE, text.getvalue().encode())


def discard_cases(folder: Path) -> None:
    """Remove cases.csv of an earlier run: it must not name montages of two runs.

    Raises:
        DataError: If it cannot be removed.
    """
    try:
        (folder / FILE).unlink(missing_ok=True)
    except OSError as error:
        msg = f"{folder / FILE}: cannot be replaced ({error.strerror or error})"
        raise DataError(msg) from error


def _draw(pair: PairedSlices, layout: MontageLayout, out: Path) -> Case:
    name, stack = pair.patient.patient_id, pair.reference
    reference = draw_montage(stack, stack.maps, layout)
    test = draw_montage(stack, pair.generated, layout)
    return Case(
        name,
        str(pair.patient.severity or UNKNOWN),
        write_picture(out, f"{name}_reference", reference),
        write_picture(out, f"{name}_test", test),
    )


def _truth(cohort: Cohort, patient: Patient) -> tuple[str, str]:
    """Return what is true of a digital patient; of others nothing is known here.

    That a severity was found in the measured maps makes it no reference standard: it
    would be that of the reference method.
    """
    planted = planted_severity(cohort.folder / patient.patient_id)
    return (str(planted), _PLANTED) if planted else ("", "")


def _holes(pair: PairedSlices) -> tuple[float, float]:
    mask = pair.reference.mask
    return (
        share_without_value(pair.reference.maps, mask),
        share_without_value(pair.generated, mask),
    )


def _splits(name: str) -> frozenset[Split]:
    if name == _ALL:
        return frozenset(Split)
    try:
        return frozenset({Split(name)})
    except ValueError as error:
        msg = f"Split must be {', '.join(Split)} or {_ALL}, got {name!r}"
        raise DataError(msg) from error


def _faults_of_case(patient: Patient) -> list[str]:
    name, faults = patient.patient_id, []
    if PurePath(name).name != name or "\\" in name or name.startswith("."):
        faults.append(f"{name!r} must be a name that a file can have")
    return faults


def _missing(patient: Patient, cohort: Cohort, kinds: Iterable[Kind]) -> list[str]:
    return [
        f"{patient.patient_id} must have {kind} in {cohort.folder}, got none"
        for kind in kinds
        if kind not in patient.images
    ]


def _write(path: Path, content: bytes) -> None:
    staged = path.with_name(f".{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        staged.write_bytes(content)
        staged.replace(path)
    except OSError as error:
        with suppress(OSError):
            staged.unlink(missing_ok=True)
        msg = f"{path}: cannot be written ({error.strerror or error})"
        raise DataError(msg) from error
