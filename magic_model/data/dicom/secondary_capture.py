"""Pictures as DICOM secondary captures: written from RGB, read to RGB."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut
from pydicom.uid import ExplicitVRLittleEndian

from magic_model.data.dicom.datasets import (
    decode_frames,
    is_colour,
    read_dataset,
    write_dataset,
)
from magic_model.data.dicom.study import (
    MANUFACTURER,
    RESEARCH_ONLY,
    StudyContext,
    new_uid,
)
from magic_model.errors import DataError

_LONGEST = 64  # characters of a series description


def write_secondary_capture(
    rgb: NDArray[np.uint8],
    path: Path,
    *,
    description: str,
    study: StudyContext | None = None,
) -> None:
    """Write a picture, such as a montage, pixel by pixel and in one step.

    It is flagged as having text burnt in, and its series says that it is for research.

    Args:
        rgb: `(height, width, 3)`, seen as on a screen: patient's left to the right.
        path: The file.
        description: What it shows; never a patient's name.
        study: Whose picture it is; a fresh random one if left out.

    Raises:
        DataError: If the picture has another shape or type, the description is too
            long, or the file cannot be written.
    """
    import highdicom as hd

    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        msg = f"A picture must be (h, w, 3) of uint8, got {rgb.shape} of {rgb.dtype}"
        raise DataError(msg)
    series = f"{RESEARCH_ONLY}: {description}"
    if len(series) > _LONGEST:
        msg = f"A series description must have at most {_LONGEST} signs, got {series!r}"
        raise DataError(msg)
    study = study or StudyContext()
    dataset: Dataset = hd.sc.SCImage(
        pixel_array=np.ascontiguousarray(rgb),
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        study_instance_uid=study.study_uid,
        series_instance_uid=new_uid(),
        series_number=100,  # after the maps
        sop_instance_uid=new_uid(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        patient_orientation=("L", "P"),
        series_description=series,
        transfer_syntax_uid=ExplicitVRLittleEndian,
    )
    study.mark(dataset)
    dataset.BurnedInAnnotation = "YES"
    write_dataset(dataset, path)


def read_picture(path: Path) -> NDArray[np.uint8]:
    """Read a colour picture of one frame as RGB, `(height, width, 3)`.

    Raises:
        DataError: If it cannot be read, is grey, or is not one frame of 8 bits.
    """
    dataset = read_dataset(path)
    if dataset.get("PhotometricInterpretation", None) == "PALETTE COLOR":
        wide = apply_color_lut(decode_frames(dataset, path)[0], dataset)
        bits = int(dataset.RedPaletteColorLookupTableDescriptor[2])
        return np.asarray(wide >> (bits - 8), dtype=np.uint8)
    if not is_colour(dataset):
        msg = f"{path}: must be a colour picture, is grey"
        raise DataError(msg)
    pixels = decode_frames(dataset, path)
    if len(pixels) != 1 or pixels.dtype != np.uint8:
        msg = f"{path}: must be one frame of 8 bits, got {len(pixels)} {pixels.dtype}"
        raise DataError(msg)
    picture: NDArray[np.uint8] = pixels[0].astype(np.uint8)
    return picture
