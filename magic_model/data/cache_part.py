"""A patient's part of a slice cache."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from magic_model.data.cohort import Cohort, Patient
from magic_model.data.normalise import scale_hounsfield, scale_map
from magic_model.data.slice_cache import Failure
from magic_model.data.slices import SliceGeometry, prepare_slices
from magic_model.data.volume import Kind
from magic_model.errors import DataError
from magic_model.maps import PerfusionMap

_VERSION = 1  # of what is computed; another one makes old caches stale

Ranges = Mapping[PerfusionMap, tuple[float, float]]


@dataclass(frozen=True)
class PartJob:
    """What is prepared, how, and the file that it becomes."""

    cohort: Cohort
    patient: Patient
    ranges: Ranges
    geometry: SliceGeometry
    part: Path


def prepare_part(job: PartJob) -> Failure | None:
    """Write a patient's part, unless it is there; give a failure if it cannot be made.

    Raises:
        OSError: If it cannot be written.
    """
    if job.part.exists():
        return None
    cohort, patient = job.cohort, job.patient
    try:
        images = {
            kind: cohort.load(patient, kind) for kind in _needed(patient, job.ranges)
        }
        stack = prepare_slices(
            patient.patient_id,
            images[Kind.NCCT],
            {name: images[Kind(name)] for name in job.ranges},
            images.get(Kind.BRAIN_MASK),
            geometry=job.geometry,
        )
    except DataError as error:
        return Failure(patient.patient_id, str(error))
    scaled = [
        scale_map(stack.maps[name], name, limits) for name, limits in job.ranges.items()
    ]
    staged = job.part.with_suffix(".staged")
    with staged.open("wb") as file:
        np.savez(
            file,
            ncct=scale_hounsfield(stack.ncct).astype(np.float16),
            maps=np.stack(scaled, axis=1).astype(np.float16),
            mask=stack.mask,
            heights=stack.heights,
        )
    staged.replace(job.part)
    return None


def read_part(part: Path, name: str) -> np.ndarray[Any, Any]:
    """Read one array of a part."""
    with np.load(part) as arrays:
        array: np.ndarray[Any, Any] = arrays[name]
    return array


def fingerprint_of(
    cohort: Cohort, patient: Patient, ranges: Ranges, geometry: SliceGeometry
) -> str:
    """Fingerprint of all that a patient's slices follow from.

    Files count by their size and time of change.
    """
    files = {}
    for kind in _needed(patient, ranges):
        image = patient.images.get(kind, Path())
        path = cohort.folder / image
        state = path.stat() if path.is_file() else None
        files[kind] = [str(image), state and [state.st_size, state.st_mtime_ns]]
    settings = [_VERSION, dataclasses.asdict(geometry), list(ranges.items())]
    return digest([settings, patient.patient_id, patient.split, files])


def _needed(patient: Patient, ranges: Ranges) -> list[Kind]:
    brain = [Kind.BRAIN_MASK] if Kind.BRAIN_MASK in patient.images else []
    return [Kind.NCCT, *(Kind(name) for name in ranges), *brain]


def digest(content: object) -> str:
    """Fingerprint of anything that JSON can hold."""
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
