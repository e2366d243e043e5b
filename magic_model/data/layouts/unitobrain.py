"""UniToBrain: perfusion CT and its CBF, CBV, MTT and TTP maps, all DICOM."""

from collections import defaultdict
from functools import partial
from pathlib import Path

from magic_model.data.layouts.cine import mean_before_contrast, time_frames
from magic_model.data.layouts.series import read_series
from magic_model.data.layouts.source import (
    ImageLoader,
    PatientSource,
    missing,
    refuse,
)
from magic_model.data.volume import Kind, Volume
from magic_model.errors import DataError

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


def find_unitobrain(root: Path) -> list[PatientSource]:
    """Find the patients by the folders of their registered series and their maps.

    The unregistered series (`MOL-001`) and the delay map are not read.
    """
    folders: dict[str, list[Path]] = defaultdict(list)
    for pattern in ("MOL-*_*", "*/MOL-*_*"):
        for folder in sorted(filter(Path.is_dir, root.glob(pattern))):
            folders[folder.name.partition("_")[0]].append(folder)
    return [_source(name, found) for name, found in sorted(folders.items())]


def _source(name: str, folders: list[Path]) -> PatientSource:
    maps = [folder for folder in folders if folder.name.endswith(_MAPS_ENDING)]
    candidates = {Kind.NCCT: [folder for folder in folders if folder not in maps]}
    for kind in _MAPS:
        inside = [folder / f"NLR_{kind.value.upper()}" for folder in maps]
        candidates[kind] = [folder for folder in inside if folder.is_dir()]
    absent = missing(kind for kind, found in candidates.items() if not found)
    surrogate = (_SURROGATE,) if candidates[Kind.NCCT] else ()
    return PatientSource(
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
    )


def _loader(kind: Kind, folders: list[Path]) -> ImageLoader:
    if len(folders) > 1:
        found = ", ".join(map(str, folders))
        return partial(refuse, f"{kind} must be one series, got {found}")
    if kind is Kind.NCCT:
        return partial(read_surrogate, folders[0])
    return partial(read_map, folders[0], kind)


def read_surrogate(folder: Path) -> Volume:
    """Read the mean of the frames before the contrast arrives, in place of an NCCT.

    Raises:
        DataError: If the series cannot be read or shows no bolus.
    """
    try:
        return mean_before_contrast(time_frames(_files(folder)))
    except DataError as error:
        msg = f"{folder}: {error}"
        raise DataError(msg) from error


def read_map(folder: Path, kind: Kind) -> Volume:
    """Read a map.

    Raises:
        DataError: If the folder holds no map series.
    """
    return read_series(_files(folder), kind)


def _files(folder: Path) -> list[Path]:
    paths = _listed(folder)
    if not paths:
        msg = f"{folder} must hold a DICOM series, got no file"
        raise DataError(msg)
    return paths


def _listed(folder: Path) -> list[Path]:
    return sorted(p for p in folder.glob("*") if p.is_file() and p.name[0] != ".")
