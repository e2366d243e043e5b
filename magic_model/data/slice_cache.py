"""Slices of a cohort, scaled once, and read at memory speed to train on."""

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from magic_model.data.cohort import Cohort, Patient
from magic_model.data.grid import BoolArray
from magic_model.data.normalise import NCCT_WINDOW, scale_hounsfield, scale_map
from magic_model.data.sampling import Sampling, cohort_sampling
from magic_model.data.slices import PAPER_SLICES, SliceGeometry, prepare_slices
from magic_model.data.split import Split
from magic_model.data.volume import FloatArray, Kind
from magic_model.errors import DataError
from magic_model.maps import MAP_SPECS, PAPER_MAPS, PerfusionMap

INDEX = "index.json"
ARRAYS = ("ncct", "maps", "mask")


class Sample(NamedTuple):
    """One slice of a patient, scaled to [-1, 1].

    Attributes:
        ncct: `(3, h, w)`.
        maps: `(m, h, w)` in the order of `SliceCache.maps`; -1 where there is no value.
        mask: `(h, w)`, where there are maps and brain.
        patient_id: Whose slice it is.
    """

    ncct: FloatArray
    maps: FloatArray
    mask: BoolArray
    patient_id: str


@dataclass(frozen=True)
class CachedPatient:
    """Where a patient's slices are.

    Attributes:
        patient_id: Study-local name.
        split: What the patient is used for.
        first: Index of the lowest slice.
        heights: mm in RAS+ of each slice.
    """

    patient_id: str
    split: Split
    first: int
    heights: tuple[float, ...]


@dataclass(frozen=True)
class Failure:
    """A patient that could not be prepared, and why."""

    patient_id: str
    reason: str


