"""Checkpoints of earlier versions load and give the maps that they gave."""

from pathlib import Path

import numpy as np
import pytest

import magic_model
from magic_model.data.nifti import read_nifti
from magic_model.maps import PAPER_MAPS

FIXTURES = Path(__file__).with_name("fixtures")


@pytest.mark.parametrize("family", ["branches", "single", "residual"])
@pytest.mark.parametrize("version", ["version_0_1"])
def test_a_checkpoint_gives_the_same_maps_as_ever(version, family):
    folder = FIXTURES / version
    model = magic_model.load(folder / family / "best.safetensors", device="cpu")
    assert model.recipe_name == f"old {family}"
    maps = model.generate(folder / "ncct.nii.gz")
    assert maps.keys() == list(PAPER_MAPS)
    for name, made in maps.volumes.items():
        ever = read_nifti(folder / family / f"{name}.nii.gz", name.value)
        np.testing.assert_array_equal(made.affine, ever.affine)
        # Sums may differ by the machine's order of additions, nothing more.
        np.testing.assert_allclose(made.array, ever.array, rtol=1e-4, atol=1e-4)
        assert made.array.std() > 0
    brain = read_nifti(folder / family / "brain_mask.nii.gz", "brain_mask")
    np.testing.assert_array_equal(maps.mask.array, brain.array)
