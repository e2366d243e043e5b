"""The layouts by name, and the patients of a data set in one of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from magic_model.data.layouts import (
    cpaisd,
    dicom_folder,
    isles18,
    isles24,
    magic_sample,
    nifti_table,
    unitobrain,
)
from magic_model.data.layouts.raw_series import Maps
from magic_model.data.layouts.source import Layout, PatientSource
from magic_model.data.volume import Kind
from magic_model.errors import DataError

ColourRanges = Mapping[Kind, tuple[float, float]]

LAYOUTS: dict[str, Layout] = {
    "isles24": isles24.find_isles24,
    "isles18": isles18.find_isles18,
    "unitobrain": unitobrain.find_unitobrain,
    "cpaisd": cpaisd.find_cpaisd,
    "magic-sample": magic_sample.find_magic_sample,
    "nifti": nifti_table.find_in_table,
    "dicom": dicom_folder.find_dicom,
}
"""Finder of patients for each name that `magic-model import --layout` takes."""

_LOOKS_FOR = {
    "isles24": isles24.LOOKS_FOR,
    "isles18": isles18.LOOKS_FOR,
    "unitobrain": unitobrain.LOOKS_FOR,
    "cpaisd": cpaisd.LOOKS_FOR,
    "magic-sample": magic_sample.LOOKS_FOR,
    "nifti": nifti_table.LOOKS_FOR,
    "dicom": dicom_folder.LOOKS_FOR,
}


def find_patients(
    layout: str,
    root: Path,
    colour_ranges: ColourRanges = MappingProxyType({}),
    series: str = "",
    maps: Maps = Maps.MISSING,
) -> list[PatientSource]:
    """Find the patients of a data set as it lies on disk; images are not read yet.

    Args:
        layout: A name in `LAYOUTS`.
        root: The data set's folder; for `nifti` the table will do.
        colour_ranges: Values at the ends of the colour bars of maps that exist as
            coloured pictures only; for `dicom`.
        series: Number or UID of the DICOM series that is the NCCT; chosen if left out.
        maps: Which maps are computed from a raw CT perfusion series, if there is one.

    Raises:
        DataError: If there is no such layout or folder, no patient, or two of one name.
    """
    if layout not in LAYOUTS:
        msg = f"layout must be one of {', '.join(LAYOUTS)}, got {layout!r}"
        raise DataError(msg)
    if not root.exists():
        msg = f"{root}: no such file or folder"
        raise DataError(msg)
    if (colour_ranges or series) and layout != "dicom":
        what = "A colour range" if colour_ranges else "A series"
        msg = f"{what} must be for layout dicom, got layout {layout}"
        raise DataError(msg)
    if layout == "dicom":
        patients = dicom_folder.find_dicom(root, colour_ranges, series)
    else:
        patients = LAYOUTS[layout](root)
    if not patients:
        msg = f"{root}: no patient found; {layout} looks for {_LOOKS_FOR[layout]}"
        raise DataError(msg)
    _require_distinct(patients)
    return [patient.with_maps(maps) for patient in patients]


def _require_distinct(patients: Sequence[PatientSource]) -> None:
    first: dict[str, PatientSource] = {}
    for patient in patients:
        other = first.setdefault(patient.source_id, patient)
        if other is not patient:
            msg = (
                f"patient {patient.source_id} must be there once, "
                f"got {_place(other)} and {_place(patient)}"
            )
            raise DataError(msg)


def _place(patient: PatientSource) -> str:
    return str(patient.files[0]) if patient.files else "a folder without images"
