import hashlib
import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from magic_model.data.cohort import read_cohort
from magic_model.data.lesion import find_lesion
from magic_model.data.split import Split
from magic_model.data.volume import Kind, Volume
from magic_model.errors import DataError, SeverityUnknownError
from magic_model.maps import PerfusionMap
from magic_model.perfusion.series import read_series
from magic_model.phantom import generate
from magic_model.phantom.generate import (
    PROPORTIONS,
    class_counts,
    make_cohort,
    plan_cohort,
    planted_severity,
)
from magic_model.phantom.patient import Contents
from magic_model.phantom.scan import measured_maps
from magic_model.severity import Severity, severity_class

EXACT = Contents(exact=True)


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
    make_cohort(place, 2, seed=1, contents=EXACT)
    return place


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    place = tmp_path_factory.mktemp("phantom") / "measured"
    make_cohort(place, 2, seed=1, contents=Contents(series=True))
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
@pytest.mark.timeout(600)
def test_the_same_seed_gives_the_same_bytes_in_one_process_or_two(measured, tmp_path):
    calls = []
    make_cohort(
        tmp_path,
        2,
        1,
        contents=Contents(series=True),
        jobs=2,
        progress=lambda *done: calls.append(done),
    )
    assert calls == [(1, 2), (2, 2)]
    assert digests(tmp_path) == digests(measured)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_measured_and_exact_patients_differ_in_their_maps_alone(folder, measured):
    exact, found = digests(folder), digests(measured)
    maps = {"cbf", "cbv", "mtt", "ttp", "tmax"}
    for name, digest in exact.items():
        stem = name.rsplit("/", 1)[-1].split(".")[0]
        same = found[name] == digest
        assert same is (stem not in maps | {"phantom", "cohort"}), name
    extra = {name.rsplit("/", 1)[-1] for name in set(found) - set(exact)}
    assert extra == {"ctp.nii.gz", "ctp_brain.nii.gz", "frame_times.txt"}
    for number in (1, 2):
        a, b = (
            json.loads((f / f"phantom-00{number}" / "phantom.json").read_text())
            for f in (folder, measured)
        )
        assert a["truth"] == b["truth"]
        assert a["made_by"]["severity"] == b["made_by"]["severity"]
        assert "measured" not in a


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_lesions_of_measured_patients_are_those_found_in_their_maps(measured):
    cohort = read_cohort(measured)
    for patient in cohort.patients:
        maps = {n: cohort.load(patient, Kind(n.value)) for n in PerfusionMap}
        lesion = find_lesion(maps, cohort.load(patient, Kind.BRAIN_MASK))
        assert patient.core_ml == pytest.approx(lesion.core_ml, rel=1e-5)
        assert patient.penumbra_ml == pytest.approx(lesion.penumbra_ml, rel=1e-5)
        assert patient.severity is lesion.severity
        planted = planted_severity(measured / patient.patient_id)
        assert planted in set(Severity)
        cbf, cbv, mtt = (maps[n].array for n in list(PerfusionMap)[:3])
        flows = cbf > 0
        np.testing.assert_allclose(mtt[flows], 60 * cbv[flows] / cbf[flows], rtol=1e-5)
        series = read_series(
            measured / patient.patient_id / "ctp.nii.gz",
            measured / patient.patient_id / "frame_times.txt",
        )
        brain = cohort.load(patient, Kind.BRAIN_MASK)
        again = measured_maps(series, brain)[Kind.CBF]
        np.testing.assert_allclose(again.array, cbf, atol=1e-3)


def test_where_maps_tell_no_class_it_is_unknown(phantoms, monkeypatch, tmp_path):
    def untold(*_):
        msg = "both sides may be ill"
        raise SeverityUnknownError(msg)

    tiny = Volume(np.ones((2, 2, 2), np.float32), np.eye(4), Kind.CBF)
    small = replace(
        phantoms[Severity.NONE],
        images={kind: tiny.with_array(tiny.array, kind) for kind in Kind},
    )
    monkeypatch.setattr(generate, "find_lesion", untold)
    monkeypatch.setattr(generate, "simulate", lambda *_: small)
    monkeypatch.setattr(generate, "scan_patient", lambda *_: None)
    monkeypatch.setattr(generate, "measure", lambda phantom, _: phantom)
    (patient,) = make_cohort(tmp_path, 1, seed=1).patients
    assert patient.severity is None
    assert np.isnan([patient.core_ml, patient.penumbra_ml]).all()
    assert planted_severity(tmp_path / "phantom-001") is Severity.NONE
    assert planted_severity(tmp_path) is None
    again = make_cohort(tmp_path, 1, seed=1).patients
    assert again[0].severity is None


@pytest.mark.slow
def test_a_complete_patient_is_kept_and_a_broken_one_is_made_again(folder, monkeypatch):
    before = digests(folder)
    made = []
    simulate = generate.simulate

    def counted(spec, rng):
        made.append(spec.severity)
        return simulate(spec, rng)

    monkeypatch.setattr(generate, "simulate", counted)
    make_cohort(folder, 2, seed=1, contents=EXACT)
    assert made == []
    (folder / "phantom-002" / "cbf.nii.gz").unlink()
    make_cohort(folder, 2, seed=1, contents=EXACT)
    assert len(made) == 1
    assert digests(folder) == before


@pytest.mark.slow
@pytest.mark.parametrize("record", ["{", "[]", '{"made_by": {"seed": 2}}'])
def test_what_was_made_otherwise_is_made_again(tmp_path, phantoms, monkeypatch, record):
    # The images are all there; only the record tells.
    monkeypatch.setattr(generate, "simulate", lambda *_: phantoms[Severity.NONE])
    make_cohort(tmp_path, 1, seed=1, contents=EXACT)
    path = tmp_path / "phantom-001" / "phantom.json"
    whole = path.read_text(encoding="utf-8")
    assert json.loads(whole)["made_by"]["seed"] == 1
    path.write_text(record, encoding="utf-8")
    make_cohort(tmp_path, 1, seed=1, contents=EXACT)
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
        make_cohort(tmp_path, 1, seed=1, contents=EXACT)
