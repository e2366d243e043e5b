import csv
import errno
import functools
import json
import re

import numpy as np
import pytest

from magic_model.data.cohort import read_cohort
from magic_model.data.layouts.source import PatientSource
from magic_model.data.nifti import read_nifti, write_nifti
from magic_model.data.registration import RigidRegistration
from magic_model.data.volume import Kind, Volume
from magic_model.errors import DataError
from magic_model.importing import cohort as importing_patient
from magic_model.importing import record as record_module
from magic_model.importing.cohort import check_cohort, import_cohort, write_link
from magic_model.importing.record import describe, read_record
from magic_model.importing.report import write_report
from magic_model.severity import Severity

SHAPE = (40, 44, 6)
AFFINE = np.diag([4.0, 4.0, 10.0, 1.0])


def head(seed, *, lesion=True):
    """Images of a small head that obey the central volume principle."""
    rng = np.random.default_rng(seed)
    x, y, _ = np.indices(SHAPE)
    inside = ((x - 19.5) / 16) ** 2 + ((y - 21.5) / 19) ** 2 < 1
    dead = inside & ((x - 10) ** 2 + (y - 22) ** 2 < 20)
    risk = inside & ((x - 10) ** 2 + (y - 22) ** 2 < 45)
    if not lesion:
        dead = risk = np.zeros(SHAPE, bool)
    cbf = np.where(inside, rng.uniform(35, 50, SHAPE), 0)
    cbf = np.where(risk, 20, cbf)
    cbf = np.where(dead, 5, cbf)
    mtt = np.where(inside, 4.0, 0)
    arrays = {
        Kind.NCCT: np.where(inside, 35, 0),
        Kind.CBF: cbf,
        Kind.CBV: cbf * mtt / 60,
        Kind.MTT: mtt,
        Kind.TTP: np.where(risk, 20, np.where(inside, 12, 0)),
        Kind.TMAX: np.where(risk, 9, np.where(inside, 1, 0)),
        Kind.BRAIN_MASK: inside,
    }
    return {kind: Volume(array, AFFINE, kind) for kind, array in arrays.items()}


def source(folder, name, images, notes=()):
    """Write a patient's images as a hospital might and say where they are."""
    files = {kind: folder / name / f"{name}-{kind}.nii.gz" for kind in images}
    for kind, volume in images.items():
        write_nifti(volume, files[kind])
    loaders = {k: functools.partial(read_nifti, path, k) for k, path in files.items()}
    return PatientSource(name, loaders, tuple(files.values()), tuple(notes))


ORIGINAL = {
    "MUELLER-1951": functools.partial(head, 1),
    "GARCIA-1947": functools.partial(head, 2, lesion=False),
    "SMITH-1960": functools.partial(head, 3),
}


@pytest.fixture
def sources(tmp_path):
    return [
        source(tmp_path / "raw", name, images(), [f"{name} came without a header"])
        for name, images in ORIGINAL.items()
    ]


def test_patients_become_a_cohort(sources, tmp_path):
    out = tmp_path / "cohort"
    result = import_cohort(sources, out)
    assert not result.failures
    cohort = read_cohort(out)
    assert len(cohort.patients) == 3
    for patient in cohort.patients:
        record = read_record(out / patient.patient_id)
        assert record.checks.central_volume.scale == pytest.approx(1, abs=1e-5)
        assert set(patient.images) == set(head(1))
        original = ORIGINAL[result.linked[patient.patient_id]]()
        loaded = cohort.load(patient, Kind.CBF)
        assert np.array_equal(loaded.array, original[Kind.CBF].array)
    severities = sorted(str(patient.severity) for patient in cohort.patients)
    assert severities.count("none") == 1


@pytest.mark.slow
def test_no_byte_of_the_cohort_holds_a_source_name(sources, tmp_path):
    out = tmp_path / "cohort"
    result = import_cohort(sources, out)
    write_report(read_cohort(out), result.records, out)
    names = re.compile(rb"MUELLER|GARCIA|SMITH", re.IGNORECASE)
    for path in out.rglob("*"):
        assert not names.search(path.name.encode())
        if path.is_file() and path.suffix != ".gz":
            assert not names.search(path.read_bytes()), path


