"""A volume as planes that viewers show, and the header that their images share."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from magic_model.data.dicom import study as dicom_study
from magic_model.data.dicom.frames import LPS_TO_RAS
from magic_model.data.grid import reorient_ras
from magic_model.data.volume import Affine, FloatArray, Volume
from magic_model.errors import DataError
from magic_model.maps import MAP_SPECS, MapSpec, PerfusionMap


class Plane(NamedTuple):
    """One slice of a volume.

    Attributes:
        number: From 1, from the base of the skull up.
        values: `(rows, columns)`, the patient's right on the left, anterior above.
        position: Of the centre of the first pixel, in mm, as DICOM counts (LPS).
    """

    number: int
    values: FloatArray
    position: tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Planes:
    """A perfusion map cut into planes as radiologists look at them.

    Attributes:
        kind: Which map it is.
        array: `(columns, rows, slices)`.
        lps: `(4, 4)` from these indices to mm in LPS.
    """

    kind: PerfusionMap
    array: FloatArray
    lps: Affine = field(repr=False)

    @classmethod
    def of_volume(cls, volume: Volume) -> "Planes":
        """Cut a volume; no value is interpolated.

        Raises:
            DataError: If its axes are not at right angles.
        """
        if not volume.is_orthogonal:
            msg = (
                f"Axes of {volume.kind} must be at right angles to be written as DICOM"
            )
            raise DataError(msg)
        ras = reorient_ras(volume)
        affine = ras.affine.copy()
        for axis in (0, 1):
            affine[:, 3] += affine[:, axis] * (ras.shape[axis] - 1)
            affine[:, axis] *= -1
        lps = LPS_TO_RAS @ affine + 0.0
        return cls(PerfusionMap(volume.kind), ras.array[::-1, ::-1], lps)

    @property
    def spec(self) -> MapSpec:
        """Title, unit and range of the map."""
        return MAP_SPECS[self.kind]

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Distance in mm between columns, rows and slices."""
        x, y, z = np.linalg.norm(self.lps[:3, :3], axis=0)
        return float(x), float(y), float(z)

    @property
    def orientation(self) -> list[float]:
        """Directions along a row and down a column, as DICOM wants them."""
        cosines: Affine = (self.lps[:3, :2] / self.spacing[:2]).T + 0.0
        return [float(x) for x in cosines.ravel()]

    def __iter__(self) -> Iterator[Plane]:
        for k in range(self.array.shape[2]):
            x, y, z = (self.lps @ [0, 0, k, 1])[:3]
            position = (float(x), float(y), float(z))
            yield Plane(k + 1, self.array[:, :, k].T, position)


def image_header(
    planes: Planes, plane: Plane, study: dicom_study.StudyContext, form: str
) -> Dataset:
    """Return what all single-frame images of a map share: whose, where, and what.

    Args:
        planes: The map.
        plane: The slice.
        study: Whose map it is.
        form: In which form the map is written, such as `grey`; a series each.
    """
    header = Dataset()
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    study.mark(header)
    for keyword in (
        "AccessionNumber", "StudyID", "StudyDate", "StudyTime",
        "ReferringPhysicianName", "PositionReferenceIndicator",
    ):  # fmt: skip
        setattr(header, keyword, "")
    spec = planes.spec
    header.SpecificCharacterSet = "ISO_IR 192"
    header.SeriesInstanceUID = study.object_uid(planes.kind, form, "series")
    header.SOPInstanceUID = study.object_uid(planes.kind, form, plane.number)
    header.InstanceNumber = plane.number
    header.SeriesDescription = f"{study.use}: {spec.title} [{spec.unit}] {form}"
    header.DerivationDescription = (
        f"{spec.long_name} in {spec.unit}, {study.use.lower()}, no diagnosis"
    )
    header.ContentQualification = "RESEARCH"
    header.Manufacturer = header.ManufacturerModelName = dicom_study.MANUFACTURER
    header.SoftwareVersions = dicom_study.SOFTWARE_VERSION
    header.BurnedInAnnotation = "NO"  # no text that tells whose brain it is
    header.RecognizableVisualFeatures = "NO"
    header.FrameOfReferenceUID = study.frame_of_reference_uid
    header.ImageOrientationPatient = [_decimal(x) for x in planes.orientation]
    dicom_study.stamp(header)
    return header


def place(
    header: Dataset, position: tuple[float, float, float], spacing: tuple[float, float]
) -> None:
    """Write where the first pixel lies, and the distance of rows and of columns."""
    header.ImagePositionPatient = [_decimal(x) for x in position]
    header.PixelSpacing = [_decimal(x) for x in spacing]


def series_number(kind: PerfusionMap, hundreds: int) -> int:
    """Return the number of a map's series; a hundred for each form."""
    return 100 * hundreds + 1 + list(PerfusionMap).index(kind)


def _decimal(number: float) -> str:
    """Write a number in the 16 characters of a decimal string, as exact as they are."""
    for digits in range(16, 5, -1):
        text = f"{number + 0.0:.{digits}g}"
        if len(text) <= 16:
            return text
    return f"{number:.6g}"
