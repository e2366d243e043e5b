import math
from dataclasses import replace
from pathlib import Path

import pytest

from magic_model.data.cohort import Cohort, Patient
from magic_model.data.split import Split
from magic_model.data.volume import Kind
from magic_model.errors import DataError
from magic_model.montage.cases import select_patients
from magic_model.montage.picture import MONTAGE_MAPS
from magic_model.severity import Severity

IMAGES = {kind: Path(f"{kind}.nii") for kind in (Kind.NCCT, *map(Kind, MONTAGE_MAPS))}


def patient(name, split=Split.TEST, severity=Severity.NONE, without=()):
    images = {kind: path for kind, path in IMAGES.items() if kind not in without}
    return Patient(name, split, severity, math.nan, math.nan, math.nan, images)


def select(measured, generated, split="test"):
    cohorts = (Cohort(Path("m"), measured), Cohort(Path("g"), generated))
    rows = select_patients(*cohorts, split, MONTAGE_MAPS).patients
    return [row.patient_id for row in rows]


def test_the_split_is_that_of_the_measured_cohort():
    measured = [patient("A"), patient("B", Split.TRAIN), patient("C")]
    generated = [replace(p, split=Split.TEST) for p in reversed(measured)]
    assert select(measured, generated) == ["C", "A"]
    assert select(measured, generated, "train") == ["B"]
    assert select(measured, generated, "all") == ["C", "B", "A"]


def test_patients_of_other_splits_need_nothing():
    measured = [patient("A"), patient("B", Split.TRAIN, severity=None)]
    assert select(measured, measured) == ["A"]


def test_all_faults_are_named_at_once():
    measured = [
        patient("A"),
        patient("B", without=[Kind.NCCT]),
        patient("C"),
        patient("../D"),
    ]
    generated = [
        patient("A"),
        patient("B"),
        patient("C", without=[Kind.TTP]),
        patient("../D"),
        patient("E"),
    ]
    with pytest.raises(DataError) as caught:
        select(measured, generated)
    assert str(caught.value).split("; ") == [
        "E is in g, not in m",
        "B must have ncct in m, got none",
        "C must have ttp in g, got none",
        "'../D' must be a name that a file can have",
    ]


def test_an_empty_selection_and_an_unknown_split_are_refused():
    with pytest.raises(DataError, match="g must hold a patient of split val, got none"):
        select([patient("A")], [patient("A")], "val")
    with pytest.raises(DataError, match="must be train, val, test or all, got 'dev'"):
        select([], [], "dev")
