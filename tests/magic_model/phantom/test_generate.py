import hashlib
import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from magic_model.data.cohort import read_cohort
from magic_model.data.split import Split
from magic_model.data.volume import Kind
from magic_model.errors import DataError
from magic_model.phantom import generate
from magic_model.phantom.generate import (
    PROPORTIONS,
    class_counts,
    make_cohort,
    plan_cohort,
)
from magic_model.severity import Severity, severity_class


def digests(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in files
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("phantom") / "cohort"
    make_cohort(place, 2, seed=1)
    return place


@pytest.mark.slow
def test_a_cohort_reads_back_as_it_was_made(folder):
    cohort = read_cohort(folder)
    assert [p.patient_id for p in cohort.patients] == ["phantom-001", "phantom-002"]
    for patient in cohort.patients:
        assert list(patient.images) == list(Kind)
        core = cohort.load(patient, Kind.CORE_MASK)
        assert patient.core_ml == pytest.approx(
            core.array.sum() * core.voxel_ml, rel=1e-5
        )
        assert severity_class(patient.mismatch_ratio) is patient.severity
        for kind in Kind:
            cohort.load(patient, kind).require_finite()


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_in_one_process_or_two(folder, tmp_path):
    calls = []
    make_cohort(tmp_path, 2, 1, jobs=2, progress=lambda *done: calls.append(done))
    assert calls == [(1, 2), (2, 2)]
    assert digests(tmp_path) == digests(folder)


@pytest.mark.slow
def test_a_complete_patient_is_kept_and_a_broken_one_is_made_again(folder, monkeypatch):
    before = digests(folder)
    made = []
    simulate = generate.simulate

    def counted(spec, rng):
        made.append(spec.severity)
        return simulate(spec, rng)

    monkeypatch.setattr(generate, "simulate", counted)
    make_cohort(folder, 2, seed=1)
    assert made == []
    (folder / "phantom-002" / "cbf.nii.gz").unlink()
    make_cohort(folder, 2, seed=1)
    assert len(made) == 1
    assert digests(folder) == before


@pytest.mark.slow
@pytest.mark.parametrize("record", ["{", "[]", '{"made_by": {"seed": 2}}'])
def test_what_was_made_otherwise_is_made_again(tmp_path, phantoms, monkeypatch, record):
    # The images are all there; only the record tells.
    monkeypatch.setattr(generate, "simulate", lambda *_: phantoms[Severity.NONE])
    make_cohort(tmp_path, 1, seed=1)
    path = tmp_path / "phantom-001" / "phantom.json"
    whole = path.read_text(encoding="utf-8")
    assert json.loads(whole)["made_by"]["seed"] == 1
    path.write_text(record, encoding="utf-8")
    make_cohort(tmp_path, 1, seed=1)
    assert path.read_text(encoding="utf-8") == whole


def test_a_patient_does_not_depend_on_how_many_there_are():
    few, many = plan_cohort(3, 7), plan_cohort(30, 7)
    for a, b in zip(few, many, strict=False):
        assert a.patient_id == b.patient_id
        assert a.rng().random() == b.rng().random()
    firsts = [planned.rng().random() for planned in many]
    assert len(set(firsts)) == len(firsts)


def test_streams_are_the_children_of_the_seed():
    children = np.random.SeedSequence(5).spawn(4)[1:]
    for planned, child in zip(plan_cohort(3, 5), children, strict=True):
        assert planned.rng().random() == np.random.default_rng(child).random()


@given(st.integers(1, 500))
def test_classes_come_in_the_proportions_of_the_paper(n_patients):
    counts = class_counts(n_patients)
    assert sum(counts.values()) == n_patients
    for severity, share in PROPORTIONS.items():
        if n_patients >= 6:  # below, one of each comes before the proportions
            assert abs(counts[severity] - share * n_patients) < 1
        assert n_patients < 3 or counts[severity] >= 1


def test_classes_of_100_patients():
    assert list(class_counts(100).values()) == [62, 17, 21]
    assert list(class_counts(3).values()) == [1, 1, 1]


def test_a_cohort_has_as_many_of_each_class_as_asked_for():
    wanted = dict(zip(Severity, (7, 6, 7), strict=True))
    plan = plan_cohort(wanted, 2)
    assert Counter(planned.spec.severity for planned in plan) == wanted
    assert [p.patient_id for p in plan] == [f"phantom-{n:03d}" for n in range(1, 21)]


def test_splits_hold_out_whole_patients():
    plan = plan_cohort(50, 3)
    assert sum(planned.split is Split.TEST for planned in plan) == 10
    assert {p.spec.severity for p in plan if p.split is Split.TEST} == set(Severity)


@pytest.mark.parametrize(
    ("n_patients", "seed", "message"),
    [(0, 1, "one patient or more, got 0"), (1, -1, "0 or more, got -1")],
)
def test_numbers_that_make_no_sense_are_refused(tmp_path, n_patients, seed, message):
    with pytest.raises(DataError, match=message):
        make_cohort(tmp_path, n_patients, seed)


def test_a_folder_that_cannot_be_written_is_named(tmp_path, phantoms, monkeypatch):
    monkeypatch.setattr(generate, "simulate", lambda *_: phantoms[Severity.NONE])
    (tmp_path / "phantom-001").write_text("a file, no folder", encoding="utf-8")
    with pytest.raises(DataError, match=r"phantom-001: cannot be written"):
        make_cohort(tmp_path, 1, seed=1)
