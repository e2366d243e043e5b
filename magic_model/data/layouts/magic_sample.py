"""The sample of the paper's authors: slices as 8-bit montages of five panels."""

import re
from collections.abc import Sequence
from functools import partial
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_fill_holes

from magic_model.data.layouts.source import ImageLoader, PatientSource, refuse
from magic_model.data.volume import FloatArray, Kind, Volume
from magic_model.errors import DataError
from magic_model.maps import MAP_SPECS, PerfusionMap

_PANELS = (Kind.NCCT, Kind.MTT, Kind.TTP, Kind.CBF, Kind.CBV)
"""From left to right."""

_SIDE = 256
_SHAPE = (_SIDE, _SIDE * len(_PANELS), 3)
_NCCT_WINDOW = (0.0, 80.0)  # HU; centre 40, width 80, paper 2.1
_MAP_SPACING = 10.0  # mm, nominal
_NCCT_OFFSETS = (-4.0, -2.0, 0.0, 2.0, 4.0)  # mm from the height of the maps

_Pixels = NDArray[np.uint8]


LOOKS_FOR = "[train|test/]<patient>_<slice>.png or .bmp, 1280 x 256 pixels in RGB"

_NAME = re.compile(r"(?P<patient>[^.].*)_(?P<slice>\d+)\.(png|bmp)", re.IGNORECASE)

_NOTES = (
    "true scale of the maps is not known: grey levels are read as the ranges of the "
    "paper, which the factor s of the central volume relation contradicts",
    "geometry is not known: 1 mm pixels, 10 mm slices and the patient's right on the "
    "left of the picture are nominal, so volumes in mL mean nothing",
    "8 bit and skull-stripped: the background is 0 HU and 0 in the maps, values are "
    "cut off at both ends; NCCT and maps are not quite on one grid",
)


def find_magic_sample(root: Path) -> list[PatientSource]:
    """Find the patients in `root`, `root/train` and `root/test`.

    Slices are stacked by number, from the base of the skull upwards as in the sample.
    """
    return [
        _source(patient, tuple(paths))
        for folder in (root, root / "train", root / "test")
        for patient, paths in groupby(_montages(folder), key=_patient)
    ]


def _read_panels(paths: Sequence[Path], kind: Kind) -> Volume:
    """Read the same panel of each montage as a volume.

    The panels of the maps are grey: red, green and blue are equal. Those of the NCCT
    hold three slices: green the one at the height of the maps, red the one 4 mm below,
    blue the one 4 mm above. (That red is below and that slices are about 10 mm apart
    shows in the sample, where blue resembles the red of the next slice more than its
    own green.) The NCCT therefore becomes a volume of 2 mm slices, those in between
    being the mean of their neighbours, so that a look-up at 0 and +-4 mm gives the
    three slices back.

    Args:
        paths: Montages of a patient from the base of the skull upwards.
        kind: One of `_PANELS`.

    Returns:
        A map: `(256, 256, slices)` in its unit, 10 mm apart, grey levels 0 to 255 being
        the range of `MAP_SPECS`. The NCCT: `(256, 256, 5 slices)` in HU, 2 mm apart,
        grey levels being 0 to 80 HU.

    Raises:
        DataError: If a montage cannot be read, has another size or mode, or has a
            coloured map.
    """
    if kind is Kind.NCCT:
        grey = np.concatenate([_sub_slices(_panel(path, kind)) for path in paths])
        return Volume(_values(grey, _NCCT_WINDOW), _ncct_affine(), kind)
    grey = np.stack([_grey(_panel(path, kind), path) for path in paths])
    value_range = MAP_SPECS[PerfusionMap(kind.value)].value_range
    return Volume(_values(grey, value_range), _affine(0.0, _MAP_SPACING), kind)


def _read_brain_mask(paths: Sequence[Path]) -> Volume:
    """Tell the brain from the background of the skull-stripped NCCT, on its grid.

    Raises:
        DataError: As `_read_panels`.
    """
    ncct = _read_panels(paths, Kind.NCCT)
    filled = [binary_fill_holes(level) for level in np.moveaxis(ncct.array > 0, 2, 0)]
    return ncct.with_array(np.stack(filled, axis=2), Kind.BRAIN_MASK)


def _panel(path: Path, kind: Kind) -> _Pixels:
    """Return `(rows, columns, RGB)` of one panel."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            mode, pixels = image.mode, np.asarray(image)
    except (OSError, SyntaxError, ValueError) as error:
        msg = f"{path}: not a readable picture ({error})"
        raise DataError(msg) from error
    if mode != "RGB" or pixels.shape != _SHAPE:
        size = " x ".join(map(str, pixels.shape[1::-1]))
        msg = f"{path} must be 1280 x 256 pixels in RGB, got {size} in {mode}"
        raise DataError(msg)
    left = _PANELS.index(kind) * _SIDE
    return pixels[:, left : left + _SIDE]


def _sub_slices(panel: _Pixels) -> FloatArray:
    """Return `(5, rows, columns)` at `_NCCT_OFFSETS`."""
    below, level, above = np.moveaxis(panel.astype(np.float32), 2, 0)
    return np.stack([below, (below + level) / 2, level, (level + above) / 2, above])


def _grey(panel: _Pixels, path: Path) -> FloatArray:
    spread = int(np.ptp(panel, axis=2).max())
    if spread:
        msg = f"{path}: maps must be grey, got colours {spread} levels apart"
        raise DataError(msg)
    return panel[..., 0].astype(np.float32)


def _values(grey: FloatArray, value_range: tuple[float, float]) -> FloatArray:
    """Turn `(slices, rows, columns)` of grey levels into `(x, y, z)` of values."""
    low, high = value_range
    return (low + grey.T * ((high - low) / 255)).astype(np.float32)


def _ncct_affine() -> NDArray[np.float64]:
    return _affine(_NCCT_OFFSETS[0], _NCCT_OFFSETS[1] - _NCCT_OFFSETS[0])


def _affine(first: float, spacing: float) -> NDArray[np.float64]:
    """Columns run to the patient's left, rows to the back, slices upwards."""
    affine = np.diag([-1.0, -1.0, spacing, 1.0])
    affine[:3, 3] = _SIDE / 2, _SIDE / 2, first
    return affine


def _montages(folder: Path) -> list[Path]:
    paths = [path for path in folder.glob("*") if _NAME.fullmatch(path.name)]
    return sorted(paths, key=lambda path: (_patient(path), _number(path), path.name))


def _patient(path: Path) -> str:
    return path.stem.rpartition("_")[0]


def _number(path: Path) -> int:
    return int(path.stem.rpartition("_")[2])


def _source(patient: str, paths: tuple[Path, ...]) -> PatientSource:
    neighbours = [(_number(low), _number(high)) for low, high in pairwise(paths)]
    gaps = [
        f"no slices between {low} and {high}: these two are stacked as neighbours"
        for low, high in neighbours
        if high > low + 1
    ]
    images: dict[Kind, ImageLoader]
    images = {kind: partial(_read_panels, paths, kind) for kind in _PANELS}
    images[Kind.BRAIN_MASK] = partial(_read_brain_mask, paths)
    twice = [low for low, high in neighbours if low == high]
    if twice:
        message = f"slice {twice[0]} of {patient} must be one picture, got two"
        images = dict.fromkeys(images, partial(refuse, message))
    return PatientSource(patient, images, paths, (*_NOTES, *gaps))
