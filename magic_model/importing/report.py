"""The report of an import: checks.csv and report.html with a picture per patient."""

import base64
import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2

from magic_model.data.checks import scale_differs
from magic_model.data.cohort import Cohort, Patient
from magic_model.importing.record import PatientRecord
from magic_model.importing.thumbnail import thumbnail

_COLUMNS = (
    "patient_id", "split", "severity", "core_ml", "penumbra_ml", "mismatch_ratio",
    "scale", "correlation", "n_voxels", "overlap", "findings", "notes",
)  # fmt: skip


def write_report(
    cohort: Cohort, records: Sequence[PatientRecord], folder: Path, n_failures: int = 0
) -> None:
    """Write checks.csv and report.html.

    Args:
        cohort: The cohort, for the images and splits.
        records: What the checks found.
        folder: Where to write.
        n_failures: Patients that could not be imported.

    Raises:
        DataError: If an image cannot be read.
    """
    by_id = {record.patient_id: record for record in records}
    pairs = [(patient, by_id[patient.patient_id]) for patient in cohort.patients]
    _write_csv(pairs, folder / "checks.csv")
    shared = _shared_notes(records)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("magic_model.importing"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    page = environment.get_template("import.html.j2").render(
        title="Cohort report",
        rows=[_row(cohort, patient, record, shared) for patient, record in pairs],
        shared_notes=shared,
        with_findings=sum(bool(record.checks.findings) for record in records),
        n_failures=n_failures,
        scale_differs=scale_differs([r.checks.central_volume.scale for r in records]),
    )
    staged = folder / ".report.html"
    staged.write_text(page, encoding="utf-8")
    staged.replace(folder / "report.html")


def format_number(value: float, digits: int) -> str:
    """Write a number, `unknown` for NaN."""
    return "unknown" if math.isnan(value) else f"{value:.{digits}f}"


def _row(
    cohort: Cohort, patient: Patient, record: PatientRecord, shared: Sequence[str]
) -> dict[str, Any]:
    images = {kind: cohort.load(patient, kind) for kind in patient.images}
    central = record.checks.central_volume
    return {
        "patient_id": patient.patient_id,
        "picture": base64.b64encode(thumbnail(images)).decode("ascii"),
        "facts": {
            "split": patient.split,
            "severity": patient.severity or "unknown",
            "core": _millilitres(patient.core_ml),
            "at risk": _millilitres(patient.penumbra_ml),
            "s": format_number(central.scale, 3),
            "r": format_number(central.correlation, 4),
            "overlap": format_number(record.checks.overlap, 2),
        },
        "findings": record.checks.findings,
        "notes": [note for note in record.notes if note not in shared],
    }


def _shared_notes(records: Sequence[PatientRecord]) -> list[str]:
    """Notes that every patient has, to be told once."""
    if len(records) < 2:
        return []
    first, *others = records
    return [n for n in first.notes if all(n in other.notes for other in others)]


def _millilitres(volume: float) -> str:
    return "unknown" if math.isnan(volume) else f"{volume:.1f} mL"


def _write_csv(pairs: Sequence[tuple[Patient, PatientRecord]], path: Path) -> None:
    staged = path.with_name(f".{path.name}")
    with staged.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for patient, record in pairs:
            checks, central = record.checks, record.checks.central_volume
            numbers = (patient.core_ml, patient.penumbra_ml, patient.mismatch_ratio)
            audit = (central.scale, central.correlation, central.n_voxels)
            cells = ["" if math.isnan(x) else f"{x:.6g}" for x in (*numbers, *audit)]
            overlap = "" if math.isnan(checks.overlap) else f"{checks.overlap:.4f}"
            words = ("; ".join(checks.findings), "; ".join(record.notes))
            named = [patient.patient_id, patient.split, patient.severity or ""]
            writer.writerow([*named, *cells, overlap, *words])
    staged.replace(path)
