"""Slices of a cohort, scaled and ready to train on, read at memory speed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from magic_model.data.grid import BoolArray
from magic_model.data.split import Split
from magic_model.data.volume import FloatArray
from magic_model.errors import DataError
from magic_model.maps import PerfusionMap

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
    ncct: NDArray[np.floating[Any]]
    map_values: NDArray[np.floating[Any]]
    mask: BoolArray

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open a finished cache.

        Raises:
            DataError: If there is none, or its parts do not belong together.
        """
        path = folder / INDEX
        try:
            index = json.loads(path.read_text(encoding="utf-8"))
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
                *arrays,
            )
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
        """Tell whose slice it is."""
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


def _patient(row: Mapping[str, Any]) -> CachedPatient:
    return CachedPatient(
        patient_id=row["patient_id"],
        split=Split(row["split"]),
        first=row["first"],
        heights=tuple(row["heights"]),
    )
