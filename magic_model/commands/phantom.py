"""`magic-model phantom`: a cohort of digital patients."""

from collections import Counter
from pathlib import Path

from magic_model.commands.progress import patients_progress
from magic_model.errors import DataError, counted
from magic_model.importing.cohort import check_cohort
from magic_model.importing.report import write_report
from magic_model.phantom.generate import make_cohort
from magic_model.severity import Severity


def phantom(out: Path, patients: int | str, *, seed: int, full: bool, jobs: int) -> str:
    """Make the cohort, check it as any other, and sum it up.

    Args:
        out: Folder of the cohort.
        patients: How many; or how many of each class, such as `7,6,7`.
        seed: Seed of all chance.
        full: Whole heads instead of slabs.
        jobs: Patients at a time.

    Raises:
        DataError: If a number makes no sense or a file cannot be written.
    """
    wanted = patients if isinstance(patients, int) else _by_class(patients)
    if isinstance(wanted, int) and wanted < 1:
        msg = f"A cohort must have 1 patient or more, got {wanted}"
        raise DataError(msg)
    with patients_progress("phantom") as progress:
        make_cohort(out, wanted, seed, full=full, jobs=jobs, progress=progress)
    cohort, records = check_cohort(out)
    write_report(cohort, records, out)
    counts = Counter(str(patient.severity) for patient in cohort.patients)
    classes = ", ".join(f"{count} {name}" for name, count in counts.items())
    return (
        f"{counted(len(cohort.patients), 'patient')} in {out}: {classes}\n"
        f"Report: {out / 'report.html'}"
    )


def _by_class(text: str) -> dict[Severity, int]:
    numbers = [part.strip() for part in text.split(",")]
    if len(numbers) != len(Severity) or not all(n.isdecimal() for n in numbers):
        msg = f"Severities must be three whole numbers such as 7,6,7, got {text!r}"
        raise DataError(msg)
    return dict(zip(Severity, map(int, numbers), strict=True))
