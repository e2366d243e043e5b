"""The inputs that maps are generated for, and their NCCT cut into slices."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from magic_model.archives.door import Entry, find_entries
from magic_model.data.cohort import FILE, Cohort, Patient, read_cohort
from magic_model.data.grid import reorient_ras
from magic_model.data.nifti import read_nifti
from magic_model.data.sampling import Sampling
from magic_model.data.slices import SliceGeometry, SliceStack, prepare_slices
from magic_model.data.split import Split
from magic_model.data.straight import leaning_note, straighten
from magic_model.data.unmeasured import measured_only
from magic_model.data.volume import Kind, Volume
from magic_model.errors import DataError
from magic_model.maps import PerfusionMap

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from magic_model.data.dicom.table import SeriesRow


_OFFSET_MM = 4.0
"""Distance of the neighbours that a network sees below and above a slice (2.1.2)."""

_EVERY = 10_000  # slices; more than any volume has
_UNEVEN = 1.5
_OTHER = 1.5  # times as thick, or as thin, as the slices trained with
_TILTED = 15.0  # degrees


def prepare_ncct(
    name: str,
    ncct: Volume,
    *,
    size: int,
    spacing_mm: float | None = None,
    brain: Volume | None = None,
    sampling: Sampling | None = None,
) -> SliceStack:
    """Cut every slice of an NCCT that shows brain, skull and all taken off.

    Brain and neighbours are those of the NCCT as it is, whatever the spacing: values
    between its slices are interpolated once, as in training.

    Args:
        name: Study-local name, which errors begin with.
        ncct: In HU, in any orientation.
        size: Pixels along each side of a slice.
        spacing_mm: Distance of slices, from the first of the NCCT on; its own if left
            out.
        brain: Brain mask on any grid; found in the NCCT if left out.
        sampling: Millimetres of the network; if left out, as for networks of version
            0.1, the longer side of the NCCT fills a slice.

    Raises:
        DataError: If no brain is found, or the volume is too thin for neighbours.
    """
    head = reorient_ras(measured_only(straighten(ncct)))
    _require_depth(name, head)
    geometry = replace(
        _geometry(size, sampling),
        spacing_mm=spacing_mm,
        n_slices=_EVERY,
        slice_mm=0.0,
        enough=0.0,
    )
    return prepare_slices(name, head, {}, brain, geometry=geometry)


def _geometry(size: int, sampling: Sampling | None) -> SliceGeometry:
    if sampling is None:
        return SliceGeometry(size=size, offset_mm=_OFFSET_MM)
    return SliceGeometry(
        size=size,
        pixel_mm=sampling.pixel_mm,
        offset_mm=sampling.offset_mm,
        slab_mm=sampling.slab_mm,
    )


def preparation_notes(ncct: Volume, sampling: Sampling | None = None) -> Iterator[str]:
    """Say what about an NCCT the network was not made for, and what was done."""
    yield from ncct.notes
    yield from leaning_note(ncct)
    yield from measured_only(ncct).notes[len(ncct.notes) :]
    head = reorient_ras(ncct)
    x, y, z = head.spacing
    if sampling is not None and not 1 / _OTHER <= z / sampling.slice_mm <= _OTHER:
        yield (
            f"slices are {z:.3g} mm apart, those that the network was trained with "
            f"{sampling.slice_mm:.3g} mm"
        )
    if z > _OFFSET_MM:
        yield (
            f"slices are {z:g} mm apart: the neighbours at {_OFFSET_MM:g} mm were "
            "interpolated between them"
        )
    if max(x, y) > _UNEVEN * z and max(x, y) > _OFFSET_MM / 2:
        yield (
            f"voxels are {x:.3g} x {y:.3g} x {z:.3g} mm, coarser in the axial plane "
            "than across it: axial slices were interpolated from another plane"
        )
    tilt = math.degrees(math.acos(min(1.0, head.affine[2, 2] / z)))
    if tilt > _TILTED:
        yield f"slices are tilted by {tilt:.0f} degrees from the axial plane"


_COARSE = 2.0  # times the voxels of the NCCT


@dataclass(frozen=True)
class Source:
    """One patient to generate maps for.

    Attributes:
        patient_id: Study-local name.
        files: What the NCCT is read from; their change makes generated maps stale.
        load: Reads the NCCT.
        patient: The row of a cohort; None for a single volume.
        cohort: That cohort.
        headers: Reads the headers of DICOM images that maps will refer to.
        notes: How the NCCT was chosen.
        series: The DICOM series among which it was chosen.
        entry: Patient of an archive, who is to be opened first.
    """

    patient_id: str
    files: tuple[Path, ...]
    load: Callable[[], Volume]
    patient: Patient | None = None
    cohort: Cohort | None = None
    headers: "Callable[[], list[Dataset]] | None" = None
    notes: tuple[str, ...] = ()
    series: "tuple[SeriesRow, ...]" = ()
    entry: Entry | None = None

    @contextmanager
    def opened(self) -> "Iterator[Source]":
        """Have the NCCT here for as long as it is worked on.

        Raises:
            DataError: If the patient of an archive cannot be had.
        """
        if self.entry is None:
            yield self
            return
        with self.entry.opened() as path:
            (found,) = find_sources(path, self.patient_id)
            if found.cohort is not None:
                msg = f"{self.patient_id}: must be one patient, got a cohort"
                raise DataError(msg)
            notes = tuple(map(self.entry.without_source, found.notes))
            yield replace(found, notes=notes, files=(), entry=self.entry)

    def slices(
        self,
        ncct: Volume,
        size: int,
        spacing_mm: float | None,
        *,
        every: bool,
        sampling: Sampling | None = None,
    ) -> SliceStack:
        """Cut slices to generate: where maps were measured, or every one of the NCCT.

        Args:
            ncct: As `load` gives it.
            size: Pixels along each side.
            spacing_mm: Distance of slices; implies `every`.
            every: Take every slice even where there are measured maps.
            sampling: Millimetres of the network; None as for `prepare_ncct`.
        """
        measured = self._measured()
        brain = self._brain()
        if every or spacing_mm is not None or not measured:
            fine = brain if brain is not None and _is_fine(brain, ncct) else None
            return prepare_ncct(
                self.patient_id,
                ncct,
                size=size,
                spacing_mm=spacing_mm,
                brain=fine,
                sampling=sampling,
            )
        geometry = _geometry(size, sampling)
        return prepare_slices(self.patient_id, ncct, measured, brain, geometry=geometry)

    def _measured(self) -> dict[PerfusionMap, Volume]:
        if self.patient is None or self.cohort is None:
            return {}
        return {
            name: self.cohort.load(self.patient, Kind(name.value))
            for name in PerfusionMap
            if Kind(name.value) in self.patient.images
        }

    def _brain(self) -> Volume | None:
        if self.patient is None or self.cohort is None:
            return None
        known = Kind.BRAIN_MASK in self.patient.images
        return self.cohort.load(self.patient, Kind.BRAIN_MASK) if known else None


def find_sources(
    path: Path, name: str = "case-1", split: str = "all", series: str = ""
) -> list[Source]:
    """Find the patients of a path.

    Args:
        path: A NIfTI file, a folder or ZIP archive of one patient's DICOM files, or the
            folder of a cohort.
        name: Study-local name of a single volume.
        split: Part of a cohort: train, val, test or all.
        series: Number or UID of the DICOM series that is the NCCT; chosen if left out.

    Raises:
        DataError: If there is nothing to read, no patient in the split, a series is
            named where there is none, or the name is none that a folder can have.
    """
    require_name(name)
    is_cohort = (path / FILE).is_file()
    if not is_cohort and (path.is_dir() or path.suffix.lower() == ".zip"):
        return [_of_dicom(path, name, series)]
    if series:
        msg = f"{path}: a series can be named in a DICOM folder alone, got {series}"
        raise DataError(msg)
    if is_cohort:
        return _of_cohort(read_cohort(path), split)
    return [Source(name, (path,), lambda: read_nifti(path, Kind.NCCT))]


def find_in_archive(address: str) -> list[Source]:
    """Find the patients of an archive of NCCTs, without reading them.

    Args:
        address: As `magic_model.archives.door.find_entries` takes it.

    Raises:
        DataError: If it cannot be read, or holds no patient.
    """
    return [
        Source(entry.name, (), partial(_not_opened, entry.name), entry=entry)
        for entry in find_entries(address)
    ]


def _not_opened(name: str) -> Volume:
    msg = f"{name}: an NCCT of an archive must be opened before it is read"
    raise DataError(msg)


def require_name(name: object) -> None:
    """Refuse a study-local name that no folder can have.

    Raises:
        DataError: If it is empty or a path.
    """
    if not isinstance(name, str) or name in {"", ".", ".."} or Path(name).name != name:
        msg = f"A study-local name must be one that a folder can have, got {name!r}"
        raise DataError(msg)


def _require_depth(name: str, head: Volume) -> None:
    depth = head.shape[2] * head.spacing[2]
    if depth < 2 * _OFFSET_MM or head.shape[2] == 1:
        msg = (
            f"{name}: an NCCT must reach {2 * _OFFSET_MM:g} mm from bottom to top, so "
            f"that slices have neighbours; got {head.shape[2]} slices of "
            f"{head.spacing[2]:g} mm"
        )
        raise DataError(msg)


def _is_fine(brain: Volume, ncct: Volume) -> bool:
    """Whether a mask is fine enough for slices between its own; else steps show."""
    return max(brain.spacing) <= _COARSE * max(ncct.spacing)


def _of_cohort(cohort: Cohort, split: str) -> list[Source]:
    if split != "all" and split not in set(Split):
        known = ", ".join([*Split, "all"])
        msg = f"Split must be one of {known}, got {split}"
        raise DataError(msg)
    chosen = [p for p in cohort.patients if split in ("all", p.split)]
    if not chosen:
        msg = f"{cohort.folder}: at least one patient must be in split {split}"
        raise DataError(msg)
    return [_of_patient(cohort, patient) for patient in chosen]


def _of_patient(cohort: Cohort, patient: Patient) -> Source:
    cohort = replace(cohort, patients=(patient,))  # a worker is not sent the others
    files = tuple(cohort.folder / image for image in patient.images.values())
    return Source(
        patient.patient_id,
        files,
        lambda: cohort.load(patient, Kind.NCCT),
        patient,
        cohort,
    )


def _of_dicom(folder: Path, name: str, series: str) -> Source:
    from magic_model.data.dicom.ct import read_ct_series
    from magic_model.data.dicom.door import open_folder, the_ncct
    from magic_model.data.dicom.files import read_header

    door = open_folder(folder, series)
    role = the_ncct(door, folder)
    return Source(
        name,
        role.paths,
        lambda: read_ct_series(role.paths, joined=role.is_joined),
        headers=lambda: [read_header(path) for path in role.paths],
        notes=(f"ncct is {role.called}", *door.notes),
        series=door.rows,
    )