def test_the_link_is_written_apart_and_only_on_request(sources, tmp_path):
    result = import_cohort(sources, tmp_path / "cohort")
    link = tmp_path / "link.csv"
    write_link(result.linked, link)
    with link.open() as file:
        rows = dict(list(csv.reader(file))[1:])
    assert set(rows.values()) == {s.source_id for s in sources}
    with pytest.raises(DataError, match="nowhere"):
        write_link(result.linked, tmp_path / "nowhere" / "link.csv")


def test_running_again_goes_on_and_keeps_names(sources, tmp_path):
    out = tmp_path / "cohort"
    first = import_cohort(sources[:2], out)
    stamps = {p: p.stat().st_mtime_ns for p in out.rglob("*.nii.gz")}
    again = import_cohort(sources, out)
    assert again.n_skipped == 2
    assert len(again.records) == 3
    assert first.linked.items() <= again.linked.items()
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in stamps.items())


@pytest.mark.slow
def test_several_at_a_time_give_the_same(sources, tmp_path):
    one = import_cohort(sources, tmp_path / "one")
    two = import_cohort(sources, tmp_path / "two", jobs=2)
    volumes = [
        sorted(round(record.core_ml, 6) for record in result.records)
        for result in (one, two)
    ]
    assert volumes[0] == volumes[1]


def test_a_patient_without_images_says_why_in_any_layout(sources, tmp_path):
    nothing = PatientSource("EMPTY-1", {}, (), ("not found: ncct, cbf",))
    result = import_cohort([*sources[:1], nothing], tmp_path / "cohort")
    (failure,) = result.failures
    assert failure.reason == "no image can be used: not found: ncct, cbf"


def test_a_broken_patient_is_named_and_the_others_go_on(sources, tmp_path):
    sources[1].files[0].write_bytes(b"not an image")
    out = tmp_path / "cohort"
    result = import_cohort(sources, out)
    (failure,) = result.failures
    assert failure.source_id == "GARCIA-1947"
    assert "not a readable NIfTI image" in failure.reason
    assert len(read_cohort(out).patients) == 2
    assert not list(out.glob(".*.part"))
    # Mended, it is taken in; the others stay as they are.
    write_nifti(head(2)[Kind.NCCT], sources[1].files[0])
    again = import_cohort(sources, out)
    assert (len(again.records), again.n_skipped, len(again.failures)) == (3, 2, 0)


def imported(tmp_path, images):
    """Import one patient; give the record and the loaded images."""
    out = tmp_path / "cohort"
    result = import_cohort([source(tmp_path, "x", images)], out)
    assert not result.failures, result.failures
    cohort = read_cohort(out)
    (patient,) = cohort.patients
    return result.records[0], {k: cohort.load(patient, k) for k in patient.images}


def test_a_background_of_nan_is_left_out(tmp_path):
    """As many programs write maps: the same patient as with a background of 0."""
    plain, expected = imported(tmp_path / "plain", head(1))
    images = head(1)
    for kind in (Kind.NCCT, Kind.CBF, Kind.CBV, Kind.MTT, Kind.TTP, Kind.TMAX):
        array = images[kind].array
        outside = images[Kind.BRAIN_MASK].array == 0
        images[kind] = images[kind].with_array(np.where(outside, np.nan, array))
    n_outside = int(outside.sum())

    record, loaded = imported(tmp_path / "nan", images)

    note = f"cbf: {n_outside} voxels are NaN or infinite and count as not measured"
    assert note in record.notes
    for kind in (Kind.CBF, Kind.MTT):
        np.testing.assert_array_equal(loaded[kind].array, expected[kind].array)
    assert set(np.unique(loaded[Kind.NCCT].array)) == {-1024, 35} or (
        loaded[Kind.NCCT].array.min() == 35
    )
    assert record.core_ml == plain.core_ml
    assert record.severity == plain.severity


def test_nan_within_the_brain_is_named(tmp_path):
    images = head(1)
    array = images[Kind.CBF].array.copy()
    array[20, 20, 2] = np.inf
    array[0, 0, 2] = np.nan
    images[Kind.CBF] = images[Kind.CBF].with_array(array)
    record, loaded = imported(tmp_path, images)
    assert (
        "cbf: 2 voxels are NaN or infinite and count as not measured, 1 of them "
        "(0.16 mL) within the brain"
    ) in record.notes
    assert loaded[Kind.CBF].array[20, 20, 2] == 0


