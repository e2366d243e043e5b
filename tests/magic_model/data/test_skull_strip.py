import time

import numpy as np
import pytest
from scipy import ndimage

from magic_model.data import skull_strip
from magic_model.data.skull_strip import MorphologicalSkullStripper
from magic_model.data.volume import Kind, Volume
from magic_model.errors import DataError
from magic_model.phantom.patient import PhantomSpec, simulate
from magic_model.severity import Severity

STRIP = MorphologicalSkullStripper()


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def found(ncct):
    return STRIP(ncct).array.astype(bool)


@pytest.mark.parametrize(
    ("shape", "spacing", "noise"),
    [
        ((64, 64, 20), (3.5, 3.5, 8.0), 0.0),
        ((64, 64, 20), (3.5, 3.5, 8.0), 4.0),
        ((112, 112, 32), (2.0, 2.0, 5.0), 4.0),
        ((40, 64, 64), (5.5, 3.5, 2.5), 4.0),
    ],
)
def test_the_brain_is_found_whatever_the_spacing(head_maker, shape, spacing, noise):
    head = head_maker(shape, spacing, noise=noise)
    mask = STRIP(head.ncct)
    assert mask.kind is Kind.BRAIN_MASK
    assert set(np.unique(mask.array)) == {0.0, 1.0}
    assert np.array_equal(mask.affine, head.ncct.affine)
    truth = head.brain.array.astype(bool)
    assert dice(mask.array.astype(bool), truth) > 0.95
    assert not (mask.array.astype(bool) & (head.ncct.array > 500)).any()


@pytest.mark.slow
def test_a_fine_grid_gives_the_volume_of_the_ellipsoid(head_maker):
    head = head_maker((192, 224, 160), (1.0, 1.0, 1.0), noise=4.0)
    mask = STRIP(head.ncct)
    expected_ml = 4 / 3 * np.pi * 63 * 83 * 60 / 1000
    assert mask.array.sum() * mask.voxel_ml == pytest.approx(expected_ml, rel=0.04)
    assert not (mask.array.astype(bool) & (head.ncct.array > 500)).any()


def test_scalp_and_neck_are_left_out_and_ventricles_kept(head):
    mask = found(head.ncct)
    assert not mask[head.mm[2] < -68].any()
    centre = tuple(n // 2 for n in mask.shape)
    assert head.ncct.array[centre] == 8
    assert mask[centre]


def test_a_slab_cut_through_the_brain_is_open_above_and_below(head_maker):
    head = head_maker((64, 64, 10), (3.5, 3.5, 5.0), noise=4.0)
    mask, truth = found(head.ncct), head.brain.array.astype(bool)
    assert dice(mask, truth) > 0.95
    assert mask[32, 32].all()


@pytest.mark.parametrize("degrees", [0, 1, 8])
def test_a_head_cut_through_the_vault_is_found_wherever_it_was_turned(
    head_maker, degrees
):
    """Air lies on brain with no bone between, straight or aslant."""
    head = head_maker((80, 80, 44), (3.0, 3.0, 4.0), noise=4.0)
    x, _, z = head.mm
    cut = z > 30 + x * np.tan(np.radians(degrees))
    ct = np.where(cut, -1000, head.ncct.array)
    truth = head.brain.array.astype(bool) & ~cut
    assert dice(found(head.ncct.with_array(ct)), truth) > 0.95


def test_a_head_that_fills_the_image_is_found(head_maker):
    head = head_maker((48, 57, 20), (3.3, 3.5, 8.0))
    assert dice(found(head.ncct), head.brain.array.astype(bool)) > 0.95


def test_a_calcification_stays_in_the_brain(head):
    ct = head.ncct.array.copy()
    ct[30:32, 30:32, 9:11] = 350
    assert found(head.ncct.with_array(ct))[30:32, 30:32, 9:11].all()


@pytest.mark.parametrize("order", [(1, 0, 2), (2, 1, 0)])
def test_the_order_of_axes_does_not_matter(head, order):
    ct = head.ncct.array.transpose(order)
    turned = Volume(ct[::-1], head.affine[:, [*order, 3]] * [-1, 1, 1, 1], Kind.NCCT)
    straight = found(head.ncct).transpose(order)[::-1]
    assert dice(found(turned), straight) > 0.99


def test_an_image_without_skull_is_refused(head):
    stripped = head.ncct.with_array(np.where(head.brain.array > 0, 30, 0))
    with pytest.raises(DataError, match=r"must show bone .* largest value is 30; give"):
        STRIP(stripped)


def test_a_skull_without_brain_is_refused(head):
    hollow = np.where(head.ncct.array > 500, 1000, -1000)
    with pytest.raises(DataError, match=r"must have 50 mL or more, .* has 0.0"):
        STRIP(head.ncct.with_array(hollow))


def test_values_that_are_not_finite_are_refused(head):
    ct = head.ncct.array.copy()
    ct[0, 0, 0] = np.nan
    with pytest.raises(DataError, match="must be finite, 1 voxels"):
        STRIP(head.ncct.with_array(ct))


def compared_with_distances(mm, target, spacing):
    """What `skull_strip._within` must return."""
    if not target.any():
        return np.zeros(target.shape, dtype=bool)
    return ndimage.distance_transform_edt(~target, sampling=spacing) <= mm


@pytest.mark.parametrize("spacing", [(2.0, 2.0, 5.0), (1.8, 1.8, 2.0), (4, 0.9, 30)])
@pytest.mark.parametrize("share", [0, 0.002, 0.1])
@pytest.mark.parametrize("mm", [4.0, 6.0, 18.0])
def test_a_ball_reaches_as_far_as_a_distance_transform(spacing, share, mm):
    rng = np.random.default_rng(1)
    for shape in ((31, 24, 17), (3, 40, 1)):
        target = rng.random(shape) < share
        found = skull_strip._within(mm, target, spacing)
        assert np.array_equal(found, compared_with_distances(mm, target, spacing))


@pytest.mark.slow
def test_stripping_takes_half_the_time_and_gives_the_same_as_by_distances(monkeypatch):
    def stripped(ncct):
        started = time.process_time()
        mask = STRIP(ncct).array
        return mask, time.process_time() - started

    heads = [
        simulate(PhantomSpec(severity), np.random.default_rng(4)).images[Kind.NCCT]
        for severity in Severity
    ]
    now = [stripped(ncct) for ncct in heads]
    monkeypatch.setattr(skull_strip, "_within", compared_with_distances)
    before = [stripped(ncct) for ncct in heads]
    for (new, _), (old, _) in zip(now, before, strict=True):
        assert np.array_equal(new, old)
    assert min(s for _, s in before) > 1.6 * min(s for _, s in now)
