import numpy as np
import pytest

from magic_model.data.layouts.nifti_table import read_labels, read_mask
from magic_model.data.lesion.masks import mask_findings, on_grid, to_binary
from magic_model.data.nifti import write_nifti
from magic_model.data.volume import Kind, Volume
from magic_model.errors import DataError

CORE, AT_RISK, BRAIN = Kind.CORE_MASK, Kind.PENUMBRA_MASK, Kind.BRAIN_MASK


@pytest.fixture
def drawn(tmp_path):
    path = tmp_path / "drawn.nii.gz"
    array = np.zeros((4, 4, 2))
    array[1, :, 0], array[2, :, 0] = 1, 2
    write_nifti(Volume(array, np.eye(4), CORE), path)
    return path


def test_labels_hold_both_masks(drawn):
    core, at_risk = (read_labels(drawn, kind).array for kind in (CORE, AT_RISK))
    assert core.sum() == 4
    assert at_risk.sum() == 8
    assert (at_risk >= core).all()
    assert set(np.unique(at_risk)) == {0, 1}


def test_labels_are_no_mask_and_the_file_is_named(drawn):
    with pytest.raises(DataError) as caught:
        read_mask(drawn, CORE)
    assert str(drawn) in str(caught.value)
    assert "got 0, 1, 2: an image of labels" in str(caught.value)


@pytest.mark.parametrize("value", [3, 0.5, -1, 255])
def test_other_labels_are_refused(tmp_path, value):
    path = tmp_path / "drawn.nii"
    write_nifti(Volume([[[0, 1, value]]], np.eye(4), CORE), path)
    with pytest.raises(DataError, match=r"drawn.nii: labels must be 0, 1 \(core\)"):
        read_labels(path, CORE)


def test_a_mask_of_many_values_is_told_in_few(tmp_path):
    values = Volume([[np.linspace(0, 1, 50)]], np.eye(4), BRAIN)
    with pytest.raises(DataError, match=r"\(50 values\): make a mask of it first"):
        to_binary(values)


def test_a_fault_of_the_file_is_told_once(tmp_path):
    with pytest.raises(DataError, match=r"none\.nii: no such file") as caught:
        read_mask(tmp_path / "none.nii", CORE)
    assert str(caught.value).count("none.nii") == 1


def test_rounding_on_disk_is_no_grey():
    mask = Volume([[[0, 1.0000002, 1]]], np.eye(4), CORE)
    assert to_binary(mask).array.tolist() == [[[0, 1, 1]]]


def test_a_mask_in_another_orientation_is_turned():
    grid = Volume(np.zeros((3, 2, 2)), np.eye(4), Kind.CBF)
    flip = np.diag([-1.0, 1, 1, 1])
    flip[0, 3] = 2
    array = np.zeros((3, 2, 2))
    array[0] = 1
    turned = on_grid({CORE: Volume(array, flip, CORE)}, grid)[CORE]
    assert turned.array[:, 0, 0].tolist() == [0, 0, 1]
    assert np.array_equal(turned.affine, grid.affine)


@pytest.mark.parametrize("change", ["size", "place", "spacing"])
def test_a_mask_of_other_voxels_is_refused(change):
    grid = Volume(np.zeros((3, 2, 2)), np.eye(4), Kind.CBF)
    affine, shape = np.eye(4), (3, 2, 2)
    if change == "size":
        shape = (3, 2, 3)
    elif change == "place":
        affine[2, 3] = 1
    else:
        affine[2, 2] = 2
    mask = Volume(np.zeros(shape), affine, CORE)
    with pytest.raises(DataError, match="core_mask must have the voxels of cbf, 3 x 2"):
        on_grid({CORE: mask}, grid)


@pytest.mark.parametrize(("outside", "told"), [(0, False), (50, False), (200, True)])
def test_core_outside_the_tissue_at_risk_is_told(outside, told):
    core, at_risk = (np.zeros((20, 20, 10)) for _ in range(2))
    core.flat[:2000] = 1
    at_risk.flat[outside:3000] = 1
    spacing = np.diag([3.0, 3, 3, 1])
    images = {
        CORE: Volume(core, spacing, CORE),
        AT_RISK: Volume(at_risk, spacing, AT_RISK),
    }
    findings = list(mask_findings(images))
    assert bool(findings) is told
    if told:
        assert "5.4 mL of core_mask (10 %) lie outside penumbra_mask" in findings[0]
