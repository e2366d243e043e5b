"""Import one patient: read, check, write; a folder is complete or not there."""

import hashlib
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from magic_model.data.layouts.source import PatientSource
from magic_model.data.nifti import write_nifti
from magic_model.errors import DataError
from magic_model.importing.description import describe
from magic_model.importing.record import PatientRecord, image_path, write_record

_BLOCK = 1 << 20


@dataclass(frozen=True)
class ImportFailure:
    """A patient that could not be imported, and why."""

    source_id: str
    reason: str


def fingerprint(source: PatientSource) -> str:
    """Hash the bytes of a patient's files, in the order of their paths.

    Whoever has the list of patient numbers cannot get from the hash to a number, since
    the images are in it too.

    Raises:
        DataError: If a file cannot be read.
    """
    digest = hashlib.sha256()
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
) -> PatientRecord | ImportFailure:
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
        images = {kind: load().require_finite() for kind, load in source.images.items()}
        record, images = describe(
            patient_id, images, mark=mark, notes=source.notes, register=register
        )
        record = _without_source_id(record, source.source_id)
        for kind, volume in images.items():
            write_nifti(volume, staging / image_path(patient_id, kind).name)
        write_record(record, staging)
        shutil.rmtree(folder / patient_id, ignore_errors=True)
        staging.replace(folder / patient_id)
    except DataError as error:
        return ImportFailure(source.source_id, str(error))
    except OSError as error:
        return ImportFailure(source.source_id, f"cannot be written ({error.strerror})")
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return record


def _without_source_id(record: PatientRecord, source_id: str) -> PatientRecord:
    """Take the name that the source gave out of the notes."""
    whole_word = re.compile(rf"(?<!\w){re.escape(source_id)}(?!\w)")
    notes = [whole_word.sub(record.patient_id, note) for note in record.notes]
    return PatientRecord(**{**record.__dict__, "notes": notes})
