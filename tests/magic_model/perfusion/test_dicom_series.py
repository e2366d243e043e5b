import re
import shutil
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from magic_model.cli import main
from magic_model.errors import DataError
from magic_model.perfusion.opening import open_series
from tests.magic_model.perfusion.dynamic_dicom import DynamicCt, put_pixels

SPACING = (2.2, 2.2, 5.0)


@pytest.fixture(scope="module")
def whole(known):
    """The object of tiles in whole HU, as scanners store them."""
    return replace(known.series, array=np.round(known.series.array))


@pytest.fixture(scope="module")
def small():
    """A bolus everywhere, 12 frames of 5 x 4 x 2 voxels, each voxel another level."""
    times = np.arange(12) * 2.0
    level = np.arange(40).reshape(5, 4, 2)
    array = level[..., None] + np.round(100 * np.exp(-((times - 10) ** 2) / 20))
    return array.astype(np.float32), times


def ct(small, **options):
    return DynamicCt(*small, SPACING, **options)


@pytest.mark.slow
def test_dicom_and_nifti_of_one_series_give_the_same_maps(whole, known, tmp_path):
    dicom = DynamicCt(whole.array, whole.times, SPACING)
    dicom.write(tmp_path / "dicom")
    for name, array in (("ctp", whole.array), ("brain", known.brain.astype("f4"))):
        image = nib.Nifti1Image(array, dicom.affine)
        image.header.set_xyzt_units("mm", "sec")
        nib.save(image, tmp_path / f"{name}.nii.gz")
    arguments = ["--brain", str(tmp_path / "brain.nii.gz"), "--out"]
    for source in ("dicom", "ctp.nii.gz"):
        out = tmp_path / f"maps-{source}"
        assert main(["perfusion", str(tmp_path / source), *arguments, str(out)]) == 0
    for name in ("cbf", "cbv", "mtt", "ttp", "tmax"):
        one, other = (
            nib.load(tmp_path / f"maps-{source}" / f"{name}.nii.gz")
            for source in ("dicom", "ctp.nii.gz")
        )
        assert one.affine == pytest.approx(other.affine)
        assert (one.get_fdata() == other.get_fdata()).all()
    assert "HOSPITAL" not in (tmp_path / "maps-dicom/report.html").read_text()


def test_files_archive_and_enhanced_object_give_one_series(small, tmp_path):
    dicom = ct(small)
    folder = dicom.write(tmp_path / "files")
    dicom.enhanced(tmp_path / "enhanced" / "one")
    shutil.make_archive(str(tmp_path / "zipped"), "zip", folder)
    for place in (folder, tmp_path / "enhanced", tmp_path / "zipped.zip"):
        series = open_series(place)
        assert (series.array == small[0]).all()
        assert series.affine == pytest.approx(dicom.affine)
        assert series.times == pytest.approx(small[1])
        assert not series.notes


def test_uneven_times_go_over_midnight(small, tmp_path):
    times = np.r_[np.arange(8), 10, 13, 16, 19.0]
    folder = ct((small[0], times), start=86_395.0).write(tmp_path)
    assert open_series(folder).times == pytest.approx(times)


def test_a_table_that_moves_between_two_places_is_brought_to_common_times(
    small, tmp_path
):
    def curve(t):
        return 40 + 100 * np.exp(-((t - 24) ** 2) / 80)

    times, late = np.arange(24) * 2.0, np.array([0, 1.0])
    array = np.stack([np.broadcast_to(curve(times + s), (5, 4, 24)) for s in late], 2)
    dicom = ct((np.round(10 * array), times), late=late)
    upper = {k: d for k, d in dicom.slices.items() if k[0] == 1}
    for dataset in upper.values():  # a series of its own
        dataset.SeriesInstanceUID, dataset.SeriesNumber = "1.2.3", 8
    series = open_series(dicom.write(tmp_path))

    assert series.array.shape == (5, 4, 2, 24)
    truth = 10 * curve(series.times + 0.5)
    inner = slice(1, -1)  # the first and last lie beyond what one table saw
    assert abs(series.array - truth)[..., inner].max() < 3
    assert "up to 1 s apart (at 2 moments): interpolated" in series.notes[0]


def test_one_missing_image_is_interpolated_with_a_warning(small, tmp_path):
    dicom = ct(small)
    del dicom.slices[1, 6]
    series = open_series(dicom.write(tmp_path))

    assert "1 place of 2 has other than 12 images" in series.notes[0]
    others = np.ones((2, 12), bool)
    others[1, 6] = False
    apart = abs(series.array - small[0])
    assert apart[:, :, others].max() < 1e-3
    assert apart[:, :, 1, 6].max() < 3


