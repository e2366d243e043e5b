import sys

import numpy as np
import pytest

from magic_model.data.registration import (
    RigidRegistration,
    normalised_mutual_information,
    register_rigid,
)
from magic_model.data.volume import Kind, Volume
from magic_model.errors import DataError
from magic_model.maps import PerfusionMap

# Where the brain's surface lies, in mm.
POINTS = np.array([[60, 0, 0, 1], [-60, 0, 0, 1], [0, 80, 0, 1], [0, 0, 55, 1]]).T


def motion(degrees, shift):
    angle = np.radians(degrees)
    matrix = np.eye(4)
    matrix[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    matrix[:3, 3] = shift
    return matrix


def error_mm(registration, moved_by):
    left = (registration.matrix @ moved_by @ POINTS - POINTS)[:3]
    return np.linalg.norm(left, axis=0).max()


@pytest.fixture(scope="module")
def heads(head_maker):
    return head_maker(noise=4.0, seed=1), head_maker(noise=4.0, seed=2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("degrees", "shift"), [(5, (4, -6, 3)), (-10, (8, 10, -8)), (3, (300, 0, 0))]
)
def test_a_known_motion_is_undone(heads, degrees, shift):
    moved_by = motion(degrees, shift)
    moving = Volume(heads[0].ncct.array, moved_by @ heads[0].affine, Kind.NCCT)
    found = register_rigid(moving, heads[1].ncct)
    assert error_mm(found, moved_by) < 0.2
    assert not found.mutual_information <= found.mutual_information_before
    assert found.iterations > 1
    again = register_rigid(moving, heads[1].ncct)
    assert np.array_equal(found.matrix, again.matrix)
    rotation = found.matrix[:3, :3]
    assert np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(rotation) == pytest.approx(1)


@pytest.mark.slow
def test_an_image_of_another_kind_is_matched(heads, maps_maker):
    moved_by = motion(5, (4, -6, 3))
    moving = Volume(heads[0].ncct.array, moved_by @ heads[0].affine, Kind.NCCT)
    cbf = maps_maker(heads[1]).maps[PerfusionMap.CBF]
    assert error_mm(register_rigid(moving, cbf), moved_by) < 0.3


@pytest.mark.slow
def test_images_in_place_stay_or_improve(heads):
    found = register_rigid(heads[0].ncct, heads[1].ncct)
    assert found.mutual_information >= found.mutual_information_before
    assert error_mm(found, np.eye(4)) < 0.2


def test_applying_changes_the_place_only(head):
    found = RigidRegistration(motion(5, (1, 2, 3)), 1.2, 1.1, 10)
    moved = found.apply(head.brain)
    assert np.array_equal(moved.array, head.brain.array)
    assert moved.kind is Kind.BRAIN_MASK
    assert np.array_equal(moved.affine, found.matrix @ head.affine)


def test_normalised_mutual_information_has_its_known_values(rng_image):
    image = Volume(rng_image, np.eye(4), Kind.CBF)
    assert normalised_mutual_information(image, image) == pytest.approx(2)
    other = image.with_array(np.random.default_rng(9).random(image.shape))
    # Chance alone gives (bins - 1)^2 / 2n nats of a joint entropy of 2 ln 32.
    excess = 31**2 / (2 * image.array.size) / (2 * np.log(32))
    found = normalised_mutual_information(image, other)
    assert found == pytest.approx(1 + excess, abs=excess / 2)
    far = np.eye(4)
    far[0, 3] = 1000
    assert np.isnan(
        normalised_mutual_information(Volume(rng_image, far, Kind.CBF), image)
    )
    flat = image.with_array(np.ones(image.shape))
    assert np.isnan(normalised_mutual_information(flat, flat))


@pytest.fixture
def rng_image():
    return np.random.default_rng(3).random((32, 32, 32))


def test_skewed_axes_are_refused(head):
    tilt = np.eye(4)
    tilt[1, 2] = 0.3
    tilted = Volume(head.ncct.array, head.affine @ tilt, Kind.NCCT)
    with pytest.raises(DataError, match="ncct must have axes at right angles"):
        register_rigid(tilted, head.ncct)


def test_values_that_are_not_finite_are_refused(head):
    ct = head.ncct.array.copy()
    ct[0, 0, 0] = np.nan
    with pytest.raises(DataError, match="must be finite"):
        register_rigid(head.ncct.with_array(ct), head.ncct)


def test_a_flat_image_cannot_be_registered(head):
    flat = head.brain.with_array(np.zeros(head.brain.shape))
    with pytest.raises(DataError, match="cannot be registered to brain_mask"):
        register_rigid(head.ncct, flat)


def test_without_simpleitk_it_says_what_to_install(head, monkeypatch):
    monkeypatch.setitem(sys.modules, "SimpleITK", None)
    with pytest.raises(DataError, match=r"pip install 'magic-ctp\[registration\]'"):
        register_rigid(head.ncct, head.ncct)
