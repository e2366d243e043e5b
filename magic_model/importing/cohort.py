"""Import of a data set, patient by patient; running it again goes on."""

import csv
import hashlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed

from magic_model.data.cohort import Cohort, Patient, read_cohort, write_cohort
from magic_model.data.layouts.source import PatientSource
from magic_model.data.nifti import write_nifti
from magic_model.data.split import assign_splits
from magic_model.errors import DataError
from magic_model.importing import record as importing_record
from magic_model.importing.deidentify import deidentify
from magic_model.output import require_writable

_BLOCK = 1 << 20


@dataclass(frozen=True)
class ImportFailure:
    """A patient that could not be imported, and why."""

    source_id: str
    reason: str


def fingerprint(source: PatientSource) -> str:
    """Hash the settings and bytes of a patient's files, in the order of their paths.

    Whoever has the list of patient numbers cannot get from the hash to a number, since
    the images are in it too.

    Raises:
        DataError: If a file cannot be read.
    """
    digest = hashlib.sha256("".join(source.settings).encode())
    for path in sorted(source.files):
        try:
            with path.open("rb") as file:
                while block := file.read(_BLOCK):
                    digest.update(block)
        except OSError as error:
            msg = f"{path}: {error.strerror}"
            raise DataError(msg) from error
    return digest.hexdigest()


def import_patient(
    source: PatientSource,
    patient_id: str,
    mark: str,
    folder: Path,
    *,
    register: bool = False,
) -> importing_record.PatientRecord | ImportFailure:
    """Read a patient's images, check them and write them into the cohort.

    Args:
        source: Where the images are.
        patient_id: Study-local name.
        mark: Fingerprint of the source, kept in the record.
        folder: The cohort's folder.
        register: Whether to move the NCCT onto the maps first.

    Returns:
        The record, or why there is none; other patients go on.
    """
    staging = folder / f".{patient_id}.part"
    shutil.rmtree(staging, ignore_errors=True)
    try:
        loaded = source.load()
        record, images = importing_record.describe(
            patient_id,
            loaded.images,
            mark=mark,
            notes=loaded.notes,
            register=register,
        )
        record = replace(deidentify(record, source), series=source.series)
        for kind, volume in images.items():
            write_nifti(
                volume, staging / importing_record.image_path(patient_id, kind).name
            )
        if loaded.perfusion is not None:
            from magic_model.perfusion.report import write_report

            write_report(loaded.perfusion, staging, "perfusion", loaded.look)
        importing_record.write_record(record, staging)
        shutil.rmtree(folder / patient_id, ignore_errors=True)
        staging.replace(folder / patient_id)
    except DataError as error:
        return ImportFailure(source.source_id, str(error))
    except OSError as error:
        return ImportFailure(source.source_id, f"cannot be written ({error.strerror})")
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return record


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
    """Result of an import.

    Attributes:
        records: Imported patients, also those of earlier runs.
        failures: Patients that could not be imported.
        n_skipped: Patients that an earlier run had imported.
        linked: Source name of each study-local one, for who asks for it.
    """

    records: Sequence[importing_record.PatientRecord]
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
    require_writable(folder).mkdir(parents=True, exist_ok=True)
    known = known_patients(folder)
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
            linked[known[mark]] = source.source_id
        else:
            todo.append((source, mark))
    n_unreadable = len(failures)
    ids = [source.source_id for source, _ in todo]
    names = new_names(ids, set(known.values()))
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
    n_skipped = len(sources) - len(todo) - n_unreadable
    return finish(folder, linked, failures, n_skipped, seed)


def finish(
    folder: Path,
    linked: Mapping[str, str],
    failures: Sequence[ImportFailure],
    n_skipped: int,
    seed: int,
) -> ImportResult:
    """Write cohort.csv of all patients in a folder, and return what an import gave.

    Args:
        folder: Of the cohort.
        linked: Source name of each study-local one.
        failures: Patients that could not be imported.
        n_skipped: Patients that an earlier run had imported.
        seed: Of the splits.
    """
    records = _records(folder)
    if records:
        write_cohort(folder, _with_splits(records, seed))
    kept = {record.patient_id for record in records}
    return ImportResult(
        records,
        failures,
        n_skipped,
        {name: source for name, source in linked.items() if name in kept},
    )


def check_cohort(folder: Path) -> tuple[Cohort, list[importing_record.PatientRecord]]:
    """Check the images of a cohort that exists, without changing it.

    Raises:
        DataError: If the cohort or an image cannot be read.
    """
    cohort = read_cohort(folder)
    records = []
    for patient in cohort.patients:
        images = {kind: cohort.load(patient, kind) for kind in patient.images}
        try:
            records.append(importing_record.describe(patient.patient_id, images)[0])
        except DataError as error:
            msg = f"{folder}: {patient.patient_id}: {error}"
            raise DataError(msg) from error
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


def _records(folder: Path) -> list[importing_record.PatientRecord]:
    return [
        importing_record.read_record(path.parent)
        for path in sorted(folder.glob(f"*/{importing_record.FILE}"))
    ]


def known_patients(folder: Path) -> dict[str, str]:
    """Return the names of the patients in a cohort folder, by fingerprint."""
    return {record.fingerprint: record.patient_id for record in _records(folder)}


def new_names(ids: Sequence[str], taken: set[str]) -> dict[str, str]:
    """Draw a random name for each new patient, none that is taken."""
    rng = np.random.default_rng()
    names = study_local_ids(ids, rng=rng)
    while taken & set(names.values()):
        names = study_local_ids(ids, rng=rng)
    return names


def _with_splits(
    records: Sequence[importing_record.PatientRecord], seed: int
) -> list[Patient]:
    severities = [record.severity for record in records]
    splits = assign_splits(severities, rng=np.random.default_rng(seed))
    return [r.as_patient(split) for r, split in zip(records, splits, strict=True)]
