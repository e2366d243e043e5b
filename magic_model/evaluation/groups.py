"""Groups of patients in which figures are given (paper 3.2)."""

import math
from collections.abc import Sequence

import numpy as np

from magic_model.data.cohort import Patient
from magic_model.data.grid import BoolArray
from magic_model.severity import Severity, severity_class

ALL = "all"
RATIO_ZERO = "ratio = 0"
RATIO_ABOVE = "ratio > 0"


def severity_of(patient: Patient) -> Severity | None:
    """Class of a patient, by the mismatch ratio where no class is given."""
    if patient.severity is None and not math.isnan(patient.mismatch_ratio):
        return severity_class(patient.mismatch_ratio)
    return patient.severity


def patient_groups(patients: Sequence[Patient]) -> dict[str, BoolArray]:
    """Tell who is in each group: all, ratio 0 and above, and the three classes.

    A patient of unknown severity is in `all` alone. The class `none` and the group of
    ratio 0 are the same patients.

    Returns:
        `(patients,)` bool for each group, groups without patients included.
    """
    classes = [severity_of(patient) for patient in patients]
    known = np.array([severity is not None for severity in classes], dtype=np.bool_)
    members = {
        str(severity): np.array([c is severity for c in classes], dtype=np.bool_)
        for severity in Severity
    }
    none = members[Severity.NONE]
    return {
        ALL: np.ones(len(classes), dtype=np.bool_),
        RATIO_ZERO: none,
        RATIO_ABOVE: known & ~none,
        **members,
    }
