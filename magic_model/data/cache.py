"""Prepare the slices of a cohort once, and write them as a cache."""

import dataclasses
import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from magic_model.data.cache_part import (
    PartJob,
    Ranges,
    digest,
    fingerprint_of,
    prepare_part,
    read_part,
)
from magic_model.data.cohort import Cohort
from magic_model.data.normalise import NCCT_WINDOW
from magic_model.data.slice_cache import (
    ARRAYS,
    INDEX,
    CachedPatient,
    Failure,
    Sample,
    SliceCache,
)
from magic_model.data.slices import PAPER_SLICES, SliceGeometry
from magic_model.errors import DataError
from magic_model.maps import MAP_SPECS, PAPER_MAPS, PerfusionMap

__all__ = ["CachedPatient", "Failure", "Sample", "SliceCache", "build_cache"]

_PARTS = ".parts"

Progress = Callable[[int, int], None]
"""Called with the number of patients done and of all."""


def build_cache(
    cohort: Cohort,
    folder: Path,
    *,
    maps: Iterable[PerfusionMap] | Ranges = PAPER_MAPS,
    geometry: SliceGeometry = PAPER_SLICES,
    jobs: int = 1,
    progress: Progress | None = None,
) -> SliceCache:
    """Write the slices of all patients, scaled to [-1, 1].

    A cache of the same cohort and settings is opened as it is. If building was cut
    short, patients that were done are not prepared again. A patient that cannot be
    prepared is left out and listed in `failures` of the cache.

    Args:
        cohort: Patients with NCCT and these maps; a brain mask is used where given.
        folder: Written to; the cache is there when its index.json is.
        maps: Channels in this order; their ranges are those of `MAP_SPECS` or given.
        geometry: Which slices are taken.
        jobs: Patients prepared at a time.
        progress: Called after each patient.

    Raises:
        DataError: If no patient can be prepared or the folder cannot be written.
    """
    from joblib import Parallel, delayed

    ranges = (
        dict(maps)
        if isinstance(maps, Mapping)
        else {name: MAP_SPECS[name].value_range for name in maps}
    )
    prints = [fingerprint_of(cohort, p, ranges, geometry) for p in cohort.patients]
    whole = digest(prints)
    finished = _finished(folder, whole)
    if finished is not None:
        return finished
    work = [
        PartJob(cohort, patient, ranges, geometry, folder / _PARTS / f"{print_}.npz")
        for patient, print_ in zip(cohort.patients, prints, strict=True)
    ]
    try:
        (folder / _PARTS).mkdir(parents=True, exist_ok=True)
        failures: list[Failure] = []
        outcomes = Parallel(n_jobs=jobs, return_as="generator_unordered")(
            delayed(prepare_part)(job) for job in work
        )
        for done, failure in enumerate(outcomes, 1):
            failures += [failure] if failure else []
            if progress is not None:
                progress(done, len(work))
        _join(folder, whole, work, failures)
    except OSError as error:
        msg = f"{folder}: cannot be written ({error.strerror or error})"
        raise DataError(msg) from error
    return SliceCache.open(folder)


def _finished(folder: Path, fingerprint: str) -> SliceCache | None:
    try:
        cache = SliceCache.open(folder)
    except DataError:  # none yet, or a damaged one: it is built again
        return None
    return cache if cache.fingerprint == fingerprint else None


def _join(
    folder: Path, fingerprint: str, work: Sequence[PartJob], failures: Sequence[Failure]
) -> None:
    """Write the arrays, then the index: without it there is no cache."""
    failed = {failure.patient_id: failure for failure in failures}
    done = [job for job in work if job.patient.patient_id not in failed]
    if not done:
        reason = failures[0].reason if failures else "the cohort is empty"
        msg = f"{folder}: no patient could be prepared; the first: {reason}"
        raise DataError(msg)
    (folder / INDEX).unlink(missing_ok=True)
    parts = [job.part for job in done]
    for name in ARRAYS:
        _concatenate(parts, name, folder / f"{name}.npy")
    index = {
        "schema": 1,
        "fingerprint": fingerprint,
        "maps": work[0].ranges,
        "window": NCCT_WINDOW,
        "patients": _placed(done),
        "failures": [
            dataclasses.asdict(failed[job.patient.patient_id])
            for job in work
            if job.patient.patient_id in failed
        ],
    }
    staged = folder / f".{INDEX}"
    staged.write_text(json.dumps(index, indent=1), encoding="utf-8")
    staged.replace(folder / INDEX)
    shutil.rmtree(folder / _PARTS)


def _placed(done: Sequence[PartJob]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    first = 0
    for job in done:
        heights = read_part(job.part, "heights").tolist()
        patient = job.patient
        placed = CachedPatient(patient.patient_id, patient.split, first, heights)
        rows.append(dataclasses.asdict(placed))
        first += len(heights)
    return rows


def _concatenate(parts: Sequence[Path], name: str, path: Path) -> None:
    """Write one array after the other, so that memory holds one patient."""
    n_slices = sum(len(read_part(part, "heights")) for part in parts)
    first = read_part(parts[0], name)
    header = {
        "descr": np.lib.format.dtype_to_descr(first.dtype),
        "fortran_order": False,
        "shape": (n_slices, *first.shape[1:]),
    }
    staged = path.with_name(f".{path.name}")
    with staged.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for part in parts:
            file.write(read_part(part, name).tobytes())
    staged.replace(path)
