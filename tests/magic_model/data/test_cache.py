import dataclasses
import json
import pickle
from dataclasses import replace

import numpy as np
import pytest

from magic_model.data import slice_cache as cache_module
from magic_model.data.cohort import Cohort, Patient, read_cohort, write_cohort
from magic_model.data.nifti import read_nifti, write_nifti
from magic_model.data.normalise import unscale_hounsfield, unscale_map
from magic_model.data.sampling import Sampling
from magic_model.data.slice_cache import SliceCache, build_cache
from magic_model.data.slices import SliceGeometry, prepare_slices
from magic_model.data.split import Split
from magic_model.data.volume import Kind, Volume
from magic_model.errors import DataError
from magic_model.maps import PerfusionMap
from magic_model.severity import Severity

SMALL = SliceGeometry(size=32, n_slices=4, slice_mm=8.0)
MAPS = (PerfusionMap.CBF, PerfusionMap.MTT)
SPLITS = {"P1": Split.TRAIN, "P2": Split.TEST, "P3": Split.TRAIN}


@pytest.fixture
def cohort(tmp_path, head, maps_maker):
    """Three patients that differ in noise."""
    folder = tmp_path / "cohort"
    rng = np.random.default_rng(0)
    maps = maps_maker(head).maps
    patients = []
    for name, split in SPLITS.items():
        noisy = head.ncct.array + rng.normal(0, 2, head.ncct.shape)
        volumes = [head.ncct.with_array(noisy), head.brain, *(maps[m] for m in MAPS)]
        images = {}
        for volume in volumes:
            path = folder / name / f"{volume.kind}.nii.gz"
            write_nifti(volume, path)
            images[volume.kind] = path.relative_to(folder)
        patients.append(Patient(name, split, Severity.NONE, 0, 0, 0, images))
    write_cohort(folder, patients)
    return read_cohort(folder)


def build(cohort, folder, **options):
    return build_cache(cohort, folder, maps=MAPS, geometry=SMALL, **options)


def test_samples_are_the_slices_of_each_patient(cohort, tmp_path):
    cache = build(cohort, tmp_path / "cache")
    assert len(cache) == 12
    assert cache.failures == []
    for place, patient in enumerate(cohort.patients):
        stack = prepare_slices(
            patient.patient_id,
            cohort.load(patient, Kind.NCCT),
            {m: cohort.load(patient, Kind(m)) for m in MAPS},
            cohort.load(patient, Kind.BRAIN_MASK),
            geometry=SMALL,
        )
        assert cache.patients[place].heights == pytest.approx(stack.heights)
        for k in range(4):
            sample = cache[place * 4 + k]
            assert sample.patient_id == patient.patient_id
            assert np.array_equal(sample.mask, stack.mask[k])
            ct = unscale_hounsfield(sample.ncct)
            # Half precision: 2^-12 of half a window of 80 HU.
            assert np.abs(ct - np.clip(stack.ncct[k], 0, 80)).max() <= 40 * 2**-11
            for channel, name in enumerate(MAPS):
                values = unscale_map(sample.maps[channel], name)
                assert np.abs(values - stack.maps[name][k]).max() <= 30 * 2**-11
            assert sample.ncct.dtype == sample.maps.dtype == np.float32


def test_samples_are_within_one(cohort, tmp_path):
    for sample in build(cohort, tmp_path / "cache"):
        assert np.abs(sample.ncct).max() <= 1
        assert np.abs(sample.maps).max() <= 1
        assert (sample.maps[:, ~sample.mask] == -1).all()
        assert (sample.ncct[1][~sample.mask] == -1).all()


def test_splits_are_by_patient(cohort, tmp_path):
    cache = build(cohort, tmp_path / "cache")
    assert cache.of_split(Split.TRAIN).tolist() == [0, 1, 2, 3, 8, 9, 10, 11]
    assert cache.of_split(Split.TEST).tolist() == [4, 5, 6, 7]
    assert cache.of_split(Split.VAL).tolist() == []
    assert cache[-1].patient_id == "P3"


def test_it_is_opened_as_it_was_built(cohort, tmp_path):
    built = build(cohort, tmp_path / "cache")
    for again in (
        SliceCache.open(tmp_path / "cache"),
        pickle.loads(pickle.dumps(built)),  # noqa: S301
    ):
        assert isinstance(again.ncct, np.memmap)
        assert again.patients == built.patients
        assert again.maps == {PerfusionMap.CBF: (0, 60), PerfusionMap.MTT: (0, 12)}
        assert again.window == (0, 80)
        assert np.array_equal(again[5].maps, built[5].maps)


