"""`magic-model phantom`: a cohort of digital patients."""

from collections import Counter
from pathlib import Path

from magic_model.commands.progress import patients_progress
from magic_model.errors import DataError
from magic_model.importing.cohort import check_cohort
from magic_model.importing.report import write_report
from magic_model.phantom.generate import make_cohort


def phantom(out: Path, *, patients: int, seed: int, full: bool, jobs: int) -> str:
    """Make the cohort, check it as any other, and sum it up."""
    if patients < 1:
        msg = f"A cohort must have 1 patient or more, got {patients}"
        raise DataError(msg)
    with patients_progress("phantom") as progress:
        make_cohort(out, patients, seed, full=full, jobs=jobs, progress=progress)
    cohort, records = check_cohort(out)
    write_report(cohort, records, out)
    counts = Counter(str(patient.severity) for patient in cohort.patients)
    classes = ", ".join(f"{count} {name}" for name, count in counts.items())
    return (
        f"{len(cohort.patients)} patients in {out}: {classes}\n"
        f"Report: {out / 'report.html'}"
    )
