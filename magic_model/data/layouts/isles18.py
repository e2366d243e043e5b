"""ISLES 2018: CT and CBF, CBV, MTT, Tmax on the grid of the slab, the raw series."""

from pathlib import Path

from magic_model.data.layouts.raw_series import nifti_series
from magic_model.data.layouts.source import PatientSource, nifti_files, nifti_source
from magic_model.data.volume import Kind

LOOKS_FOR = "[TRAINING|TESTING/]case_*/*.CT.*/*.nii and *.CT_CBF.* (CBV, MTT, Tmax)"

_MARKS = {
    Kind.NCCT: ".CT.",
    Kind.CBF: ".CT_CBF.",
    Kind.CBV: ".CT_CBV.",
    Kind.MTT: ".CT_MTT.",
    Kind.TMAX: ".CT_Tmax.",
}
_LESION_MARK = ".OT."
_SERIES_MARK = ".CT_4DPWI."
_SCALE = (
    "CBF and CBV are whole numbers scaled by an undocumented factor, passed through "
    "as they are: see the factor s of the central volume relation"
)
_SAME_PATIENT = (
    "cases are scans, not patients (94 of 63 in the training part), and which belong "
    "together is not told: a split by case may put one patient on both sides"
)
_LESION = "lesion mask left out: it is outlined on diffusion MRI, not on perfusion CT"


def find_isles18(root: Path) -> list[PatientSource]:
    """Find the cases below `root` or its folders TRAINING and TESTING.

    A case is named with its folder, such as `TRAINING/case_1`, because both parts
    number theirs from 1. Files are known by a part of their name; TTP comes from the
    time series (`CT_4DPWI`).
    """
    cases = [
        folder
        for pattern in ("case_*", "*/case_*")
        for folder in root.glob(pattern)
        if folder.is_dir()
    ]
    return [_source(root, case) for case in sorted(cases, key=_order)]


def _order(case: Path) -> tuple[str, int, str]:
    number = case.name.removeprefix("case_")
    return str(case.parent), int(number) if number.isdecimal() else 0, number


def _source(root: Path, case: Path) -> PatientSource:
    files = nifti_files(case)
    candidates = {kind: _marked(files, mark) for kind, mark in _MARKS.items()}
    has_lesion = bool(_marked(files, _LESION_MARK))
    notes = [_SCALE, _SAME_PATIENT, *([_LESION] if has_lesion else [])]
    raw = nifti_series(_marked(files, _SERIES_MARK))
    return nifti_source(case.relative_to(root).as_posix(), candidates, notes, raw)


def _marked(files: list[Path], mark: str) -> list[Path]:
    return [path for path in files if mark.lower() in path.name.lower()]