def test_pixels_are_the_median_of_patients_trained_on(cohort, tmp_path):
    """P1 and P3 are trained on; the maps of P3 get pixels half as large again."""
    assert build(cohort, tmp_path / "one").sampling == Sampling(
        pixel_mm=7.0, offset_mm=4.0, slice_mm=8.0
    )
    for image in cohort.patients[2].images.values():
        path = cohort.folder / image
        volume = read_nifti(path, "ncct")
        affine = volume.affine @ np.diag([1.5, 1.5, 1.0, 1.0])
        write_nifti(Volume(volume.array, affine, "ncct"), path)
    cache = build(cohort, tmp_path / "two")
    assert cache.sampling.pixel_mm == pytest.approx(7 * 1.25)
    # The head of P3 is larger by half, also on the slices.
    areas = [cache.mask[4 * place : 4 * place + 4].sum() for place in range(3)]
    assert areas[0] == areas[1]
    assert areas[2] == pytest.approx(1.5**2 * areas[0], rel=0.05)
    assert SliceCache.open(tmp_path / "two").sampling == cache.sampling


def test_a_side_of_pixels_can_be_given(cohort, tmp_path):
    geometry = replace(SMALL, pixel_mm=5.0)
    cache = build_cache(cohort, tmp_path / "cache", maps=MAPS, geometry=geometry)
    assert cache.sampling.pixel_mm == 5.0
    assert cache.mask.sum() * 25 == pytest.approx(
        build(cohort, tmp_path / "other").mask.sum() * 49, rel=0.05
    )


def test_a_cache_of_version_0_1_is_refused_and_built_again(cohort, tmp_path):
    folder = tmp_path / "cache"
    build(cohort, folder)
    index = json.loads((folder / "index.json").read_text())
    del index["sampling"]
    (folder / "index.json").write_text(json.dumps(index | {"schema": 1}))
    message = r"slices of version 0\.1 do not say how large their pixels are; prepare"
    with pytest.raises(DataError, match=message):
        SliceCache.open(folder)
    assert build(cohort, folder).sampling.pixel_mm == 7.0


def test_nothing_but_the_cache_is_left(cohort, tmp_path):
    build(cohort, tmp_path / "cache")
    names = sorted(path.name for path in (tmp_path / "cache").iterdir())
    assert names == ["index.json", "maps.npy", "mask.npy", "ncct.npy"]


def test_ranges_can_be_given(cohort, tmp_path):
    cache = build_cache(
        cohort,
        tmp_path / "cache",
        maps={PerfusionMap.CBF: (0.0, 100.0)},
        geometry=SMALL,
    )
    assert cache.map_values.shape == (12, 1, 32, 32)
    assert cache.maps == {PerfusionMap.CBF: (0, 100)}
    assert cache[0].maps.max() == 0  # 50 of 0 to 100


@pytest.fixture
def counted(monkeypatch):
    """Names of patients prepared from now on."""
    names = []
    original = cache_module._prepare_part

    def prepare(job):
        if not job.part.exists():
            names.append(job.patient.patient_id)
        return original(job)

    monkeypatch.setattr(cache_module, "_prepare_part", prepare)
    return names


def test_an_unchanged_cohort_is_not_prepared_again(cohort, tmp_path, counted):
    first = build(cohort, tmp_path / "cache")
    counted.clear()
    assert build(cohort, tmp_path / "cache").fingerprint == first.fingerprint
    assert counted == []


def test_a_changed_image_or_setting_makes_a_new_cache(cohort, tmp_path, counted):
    first = build(cohort, tmp_path / "cache")
    patient = cohort.patients[1]
    ncct = cohort.load(patient, Kind.NCCT)
    write_nifti(
        ncct.with_array(ncct.array + 5), cohort.folder / patient.images[Kind.NCCT]
    )
    counted.clear()
    second = build(cohort, tmp_path / "cache")
    assert counted == ["P1", "P2", "P3"]
    assert second.fingerprint != first.fingerprint
    assert not np.array_equal(second[4].ncct, first[4].ncct)
    third = build_cache(cohort, tmp_path / "cache", maps=MAPS[:1], geometry=SMALL)
    assert third.fingerprint != second.fingerprint


