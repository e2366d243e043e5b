"""UniToBrain: perfusion CT and its CBF, CBV, MTT and TTP maps, all DICOM."""

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from magic_model.data.layouts import raw_series, source
from magic_model.data.volume import FloatArray, Kind, Volume
from magic_model.errors import DataError

if TYPE_CHECKING:
    from magic_model.perfusion.opening import AnySeries

_START_FRAMES = 3
_ARRIVED_AT = 0.1  # share of the rise, a common mark of bolus arrival
_SMALLEST_RISE = 1.0  # HU in the mean of the head; noise of that mean is far smaller


def pre_contrast_frames(curve: ArrayLike) -> int:
    """Count the frames before the bolus arrives.

    The bolus has arrived in the first frame that lies above the start by a tenth of the
    rise; the start is the median of the first three frames, the rise that of the
    highest frame above it.

    Args:
        curve: `(frames,)` mean CT number over the head in HU, in order of time.

    Returns:
        Number of frames from the first that show no contrast, 1 or more.

    Raises:
        DataError: If the curve does not rise, or from the first frame on.

    Examples:
        >>> pre_contrast_frames([30.0, 30.1, 29.9, 30.0, 34.0, 40.0, 33.0])
        4
    """
    values = np.asarray(curve, dtype=np.float64)
    start = float(np.median(values[:_START_FRAMES]))
    rise = float(values.max()) - start
    if rise < _SMALLEST_RISE:
        msg = f"the mean CT number must rise by {_SMALLEST_RISE} HU, got {rise:.2f}"
        raise DataError(msg)
    arrival = int(np.argmax(values > start + _ARRIVED_AT * rise))
    if arrival == 0:
        msg = f"the first of {len(values)} frames must be free of contrast"
        raise DataError(msg)
    return arrival


_GE_CINE_TIME = (0x0019, 0x1024)
_SOFT_TISSUE = (0.0, 100.0)  # HU

_Frame = list[Path]
"""Files of one moment, one per slice."""


def time_frames(paths: Sequence[Path]) -> list[_Frame]:
    """Group the files of a series by moment.

    Files at one height (`ImagePositionPatient[2]`) are put in order of time. GE cine
    series tell it in a private field, (0019,1024), while their AcquisitionTime is the
    same for all; where that is missing, InstanceNumber gives the order.

    Raises:
        DataError: If a file is no DICOM image or heights differ in their frames.
    """
    at_height: dict[float, list[tuple[float, int, Path]]] = defaultdict(list)
    for path in paths:
        height, time, number = _place(path)
        at_height[height].append((time, number, path))
    counts = {height: len(files) for height, files in at_height.items()}
    if len(set(counts.values())) > 1:
        msg = (
            f"each height must have as many frames, got {dict(sorted(counts.items()))}"
        )
        raise DataError(msg)
    columns = [[path for *_, path in sorted(files)] for files in at_height.values()]
    return [list(frame) for frame in zip(*columns, strict=True)]


LOOKS_FOR = (
    "[DeepHealth_IEEE/]MOL-001_Registered_Filtered_3mm_20HU/*.dcm and "
    "[DeepHealth_IEEE/]MOL-001_Registered_Filtered_3mm_20HU_Maps/NLR_CBF/*.dcm "
    "(NLR_CBV, NLR_MTT, NLR_TTP)"
)

_MAPS = (Kind.CBF, Kind.CBV, Kind.MTT, Kind.TTP)
_MAPS_ENDING = "_Maps"
_SURROGATE = (
    "NCCT is a surrogate: the mean of the frames before the contrast arrives, taken at "
    "80 kVp, so other CT numbers and more noise than a non-contrast CT"
)


def find_unitobrain(root: Path) -> list[source.PatientSource]:
    """Find the patients by the folders of their registered series and their maps.

    The unregistered series (`MOL-001`) and the delay map are not read.
    """
    folders: dict[str, list[Path]] = defaultdict(list)
    for pattern in ("MOL-*_*", "*/MOL-*_*"):
        for folder in sorted(filter(Path.is_dir, root.glob(pattern))):
            folders[folder.name.partition("_")[0]].append(folder)
    return [_source(name, found) for name, found in sorted(folders.items())]


