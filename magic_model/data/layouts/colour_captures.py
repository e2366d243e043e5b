"""A perfusion map that exists as coloured pictures only, by inverting its colours."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from magic_model.data.dicom import colour
from magic_model.data.dicom.files import naming, read_header
from magic_model.data.dicom.frames import Frame, Plane, stack_images, stack_planes
from magic_model.data.dicom.perfusion import OUTSIDE
from magic_model.data.volume import UNITS, FloatArray, Kind, Volume
from magic_model.errors import DataError
from magic_model.maps import MAP_SPECS, PerfusionMap

TABLES = "colour-bars"
"""Folder in the root of a data set: `<kind>.csv`, columns value, red, green, blue."""

MAX_SHARE_ABOVE = 0.05
"""Largest share of the coloured pixels that may lie off the bar.

Of a synthetic head of 512 x 512, 2 to 3 % are off the bar after smoothing by 0.7 pixels
or JPEG of quality 95, about 5 % after quality 75, and all where colours are blended
with grey anatomy.
"""

_MARGIN = 2  # pixels around a bar into which a smoothed screen blends it
_GEOMETRY = {
    "ImagePositionPatient": "PlanePositionSequence",
    "ImageOrientationPatient": "PlaneOrientationSequence",
    "PixelSpacing": "PixelMeasuresSequence",
}


@dataclass(frozen=True, eq=False)
class _Picture:
    """RGB `(h, w, 3)` of a file and the colour bars in it."""

    path: Path
    rgb: colour.RgbArray
    bars: Sequence[colour.BarBox]

    def without_bars(self) -> colour.RgbArray:
        """Return the picture, its bars in black: their colours are no measurement."""
        blank = self.rgb.copy()
        for bar in self.bars:
            rows = slice(max(bar.top - _MARGIN, 0), bar.bottom + _MARGIN)
            columns = slice(max(bar.left - _MARGIN, 0), bar.right + _MARGIN)
            blank[rows, columns] = 0
        return blank


@dataclass(frozen=True, eq=False)
class _Inversion:
    """Values of each picture, NaN off the bar, and how well all lie on it."""

    values: Sequence[FloatArray]
    report: colour.ResidualReport
    n_without_bar: int


def read_captures(
    paths: Sequence[Path], kind: Kind, table: Path | None = None
) -> Volume:
    """Read the coloured pictures of a map, one slice each, in its unit.

    Args:
        paths: Pictures of one series in any order.
        kind: The map they show.
        table: Colours and their values. Without it, the first bar that stands in a
            picture is taken to cover the range of `MAP_SPECS`.

    Returns:
        Values; 0 for the background, the bar, and what is not on the bar.

    Raises:
        DataError: If a picture cannot be read or does not tell its place in space, the
            pictures make no stack, there is no bar, or more than `MAX_SHARE_ABOVE` of
            the coloured pixels are off it.
    """
    planes = [_plane(path, kind) for path in paths]
    stack_planes(planes)  # refuses before the colours are looked at
    inverted = _invert(paths, kind, table)
    _require_on_bar(inverted.report, paths[0].parent, kind)
    values = [np.nan_to_num(image, nan=OUTSIDE) for image in inverted.values]
    return stack_images(planes, values.__getitem__, kind)


def describe_captures(
    paths: Sequence[Path], kind: Kind, table: Path | None = None
) -> str:
    """Say where the colour bar is from and how well the colours lie on it.

    Raises:
        DataError: If a picture cannot be read or there is no bar.
    """
    inverted = _invert(paths, kind, table)
    report, n_without = inverted.report, inverted.n_without_bar
    low, high = _assumed_range(kind)
    source = f"the table {TABLES}/{kind}.csv"
    if table is None:
        span = f"{low:g} to {high:g} {UNITS[kind]}"
        source = f"the bar in the picture, whose range is assumed: {span}"
    left_in = f"; no bar was found to leave out in {n_without} of {len(paths)} pictures"
    return (
        f"{kind} is read from colours by {source}; distance to the bar in RGB: "
        f"median {report.median:.1f}, 95th percentile {report.percentile_95:.1f}, "
        f"above {report.bound:g} for {report.share_above:.1%} "
        f"of {report.n_pixels} coloured pixels{left_in if n_without else ''}"
    )


def _plane(path: Path, kind: Kind) -> Plane:
    """Find where a picture lies, which secondary captures need not tell."""
    header = read_header(path)
    with naming(path):
        n_frames = int(header.get("NumberOfFrames", None) or 1)
        if n_frames > 1:
            msg = f"{path}: {kind} in colour must be one slice a file, got {n_frames}"
            raise DataError(msg)
        size = int(header.get("Rows", 0)), int(header.get("Columns", 0))
        # The place is that of the picture's grid, whatever its pixels are.
        frame = Frame(path, header, 0, np.broadcast_to(np.uint8(0), size))
        lacking = [
            k for k, group in _GEOMETRY.items() if not frame.numbers(k, group).size
        ]
        if lacking:
            msg = (
                f"{path}: {kind} in colour must tell its place in space to be paired "
                f"with the NCCT, missing: {', '.join(lacking)}"
            )
            raise DataError(msg)
        return frame.plane()


def _invert(paths: Sequence[Path], kind: Kind, table: Path | None) -> _Inversion:
    pictures = [_picture(path) for path in paths]
    bar = colour.ColourBar.from_table(table) if table else _shown_bar(pictures, kind)
    blank = [picture.without_bars() for picture in pictures]
    inverted = [colour.invert_colours(rgb, bar) for rgb in blank]
    report = colour.report_residual(
        np.concatenate([rgb.reshape(-1, 3) for rgb in blank]),
        np.concatenate([residual.ravel() for _, residual in inverted]),
    )
    n_without_bar = sum(not picture.bars for picture in pictures)
    return _Inversion([values for values, _ in inverted], report, n_without_bar)


def _picture(path: Path) -> _Picture:
    with naming(path):  # a palette may be damaged
        rgb = colour.read_picture(path)
    return _Picture(path, rgb, colour.find_colour_bars(rgb))


def _shown_bar(pictures: Sequence[_Picture], kind: Kind) -> colour.ColourBar:
    shown = next((picture for picture in pictures if picture.bars), pictures[0])
    if len(shown.bars) != 1:
        msg = (
            f"{shown.path}: {kind} in colour must have {TABLES}/{kind}.csv or show one "
            f"colour bar, found {len(shown.bars)}"
        )
        raise DataError(msg)
    try:
        return colour.ColourBar.from_picture(
            shown.rgb, shown.bars[0], *_assumed_range(kind)
        )
    except DataError as error:
        msg = f"{shown.path}: {error}"
        raise DataError(msg) from error


def _assumed_range(kind: Kind) -> tuple[float, float]:
    return MAP_SPECS[PerfusionMap(kind.value)].value_range


def _require_on_bar(report: colour.ResidualReport, folder: Path, kind: Kind) -> None:
    if report.n_pixels == 0:
        msg = f"{folder}: {kind} in colour must have coloured pixels, got none"
        raise DataError(msg)
    if report.share_above > MAX_SHARE_ABOVE:
        msg = (
            f"{folder}: at most {MAX_SHARE_ABOVE:.0%} of the coloured pixels of {kind} "
            f"must be off its colour bar (farther than {report.bound:g} in RGB), "
            f"got {report.share_above:.1%}"
        )
        raise DataError(msg)
