"""The millimetres that a network was trained with, and those of a cohort."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from magic_model.data.cohort import Cohort, Patient
from magic_model.data.grid import reorient_ras
from magic_model.data.nifti import read_grid
from magic_model.data.split import Split
from magic_model.data.volume import Kind, Volume
from magic_model.errors import DataError


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """Millimetres of the slices that a network was trained with.

    Attributes:
        pixel_mm: Side of a pixel.
        offset_mm: Distance of the NCCT slices below and above.
        slice_mm: Distance of the slices of the NCCT, the median of the patients.
        slab_mm: Thickness over which each NCCT slice is averaged; single planes at 0.
    """

    pixel_mm: float
    offset_mm: float
    slice_mm: float
    slab_mm: float = 0.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if name == "slab_mm" and value == 0:
                continue
            if not 0 < value < np.inf:
                msg = f"{name} must be a positive number of mm, got {value}"
                raise DataError(msg)


def cohort_sampling(
    cohort: Cohort, first_map: Kind, size: int, offset_mm: float
) -> Sampling:
    """Return the sampling of a cohort: medians over its training patients.

    A pixel is what fits the field of the maps into `size` pixels. Patients whose images
    cannot be read do not count; without training patients all of them do.

    Args:
        cohort: Of which only headers are read.
        first_map: Map whose grid the slices are on.
        size: Pixels along each side of a slice.
        offset_mm: Distance of the NCCT slices below and above.
    """
    trained = [p for p in cohort.patients if p.split is Split.TRAIN]
    grids = [
        pair
        for patient in trained or cohort.patients
        for pair in _grids(cohort, patient, first_map)
    ]
    if not grids:  # nor can a slice be prepared, which says why
        return Sampling(pixel_mm=1.0, offset_mm=offset_mm, slice_mm=1.0)
    return Sampling(
        pixel_mm=float(np.median([field_mm(of_map) / size for of_map, _ in grids])),
        offset_mm=offset_mm,
        slice_mm=float(np.median([ncct.spacing[2] for _, ncct in grids])),
    )


def field_mm(volume: Volume) -> float:
    """Longer side of the slices of a volume in RAS orientation."""
    return max(n * mm for n, mm in zip(volume.shape[:2], volume.spacing, strict=False))


def _grids(
    cohort: Cohort, patient: Patient, first_map: Kind
) -> Iterator[tuple[Volume, Volume]]:
    """Yield the grids of a patient's map and NCCT; nothing if one is not to be read."""
    try:
        map_grid, ncct_grid = (
            reorient_ras(read_grid(cohort.folder / patient.images[kind], kind))
            for kind in (first_map, Kind.NCCT)
        )
    except (DataError, KeyError):
        return
    yield map_grid, ncct_grid