def read_surrogate(folder: Path) -> Volume:
    """Read the mean of the frames before the contrast arrives, in place of an NCCT.

    Raises:
        DataError: If the series cannot be read or shows no bolus.
    """
    try:
        return _mean_before_contrast(time_frames(_files(folder)))
    except DataError as error:
        msg = f"{folder}: {error}"
        raise DataError(msg) from error


def read_raw(folder: Path) -> "AnySeries":
    """Read the registered series over time.

    Raises:
        DataError: If it cannot be read, or its files tell no time.
    """
    from magic_model.perfusion.opening import open_series

    return open_series(folder)


def read_map(folder: Path, kind: Kind) -> Volume:
    """Read a map.

    Raises:
        DataError: If the folder holds no map series.
    """
    return source.read_series(_files(folder), kind)


def _mean_before_contrast(frames: Sequence[_Frame]) -> Volume:
    """Average the frames before the bolus arrives.

    Arrival is judged by `pre_contrast_frames` from the mean over soft tissue, that is
    voxels of 0 to 100 HU in the first frame. Frames are read one at a time.

    Raises:
        DataError: If a frame cannot be read, their grids differ, or no bolus is seen.
    """
    first = source.read_series(frames[0], Kind.NCCT)
    low, high = _SOFT_TISSUE
    tissue = (first.array > low) & (first.array < high)
    if not tissue.any():
        msg = f"the first frame must show soft tissue, {low:g} to {high:g} HU"
        raise DataError(msg)
    curve = [float(_array(f, first)[tissue].mean(dtype=np.float64)) for f in frames]
    kept = frames[: pre_contrast_frames(curve)]
    total = np.zeros(first.shape, dtype=np.float64)
    for frame in kept:
        total += _array(frame, first)
    return first.with_array(total / len(kept))


def _place(path: Path) -> tuple[float, float, int]:
    """Height in mm, time in GE's own unit and number of a file."""
    from magic_model.data.dicom.files import read_header

    header = read_header(path)
    try:
        height = round(float(header.ImagePositionPatient[2]), 2)
        time = header[_GE_CINE_TIME].value if _GE_CINE_TIME in header else 0
        number = header.get("InstanceNumber", None) or 0
        return height, float(time), int(number)
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        msg = f"{path}: must tell its position and time ({error})"
        raise DataError(msg) from error


def _array(frame: _Frame, first: Volume) -> FloatArray:
    volume = source.read_series(frame, Kind.NCCT)
    if volume.shape != first.shape or not np.allclose(volume.affine, first.affine):
        msg = f"{frame[0]}: all frames must lie on one grid"
        raise DataError(msg)
    return volume.array


def _source(name: str, folders: list[Path]) -> source.PatientSource:
    maps = [folder for folder in folders if folder.name.endswith(_MAPS_ENDING)]
    candidates = {Kind.NCCT: [folder for folder in folders if folder not in maps]}
    for kind in _MAPS:
        inside = [folder / f"NLR_{kind.value.upper()}" for folder in maps]
        candidates[kind] = [folder for folder in inside if folder.is_dir()]
    absent = source.missing(kind for kind, found in candidates.items() if not found)
    surrogate = (_SURROGATE,) if candidates[Kind.NCCT] else ()
    return source.PatientSource(
        source_id=name,
        images={
            kind: _loader(kind, found) for kind, found in candidates.items() if found
        },
        files=tuple(
            path
            for found in candidates.values()
            for folder in found
            for path in _listed(folder)
        ),
        notes=(*surrogate, *absent),
        raw=_raw(candidates[Kind.NCCT]),
    )


def _raw(folders: list[Path]) -> raw_series.RawSeries | None:
    """Return the registered series; its times are looked at when it is read."""
    if len(folders) != 1:
        return None
    return raw_series.RawSeries(
        partial(read_raw, folders[0]), tuple(_listed(folders[0]))
    )


def _loader(kind: Kind, folders: list[Path]) -> source.ImageLoader:
    if len(folders) > 1:
        found = ", ".join(map(str, folders))
        return partial(source.refuse, f"{kind} must be one series, got {found}")
    if kind is Kind.NCCT:
        return partial(read_surrogate, folders[0])
    return partial(read_map, folders[0], kind)


def _files(folder: Path) -> list[Path]:
    paths = _listed(folder)
    if not paths:
        msg = f"{folder} must hold a DICOM series, got no file"
        raise DataError(msg)
    return paths


def _listed(folder: Path) -> list[Path]:
    return sorted(p for p in folder.glob("*") if p.is_file() and p.name[0] != ".")