@dataclass(frozen=True, eq=False)
class SliceCache(Sequence[Sample]):
    """Slices of all patients, memory-mapped.

    Attributes:
        folder: Where it lies.
        fingerprint: Of the cohort and the settings that it was made from.
        maps: Value range of each map, which became -1 and 1, in channel order.
        window: HU that became -1 and 1.
        patients: In the order of the cohort.
        failures: Patients that are not in it.
        sampling: Millimetres of the slices.
        ncct: `(N, 3, h, w)`.
        map_values: `(N, m, h, w)`.
        mask: `(N, h, w)` bool.
    """

    folder: Path
    fingerprint: str
    maps: Mapping[PerfusionMap, tuple[float, float]]
    window: tuple[float, float]
    patients: Sequence[CachedPatient]
    failures: Sequence[Failure]
    sampling: Sampling
    ncct: NDArray[np.floating[Any]]
    map_values: NDArray[np.floating[Any]]
    mask: BoolArray

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open a finished cache.

        Raises:
            DataError: If there is none, it is of version 0.1, or its parts do not
                belong together.
        """
        path = folder / INDEX
        try:
            index = _require_schema(json.loads(path.read_text(encoding="utf-8")), path)
            arrays = [np.load(folder / f"{n}.npy", mmap_mode="r") for n in ARRAYS]
            patients = [_patient(row) for row in index["patients"]]
            opened = cls(
                folder,
                index["fingerprint"],
                {
                    PerfusionMap(k): (low, high)
                    for k, (low, high) in index["maps"].items()
                },
                tuple(index["window"]),
                patients,
                [Failure(**row) for row in index["failures"]],
                Sampling(**index["sampling"]),
                *arrays,
            )
        except DataError:
            raise
        except FileNotFoundError as error:
            msg = f"{folder}: no slice cache here ({Path(error.filename).name} missing)"
            raise DataError(msg) from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            msg = f"{path}: not a readable slice cache ({error})"
            raise DataError(msg) from error
        n_slices = sum(len(patient.heights) for patient in patients)
        if {n_slices, *map(len, arrays)} != {n_slices}:
            msg = f"{path}: names {n_slices} slices, the arrays have {len(arrays[0])}"
            raise DataError(msg)
        return opened

    def __reduce__(self) -> tuple[Any, ...]:
        # Workers map the files again; pickled arrays would be copies.
        return type(self).open, (self.folder,)

    def __len__(self) -> int:
        return len(self.ncct)

    def __getitem__(self, index: int) -> Sample:  # type: ignore[override]
        """Read one slice."""
        return Sample(
            ncct=self.ncct[index].astype(np.float32),
            maps=self.map_values[index].astype(np.float32),
            mask=np.array(self.mask[index]),
            patient_id=self.patient_of(index).patient_id,
        )

    def patient_of(self, index: int) -> CachedPatient:
        """Return whose slice it is."""
        firsts = [patient.first for patient in self.patients]
        place = np.searchsorted(firsts, index % len(self), side="right") - 1
        return self.patients[int(place)]

    def of_split(self, split: Split) -> NDArray[np.int64]:
        """Indices of the slices of all patients of a split."""
        chosen = [
            np.arange(p.first, p.first + len(p.heights))
            for p in self.patients
            if p.split is split
        ]
        return np.concatenate(chosen or [np.array([], dtype=np.int64)])


_SCHEMA = 2
_VERSION = 2  # of what is computed; another one makes old caches stale

Ranges = Mapping[PerfusionMap, tuple[float, float]]


@dataclass(frozen=True)
class _PartJob:
    """What is prepared, how, and the file that it becomes."""

    cohort: Cohort
    patient: Patient
    ranges: Ranges
    geometry: SliceGeometry
    part: Path


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

    Where no side of a pixel is given, it is the median of the training patients'. A
    cache of the same cohort and settings is opened as it is. If building was cut
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
    first = Kind(next(iter(ranges)))
    found = cohort_sampling(cohort, first, geometry.size, geometry.offset_mm)
    pixel = geometry.pixel_mm or found.pixel_mm
    sampling = dataclasses.replace(found, pixel_mm=pixel, slab_mm=geometry.slab_mm)
    geometry = dataclasses.replace(geometry, pixel_mm=pixel)
    prints = [_fingerprint_of(cohort, p, ranges, geometry) for p in cohort.patients]
    whole = _digest(prints)
    finished = _finished(folder, whole)
    if finished is not None:
        return finished
    work = [
        _PartJob(cohort, patient, ranges, geometry, folder / _PARTS / f"{print_}.npz")
        for patient, print_ in zip(cohort.patients, prints, strict=True)
    ]
    try:
        (folder / _PARTS).mkdir(parents=True, exist_ok=True)
        failures: list[Failure] = []
        outcomes = Parallel(n_jobs=jobs, return_as="generator_unordered")(
            delayed(_prepare_part)(job) for job in work
        )
        for done, failure in enumerate(outcomes, 1):
            failures += [failure] if failure else []
            if progress is not None:
                progress(done, len(work))
        _join(
            folder, {"fingerprint": whole, "sampling": vars(sampling)}, work, failures
        )
    except OSError as error:
        msg = f"{folder}: cannot be written ({error.strerror or error})"
        raise DataError(msg) from error
    return SliceCache.open(folder)


def _require_schema(index: dict[str, Any], path: Path) -> dict[str, Any]:
    if index.get("schema", _SCHEMA) != _SCHEMA or "sampling" not in index:
        msg = (
            f"{path}: slices of version 0.1 do not say how large their pixels are; "
            "prepare them again (magic-model train does, from the cohort)"
        )
        raise DataError(msg)
    return index


def _patient(row: Mapping[str, Any]) -> CachedPatient:
    return CachedPatient(
        patient_id=row["patient_id"],
        split=Split(row["split"]),
        first=row["first"],
        heights=tuple(row["heights"]),
    )


def _prepare_part(job: _PartJob) -> Failure | None:
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


def _read_part(part: Path, name: str) -> np.ndarray[Any, Any]:
    """Read one array of a part."""
    with np.load(part) as arrays:
        array: np.ndarray[Any, Any] = arrays[name]
    return array


def _fingerprint_of(
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
    how = dataclasses.asdict(geometry)
    if not geometry.slab_mm:
        del how["slab_mm"]  # single planes, as before there were slabs
    settings = [_VERSION, how, list(ranges.items())]
    return _digest([settings, patient.patient_id, patient.split, files])


def _needed(patient: Patient, ranges: Ranges) -> list[Kind]:
    brain = [Kind.BRAIN_MASK] if Kind.BRAIN_MASK in patient.images else []
    return [Kind.NCCT, *(Kind(name) for name in ranges), *brain]


def _digest(content: object) -> str:
    """Fingerprint of anything that JSON can hold."""
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _finished(folder: Path, fingerprint: str) -> SliceCache | None:
    try:
        cache = SliceCache.open(folder)
    except DataError:  # none yet, or a damaged one: it is built again
        return None
    return cache if cache.fingerprint == fingerprint else None


def _join(
    folder: Path,
    about: Mapping[str, Any],
    work: Sequence[_PartJob],
    failures: Sequence[Failure],
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
        "schema": _SCHEMA,
        **about,
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


def _placed(done: Sequence[_PartJob]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    first = 0
    for job in done:
        heights = _read_part(job.part, "heights").tolist()
        patient = job.patient
        placed = CachedPatient(patient.patient_id, patient.split, first, heights)
        rows.append(dataclasses.asdict(placed))
        first += len(heights)
    return rows


def _concatenate(parts: Sequence[Path], name: str, path: Path) -> None:
    """Write one array after the other, so that memory holds one patient."""
    n_slices = sum(len(_read_part(part, "heights")) for part in parts)
    first = _read_part(parts[0], name)
    header = {
        "descr": np.lib.format.dtype_to_descr(first.dtype),
        "fortran_order": False,
        "shape": (n_slices, *first.shape[1:]),
    }
    staged = path.with_name(f".{path.name}")
    with staged.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for part in parts:
            file.write(_read_part(part, name).tobytes())
    staged.replace(path)
