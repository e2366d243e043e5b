from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from magic_model.errors import DataError
from magic_model.perfusion.opening import open_series
from magic_model.perfusion.series import Series, read_header, read_mask, read_series


def rewrite(path, change, zooms=None, unit="sec"):
    image = nib.load(path)
    new = nib.Nifti1Image(change(image.get_fdata(dtype=np.float32)), image.affine)
    new.header.set_xyzt_units("mm", unit)
    if zooms is not None:
        new.header["pixdim"][4] = zooms
    nib.save(new, path)


@pytest.mark.slow
def test_times_come_from_the_file_or_beside_it(folder, known):
    path = folder / "ctp.nii.gz"
    given = read_series(path, folder / "times.txt")

    assert given.array == pytest.approx(known.series.array)
    assert given.spacing == pytest.approx((2.2, 2.2, 5.0))
    assert read_series(path).times == pytest.approx(given.times)
    rewrite(path, lambda a: a, 1500, "msec")
    assert read_series(path).times[:3].tolist() == [0, 1.5, 3]
    rewrite(path, lambda a: a, 2, "unknown")
    assert "2 was taken as seconds" in read_series(path).notes[0]
    rewrite(path, lambda a: a, 0)
    with pytest.raises(DataError, match="--frame-times"):
        read_series(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 1 2", "one for each of 50 frames, got 3"),
        (" ".join(map(str, range(50, 0, -1))), "finite and increase"),
        (
            " ".join(str(1000 * i) for i in range(50)),
            r"span 10 to 600 seconds, got 49000",
        ),
        (" ".join(map(str, [*range(10), *range(40, 80)])), "a gap of 31 s"),
        ("0 1 two", "got 'two'"),
    ],
)
def test_wrong_times(text, message, folder):
    (folder / "times.txt").write_text(text)
    with pytest.raises(DataError, match=message):
        read_series(folder / "ctp.nii.gz", folder / "times.txt")


def test_wrong_series(folder, known):
    path = folder / "ctp.nii.gz"
    with pytest.raises(DataError, match="no such file"):
        read_series(folder / "none.nii.gz")
    with pytest.raises(DataError, match="cannot be read"):
        read_series(path, folder)
    with pytest.raises(
        DataError, match="must be a 4D series over time, got one volume"
    ):
        read_series(folder / "brain.nii.gz")
    (folder / "text.nii").write_text("no image")
    with pytest.raises(DataError, match="not a readable NIfTI image"):
        read_series(folder / "text.nii")
    hole = known.series.array.copy()
    hole[0, 0, 0, 7] = np.nan
    with pytest.raises(
        DataError, match=r"NaN or infinity in 1 of 50 frames, first frame 7"
    ):
        replace(known.series, array=hole)
    with pytest.raises(DataError, match="10 frames or more, got 1 frame"):
        Series(known.series.array[..., :1], known.series.affine, np.zeros(1))
    with pytest.raises(DataError, match="must have four axes, got 66 x 24 x 2"):
        Series(known.series.array[..., 0], known.series.affine, np.zeros(1))


def test_masks(folder, known):
    path = folder / "brain.nii.gz"

    assert (read_mask(path, known.series) == known.brain).all()
    moved = replace(known.series, affine=np.diag([2.2, 2.2, 4, 1]))
    with pytest.raises(DataError, match=r"must lie where the series lies.* 1 mm apart"):
        read_mask(path, moved)
    rewrite(path, lambda a: a * 0)
    with pytest.raises(DataError, match="must have voxels, got none"):
        read_mask(path, known.series)
    rewrite(path, lambda a: a[1:])
    with pytest.raises(
        DataError, match="the series' 66 x 24 x 2 voxels, got 65 x 24 x 2"
    ):
        read_mask(path, known.series)


@pytest.fixture
def small(tmp_path):
    """Twelve frames of soft tissue with noise, 2 s apart, as a file."""
    hu = 35 + np.random.default_rng(0).standard_normal((8, 8, 2, 12))
    image = nib.Nifti1Image(hu.astype(np.float32), np.eye(4))
    image.header.set_xyzt_units("mm", "sec")
    image.header["pixdim"][4] = 2
    nib.save(image, tmp_path / "ctp.nii.gz")
    return tmp_path / "ctp.nii.gz"


@pytest.mark.parametrize(
    ("beside", "last"),
    [
        ('{"FrameTimesStart": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12]}', 12),
        ('{"VolumeTiming": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13]}', 13),
        ('{"RepetitionTime": 3}', 33),
        ('{"Manufacturer": "any"}', 22),
    ],
)
def test_times_stand_in_a_file_beside(small, beside, last):
    small.with_name("ctp.json").write_text(beside)
    series = read_series(small)
    assert series.times[-1] == last
    assert any("are those of ctp.json" in n for n in series.notes) is (last != 22)
    small.with_name("ctp.json").write_text("no JSON")
    with pytest.raises(DataError, match=r"ctp\.json: not a readable description"):
        read_series(small)


def test_doubts_and_faults_of_frames(small):
    rewrite(small, lambda a: np.concatenate([a[..., :5], a[..., 4:-1]], axis=3), 2)
    assert "frame 5 (from 0) repeats the one before it" in read_series(small).notes
    times = small.with_name("times.txt")
    times.write_text("0 2 4 8 10 12 14 16 18 20 22 24")
    assert "frames 2 and 3 (from 0) lie 4 s apart" in read_series(small, times).notes[0]
    rewrite(small, lambda a: np.where(np.arange(12) == 3, -500, a), 2)
    with pytest.raises(DataError, match=r"mean of -500 in frame 3 \(from 0\), 35 in"):
        read_series(small)
    rewrite(small, lambda a: a * 0 + 1060, 2)
    with pytest.raises(DataError, match=r"ctp.nii.gz: a series must be in HU"):
        read_series(small)


def test_a_file_without_a_place_and_one_without_a_distance(small):
    image = nib.load(small)
    image.set_sform(None, 0)
    image.set_qform(None, 0)
    array = np.asarray(image.dataobj)
    image.header["pixdim"][4] = 0
    nib.save(nib.Nifti1Image(array, None, image.header), small)
    header = read_header(small, usual_step_s=1.5)
    assert header.times[-1] == 16.5
    assert "1.5 s was assumed" in header.notes[0]
    assert "states no place in space" in header.notes[1]
    with pytest.raises(DataError, match="can be named in a folder of DICOM only"):
        open_series(small, wanted="3")
    with pytest.raises(DataError, match="states no distance of frames"):
        open_series(small)
