"""ISLES 2024: non-contrast CT and CBF, CBV, MTT, Tmax on its grid."""

import re
from collections.abc import Iterable
from pathlib import Path

from magic_model.data.layouts.source import PatientSource, nifti_files, nifti_source
from magic_model.data.volume import Kind

LOOKS_FOR = (
    "[train/]raw_data/sub-stroke*/ses-01/*_ncct.nii.gz and "
    "[train/]derivatives/sub-stroke*/ses-01/**/*_space-ncct_cbf.nii.gz (cbv, mtt, tmax)"
)

_MAPS = (Kind.CBF, Kind.CBV, Kind.MTT, Kind.TMAX)
_SLAB = "maps may cover fewer slices than the NCCT and are empty outside"
_LESION = (
    "lesion mask left out: it shows the final infarct on follow-up diffusion MRI, "
    "not the core at admission"
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
    has_lesion = any(nifti_files(folder, "lesion-msk") for folder in [*raw, *derived])
    return nifti_source(name, candidates, [_SLAB, _LESION] if has_lesion else [_SLAB])


def _at_admission(subjects: Iterable[Path], ending: str) -> list[Path]:
    """Files of the first session, which earlier releases number with four digits."""
    return [
        path
        for subject in subjects
        for session in sorted(subject.glob("ses-*"))
        if re.fullmatch(r"ses-0*1", session.name)
        for path in nifti_files(session, ending)
    ]
