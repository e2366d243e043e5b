"""CPAISD: non-contrast CT with masks drawn on perfusion CT, and no maps."""

import zipfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from magic_model.data.layouts import source
from magic_model.data.lesion.masks import LABELS
from magic_model.data.volume import FloatArray, Kind, Volume
from magic_model.errors import DataError

LOOKS_FOR = "[train|val|test/]<study>/<slice>/raw.dcm with mask.npz beside it"

_PARTS = ("", "train", "val", "test")
_IMAGE, _MASK = "raw.dcm", "mask.npz"
_DRAWN = (0, 1, 2)  # background, core, penumbra
_NO_ARRAY = (EOFError, KeyError, OSError, TypeError, ValueError, zipfile.BadZipFile)
"""What reading an array raises where there is none; TypeError for one without name."""

_NOTES = (
    "no perfusion maps: for evaluation only",
    "penumbra_mask is the tissue at risk: what is drawn as penumbra and the core in it",
)


def find_cpaisd(root: Path) -> list[source.PatientSource]:
    """Find the studies of all parts, or of the one part that `root` is."""
    return [
        _source(study, slices)
        for part in _PARTS
        for study in sorted((root / part).glob("*"))
        if (slices := tuple(sorted(study.glob(f"*/{_IMAGE}"))))
    ]


def _source(study: Path, slices: tuple[Path, ...]) -> source.PatientSource:
    masks = tuple(path for path in map(_mask_beside, slices) if path.is_file())
    images: dict[Kind, source.ImageLoader] = {
        Kind.NCCT: partial(source.read_series, slices, Kind.NCCT)
    }
    if masks:
        images |= {kind: partial(read_mask, slices, kind) for kind in LABELS}
    absent = source.missing(kind for kind in LABELS if kind not in images)
    return source.PatientSource(study.name, images, slices + masks, (*_NOTES, *absent))


def _mask_beside(path: Path) -> Path:
    return path.with_name(_MASK)


def read_mask(slices: Sequence[Path], kind: Kind) -> Volume:
    """Read the masks beside the slices, on the grid of the NCCT.

    Where that had to be resampled, so are they, each voxel from the nearest.

    Args:
        slices: `raw.dcm` of each slice.
        kind: `CORE_MASK`, or `PENUMBRA_MASK` for all tissue at risk: the core too.

    Raises:
        DataError: If a mask is missing, unreadable, of another size than its slice or
            holds other values than 0, 1 and 2.
    """
    from magic_model.data.dicom.files import read_header
    from magic_model.data.dicom.frames import Frame, stack_images

    planes, drawn = [], []
    for path in slices:
        header = read_header(path)
        shape = (int(header.Rows), int(header.Columns))
        drawn.append(_read_drawn(_mask_beside(path), shape))
        planes.append(Frame(path, header, 0, drawn[-1]).plane())

    def inside(index: int) -> FloatArray:
        return np.isin(drawn[index], LABELS[kind]).astype(np.float32)

    return stack_images(planes, inside, kind)


def _read_drawn(path: Path, shape: tuple[int, ...]) -> NDArray[np.number]:
    """Return `(rows, columns)` of 0, 1 and 2."""
    try:
        with path.open("rb") as file, np.load(file) as arrays:
            drawn: NDArray[np.number] = arrays["mask"]
    except _NO_ARRAY as error:
        msg = f"{path} must hold the array 'mask' ({error})"
        raise DataError(msg) from error
    if drawn.shape != shape:
        msg = f"{path} must be {shape} as its slice, got {drawn.shape}"
        raise DataError(msg)
    if not np.isin(drawn, _DRAWN).all():
        msg = f"{path} must hold 0, 1 and 2 only, got {np.unique(drawn).tolist()[:9]}"
        raise DataError(msg)
    return drawn
