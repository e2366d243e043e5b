"""Import one patient: read, check, write; a folder is complete or not there."""

import hashlib
import math
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from magic_model.data.checks import check_patient, map_support
from magic_model.data.grid import resample
from magic_model.data.layouts.source import PatientSource
from magic_model.data.lesion import Lesion, find_lesion, lesion_from_masks
from magic_model.data.nifti import write_nifti
from magic_model.data.skull_strip import MorphologicalSkullStripper
from magic_model.data.volume import Kind, Volume
from magic_model.errors import DataError
from magic_model.importing.record import PatientRecord, image_path, write_record
from magic_model.maps import PerfusionMap

_BLOCK = 1 << 20
_MAPS = tuple(Kind(name.value) for name in PerfusionMap)


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
    source: PatientSource, patient_id: str, mark: str, folder: Path
) -> PatientRecord | ImportFailure:
    """Read a patient's images, check them and write them into the cohort.

    Args:
        source: Where the images are.
        patient_id: Study-local name.
        mark: Fingerprint of the source, kept in the record.
        folder: The cohort's folder.

    Returns:
        The record, or why there is none; other patients go on.
    """
    staging = folder / f".{patient_id}.part"
    shutil.rmtree(staging, ignore_errors=True)
    try:
        images = {kind: load().require_finite() for kind, load in source.images.items()}
        record, images = describe(patient_id, images, mark=mark, notes=source.notes)
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


def describe(
    patient_id: str,
    images: Mapping[Kind, Volume],
    *,
    mark: str = "",
    notes: tuple[str, ...] = (),
) -> tuple[PatientRecord, dict[Kind, Volume]]:
    """Check a patient's images and measure the lesion.

    Returns:
        The record, and the images with all maps on one grid.
    """
    found = list(notes)
    aligned = _on_one_grid(images, found)
    brain = _brain_on_map_grid(aligned, found)
    lesion = _lesion(aligned, brain, found)
    record = PatientRecord(
        patient_id=patient_id,
        images=[kind for kind in Kind if kind in aligned],
        severity=lesion.severity if lesion else None,
        core_ml=lesion.core_ml if lesion else math.nan,
        penumbra_ml=lesion.penumbra_ml if lesion else math.nan,
        mismatch_ratio=lesion.mismatch_ratio if lesion else math.nan,
        checks=check_patient(aligned, brain),
        notes=found,
        fingerprint=mark,
    )
    return record, aligned


def _on_one_grid(images: Mapping[Kind, Volume], notes: list[str]) -> dict[Kind, Volume]:
    """Bring all maps to the grid of the first one; the NCCT keeps its own."""
    aligned = dict(images)
    present = [kind for kind in _MAPS if kind in images]
    for kind in present[1:]:
        first, other = images[present[0]], images[kind]
        if _same_grid(first, other):
            continue
        aligned[kind] = resample(other, first.affine, first.shape)
        notes.append(f"{kind} was resampled to the grid of {present[0]}")
    return aligned


def _brain_on_map_grid(
    images: Mapping[Kind, Volume], notes: list[str]
) -> Volume | None:
    """Brain mask on the grid of the maps: given, stripped from the NCCT, or support."""
    grid = next((images[kind] for kind in _MAPS if kind in images), None)
    if grid is None:
        return None
    mask = images.get(Kind.BRAIN_MASK)
    if mask is None and Kind.NCCT in images:
        try:
            mask = MorphologicalSkullStripper()(images[Kind.NCCT])
        except DataError as error:
            notes.append(f"brain taken from the support of the maps ({error})")
    if mask is None:
        maps = {kind: images[kind].array for kind in _MAPS if kind in images}
        return grid.with_array(
            np.asarray(map_support(maps), dtype=np.float32), Kind.BRAIN_MASK
        )
    if _same_grid(mask, grid):
        return mask
    return resample(mask, grid.affine, grid.shape, order=0)


def _lesion(
    images: Mapping[Kind, Volume], brain: Volume | None, notes: list[str]
) -> Lesion | None:
    """Lesion from given masks, else from the maps where they allow it."""
    if Kind.CORE_MASK in images and Kind.PENUMBRA_MASK in images:
        return lesion_from_masks(images[Kind.CORE_MASK], images[Kind.PENUMBRA_MASK])
    maps = {name: images[Kind(name)] for name in PerfusionMap if Kind(name) in images}
    if brain is None or PerfusionMap.CBF not in maps:
        return None
    try:
        lesion = find_lesion(maps, brain)
    except DataError as error:
        notes.append(f"severity is not known ({error})")
        return None
    if lesion.surrogate:
        notes.append(lesion.surrogate)
    return lesion


def _same_grid(one: Volume, other: Volume) -> bool:
    same_place = np.allclose(one.affine, other.affine, atol=1e-4)
    return one.shape == other.shape and bool(same_place)


def _without_source_id(record: PatientRecord, source_id: str) -> PatientRecord:
    """Take the name that the source gave out of the notes."""
    whole_word = re.compile(rf"(?<!\w){re.escape(source_id)}(?!\w)")
    notes = [whole_word.sub(record.patient_id, note) for note in record.notes]
    return PatientRecord(**{**record.__dict__, "notes": notes})