@pytest.mark.slow
def test_times_in_other_places(small, tmp_path):
    """GE writes one AcquisitionTime for all, others a trigger time in milliseconds."""
    for place, factor in (("ge", 1.0), ("ge-ms", 1000.0), ("trigger", 1000.0)):
        dicom = ct(small)
        for (_, t), dataset in dicom.slices.items():
            dataset.AcquisitionTime = "101500"
            dataset.InstanceNumber = 100 - t
            if place.startswith("ge"):
                block = dataset.private_block(0x19, "GEMS_ACQU_01", create=True)
                block.add_new(0x24, "DS", str(factor * small[1][t]))
            else:
                dataset.TriggerTime = factor * small[1][t]
        series = open_series(dicom.write(tmp_path / place))
        said = any("taken as milliseconds" in note for note in series.notes)
        assert said is (place == "ge-ms")
        assert series.times == pytest.approx(small[1])
        assert (series.array == small[0]).all()


def test_without_times_they_must_be_given(small, tmp_path):
    dicom = ct(small)
    for dataset in dicom.slices.values():
        dataset.AcquisitionTime = "101500"
    folder, times = dicom.write(tmp_path / "a"), tmp_path / "times.txt"
    with pytest.raises(DataError, match="tell no time that differs"):
        open_series(folder)
    times.write_text(" ".join(map(str, 3 * small[1])))
    series = open_series(folder, times)
    assert series.times[-1] == 66
    assert (series.array == small[0]).all()
    times.write_text("1 2 3")
    with pytest.raises(DataError, match="got 3 for 12 images"):
        open_series(folder, times)


def test_several_series_are_told_apart_by_number(small, tmp_path):
    for number in (7, 9):
        dicom = ct(small)
        for dataset in dicom.slices.values():
            dataset.SeriesNumber = number
        dicom.write(tmp_path / str(number))
    with pytest.raises(DataError, match=r"got series 7 .*series 9 .*name one with --s"):
        open_series(tmp_path)
    assert open_series(tmp_path, wanted="9").array.shape == (5, 4, 2, 12)


def test_a_series_for_each_moment(small, tmp_path):
    dicom = ct(small)
    for (_, t), dataset in dicom.slices.items():
        dataset.SeriesInstanceUID, dataset.SeriesNumber = f"1.2.{t}", t + 1
    assert (open_series(dicom.write(tmp_path)).array == small[0]).all()


def test_a_tilted_gantry_is_resampled(small, tmp_path):
    dicom = ct(small)
    for (z, _), dataset in dicom.slices.items():
        dataset.ImagePositionPatient = [0.0, 1.5 * z, 5.0 * z]
    series = open_series(dicom.write(tmp_path))
    assert "tilted" in series.notes[0]
    assert series.array.shape[2:] == (2, 12)


@pytest.mark.parametrize("fault", ["one image", "one place", "later frames"])
def test_mixed_sizes_are_one_sentence_of_the_command(fault, small, tmp_path, capsys):
    dicom = ct(small)
    for (z, t), dataset in dicom.slices.items():
        other = {"one image": (z, t) == (1, 3), "one place": z, "later frames": t > 5}
        if other[fault]:
            put_pixels(dataset, np.zeros((3, 5)))
    folder, out = dicom.write(tmp_path / "dicom"), tmp_path / "maps"

    assert main(["perfusion", str(folder), "--out", str(out)]) == 2

    told = capsys.readouterr().err
    assert re.search(r"must have one size, got \d x 5 pixels beside \d x 5\n$", told)
    assert told.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("size", r"must have one size, got 3 x 5 pixels beside 4 x 5"),
        ("holes", r"as often as others \(12 times\), got 5 images at 5\.0 mm"),
        ("aside", r"lies 20\.0 mm beside"),
        ("volume", "must hold one CT perfusion series .* got none"),
        ("modality", "must hold one CT perfusion series .* got none"),
        ("empty frame", "got a mean of -1024 in frame 6"),
    ],
)
def test_wrong_dicom(fault, message, small, tmp_path):
    dicom = ct(small)
    for (z, t), dataset in list(dicom.slices.items()):
        if fault == "size" and (z, t) == (1, 3):
            put_pixels(dataset, np.zeros((3, 5)))
        if (fault == "holes" and z == 1 and t > 4) or (fault == "volume" and t):
            del dicom.slices[z, t]
        if fault == "aside" and (z, t) == (1, 3):
            dataset.ImagePositionPatient = [0.0, 20.0, 5.0]
        if fault == "modality":
            dataset.Modality = "PT"
        if fault == "empty frame" and t == 6:
            put_pixels(dataset, np.full((4, 5), -1024))
    dicom.write(tmp_path)
    with pytest.raises(DataError, match=message):
        open_series(tmp_path)