def test_slices_averaged_over_slabs_are_others_and_say_so(cohort, tmp_path):
    """Single planes keep the fingerprint that they had before there were slabs."""
    single, slab = (
        build_cache(
            cohort,
            tmp_path / str(mm),
            maps=MAPS,
            geometry=dataclasses.replace(SMALL, slab_mm=mm),
        )
        for mm in (0.0, 24.0)
    )
    assert (single.sampling.slab_mm, slab.sampling.slab_mm) == (0.0, 24.0)
    assert single.fingerprint != slab.fingerprint
    inside = single.mask[1]
    assert not np.array_equal(slab.ncct[1, 1][inside], single.ncct[1, 1][inside])
    how = dataclasses.asdict(dataclasses.replace(SMALL, pixel_mm=1.0))
    del how["slab_mm"]
    patient, ranges = cohort.patients[0], {MAPS[0]: (0.0, 60.0)}
    contents = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(cache_module, "_digest", contents.append)
        geometry = dataclasses.replace(SMALL, pixel_mm=1.0)
        cache_module._fingerprint_of(cohort, patient, ranges, geometry)
    assert contents[0][0] == [2, how, [(MAPS[0], (0.0, 60.0))]]


def test_building_goes_on_where_it_stopped(cohort, tmp_path, counted):
    def stop(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(cohort, tmp_path / "cache", progress=stop)
    with pytest.raises(DataError, match=r"no slice cache here \(index.json missing"):
        SliceCache.open(tmp_path / "cache")
    done = len(counted)
    assert done >= 2
    assert len(build(cohort, tmp_path / "cache")) == 12
    assert counted == ["P1", "P2", "P3"]


def test_a_broken_patient_is_named_and_the_others_go_on(cohort, tmp_path):
    (cohort.folder / "P2" / "ncct.nii.gz").write_bytes(b"no image")
    cache = build(cohort, tmp_path / "cache")
    assert [patient.patient_id for patient in cache.patients] == ["P1", "P3"]
    assert len(cache) == 8
    assert cache[4].patient_id == "P3"
    assert [failure.patient_id for failure in cache.failures] == ["P2"]
    assert "P2/ncct.nii.gz: not a readable NIfTI" in cache.failures[0].reason
    assert SliceCache.open(tmp_path / "cache").failures == cache.failures


def test_a_missing_map_is_a_failure(cohort, tmp_path):
    first, *others = cohort.patients
    lacking = {k: v for k, v in first.images.items() if k is not Kind.MTT}
    without = Patient("P1", first.split, None, 0, 0, 0, lacking)
    cache = build(Cohort(cohort.folder, [without, *others]), tmp_path / "cache")
    assert [failure.reason for failure in cache.failures] == ["P1 has no mtt"]


def test_without_any_patient_there_is_no_cache(cohort, tmp_path):
    for name in SPLITS:
        (cohort.folder / name / "cbf.nii.gz").unlink()
    with pytest.raises(DataError, match=r"no patient could be prepared; .* no such"):
        build(cohort, tmp_path / "cache")
    with pytest.raises(DataError, match="the cohort is empty"):
        build(Cohort(cohort.folder, []), tmp_path / "cache")


def test_a_folder_that_cannot_be_written_is_named(cohort, tmp_path):
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(DataError, match="cache: cannot be written"):
        build(cohort, tmp_path / "cache")


def test_progress_is_told(cohort, tmp_path):
    told = []
    build(cohort, tmp_path / "cache", progress=lambda *x: told.append(x))
    assert told == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.slow
def test_several_at_a_time_write_the_same_bytes(cohort, tmp_path):
    build(cohort, tmp_path / "one")
    build(cohort, tmp_path / "two", jobs=2)
    for name in ("ncct.npy", "maps.npy", "mask.npy", "index.json"):
        one, two = (tmp_path / side / name for side in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize("damage", ["text", "key", "count", "array"])
def test_a_damaged_cache_is_refused_and_built_again(cohort, tmp_path, damage):
    folder = tmp_path / "cache"
    build(cohort, folder)
    index = json.loads((folder / "index.json").read_text())
    if damage == "text":
        (folder / "index.json").write_text("{")
    if damage == "key":
        del index["maps"]
    if damage == "count":
        index["patients"].pop()
    if damage == "array":
        (folder / "maps.npy").write_bytes(b"short")
    if damage in {"key", "count"}:
        (folder / "index.json").write_text(json.dumps(index))
    with pytest.raises(DataError, match=r"index\.json: "):
        SliceCache.open(folder)
    assert len(build(cohort, folder)) == 12
