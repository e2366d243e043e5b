import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from magic_model.data.checks import central_volume
from magic_model.data.layouts import find_patients
from magic_model.data.volume import Kind
from magic_model.errors import DataError
from magic_model.maps import MAP_SPECS

SAMPLE = Path(
    os.environ.get("MAGIC_PUBLIC_SAMPLE")
    or Path(__file__).parents[5] / "shared" / "data" / "public_sample"
)


def montage(number=1):
    """One slice: three levels of NCCT, then flat maps in a brain of 100 x 60 pixels."""
    picture = np.zeros((256, 1280, 3), dtype=np.uint8)
    panels = np.split(picture, 5, axis=1)
    brain = np.s_[50:150, 90:150]
    panels[0][brain] = [51 + number, 102 + number, 204 + number]
    panels[0][100, 120] = 0  # a hole in the brain
    for panel, grey in zip(panels[1:], (85, 51, 153, 102), strict=True):
        panel[brain] = grey
    return picture


def write_montages(folder, names, picture=None):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        number = int(Path(name).stem.rpartition("_")[2])
        Image.fromarray(montage(number) if picture is None else picture).save(
            folder / name
        )


def test_panels_become_maps_in_the_ranges_of_the_paper(tmp_path):
    write_montages(tmp_path / "train", ["P1_2.png", "P1_10.bmp", "P1_1.png"])
    write_montages(tmp_path / "test", ["a_b_1.BMP"])
    patient, other = find_patients("magic-sample", tmp_path)
    assert (patient.source_id, other.source_id) == ("P1", "a_b")
    assert [path.name for path in patient.files] == [
        "P1_1.png",
        "P1_2.png",
        "P1_10.bmp",
    ]
    for kind, value in {
        Kind.MTT: 12 / 3, Kind.TTP: 25 / 5, Kind.CBF: 60 * 0.6, Kind.CBV: 4 * 0.4
    }.items():  # fmt: skip
        volume = patient.images[kind]()
        assert volume.shape == (256, 256, 3)
        assert volume.spacing == (1.0, 1.0, 10.0)
        inside = volume.array[90:150, 50:150]
        np.testing.assert_allclose(inside, value, rtol=1e-6)
        assert np.count_nonzero(volume.array) == inside.size
    again = pickle.loads(pickle.dumps(patient))  # noqa: S301 - our own bytes
    assert again.images[Kind.CBF]().kind == Kind.CBF


def test_the_three_levels_of_the_ncct_lie_4_mm_apart(tmp_path):
    write_montages(tmp_path, ["P1_1.png", "P1_2.png"])
    (patient,) = find_patients("magic-sample", tmp_path)
    ncct, cbf = patient.images[Kind.NCCT](), patient.images[Kind.CBF]()
    assert ncct.spacing == (1.0, 1.0, 2.0)
    for level, number in enumerate((1, 2)):
        height = (cbf.affine @ [0, 0, level, 1])[2]
        for offset, grey in ((-4, 51), (-2, 76.5), (0, 102), (2, 153), (4, 204)):
            index = round((height + offset - ncct.affine[2, 3]) / 2)
            assert ncct.array[100, 60, index] == pytest.approx(
                (grey + number) * 80 / 255
            )
    assert ncct.array[0, 0].max() == 0


def test_the_brain_is_what_was_not_stripped_holes_filled(tmp_path):
    write_montages(tmp_path, ["P1_1.png"])
    (patient,) = find_patients("magic-sample", tmp_path)
    mask = patient.images[Kind.BRAIN_MASK]()
    assert mask.array.sum() == 5 * 100 * 60
    assert mask.array[120, 100].all()
    np.testing.assert_array_equal(mask.affine, patient.images[Kind.NCCT]().affine)


def test_the_front_is_up_and_the_right_is_left(tmp_path):
    write_montages(tmp_path, ["P1_1.png"])
    (patient,) = find_patients("magic-sample", tmp_path)
    affine = patient.images[Kind.CBF]().affine
    right, front = (affine @ [0, 0, 0, 1])[:2]
    left, back = (affine @ [255, 255, 0, 1])[:2]
    assert right > left
    assert front > back


def test_what_is_not_known_is_noted(tmp_path):
    write_montages(tmp_path, ["P1_1.png", "P1_4.png"])
    (patient,) = find_patients("magic-sample", tmp_path)
    for words in ("true scale", "mL mean nothing", "between 1 and 4"):
        assert any(words in note for note in patient.notes)


