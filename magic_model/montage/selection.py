"""Which patients get a montage, and whether they have what it takes."""

from collections.abc import Iterable, Sequence
from pathlib import PurePath

from magic_model.data.cohort import Cohort, Patient
from magic_model.data.split import Split
from magic_model.data.volume import Kind
from magic_model.errors import DataError
from magic_model.maps import PerfusionMap

ALL = "all"
"""Name of every split together."""


def select_patients(
    measured: Cohort, generated: Cohort, split: str, maps: Sequence[PerfusionMap]
) -> Cohort:
    """Give the generated rows of a split, in their order.

    The split is that of the measured cohort. Everything that readers' cases need is
    asked for here, before the first picture is drawn.

    Args:
        measured: NCCT and measured maps.
        generated: Generated maps.
        split: One of `Split`, or `ALL`.
        maps: Those on the montage.

    Raises:
        DataError: Naming all patients that are not in the measured cohort, lack an
            image, have no severity, or have a name that no file can have; or if no
            patient is left.
    """
    wanted = _splits(split)
    known = {patient.patient_id: patient for patient in measured.patients}
    faults = [
        f"{row.patient_id} is in {generated.folder}, not in {measured.folder}"
        for row in generated.patients
        if row.patient_id not in known
    ]
    rows = [
        row
        for row in generated.patients
        if row.patient_id in known and known[row.patient_id].split in wanted
    ]
    for row in rows:
        patient = known[row.patient_id]
        faults += _faults_of_case(patient)
        faults += _missing(patient, measured, [Kind.NCCT, *map(Kind, maps)])
        faults += _missing(row, generated, map(Kind, maps))
    if faults:
        raise DataError("; ".join(faults))
    if not rows:
        msg = f"{generated.folder} must hold a patient of split {split}, got none"
        raise DataError(msg)
    return Cohort(generated.folder, rows)


def _splits(name: str) -> frozenset[Split]:
    if name == ALL:
        return frozenset(Split)
    try:
        return frozenset({Split(name)})
    except ValueError as error:
        msg = f"Split must be {', '.join(Split)} or {ALL}, got {name!r}"
        raise DataError(msg) from error


def _faults_of_case(patient: Patient) -> list[str]:
    name, faults = patient.patient_id, []
    if patient.severity is None:
        faults.append(f"{name} must have a severity, got none: cases are drawn by it")
    if PurePath(name).name != name or "\\" in name or name.startswith("."):
        faults.append(f"{name!r} must be a name that a file can have")
    return faults


def _missing(patient: Patient, cohort: Cohort, kinds: Iterable[Kind]) -> list[str]:
    return [
        f"{patient.patient_id} must have {kind} in {cohort.folder}, got none"
        for kind in kinds
        if kind not in patient.images
    ]
