"""The report of an import: checks.csv and report.html with a picture per patient."""

import base64
import csv
import math
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from matplotlib.figure import Figure

from magic_model.data.checks import scale_differs
from magic_model.data.cohort import Cohort, Patient
from magic_model.data.dicom.table import HEADER as SERIES_HEADER
from magic_model.data.grid import reorient_ras
from magic_model.data.volume import FloatArray, Kind, Volume
from magic_model.importing.record import PatientRecord
from magic_model.maps import MAP_SPECS, PerfusionMap

_WINDOW = (0.0, 80.0)
_SHOWN = (Kind.NCCT, *(Kind(name.value) for name in PerfusionMap))


def thumbnail(images: Mapping[Kind, Volume]) -> bytes:
    """Draw NCCT and maps at the height where the maps have most values, as PNG.

    Radiological display: the patient's right is on the left.
    """
    upright = {k: reorient_ras(images[k]) for k in _SHOWN if k in images}
    figure = Figure(figsize=(1.9 * max(1, len(upright)), 2.25), facecolor="black")
    height = _busiest_height(upright)
    panels = figure.subplots(1, max(1, len(upright)), squeeze=False)[0]
    for ax, (kind, volume) in zip(panels, upright.items(), strict=False):
        low, high = _WINDOW if kind == Kind.NCCT else _range(kind)
        ax.imshow(
            _slice_at(volume, height),
            cmap="gray" if kind == Kind.NCCT else "turbo",
            vmin=low,
            vmax=high,
            interpolation="nearest",
            aspect=volume.spacing[1] / volume.spacing[0],
        )
        ax.set_title(kind.upper(), color="white", fontsize=8, pad=2)
    for ax in panels:
        ax.axis("off")
    figure.subplots_adjust(left=0, right=1, bottom=0, top=0.9, wspace=0.02)
    out = BytesIO()
    figure.savefig(out, format="png", dpi=100, facecolor="black", metadata={})
    return out.getvalue()


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
        series_header=SERIES_HEADER,
    )
    staged = folder / ".report.html"
    staged.write_text(page, encoding="utf-8")
    staged.replace(folder / "report.html")


def notes_table(records: Sequence[PatientRecord]) -> str:
    """Write the notes of each patient, those that all have once."""
    shared = _shared_notes(records)
    lines = ["for every patient:", *(f"  {note}" for note in shared)] if shared else []
    for record in records:
        own = [note for note in record.notes if note not in shared]
        lines += (
            [f"{record.patient_id}:", *(f"  {note}" for note in own)] if own else []
        )
    return "\n".join(lines)


def audit_table(records: Sequence[PatientRecord]) -> str:
    """Write s, r and overlap of each patient, and what else to look at."""
    width = max(len("patient"), *(len(record.patient_id) for record in records))
    lines = [f"{'patient':{width}}  {'s':>8}  {'r':>8}  {'overlap':>8}  findings"]
    for record in records:
        central = record.checks.central_volume
        cells = (
            _format_number(central.scale, 4),
            _format_number(central.correlation, 5),
            _format_number(record.checks.overlap, 3),
        )
        numbers = "  ".join(f"{cell:>8}" for cell in cells)
        found = "; ".join(record.checks.findings) or "none"
        lines.append(f"{record.patient_id:{width}}  {numbers}  {found}")
    differs = scale_differs([r.checks.central_volume.scale for r in records])
    return "\n".join([*lines, differs] if differs else lines)


def _range(kind: Kind) -> tuple[float, float]:
    return MAP_SPECS[PerfusionMap(kind.value)].value_range


def _busiest_height(upright: Mapping[Kind, Volume]) -> float:
    """Height in mm of the slice in which the first map has most values."""
    for kind, volume in upright.items():
        if kind != Kind.NCCT:
            filled = np.count_nonzero(volume.array, axis=(0, 1))
            return float(_heights(volume)[int(filled.argmax())])
    for volume in upright.values():
        return float(_heights(volume)[volume.shape[2] // 2])
    return 0.0


def _slice_at(volume: Volume, height: float) -> FloatArray:
    """Cut the nearest slice to what is shown: the box around values, plus a margin."""
    index = int(np.abs(_heights(volume) - height).argmin())
    # Rows run from front to back, columns from the patient's right to the left.
    picture = volume.array[::-1, ::-1, index].T
    rows, columns = (np.flatnonzero((picture > 0).any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return picture
    margin = 4
    if volume.kind != Kind.NCCT:
        picture = np.where(picture == 0, np.nan, picture)  # the background stays black
    return picture[
        max(0, rows[0] - margin) : rows[-1] + margin + 1,
        max(0, columns[0] - margin) : columns[-1] + margin + 1,
    ]


def _heights(volume: Volume) -> FloatArray:
    steps = np.arange(volume.shape[2])
    return np.asarray(volume.affine[2, 3] + volume.affine[2, 2] * steps)


def _format_number(value: float, digits: int) -> str:
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
            "s": _format_number(central.scale, 3),
            "r": _format_number(central.correlation, 4),
            "overlap": _format_number(record.checks.overlap, 2),
        },
        "findings": record.checks.findings,
        "notes": [note for note in record.notes if note not in shared],
        "series": [row.cells for row in record.series],
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
