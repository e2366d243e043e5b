"""A perfusion map that exists as coloured pictures only, by inverting its colours."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

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

Range = tuple[float, float]

_RANGE = re.compile(r"(?P<kind>\w+)\s*=\s*(-?\d+(?:\.\d*)?)\s*:\s*(-?\d+(?:\.\d*)?)")
_ENTRIES = 32  # of a bar, to compare two
_UNLIKE = 12.0  # mean difference of a channel
_LABEL = (10, 40)  # pixels above and below the end of a bar, and beside it
_FEWEST_TEXT = 3  # pixels
_BRIGHT, _DARK = 128, 60

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


def parse_ranges(text: str) -> dict[Kind, Range]:
    """Read `cbf=0:100,tmax=0:20`: what the ends of the bars of maps stand for.

    Raises:
        DataError: If it is not of this form, or a range does not rise.

    Examples:
        >>> parse_ranges("cbf=0:100, tmax=0:20")
        {<Kind.CBF: 'cbf'>: (0.0, 100.0), <Kind.TMAX: 'tmax'>: (0.0, 20.0)}
    """
    maps = [str(name) for name in PerfusionMap]
    ranges: dict[Kind, Range] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        found = _RANGE.fullmatch(part)
        if found is None or found["kind"].lower() not in maps:
            msg = (
                "A colour range must be a map and its lowest and highest value such as "
                f"cbf=0:100, maps are {', '.join(maps)}; got {part!r}"
            )
            raise DataError(msg)
        kind, low, high = Kind(found["kind"].lower()), *map(float, found.groups()[1:])
        if kind in ranges or not low < high:
            msg = f"A colour range must be given once and rise, got {part!r}"
            raise DataError(msg)
        ranges[kind] = (low, high)
    return ranges


def read_captures(
    paths: Sequence[Path],
    kind: Kind,
    table: Path | None = None,
    value_range: Range | None = None,
) -> Volume:
    """Read the coloured pictures of a map, one slice each, in its unit.

    Args:
        paths: Pictures of one series in any order.
        kind: The map they show.
        table: Colours and their values. Without it, the bar that stands in the pictures
            is taken.
        value_range: Values at the ends of that bar, which nothing else tells.

    Returns:
        Values; 0 for the background, the bar, and what is not on the bar.

    Raises:
        DataError: If a picture cannot be read or does not tell its place in space, the
            pictures make no stack, there is neither a table nor one bar with its range,
            bars of two pictures disagree, or more than `MAX_SHARE_ABOVE` of the
            coloured pixels are off it.
    """
    planes = [_plane(path, kind) for path in paths]
    stack_planes(planes)  # refuses before the colours are looked at
    inverted = _invert(paths, kind, table, value_range)
    _require_on_bar(inverted.report, paths[0].parent, kind)
    values = [np.nan_to_num(image, nan=OUTSIDE) for image in inverted.values]
    return stack_images(planes, values.__getitem__, kind)


def describe_captures(
    paths: Sequence[Path],
    kind: Kind,
    table: Path | None = None,
    value_range: Range | None = None,
) -> str:
    """Say where the colour bar is from and how well the colours lie on it.

    Raises:
        DataError: If a picture cannot be read, or there is no bar or no range.
    """
    inverted = _invert(paths, kind, table, value_range)
    report, n_without = inverted.report, inverted.n_without_bar
    source = f"the table {TABLES}/{kind}.csv"
    if table is None and value_range is not None:
        low, high = value_range
        source = (
            f"the bar in the picture, whose ends were given as {low:g} to {high:g} "
            f"{UNITS[kind]} (s = 1 does not prove it)"
        )
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


def _invert(
    paths: Sequence[Path], kind: Kind, table: Path | None, value_range: Range | None
) -> _Inversion:
    pictures = [_picture(path) for path in paths]
    if table is not None:
        bar = colour.ColourBar.from_table(table)
    else:
        bar = _shown_bar(pictures, kind, value_range)
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


def _shown_bar(
    pictures: Sequence[_Picture], kind: Kind, value_range: Range | None
) -> colour.ColourBar:
    shown = next((picture for picture in pictures if picture.bars), pictures[0])
    if len(shown.bars) != 1:
        msg = (
            f"{shown.path}: {kind} in colour must have {TABLES}/{kind}.csv or show one "
            f"colour bar, found {len(shown.bars)}"
        )
        raise DataError(msg)
    if value_range is None:
        low, high = MAP_SPECS[PerfusionMap(kind.value)].value_range
        msg = (
            f"{shown.path}: what the ends of the colour bar of {kind} stand for must "
            "be given, the numbers beside it are not read: --colour-range "
            f"{kind}={low:g}:{high:g} if it runs so, or {TABLES}/{kind}.csv"
        )
        raise DataError(msg)
    _require_one_scale(pictures, shown, kind)
    try:
        return colour.ColourBar.from_picture(shown.rgb, shown.bars[0], *value_range)
    except DataError as error:
        msg = f"{shown.path}: {error}"
        raise DataError(msg) from error


def _require_one_scale(
    pictures: Sequence[_Picture], first: _Picture, kind: Kind
) -> None:
    """Refuse bars of one map that differ in colour, or in what is written beside."""
    for other in pictures:
        if other is first or len(other.bars) != 1:
            continue
        colours = [_bar_colours(picture) for picture in (first, other)]
        unlike = float(np.abs(colours[0] - colours[1]).mean())
        what = "colours" if unlike > _UNLIKE else ""
        if not what and _labels_differ(first, other):
            what = "numbers beside them"
        if what:
            msg = (
                f"{other.path}: the colour bars of {kind} must agree in all pictures, "
                f"the {what} differ from {first.path.name}: give {TABLES}/{kind}.csv, "
                "or import the pictures of each scale apart"
            )
            raise DataError(msg)


def _bar_colours(picture: _Picture) -> NDArray[np.float64]:
    """Colours of the one bar from its low to its high end, `(_ENTRIES, 3)`."""
    (box,) = picture.bars
    bar = colour.ColourBar.from_picture(picture.rgb, box, 0.0, 1.0)
    places = np.linspace(0, 1, _ENTRIES)
    channels = [np.interp(places, bar.values, channel) for channel in bar.colours.T]
    return np.stack(channels, axis=-1)


def _labels_differ(first: _Picture, other: _Picture) -> bool:
    """Compare what is written at the ends of two bars at one place.

    Where one of them has no text nothing can be told.
    """
    if first.rgb.shape != other.rgb.shape or first.bars != other.bars:
        return False
    for rows, columns in _beside(first.bars[0]):
        one, two = (_text(picture.rgb[rows, columns]) for picture in (first, other))
        unlike = int((np.abs(one - two) >= _BRIGHT / 2).sum())
        if one.any() and two.any() and unlike >= _FEWEST_TEXT:
            return True
    return False


def _beside(box: colour.BarBox) -> list[tuple[slice, slice]]:
    """Where the numbers at both ends of a bar stand: rows and columns of each patch."""
    around, wide = _LABEL
    if box.is_vertical:
        low, high = box.left, box.right
    else:
        low, high, around, wide = box.top, box.bottom, wide, 2 * around
    before = slice(max(0, low - wide), max(0, low - _MARGIN))
    after = slice(high + _MARGIN, high + wide)
    ends = [slice(max(0, end - around), end + around) for end in _ends(box)]
    patches = [(end, side) for end in ends for side in (before, after)]
    return patches if box.is_vertical else [(side, end) for end, side in patches]


def _ends(box: colour.BarBox) -> tuple[int, int]:
    """First and last row of an upright bar, or column of a lying one."""
    return (box.top, box.bottom) if box.is_vertical else (box.left, box.right)


def _text(patch: colour.RgbArray) -> NDArray[np.int16]:
    """Return the signs within a patch, in grey: what reaches its edge is anatomy."""
    from scipy import ndimage

    grey = patch.min(axis=-1, initial=255).astype(np.int16)
    pieces, _ = ndimage.label(patch.max(axis=-1) > _DARK, np.ones((3, 3)))
    edge = np.ones(grey.shape, np.bool_)
    edge[1:-1, 1:-1] = False
    signs = np.setdiff1d(np.unique(pieces[grey >= _BRIGHT]), np.unique(pieces[edge]))
    text: NDArray[np.int16] = np.where(np.isin(pieces, signs[signs > 0]), grey, 0)
    return text


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
