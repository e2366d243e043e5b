"""`magic-model import`: a data set becomes a checked cohort."""

from dataclasses import dataclass
from pathlib import Path

from magic_model.commands.progress import patients_progress
from magic_model.data.checks import scale_differs
from magic_model.data.cohort import read_cohort
from magic_model.data.layouts import find_patients
from magic_model.errors import counted
from magic_model.importing.cohort import (
    ImportResult,
    check_cohort,
    import_cohort,
    write_link,
)
from magic_model.importing.record import PatientRecord
from magic_model.importing.report import format_number, write_report


@dataclass(frozen=True)
class ImportRequest:
    """What the user asks."""

    layout: str
    root: Path
    out: Path
    seed: int
    jobs: int
    link: Path | None
    register: bool


def import_data(request: ImportRequest) -> tuple[str, bool]:
    """Import a data set.

    Returns:
        What to print, and whether every patient was imported.
    """
    sources = find_patients(request.layout, request.root)
    with patients_progress("importing") as progress:
        result = import_cohort(
            sources,
            request.out,
            seed=request.seed,
            jobs=request.jobs,
            register=request.register,
            progress=progress,
        )
    if request.link:
        write_link(result.linked, request.link)
    if result.records:
        cohort = read_cohort(request.out)
        write_report(cohort, result.records, request.out, len(result.failures))
    return _describe(result, request.out), not result.failures


def check(folder: Path) -> str:
    """Check a cohort that exists and say what was found; changes nothing."""
    _, records = check_cohort(folder)
    return audit_table(records)


def audit_table(records: list[PatientRecord]) -> str:
    """Write s, r and overlap of each patient, and what else to look at."""
    width = max(len("patient"), *(len(record.patient_id) for record in records))
    lines = [f"{'patient':{width}}  {'s':>8}  {'r':>8}  {'overlap':>8}  findings"]
    for record in records:
        central = record.checks.central_volume
        cells = (
            format_number(central.scale, 4),
            format_number(central.correlation, 5),
            format_number(record.checks.overlap, 3),
        )
        numbers = "  ".join(f"{cell:>8}" for cell in cells)
        found = "; ".join(record.checks.findings) or "none"
        lines.append(f"{record.patient_id:{width}}  {numbers}  {found}")
    differs = scale_differs([r.checks.central_volume.scale for r in records])
    return "\n".join([*lines, differs] if differs else lines)


def _describe(result: ImportResult, out: Path) -> str:
    lines = [audit_table(list(result.records))] if result.records else []
    lines.append(
        f"{counted(len(result.records), 'patient')} in {out}, {result.n_skipped} of "
        f"them from before; {len(result.failures)} could not be imported"
    )
    lines += [f"  {f.source_id}: {f.reason}" for f in result.failures]
    if result.records:
        lines.append(f"Report: {out / 'report.html'}")
    return "\n".join(lines)
