"""A map as coloured pictures with a colour bar and a warning in the pixels."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

from magic_model.colours import LEVELS, RgbArray, colour_map
from magic_model.data.dicom import study as dicom_study
from magic_model.data.dicom.files import write_dataset
from magic_model.data.volume import Volume
from magic_model.derivatives.planes import (
    Plane,
    Planes,
    image_header,
    place,
    series_number,
)

FORM = "colour"

SIDE = 384
"""Pixels of the longer side of a slice in its picture."""

_BAND = 32  # pixels above and below the slice
_BAR_WIDTH, _BAR_AT = 24, 20  # to the right of the slice
_RIGHT = 112
_HUNDREDS = 1
_WHITE, _GREY, _WARNING = (235, 235, 235), (150, 150, 150), (255, 200, 60)
_LARGE, _SMALL = 18, 14


class Picture(NamedTuple):
    """A drawn slice.

    Attributes:
        rgb: `(height, width, 3)`.
        corner: Row and column of the slice's first pixel.
        pixels: Rows and columns of the slice.
    """

    rgb: RgbArray
    corner: tuple[int, int]
    pixels: tuple[int, int]


def write_colour_captures(
    volume: Volume,
    folder: Path,
    *,
    source: Sequence[Dataset] = (),
    study: dicom_study.StudyContext | None = None,
) -> list[Path]:
    """Write a map as secondary captures, a file per slice.

    Args:
        volume: A perfusion map; its axes at right angles.
        folder: Folder of the series.
        source: Headers of the images that the map was computed from.
        study: Whose map it is; a fresh random one if left out.

    Returns:
        The files, from the base of the skull up.

    Raises:
        DataError: If the volume is sheared; if the study's patient id is the source's;
            or a file cannot be written.
    """
    study = study or dicom_study.StudyContext()
    study.require_not_from(source)
    planes = Planes.of_volume(volume)
    files = []
    for plane in planes:
        image = image_header(planes, plane, study, FORM)
        picture = draw_capture(planes, plane, study.use)
        _store(image, picture, planes, plane)
        study.refer_to(image, source)
        files.append(folder / f"{plane.number:03d}.dcm")
        dicom_study.require_anonymous(image, files[-1])
        write_dataset(image, files[-1])
    return files


def draw_capture(planes: Planes, plane: Plane, warning: str) -> Picture:
    """Draw a slice, its colour bar with the unit, the sides, and a warning.

    A voxel is drawn in one colour: pixels are repeated, not interpolated.
    """
    rows, columns = _pixels(planes)
    height = _BAND + SIDE + _BAND
    canvas = Image.new("RGB", (SIDE + _RIGHT, height))
    draw = ImageDraw.Draw(canvas)
    spec = planes.spec
    of_all = f"slice {plane.number}/{planes.array.shape[2]}"
    draw.text((8, 6), f"{spec.title}  {spec.unit}", _WHITE, _font(_LARGE))
    draw.text((SIDE - 8, 8), of_all, _GREY, _font(_SMALL), anchor="ra")
    for side, at, anchor in (("R", 6, "lm"), ("L", SIDE - 6, "rm")):
        middle = _BAND + SIDE / 2
        draw.text((at, middle), side, _GREY, _font(_SMALL), anchor=anchor)
    bottom = (8, height - _BAND / 2)
    draw.text(bottom, warning, _WARNING, _font(_LARGE), anchor="lm")
    _write_ticks(draw, spec.value_range)
    rgb = np.array(canvas)
    _paint_bar(rgb, planes)
    top, left = _BAND + (SIDE - rows) // 2, (SIDE - columns) // 2
    shown = _repeated(colour_map(plane.values, planes.kind), rows, columns)
    # What is black in a map, such as all outside the brain, leaves room for the sides.
    area = rgb[top : top + rows, left : left + columns]
    area[shown.any(-1)] = shown[shown.any(-1)]
    return Picture(rgb, (top, left), (rows, columns))


def _pixels(planes: Planes) -> tuple[int, int]:
    """Return rows and columns of a slice so that a mm is as long either way."""
    columns, rows, _ = planes.array.shape
    width, height = columns * planes.spacing[0], rows * planes.spacing[1]
    scale = SIDE / max(width, height)
    return max(1, round(height * scale)), max(1, round(width * scale))


def _repeated(rgb: RgbArray, rows: int, columns: int) -> RgbArray:
    i = np.arange(rows) * rgb.shape[0] // rows
    j = np.arange(columns) * rgb.shape[1] // columns
    repeated: RgbArray = rgb[i][:, j]
    return repeated


def _paint_bar(rgb: RgbArray, planes: Planes) -> None:
    """Paint the bar, high values above, in a frame so that its black end is seen."""
    low, high = planes.spec.value_range
    top, left = _bar_corner()
    share = np.linspace(1, 0, LEVELS)[:, np.newaxis]
    colours = colour_map(low + share * (high - low), planes.kind)
    rgb[top - 1 : top + LEVELS + 1, left - 1 : left + _BAR_WIDTH + 1] = _GREY
    rgb[top : top + LEVELS, left : left + _BAR_WIDTH] = colours


def _bar_corner() -> tuple[int, int]:
    return _BAND + (SIDE - LEVELS) // 2, SIDE + _BAR_AT


def _write_ticks(draw: ImageDraw.ImageDraw, limits: tuple[float, float]) -> None:
    low, high = limits
    top, left = _bar_corner()
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        at = (left + _BAR_WIDTH + 6, top + (1 - share) * (LEVELS - 1))
        text = f"{low + share * (high - low):g}"
        draw.text(at, text, _WHITE, _font(_SMALL), anchor="lm")


def _font(size: int) -> ImageFont.FreeTypeFont:
    from matplotlib import get_data_path

    file = Path(get_data_path()) / "fonts/ttf/DejaVuSans.ttf"
    return ImageFont.truetype(file, size, layout_engine=ImageFont.Layout.BASIC)


def _store(image: Dataset, picture: Picture, planes: Planes, plane: Plane) -> None:
    image.SOPClassUID = SecondaryCaptureImageStorage
    image.Modality = "OT"
    image.ConversionType = "WSD"
    image.ImageType = ["DERIVED", "SECONDARY", "OTHER", planes.kind.upper()]
    image.SeriesNumber = series_number(planes.kind, _HUNDREDS)
    image.PatientOrientation = ["L", "P"]
    image.ImageComments = f"{image.DerivationDescription}; colours: see the bar"
    _place(image, picture, planes, plane)
    image.SamplesPerPixel, image.PlanarConfiguration = 3, 0
    image.PhotometricInterpretation = "RGB"
    image.Rows, image.Columns = picture.rgb.shape[:2]
    image.BitsAllocated = image.BitsStored = 8
    image.HighBit, image.PixelRepresentation = 7, 0
    image.PixelData = np.ascontiguousarray(picture.rgb).tobytes()


def _place(image: Dataset, picture: Picture, planes: Planes, plane: Plane) -> None:
    """Write the place of the whole picture, of which the slice is a part."""
    columns, rows, _ = planes.array.shape
    drawn_rows, drawn_columns = picture.pixels
    # Voxels per pixel; the first pixel's centre lies within the first voxel.
    down, along = rows / drawn_rows, columns / drawn_columns
    top, left = picture.corner
    index = np.array([
        (0.5 - left) * along - 0.5,
        (0.5 - top) * down - 0.5,
        plane.number - 1,
        1.0,
    ])  # fmt: skip
    x, y, z = (planes.lps @ index)[:3]
    spacing = (down * planes.spacing[1], along * planes.spacing[0])
    place(image, (float(x), float(y), float(z)), spacing)
