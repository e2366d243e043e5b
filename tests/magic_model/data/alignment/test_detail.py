"""What two brains tell of each other here and 6 mm aside."""

import numpy as np
import pytest
from scipy import ndimage

from magic_model.data.alignment.detail import told_elsewhere
from magic_model.data.volume import Kind, Volume

SHAPE, PIXEL_MM = (80, 96, 6), 2.0
AFFINE = np.diag([PIXEL_MM, PIXEL_MM, 5.0, 1.0])


def anatomy(seed):
    """Grey and white matter of one person, in folds of about a centimetre."""
    noise = np.random.default_rng(seed).standard_normal(SHAPE)
    return ndimage.gaussian_filter(noise, (2.5, 2.5, 1)) > 0


def brain(values, kind, *, scale=1.0, offset=0.0):
    x, y, _ = np.indices(SHAPE)
    inside = np.hypot((x - 39.5) / 36, (y - 47.5) / 44) < 1
    noise = np.random.default_rng(len(kind)).standard_normal(SHAPE)
    return Volume(
        np.where(inside, offset + scale * (values + 0.2 * noise), 0), AFFINE, kind
    )


@pytest.fixture(scope="module")
def ncct():
    return brain(anatomy(1), Kind.NCCT, scale=8, offset=28)


def test_of_one_brain_little_is_told_aside(ncct):
    cbf = brain(anatomy(1), Kind.CBF, scale=30, offset=25)
    assert told_elsewhere(ncct, cbf) < 0.3


def test_of_two_brains_as_much_is_told_aside(ncct):
    cbf = brain(anatomy(2), Kind.CBF, scale=30, offset=25)
    assert told_elsewhere(ncct, cbf) > 0.9


def test_of_two_places_of_one_brain_more_is_told_aside(ncct):
    away = Volume(ncct.array, ncct.affine.copy(), Kind.NCCT)
    away.affine[0, 3] += 6
    cbf = brain(anatomy(1), Kind.CBF, scale=30, offset=25)
    assert told_elsewhere(away, cbf) > 1


def test_of_a_finer_grid_and_turned_axes_the_same_is_told(ncct):
    cbf = brain(anatomy(1), Kind.CBF, scale=30, offset=25)
    plain = told_elsewhere(ncct, cbf)
    affine = cbf.affine @ np.diag([-1, 1, 1, 1])
    affine[0, 3] = (SHAPE[0] - 1) * PIXEL_MM
    turned = Volume(cbf.array[::-1], affine, Kind.CBF)
    assert told_elsewhere(ncct, turned) == pytest.approx(plain, abs=0.02)
    fine = np.repeat(np.repeat(cbf.array, 2, axis=0), 2, axis=1)
    finer = cbf.affine @ np.diag([0.5, 0.5, 1, 1])
    finer[:2, 3] -= 0.25 * PIXEL_MM
    told = told_elsewhere(ncct, Volume(fine, finer, Kind.CBF))
    assert told == pytest.approx(plain, abs=0.1)


def test_too_little_or_flat_tells_nothing(ncct):
    flat = ncct.with_array((ncct.array != 0) * 30.0)
    assert np.isnan(told_elsewhere(flat, ncct))
    small = np.zeros(SHAPE)
    small[40:52, 40:52, 2] = 1
    assert np.isnan(told_elsewhere(ncct, ncct.with_array(small)))