def test_one_slice_shown_twice_is_refused_for_that_patient(tmp_path):
    write_montages(tmp_path, ["P1_1.png", "P1_01.png", "P2_1.png"])
    first, second = find_patients("magic-sample", tmp_path)
    with pytest.raises(DataError, match="slice 1 of P1 must be one picture, got two"):
        first.images[Kind.CBF]()
    assert second.images[Kind.CBF]().shape == (256, 256, 1)


def test_colour_in_a_map_is_refused(tmp_path):
    picture = montage()
    picture[60, 700] = [200, 90, 10]
    write_montages(tmp_path, ["P1_1.png"], picture)
    (patient,) = find_patients("magic-sample", tmp_path)
    with pytest.raises(DataError, match=r"P1_1\.png: maps must be grey, .* 190 levels"):
        patient.images[Kind.TTP]()
    assert patient.images[Kind.CBF]().shape == (256, 256, 1)


@pytest.mark.parametrize(
    ("picture", "got"),
    [
        (montage()[:, :1024], "1024 x 256 in RGB"),
        (montage()[..., 0], "1280 x 256 in L"),
    ],
)
def test_another_size_or_mode_is_refused(tmp_path, picture, got):
    write_montages(tmp_path, ["P1_1.png"], picture)
    (patient,) = find_patients("magic-sample", tmp_path)
    with pytest.raises(DataError, match=f"1280 x 256 pixels in RGB, got {got}"):
        patient.images[Kind.CBF]()


@pytest.mark.parametrize("keep", [0, 20, 200])
def test_a_broken_picture_is_named(tmp_path, keep):
    write_montages(tmp_path, ["P1_1.png"])
    path = tmp_path / "P1_1.png"
    path.write_bytes(path.read_bytes()[:keep])
    (patient,) = find_patients("magic-sample", tmp_path)
    with pytest.raises(DataError, match=r"P1_1\.png: not a readable picture"):
        patient.images[Kind.NCCT]()


def not_cut_off(maps):
    """Voxels below the largest grey level, where values are cut off."""
    return np.all(
        [a < MAP_SPECS[k.value].value_range[1] for k, a in maps.items()], axis=0
    )


@pytest.fixture(scope="module")
def sample():
    if not SAMPLE.is_dir():
        pytest.skip("the authors' sample is not there")
    return {p.source_id: p for p in find_patients("magic-sample", SAMPLE)}


def test_the_authors_sample_has_five_patients_and_48_slices(sample):
    assert {name: len(p.files) for name, p in sample.items()} == {
        "P1": 10, "P2": 10, "P3": 9, "P5": 9, "P6": 10,
    }  # fmt: skip
    below = find_patients("magic-sample", SAMPLE / "train")
    assert [p.files for p in below] == [p.files for p in sample.values()]


# Grey levels were found to obey CBV = k CBF MTT; the ranges of the paper give k = 3.
@pytest.mark.parametrize(
    ("name", "k"),
    [("P1", 2.49), ("P2", 2.18), ("P3", 1.56), ("P5", 2.26), ("P6", 2.37)],
)
def test_the_authors_sample_obeys_the_central_volume_relation(sample, name, k):
    load = sample[name].images
    maps = {kind: load[kind]().array for kind in (Kind.CBF, Kind.CBV, Kind.MTT)}
    fit = central_volume(maps, not_cut_off(maps))
    assert fit.correlation > 0.999
    assert fit.n_voxels > 90_000
    assert 3 * fit.scale == pytest.approx(k, abs=0.01)


@pytest.mark.parametrize("name", ["P1", "P6"])
def test_red_lies_below_and_blue_above_in_the_authors_sample(sample, name):
    """The top of one slice resembles the base of the next, which lies 2 mm above it."""
    ncct = sample[name].images[Kind.NCCT]().array
    base, top = ncct[..., 0::5], ncct[..., 4::5]
    across = resemblance(top[..., :-1], base[..., 1:])
    assert across > resemblance(top, base)
    assert across > 3 * resemblance(base[..., :-1], top[..., 1:])


def resemblance(a, b):
    both = (a > 0) & (b > 0)
    return np.corrcoef(a[both], b[both])[0, 1]
