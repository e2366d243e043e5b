from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from benchmarks.perfusion_objects import make_object

TISSUES = [(f, m, d) for f in (20, 50) for m in (4, 10) for d in (0, 3)]


@pytest.fixture(scope="session")
def known():
    """Eight tiles at 2 HU, an artery and a vein."""
    return make_object(2.0, TISSUES)


@pytest.fixture
def folder(known, tmp_path):
    """The same as files: ctp.nii.gz, times.txt, brain.nii.gz."""
    series = known.series
    for name, array in (("ctp", series.array), ("brain", known.brain.astype("f4"))):
        image = nib.Nifti1Image(array, series.affine)
        image.header.set_xyzt_units("mm", "sec")
        nib.save(image, tmp_path / f"{name}.nii.gz")
    Path(tmp_path / "times.txt").write_text("\n".join(map(str, series.times)))
    return tmp_path


@pytest.fixture(scope="session")
def bolus():
    """Even times and an artery."""
    from benchmarks.perfusion_objects import artery

    times = np.arange(50.0)
    return times, artery(times)
