import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from magic_model.data.cohort import Cohort, Patient, read_cohort, write_cohort
from magic_model.data.nifti import write_nifti
from magic_model.data.split import Split
from magic_model.data.volume import Kind, Volume
from magic_model.errors import DataError
from magic_model.severity import Severity

HEADER = "patient_id,split,severity,core_ml,penumbra_ml,mismatch_ratio"
P1 = Patient(
    "P1",
    Split.TRAIN,
    Severity.SEVERE,
    30.5,
    40.25,
    0.757764,
    {Kind.NCCT: Path("P1/ncct.nii.gz"), Kind.CBF: Path("P1/cbf.nii.gz")},
)
P2 = Patient(
    "P2", Split.TEST, None, math.nan, math.nan, math.nan, {Kind.CBF: Path("b.nii")}
)


def same(a, b):
    numbers = ("core_ml", "penumbra_ml", "mismatch_ratio")
    others = ("patient_id", "split", "severity", "images")
    return all(getattr(a, x) == getattr(b, x) for x in others) and all(
        getattr(a, x) == pytest.approx(getattr(b, x), rel=1e-5, nan_ok=True)
        for x in numbers
    )


def test_the_file_is_as_documented(tmp_path):
    write_cohort(tmp_path, [P1, P2])
    assert (tmp_path / "cohort.csv").read_text() == (
        f"{HEADER},ncct,cbf\n"
        "P1,train,severe,30.5,40.25,0.757764,P1/ncct.nii.gz,P1/cbf.nii.gz\n"
        "P2,test,,,,,,b.nii\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["cohort.csv"]


def test_what_was_written_is_read(tmp_path):
    write_cohort(tmp_path, [P1, P2])
    cohort = read_cohort(tmp_path)
    assert cohort.folder == tmp_path
    assert all(map(same, cohort.patients, [P1, P2]))


patients = st.builds(
    Patient,
    st.text("abcXYZ019-_ ,;\"'äß", min_size=1),
    st.sampled_from(Split),
    st.none() | st.sampled_from(Severity),
    st.floats(0, 500) | st.just(math.nan),
    st.floats(0, 500) | st.just(math.nan),
    st.floats(0, 500) | st.sampled_from([math.nan, math.inf]),
    st.dictionaries(st.sampled_from(Kind), st.just(Path("x, y/z.nii.gz"))),
)


@pytest.mark.slow
@given(st.lists(patients, unique_by=lambda p: p.patient_id, max_size=5))
def test_any_cohort_comes_back(tmp_path_factory, given_patients):
    folder = tmp_path_factory.getbasetemp()
    write_cohort(folder, given_patients)
    read = read_cohort(folder).patients
    assert len(read) == len(given_patients)
    assert all(map(same, read, given_patients))


def test_images_are_read_when_asked_for(tmp_path):
    volume = Volume(np.ones((2, 3, 4)), np.eye(4), Kind.CBF)
    write_nifti(volume, tmp_path / "P1" / "cbf.nii.gz")
    cohort = Cohort(tmp_path, [P1])
    assert np.array_equal(cohort.load(P1, Kind.CBF).array, volume.array)
    with pytest.raises(DataError, match="P1 has no tmax"):
        cohort.load(P1, Kind.TMAX)
    with pytest.raises(DataError, match=r"P1/ncct.nii.gz: no such file"):
        cohort.load(P1, Kind.NCCT)


def test_a_byte_order_mark_and_other_columns_do_no_harm(tmp_path):
    text = f"{HEADER},scanner\r\nP1,val,none,0,0,0,X\r\n"
    (tmp_path / "cohort.csv").write_text(text, encoding="utf-8-sig", newline="")
    (patient,) = read_cohort(tmp_path).patients
    assert patient == Patient("P1", Split.VAL, Severity.NONE, 0, 0, 0, {})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"cohort.csv line 1: column patient_id is missing"),
        ("patient_id,split\n", r"line 1: column severity is missing"),
        (f"{HEADER}\nP1,exam,none,0,0,0\n", r"line 2: 'exam' is not a valid Split"),
        (f"{HEADER}\nP1,train,bad,0,0,0\n", r"line 2: 'bad' is not a valid Severity"),
        (f"{HEADER}\nP1,train,none,x,0,0\n", r"line 2: could not convert .* 'x'"),
        (f"{HEADER}\nP1\n", r"line 2: None is not a valid Split"),
        (f"{HEADER}\n,train,none,0,0,0\n", r"line 2: patient_id must be there"),
        (
            f"{HEADER}\nP1,train,,,,\nP2,test,,,,\nP1,val,,,,\n",
            r"line 2: patient_id must be there and once, got 'P1'",
        ),
    ],
)
def test_faults_are_named_by_line(tmp_path, text, message):
    (tmp_path / "cohort.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        read_cohort(tmp_path)


def test_a_missing_cohort_is_named(tmp_path):
    with pytest.raises(DataError, match=r"cohort\.csv: No such file"):
        read_cohort(tmp_path)


def test_a_table_that_is_no_text_is_named(tmp_path):
    (tmp_path / "cohort.csv").write_bytes(b"\xff\xfe\x00patient")
    with pytest.raises(DataError, match=r"cohort\.csv: not a CSV table in UTF-8"):
        read_cohort(tmp_path)
