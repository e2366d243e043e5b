"""A map as a series of grey images that every PACS shows and measures in its unit."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage

from magic_model.data.dicom import study as dicom_study
from magic_model.data.dicom.files import write_dataset
from magic_model.data.dicom.parametric_map import value_mapping
from magic_model.data.volume import FloatArray, Volume
from magic_model.derivatives.planes import (
    Planes,
    image_header,
    place,
    series_number,
)
from magic_model.errors import DataError

FORM = "grey"

_MOST = 32767
_PADDING = -32768
"""Stored where a value is not known."""

_HUNDREDS = 2


def write_grey_series(
    volume: Volume,
    folder: Path,
    *,
    source: Sequence[Dataset] = (),
    study: dicom_study.StudyContext | None = None,
) -> list[Path]:
    """Write a map as CT images of 16 bits, a file per slice.

    It is no scan, and says so where viewers look: derived, secondary, the map's name
    and unit in place of Hounsfield units. Programs that take CT for Hounsfield units
    must look at RescaleType, as the standard says; this project's refuse it.

    Args:
        volume: A perfusion map; its axes at right angles.
        folder: Folder of the series.
        source: Headers of the images that the map was computed from.
        study: Whose map it is; a fresh random one if left out.

    Returns:
        The files, from the base of the skull up.

    Raises:
        DataError: If the volume is sheared or holds infinite values; if the study's
            patient id is the source's; or a file cannot be written.
    """
    study = study or dicom_study.StudyContext()
    study.require_not_from(source)
    planes = Planes.of_volume(volume)
    slope = step_of(planes)
    files = []
    for plane in planes:
        image = image_header(planes, plane, study, FORM)
        _describe(image, planes, slope)
        place(image, plane.position, (planes.spacing[1], planes.spacing[0]))
        _store(image, to_stored(plane.values, slope))
        study.refer_to(image, source)
        files.append(folder / f"{plane.number:03d}.dcm")
        dicom_study.require_anonymous(image, files[-1])
        write_dataset(image, files[-1])
    return files


def step_of(planes: Planes) -> float:
    """Return the unit per stored value: a power of two, so that products are exact.

    It depends on the map's range, and on its values only where they leave the range.

    Raises:
        DataError: If a value is infinite.
    """
    if np.isinf(planes.array).any():
        msg = f"{planes.kind} must hold numbers or NaN, got infinite values"
        raise DataError(msg)
    known = planes.array[np.isfinite(planes.array)]
    largest = float(np.abs(known).max()) if known.size else 0.0
    most = max(largest, *map(abs, planes.spec.value_range))
    return float(2.0 ** math.ceil(math.log2(most / _MOST)))


def to_stored(values: FloatArray, step: float) -> NDArray[np.int16]:
    """Round values to whole steps; what is not known becomes padding."""
    known = np.isfinite(values)
    rounded = np.rint(np.where(known, values, 0).astype(np.float64) / step)
    return np.where(known, rounded, _PADDING).astype("<i2")


def _describe(image: Dataset, planes: Planes, slope: float) -> None:
    low, high = planes.spec.value_range
    image.SOPClassUID = CTImageStorage
    image.Modality = "CT"
    image.ImageType = ["DERIVED", "SECONDARY", "AXIAL", planes.kind.upper()]
    image.SeriesNumber = series_number(planes.kind, _HUNDREDS)
    image.PatientPosition = image.KVP = image.AcquisitionNumber = None
    image.SliceThickness = image.SpacingBetweenSlices = f"{planes.spacing[2]:.10g}"
    image.RescaleIntercept = "0"
    image.RescaleSlope = repr(slope)
    image.RescaleType = planes.spec.unit
    image.WindowCenter, image.WindowWidth = f"{(low + high) / 2:g}", f"{high - low:g}"
    image.WindowCenterWidthExplanation = f"{planes.spec.title} {planes.spec.unit}"
    mapping = value_mapping(planes.spec, (-_MOST, _MOST), slope)
    mapping["RealWorldValueFirstValueMapped"].VR = "SS"
    mapping["RealWorldValueLastValueMapped"].VR = "SS"
    image.RealWorldValueMappingSequence = [mapping]


def _store(image: Dataset, stored: NDArray[np.int16]) -> None:
    image.SamplesPerPixel = 1
    image.PhotometricInterpretation = "MONOCHROME2"
    image.Rows, image.Columns = stored.shape
    image.BitsAllocated = image.BitsStored = 16
    image.HighBit = 15
    image.PixelRepresentation = 1
    image.PixelPaddingValue = _PADDING
    image.PixelData = np.ascontiguousarray(stored).tobytes()