@pytest.mark.parametrize(
    ("kind", "hole", "reason"),
    [
        (Kind.NCCT, np.s_[20, 20, 2], "ncct must be finite within the head, 1 voxels"),
        (Kind.CBF, np.s_[:], "cbf must hold finite values, all are NaN or infinite"),
    ],
)
def test_what_was_not_measured_where_it_counts_is_refused(tmp_path, kind, hole, reason):
    images = head(1)
    array = images[kind].array.copy()
    array[hole] = np.nan
    images[kind] = images[kind].with_array(array)
    result = import_cohort([source(tmp_path, "x", images)], tmp_path / "cohort")
    assert reason in result.failures[0].reason


def test_maps_of_another_grid_do_not_fade_towards_nan(tmp_path):
    """Left out of the average, not averaged as 0."""
    images = head(1)
    inside = images[Kind.BRAIN_MASK].array == 1
    finer = np.diag([4.0, 4.0, 5.0, 1.0])
    mtt = np.repeat(np.where(inside, 4.0, np.nan), 2, axis=2)
    images[Kind.MTT] = Volume(mtt, finer, Kind.MTT)
    record, loaded = imported(tmp_path, images)
    assert "mtt was resampled to the grid of cbf" in record.notes
    assert set(np.unique(loaded[Kind.MTT].array.round(4))) == {0, 4}


def test_a_full_disk_leaves_nothing_half_written(sources, tmp_path, monkeypatch):
    written = []

    def fill_up(volume, path):
        if len(written) == 3:
            msg = f"{path}: cannot be written ({errno.errorcode[errno.ENOSPC]})"
            raise DataError(msg)
        written.append(path)
        write_nifti(volume, path)

    monkeypatch.setattr(importing_patient, "write_nifti", fill_up)
    out = tmp_path / "cohort"
    result = import_cohort(sources[:1], out)
    assert "ENOSPC" in result.failures[0].reason
    assert list(out.iterdir()) == []


def test_a_missing_file_is_named(sources, tmp_path):
    sources[0].files[0].unlink()
    result = import_cohort(sources, tmp_path / "cohort")
    assert "No such file" in result.failures[0].reason


def test_a_folder_that_cannot_be_made_is_refused(sources, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="file"):
        import_cohort(sources, tmp_path / "file" / "cohort")


def test_maps_on_other_grids_are_brought_to_one(tmp_path):
    images = head(1)
    finer = np.repeat(images[Kind.MTT].array, 2, axis=0)
    shift = AFFINE @ np.array([-0.25, 0, 0, 1])
    affine = AFFINE @ np.diag([0.5, 1, 1, 1])
    affine[:, 3] = shift
    images[Kind.MTT] = Volume(finer, affine, Kind.MTT)
    result = import_cohort([source(tmp_path, "x", images)], tmp_path / "cohort")
    (record,) = result.records
    assert "mtt was resampled to the grid of cbf" in record.notes
    assert record.checks.central_volume.scale == pytest.approx(1, abs=0.01)


def test_a_cohort_can_be_checked_without_changing_it(sources, tmp_path):
    out = tmp_path / "cohort"
    import_cohort(sources, out)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    cohort, records = check_cohort(out)
    assert len(records) == len(cohort.patients) == 3
    assert before == {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}


def test_a_patient_of_a_cohort_whose_values_are_no_hu_is_named(sources, tmp_path):
    out = tmp_path / "cohort"
    result = import_cohort(sources[:1], out)
    name = result.records[0].patient_id
    ncct = read_nifti(out / name / "ncct.nii.gz", Kind.NCCT)
    write_nifti(ncct.with_array(ncct.array + 1024), out / name / "ncct.nii.gz")
    with pytest.raises(DataError, match=rf"cohort: {name}: ncct must be in HU"):
        check_cohort(out)


