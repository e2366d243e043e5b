"""A cohort on disk: cohort.csv, or generated.csv, and the images it names."""

import csv
import math
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from magic_model.data.nifti import read_nifti
from magic_model.data.split import Split
from magic_model.data.volume import Kind, Volume
from magic_model.errors import DataError, as_path, is_a, pluralize
from magic_model.frames import to_frame
from magic_model.severity import Severity

if TYPE_CHECKING:
    import pandas as pd

FILE = "cohort.csv"
GENERATED_FILE = "generated.csv"
"""The same table for generated maps; lesion volumes are those found in them."""

_FIXED = (
    "patient_id", "split", "severity", "core_ml", "penumbra_ml", "mismatch_ratio",
)  # fmt: skip


@dataclass(frozen=True)
class Patient:
    """One row of cohort.csv.

    Attributes:
        patient_id: Study-local name; never one that a hospital gave.
        split: What the patient is used for.
        severity: Class; None where neither masks nor maps tell.
        core_ml: Volume of the core, NaN where unknown.
        penumbra_ml: Volume of tissue at risk, NaN where unknown.
        mismatch_ratio: Core over tissue at risk, NaN where unknown.
        images: Path of each image, relative to the cohort's folder.
    """

    patient_id: str
    split: Split
    severity: Severity | None
    core_ml: float
    penumbra_ml: float
    mismatch_ratio: float
    images: Mapping[Kind, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Cohort:
    """Patients of a folder."""

    folder: Path
    patients: Sequence[Patient]

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", as_path(self.folder))
        rows = self.patients
        if not (is_a(rows, Sequence) and all(is_a(row, Patient) for row in rows)):
            msg = f"The patients of a cohort must be a list of Patient, got {rows!r}"
            raise DataError(msg)

    def __repr__(self) -> str:
        return (
            f"Cohort({str(self.folder)!r}: {pluralize(len(self.patients), 'patient')})"
        )

    def to_frame(self) -> "pd.DataFrame":
        """Return the patients, a row each."""
        return to_frame(
            {
                "patient_id": patient.patient_id,
                "split": str(patient.split),
                "severity": str(patient.severity) if patient.severity else None,
                "core_ml": patient.core_ml,
                "penumbra_ml": patient.penumbra_ml,
                "mismatch_ratio": patient.mismatch_ratio,
                **{str(kind): str(path) for kind, path in patient.images.items()},
            }
            for patient in self.patients
        )

    def _repr_html_(self) -> str:
        table: str = self.to_frame().to_html(index=False)
        return table

    def load(self, patient: Patient, kind: Kind) -> Volume:
        """Read an image of a patient.

        Raises:
            DataError: If the patient has none of this kind, or it cannot be read.
        """
        if kind not in patient.images:
            msg = f"{patient.patient_id} has no {kind}"
            raise DataError(msg)
        return read_nifti(self.folder / patient.images[kind], kind)


def write_cohort(folder: Path, patients: Sequence[Patient], file: str = FILE) -> None:
    """Write cohort.csv or its like in one step; the images must be there already.

    Columns of images are those that any patient has, in the order of `Kind`.

    Raises:
        DataError: If it cannot be written.
    """
    kinds = [kind for kind in Kind if any(kind in p.images for p in patients)]
    staged = folder / f".{os.getpid()}-{file}"  # another process may write it too
    try:
        _write_rows(staged, kinds, patients)
        staged.replace(folder / file)
    except OSError as error:
        with suppress(OSError):
            staged.unlink(missing_ok=True)
        msg = f"{folder / file}: cannot be written ({error.strerror or error})"
        raise DataError(msg) from error


def add_to_cohort(folder: Path, patient: Patient, file: str = FILE) -> None:
    """Write a patient's row into a table, in place of an earlier one or at its end.

    Raises:
        DataError: If the table cannot be read or written.
    """
    there = read_cohort(folder, file).patients if (folder / file).is_file() else ()
    rows = {row.patient_id: row for row in (*there, patient)}
    write_cohort(folder, list(rows.values()), file)


def _write_rows(path: Path, kinds: Sequence[Kind], patients: Sequence[Patient]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*_FIXED, *kinds])
        for p in patients:
            numbers = [
                _written(x) for x in (p.core_ml, p.penumbra_ml, p.mismatch_ratio)
            ]
            paths = [p.images[k].as_posix() if k in p.images else "" for k in kinds]
            writer.writerow([p.patient_id, p.split, p.severity or "", *numbers, *paths])


def read_cohort(folder: str | Path, file: str = FILE) -> Cohort:
    """Read cohort.csv (or another such table); images are read when asked for.

    Raises:
        DataError: If it is missing or a row cannot be understood; the line is named.
    """
    folder = as_path(folder)
    path = folder / file
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines)
            missing = [name for name in _FIXED if name not in (reader.fieldnames or ())]
            if missing:
                msg = f"{path} line 1: column {missing[0]} is missing"
                raise DataError(msg)
            rows = [(reader.line_num, row) for row in reader]
    except OSError as error:
        msg = f"{path}: {error.strerror}"
        raise DataError(msg) from error
    except (UnicodeDecodeError, csv.Error) as error:
        msg = f"{path}: not a CSV table in UTF-8 ({error})"
        raise DataError(msg) from error
    patients = [_patient(row, f"{path} line {line}") for line, row in rows]
    ids = [patient.patient_id for patient in patients]
    for (line, _), name in zip(rows, ids, strict=True):
        if not name or ids.count(name) > 1:
            msg = f"{path} line {line}: patient_id must be there and once, got {name!r}"
            raise DataError(msg)
    return Cohort(folder, patients)


def _patient(row: Mapping[str, str], where: str) -> Patient:
    try:
        return Patient(
            patient_id=row["patient_id"],
            split=Split(row["split"]),
            severity=Severity(row["severity"]) if row["severity"] else None,
            core_ml=_read(row["core_ml"]),
            penumbra_ml=_read(row["penumbra_ml"]),
            mismatch_ratio=_read(row["mismatch_ratio"]),
            images={kind: Path(row[kind]) for kind in Kind if row.get(kind)},
        )
    except ValueError as error:
        msg = f"{where}: {error}"
        raise DataError(msg) from error


def _written(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6g}"


def _read(text: str) -> float:
    return float(text) if text else math.nan
