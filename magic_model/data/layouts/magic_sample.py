"""The sample of the paper's authors: slices as 8-bit montages of five panels."""

import re
from functools import partial
from itertools import groupby, pairwise
from pathlib import Path

from magic_model.data.layouts.panels import PANELS, read_brain_mask, read_panels
from magic_model.data.layouts.source import ImageLoader, PatientSource, refuse
from magic_model.data.volume import Kind

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
    images = {kind: partial(read_panels, paths, kind) for kind in PANELS}
    images[Kind.BRAIN_MASK] = partial(read_brain_mask, paths)
    twice = [low for low, high in neighbours if low == high]
    if twice:
        message = f"slice {twice[0]} of {patient} must be one picture, got two"
        images = dict.fromkeys(images, partial(refuse, message))
    return PatientSource(patient, images, paths, (*_NOTES, *gaps))
