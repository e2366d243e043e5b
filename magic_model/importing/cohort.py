"""Import all patients of a data set, in parallel; running it again goes on."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed

from magic_model.data.cohort import Cohort, Patient, read_cohort, write_cohort
from magic_model.data.layouts.source import PatientSource
from magic_model.data.split import assign_splits
from magic_model.errors import DataError
from magic_model.importing.description import describe
from magic_model.importing.patient import (
    ImportFailure,
    fingerprint,
    import_patient,
)
from magic_model.importing.record import FILE, PatientRecord, read_record
from magic_model.severity import Severity


def study_local_ids(
    source_ids: Sequence[str], *, rng: np.random.Generator, prefix: str = "p"
) -> dict[str, str]:
    """Draw a name for each patient that nothing leads back from but this table.

    Args:
        source_ids: The hospital's ids, each once.
        rng: Source of chance; not to be seeded with anything public.
        prefix: Start of the names; six digits follow.

    Returns:
        Study-local id of each source id.

    Raises:
        DataError: If a source id comes twice.
    """
    sources = list(source_ids)
    twice = sorted({source for source in sources if sources.count(source) > 1})
    if twice:
        msg = f"Each patient must have one id of his own, got {twice[0]!r} twice"
        raise DataError(msg)
    taken = set(sources)
    spare = 100_000 + rng.choice(900_000, size=2 * len(sources), replace=False)
    free = (name for name in (f"{prefix}{n}" for n in spare) if name not in taken)
    return dict(zip(sources, free, strict=False))


Progress = Callable[[int, int], None]
"""Told how many patients of how many are done."""


@dataclass(frozen=True)
class ImportResult:
    """What an import gave.

    Attributes:
        records: Imported patients, also those of earlier runs.
        failures: Patients that could not be imported.
        n_skipped: Patients that an earlier run had imported.
        linked: Source name of each study-local one, for who asks for it.
    """

    records: Sequence[PatientRecord]
    failures: Sequence[ImportFailure]
    n_skipped: int
    linked: dict[str, str]


def import_cohort(
    sources: Sequence[PatientSource],
    folder: Path,
    *,
    seed: int = 0,
    jobs: int = 1,
    register: bool = False,
    progress: Progress = lambda _done, _all: None,
) -> ImportResult:
    """Import patients into a cohort folder and write cohort.csv.

    Study-local names are random and kept; a patient whose files have not changed is not
    read again. Splits are drawn by patient within each severity, from the seed and the
    study-local names.

    Raises:
        DataError: If the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"{folder}: {error.strerror}"
        raise DataError(msg) from error
    known = {record.fingerprint: record for record in _records(folder)}
    todo: list[tuple[PatientSource, str]] = []
    linked: dict[str, str] = {}
    failures: list[ImportFailure] = []
    for source in sources:
        try:
            mark = fingerprint(source)
        except DataError as error:
            failures.append(ImportFailure(source.source_id, str(error)))
            continue
        if mark in known:
            linked[known[mark].patient_id] = source.source_id
        else:
            todo.append((source, mark))
    n_unreadable = len(failures)
    names = _new_names(todo, {record.patient_id for record in known.values()})
    outcomes = Parallel(n_jobs=jobs, return_as="generator")(
        delayed(import_patient)(
            source, names[source.source_id], mark, folder, register=register
        )
        for source, mark in todo
    )
    for done, outcome in enumerate(outcomes, 1):
        progress(done, len(todo))
        if isinstance(outcome, ImportFailure):
            failures.append(outcome)
    linked |= {names[source.source_id]: source.source_id for source, _ in todo}
    records = _records(folder)
    if records:
        write_cohort(folder, _with_splits(records, seed))
    kept = {record.patient_id for record in records}
    return ImportResult(
        records,
        failures,
        len(sources) - len(todo) - n_unreadable,
        {name: source for name, source in linked.items() if name in kept},
    )


def check_cohort(folder: Path) -> tuple[Cohort, list[PatientRecord]]:
    """Check the images of a cohort that exists, without changing it.

    Raises:
        DataError: If the cohort or an image cannot be read.
    """
    cohort = read_cohort(folder)
    records = []
    for patient in cohort.patients:
        images = {kind: cohort.load(patient, kind) for kind in patient.images}
        records.append(describe(patient.patient_id, images)[0])
    return cohort, records


def write_link(linked: dict[str, str], path: Path) -> None:
    """Write which study-local name is which source name; keep it apart.

    Raises:
        DataError: If it cannot be written.
    """
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["patient_id", "source_id"])
            writer.writerows(sorted(linked.items()))
    except OSError as error:
        msg = f"{path}: {error.strerror}"
        raise DataError(msg) from error


def _records(folder: Path) -> list[PatientRecord]:
    return [read_record(path.parent) for path in sorted(folder.glob(f"*/{FILE}"))]


def _new_names(
    todo: Sequence[tuple[PatientSource, str]], taken: set[str]
) -> dict[str, str]:
    """Draw a random name for each new patient, none that is taken."""
    rng = np.random.default_rng()
    ids = [source.source_id for source, _ in todo]
    names = study_local_ids(ids, rng=rng)
    while taken & set(names.values()):
        names = study_local_ids(ids, rng=rng)
    return names


def _with_splits(records: Sequence[PatientRecord], seed: int) -> list[Patient]:
    severities = [record.severity or Severity.NONE for record in records]
    splits = assign_splits(severities, rng=np.random.default_rng(seed))
    return [r.as_patient(split) for r, split in zip(records, splits, strict=True)]