def test_a_damaged_record_is_named(sources, tmp_path):
    out = tmp_path / "cohort"
    result = import_cohort(sources[:1], out)
    name = result.records[0].patient_id
    (out / name / "import.json").write_text("{")
    with pytest.raises(DataError, match="not a readable import record"):
        read_record(out / name)


@pytest.mark.slow
def test_the_report_shows_each_patient(sources, tmp_path):
    out = tmp_path / "cohort"
    result = import_cohort(sources, out)
    write_report(read_cohort(out), result.records, out, n_failures=2)
    page = (out / "report.html").read_text()
    assert page.count("<img ") == 3
    assert "2 patients could not be imported" in page
    assert "Research use only" in page
    with (out / "checks.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["scale"]) for row in rows] == pytest.approx([1, 1, 1], abs=1e-5)


def test_a_record_survives_its_json(sources, tmp_path):
    out = tmp_path / "cohort"
    result = import_cohort(sources[:1], out)
    record = result.records[0]
    raw = json.loads((out / record.patient_id / "import.json").read_text())
    assert raw["checks"]["central_volume"]["scale"] == pytest.approx(1, abs=1e-5)
    assert read_record(out / record.patient_id) == record


def test_a_sheared_grid_is_resampled_and_noted(tmp_path):
    images = head(1)
    sheared = AFFINE.copy()
    sheared[1, 2] = 3
    images[Kind.NCCT] = Volume(images[Kind.NCCT].array, sheared, Kind.NCCT)
    record, loaded = imported(tmp_path, images)
    assert loaded[Kind.NCCT].is_orthogonal
    assert loaded[Kind.NCCT].shape == (40, 44 + 4, 6)  # 15 mm are 3.75 voxels
    (note,) = [note for note in record.notes if "straight slices" in note]
    assert note.startswith("ncct: slices were tilted by 16.7 degrees (gantry tilt)")


def test_masks_that_were_given_measure_the_lesion():
    images = head(1)
    core = images[Kind.CBF].array == 5
    images[Kind.CORE_MASK] = images[Kind.CBF].with_array(core, Kind.CORE_MASK)
    at_risk = images[Kind.TMAX].array == 9
    images[Kind.PENUMBRA_MASK] = images[Kind.CBF].with_array(
        at_risk, Kind.PENUMBRA_MASK
    )
    record, _ = describe("p1", images)
    assert record.core_ml == pytest.approx(core.sum() * 0.16)
    assert record.penumbra_ml == pytest.approx(at_risk.sum() * 0.16)


def masked(images, core, at_risk):
    grid = images[Kind.CBF]
    return images | {
        Kind.CORE_MASK: grid.with_array(core, Kind.CORE_MASK),
        Kind.PENUMBRA_MASK: grid.with_array(at_risk, Kind.PENUMBRA_MASK),
    }


def test_masks_that_contradict_one_another_are_found():
    images = head(1)
    core = images[Kind.CBF].array == 5
    without = (images[Kind.TMAX].array == 9) & ~core
    record, _ = describe("p1", masked(images, core, without))
    (finding,) = [f for f in record.checks.findings if "core_mask" in f]
    assert "(100 %) lie outside penumbra_mask" in finding


@pytest.mark.parametrize("with_maps", [True, False])
def test_masks_on_another_grid_than_what_they_measure_are_refused(with_maps):
    images = head(1)
    core = images[Kind.CBF].array == 5
    images = masked(images, core, images[Kind.TMAX].array == 9)
    images[Kind.CORE_MASK] = Volume(core[1:], AFFINE, Kind.CORE_MASK)
    if not with_maps:
        images = {k: v for k, v in images.items() if "mask" in k or k is Kind.NCCT}
    which = "core_mask must .* of cbf" if with_maps else "penumbra_mask must .* of core"
    with pytest.raises(DataError, match=which):
        describe("p1", images)


@pytest.mark.parametrize("delay", [4, 6, 9, 50])
def test_a_late_bolus_never_empties_the_class(tmp_path, delay):
    images = head(1)
    late = images[Kind.TMAX].array + delay * images[Kind.BRAIN_MASK].array
    images[Kind.TMAX] = images[Kind.TMAX].with_array(late)
    result = import_cohort([source(tmp_path, "x", images)], tmp_path / "cohort")
    (patient,) = read_cohort(tmp_path / "cohort").patients
    notes = "; ".join(result.records[0].notes)
    if delay < 12:
        assert patient.severity is Severity.MILD_MODERATE
        assert f"Tmax less {delay - 2:.1f} s, in place of Tmax" in notes
    else:
        assert patient.severity is None
        assert np.isnan(patient.core_ml)
        findings = "; ".join(result.records[0].checks.findings)
        assert "severity is not known (Tmax of the healthier side" in findings


def test_without_a_mask_the_brain_is_stripped_or_taken_from_the_maps():
    images = head(1)
    del images[Kind.BRAIN_MASK]
    record, _ = describe("p1", images)  # no skull to be stripped
    assert any("brain taken from the support of the maps" in n for n in record.notes)
    assert record.checks.overlap == 1


def test_a_patient_without_maps_has_no_severity():
    record, _ = describe("p1", {Kind.NCCT: head(1)[Kind.NCCT]})
    assert record.severity is None
    assert "missing maps: CBF, CBV, MTT, TTP" in record.checks.findings


def test_a_surrogate_for_tmax_is_named():
    images = head(1)
    del images[Kind.TMAX]
    record, _ = describe("p1", images)
    assert any("in place of Tmax" in note for note in record.notes)


def test_a_mask_on_another_grid_is_brought_to_the_maps():
    images = head(1)
    mask = np.repeat(images[Kind.BRAIN_MASK].array, 2, axis=2)
    affine = AFFINE @ np.diag([1, 1, 0.5, 1])
    affine[2, 3] = -2.5
    images[Kind.BRAIN_MASK] = Volume(mask, affine, Kind.BRAIN_MASK)
    record, _ = describe("p1", images)
    assert record.checks.overlap == pytest.approx(1, abs=0.01)


def test_a_registration_that_is_not_trusted_moves_nothing_and_flags(monkeypatch):
    images = head(1)
    shift = np.eye(4)
    shift[0, 3] = 5
    doubted = RigidRegistration(shift, 0.9, 0.4, 3, doubts=("it slipped", "and fell"))
    monkeypatch.setattr(record_module, "register_rigid", lambda *_, **__: doubted)
    record, same = describe("p1", images, register=True)
    assert same[Kind.NCCT] is images[Kind.NCCT]
    assert record.checks.findings[0] == (
        "registration not trusted, the NCCT stays in place: it slipped"
    )


def test_registration_moves_the_ncct_and_says_how_well(monkeypatch):
    images = head(1)
    shift = np.eye(4)
    shift[0, 3] = 5

    def register(moving, fixed, *, brain):
        assert (moving.kind, fixed.kind) == (Kind.NCCT, Kind.CBF)
        assert brain is images[Kind.BRAIN_MASK]
        return RigidRegistration(
            matrix=shift,
            mutual_information=0.9,
            mutual_information_before=0.4,
            iterations=3,
            moved_mm=5.0,
        )

    monkeypatch.setattr(record_module, "register_rigid", register)
    record, moved = describe("p1", images, register=True)
    assert moved[Kind.NCCT].affine[0, 3] == images[Kind.NCCT].affine[0, 3] + 5
    assert moved[Kind.BRAIN_MASK].affine[0, 3] == AFFINE[0, 3] + 5
    assert moved[Kind.CBF].affine[0, 3] == AFFINE[0, 3]
    assert "moved by 5.0 mm, mutual information 0.400 before, 0.900 after" in " ".join(
        record.notes
    )
    only = {Kind.NCCT: images[Kind.NCCT]}
    assert describe("p1", only, register=True)[1] == only


def test_maps_beside_the_ncct_are_refused_with_their_distance(tmp_path):
    images = head(1)
    far = AFFINE.copy()
    far[0, 3] += 300
    for kind in (Kind.CBF, Kind.CBV, Kind.MTT, Kind.TTP, Kind.TMAX):
        images[kind] = Volume(images[kind].array, far, kind)
    result = import_cohort([source(tmp_path, "x", images)], tmp_path / "cohort")
    (failure,) = result.failures
    assert "NCCT and maps must lie in one place" in failure.reason
    assert "300 mm apart: mend the affines" in failure.reason
