import sys

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.transform import Rotation

from magic_model.data import registration
from magic_model.data.alignment.rigid_search import COARSE, MEDIUM, RigidSearch
from magic_model.data.grid import resample
from magic_model.data.registration import (
    RigidRegistration,
    normalised_mutual_information,
    register_rigid,
)
from magic_model.data.volume import Kind, Volume
from magic_model.errors import DataError
from magic_model.phantom.generate import plan_cohort
from magic_model.phantom.patient import simulate

CENTRE = np.array([0, 0, 15.0])


def motion(degrees, shift):
    """Turn about x, y and z through the middle of the brain, then shift."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    matrix[:3, 3] = CENTRE - matrix[:3, :3] @ CENTRE + shift
    return matrix


def error_mm(matrix, moved_by, phantom):
    """Mean distance of the brain from where it belongs."""
    brain = phantom[Kind.BRAIN_MASK]
    voxels = np.argwhere(brain.array > 0)[::501]
    points = brain.affine @ np.column_stack([voxels, np.ones(len(voxels))]).T
    left = (matrix @ moved_by @ points - points)[:3]
    return np.linalg.norm(left, axis=0).mean()


def moved(volume, moved_by):
    return Volume(volume.array, moved_by @ volume.affine, volume.kind)


def some_slices(volume, first, n):
    affine = volume.affine.copy()
    affine[:, 3] = affine @ [0, 0, first, 1]
    return Volume(volume.array[..., first : first + n], affine, volume.kind)


def test_one_search_undoes_a_motion(phantom):
    """On a coarse head, with the true brain in place of a stripped one."""
    ncct, cbf = phantom[Kind.NCCT], phantom[Kind.CBF]
    coarse = Volume(
        ncct.array[::3, ::3, ::5], ncct.affine @ np.diag([3, 3, 5, 1]), Kind.NCCT
    )
    brain = resample(phantom[Kind.BRAIN_MASK], coarse.affine, coarse.shape, order=0)
    head = coarse.with_array(np.where(brain.array > 0, coarse.array.clip(0, 80), 0))
    moved_by = motion((3, -5, 6), (8, -6, 9))
    search = RigidSearch(moved(head, moved_by), cbf)
    found = search.climb(np.eye(4), (COARSE, MEDIUM))
    assert error_mm(np.eye(4), moved_by, phantom) > 12
    assert error_mm(found.matrix, moved_by, phantom) < 1.5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("degrees", "shift", "slices"),
    [
        ((0, 0, 3), (0, 0, 0), (0, 10)),
        ((3, 0, 0), (0, 0, 0), (0, 10)),
        ((0, 0, 8), (10, 5, 0), (0, 10)),
        ((-6, 5, 6), (11, -12, 11), (0, 10)),
        ((4, -5, 5), (0, 5, -18), (3, 4)),
        ((0, 0, 5), (300, 0, 0), (0, 10)),
    ],
)
def test_a_known_motion_of_a_phantom_is_undone(phantom, degrees, shift, slices):
    moved_by = motion(degrees, shift)
    maps = some_slices(phantom[Kind.CBF], *slices)
    found = register_rigid(moved(phantom[Kind.NCCT], moved_by), maps)
    assert found.doubts == ()
    assert error_mm(found.matrix, moved_by, phantom) < 0.7
    assert not found.mutual_information <= found.mutual_information_before
    rotation = found.matrix[:3, :3]
    assert np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(rotation) == pytest.approx(1)


@pytest.mark.slow
def test_images_in_place_stay_there_and_a_repetition_gives_the_same(phantom):
    found = register_rigid(phantom[Kind.NCCT], phantom[Kind.CBF])
    assert found.trusted
    assert error_mm(found.matrix, np.eye(4), phantom) < 0.5
    again = register_rigid(phantom[Kind.NCCT], phantom[Kind.CBF])
    assert np.array_equal(found.matrix, again.matrix)


@pytest.mark.slow
def test_maps_of_noise_are_not_trusted(phantom):
    cbf = phantom[Kind.CBF]
    noise = np.random.default_rng(5).random(cbf.shape)
    blocks = np.zeros(cbf.shape)
    blocks[60:200, 60:110] = 1
    found = register_rigid(phantom[Kind.NCCT], cbf.with_array(noise * blocks))
    assert not found.trusted


@pytest.mark.slow
def test_an_ncct_without_bone_is_registered_but_not_trusted(phantom):
    ncct = phantom[Kind.NCCT]
    soft = ncct.with_array(np.where(ncct.array < 100, ncct.array, 40))
    found = register_rigid(soft, phantom[Kind.CBF])
    assert "no brain was found in the ncct" in found.doubts[0]


def search_that_ends(monkeypatch, ends):
    """Replace the search by places that were agreed on."""
    places = iter(ends)

    class Search:
        def __init__(self, *_images):
            pass

        def climb(self, _start, _resolutions):
            matrix = np.eye(4)
            matrix[0, 3], information = next(places)
            return registration.Found(matrix, information, 5)

    monkeypatch.setattr(registration, "RigidSearch", Search)


@pytest.fixture
def simple(phantom):
    """NCCT and maps on one grid, with the brain that is in them."""
    brain = phantom[Kind.BRAIN_MASK]
    ncct = brain.with_array(brain.array * 30, Kind.NCCT)
    return ncct, phantom[Kind.CBF], brain


def ended(monkeypatch, simple, restarts, final):
    ncct, cbf, brain = simple
    search_that_ends(monkeypatch, [(0, 1), (0, 0.5), (0, 1), *restarts, (final, 1)])
    return register_rigid(ncct, cbf, brain=brain)


def test_a_result_that_restarts_come_back_to_is_trusted(monkeypatch, simple):
    found = ended(monkeypatch, simple, [(0.1, 0.9), (0, 0.9), (-0.4, 0.9)], 0)
    assert found.trusted
    assert found.apart_mm == pytest.approx(0.4)
    assert found.moved_mm == 0
    assert found.offset.mm < 1


def test_a_result_that_a_restart_leaves_is_not_trusted(monkeypatch, simple):
    found = ended(monkeypatch, simple, [(0.1, 0.9), (0, 0.9), (1.3, 0.9)], 0)
    assert found.doubts == ("searches from near the result end 1.3 mm apart",)


def test_a_better_place_is_tried_in_its_turn(monkeypatch, simple):
    first = [(0.1, 0.9), (0, 0.9), (2.5, 2)]
    found = ended(monkeypatch, simple, [*first, *[(2.4, 1.5)] * 3], 2.5)
    assert found.apart_mm == pytest.approx(0.1)
    assert found.matrix[0, 3] == 2.5


def test_outlines_that_stay_apart_and_a_loss_are_doubted(monkeypatch, simple):
    found = ended(monkeypatch, simple, [(12, 0.9)] * 3 + [(12, 0.9)] * 3, 12)
    said = " ".join(found.doubts)
    assert "outlines of the brains still lie 12 mm (12 mm left) apart" in said
    assert "tell more of each other where they were before" in said


@pytest.mark.parametrize(("factor", "way"), [(1.16, "short of"), (0.94, "beyond")])
def test_a_brain_of_another_size_is_doubted(monkeypatch, simple, factor, way):
    """The NCCT is enlarged, or made smaller, about its middle."""
    ncct, cbf, brain = simple
    middle = ncct.affine @ [*np.argwhere(brain.array > 0).mean(axis=0), 1]
    scaled = np.diag([factor, factor, 1, 1])
    scaled[:2, 3] = (1 - factor) * middle[:2]
    larger = [Volume(v.array, scaled @ v.affine, v.kind) for v in (ncct, brain)]
    found = ended(monkeypatch, (larger[0], cbf, larger[1]), [(0, 0.9)] * 3, 0)
    said = " ".join(found.doubts)
    assert f"mm {way} the brain of the ncct all around: are both of one" in said


def test_what_does_not_fit_within_is_doubted(monkeypatch, simple):
    ncct, cbf, brain = simple
    noise = np.random.default_rng(4).standard_normal((2, *ncct.shape))
    folds = [ndimage.gaussian_filter(one, (5, 5, 1)) * 30 + 30 for one in noise]
    for seen, fits in ((folds[0], True), (folds[1], False)):
        shown = ncct.with_array(np.where(brain.array > 0, np.clip(seen, 1, 80), 0))
        maps = cbf.with_array(np.where(cbf.array != 0, np.clip(folds[0], 1, 80), 0))
        found = ended(monkeypatch, (shown, maps, brain), [(0, 0.9)] * 3, 0)
        assert any("are both of one patient?" in one for one in found.doubts) != fits
        assert (found.elsewhere < 0.8) == fits


@pytest.mark.slow
def test_maps_of_another_patient_are_not_trusted():
    """Two that were trusted while neither size nor what is within was looked at."""
    one, other = (simulate(p.spec, p.rng()).images for p in plan_cohort(7, 5)[1:3])
    found = register_rigid(one[Kind.NCCT], other[Kind.CBF])
    assert not found.trusted


def test_applying_changes_the_place_only(phantom):
    found = RigidRegistration(motion((1, 2, 3), (1, 2, 3)), 1.2, 1.1, 10)
    brain = phantom[Kind.BRAIN_MASK]
    result = found.apply(brain)
    assert np.array_equal(result.array, brain.array)
    assert result.kind is Kind.BRAIN_MASK
    assert np.array_equal(result.affine, found.matrix @ brain.affine)


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


def test_skewed_axes_are_refused(simple):
    ncct, cbf, _ = simple
    tilt = np.eye(4)
    tilt[1, 2] = 0.3
    tilted = Volume(ncct.array, ncct.affine @ tilt, Kind.NCCT)
    with pytest.raises(DataError, match="ncct must have axes at right angles"):
        register_rigid(tilted, cbf)


def test_values_that_are_not_finite_are_refused_in_the_ncct_only(monkeypatch, simple):
    ncct, cbf, brain = simple
    holes = ncct.array.copy()
    holes[0, 0, 0] = np.nan
    with pytest.raises(DataError, match="must be finite"):
        register_rigid(ncct.with_array(holes), cbf)
    background = np.where(cbf.array == 0, np.nan, cbf.array)
    same = (ncct, cbf.with_array(background), brain)
    assert ended(monkeypatch, same, [(0, 0.9)] * 3, 0).trusted


def test_a_flat_image_cannot_be_registered(simple):
    ncct, cbf, brain = simple
    flat = cbf.with_array(np.zeros(cbf.shape))
    with pytest.raises(DataError, match=r"cbf must show 1000 voxels .* got 0"):
        register_rigid(ncct, flat, brain=brain)


def test_without_simpleitk_it_says_what_to_install(simple, monkeypatch):
    ncct, cbf, brain = simple
    monkeypatch.setitem(sys.modules, "SimpleITK", None)
    with pytest.raises(DataError, match=r"pip install 'magic-ctp\[registration\]'"):
        register_rigid(ncct, cbf, brain=brain)
