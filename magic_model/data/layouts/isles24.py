"""ISLES 2024: non-contrast CT, CBF, CBV, MTT, Tmax on its grid, the raw series."""

import re
from collections.abc import Iterable
from pathlib import Path

from magic_model.data.layouts.raw_series import RawSeries, nifti_series
from magic_model.data.layouts.source import PatientSource, nifti_files, nifti_source
from magic_model.data.volume import Kind

LOOKS_FOR = (
    "[train/]raw_data/sub-stroke*/ses-01/*_ncct.nii.gz and "
    "[train/]derivatives/sub-stroke*/ses-01/**/*_space-ncct_cbf.nii.gz (cbv, mtt, "
    "tmax, ctp)"
)

_MAPS = (Kind.CBF, Kind.CBV, Kind.MTT, Kind.TMAX)
_SLAB = "maps may cover fewer slices than the NCCT and are empty outside"
_LESION = (
    "lesion mask left out: it shows the final infarct on follow-up diffusion MRI, "
    "not the core at admission"
)
_RAW_PLACE = (
    "the CT perfusion series is that of raw_data, whose header may place it beside the "
    "NCCT by centimetres: look at the overlap, or import with --register"
)
_RAW_BESIDE_MAPS = (
    "maps that are missing were not computed: the CT perfusion series lies in raw_data "
    "alone, not where the maps lie"
)


def find_isles24(root: Path) -> list[PatientSource]:
    """Find the subjects below `root` or `root/train`.

    The NCCT lies in `raw_data` alone; the maps are those of `derivatives`, which lie on
    the NCCT's grid, never the raw ones, whose headers may be off by centimetres.
    Spellings of the earlier releases are accepted: `rawdata`, `sub-strokecase*`,
    `ses-0001`, lesion masks without `space-ncct`.
    """
    base = root / "train" if (root / "train").is_dir() else root
    raw = [*_subjects(base / "raw_data"), *_subjects(base / "rawdata")]
    derived = _subjects(base / "derivatives")
    return [
        _source(
            name,
            [folder for folder in raw if folder.name == name],
            [folder for folder in derived if folder.name == name],
        )
        for name in sorted({folder.name for folder in [*raw, *derived]})
    ]


def _subjects(folder: Path) -> list[Path]:
    return [path for path in folder.glob("sub-stroke*") if path.is_dir()]


def _source(name: str, raw: list[Path], derived: list[Path]) -> PatientSource:
    candidates = {Kind.NCCT: _at_admission(raw, "_ncct")}
    for kind in _MAPS:
        candidates[kind] = _at_admission(derived, f"_space-ncct_{kind}")
    raw_series, said = _series(raw, derived, bool(candidates[Kind.CBF]))
    has_lesion = any(nifti_files(folder, "lesion-msk") for folder in [*raw, *derived])
    notes = [_SLAB, *said, *([_LESION] if has_lesion else [])]
    return nifti_source(name, candidates, notes, raw_series)


def _series(
    raw: list[Path], derived: list[Path], has_maps: bool
) -> tuple[RawSeries | None, list[str]]:
    """Return the series on the NCCT's grid, else the raw one, and what must be known.

    Maps of a raw series are not put beside those on the NCCT's grid.
    """
    on_grid = _at_admission(derived, "_space-ncct_ctp")
    if on_grid:
        return nifti_series(on_grid), []
    found = nifti_series(_at_admission(raw, "_ctp"))
    if found is None:
        return None, []
    if has_maps:
        return None, [_RAW_BESIDE_MAPS]
    return found, [_RAW_PLACE]


def _at_admission(subjects: Iterable[Path], ending: str) -> list[Path]:
    """Files of the first session, which earlier releases number with four digits."""
    return [
        path
        for subject in subjects
        for session in sorted(subject.glob("ses-*"))
        if re.fullmatch(r"ses-0*1", session.name)
        for path in nifti_files(session, ending)
    ]
