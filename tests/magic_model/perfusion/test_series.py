from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from magic_model.errors import DataError
from magic_model.perfusion.series import Series, read_mask, read_series


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
