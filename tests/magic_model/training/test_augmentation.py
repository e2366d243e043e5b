from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from magic_model.training.augmentation import (
    RigidChange,
    augment_batch,
    drawn_bend,
)
from tests.magic_model.training.rigid import apply

changes = st.builds(
    RigidChange,
    st.booleans(),
    st.floats(-10, 10),
    st.floats(-12, 12),
    st.floats(-12, 12),
)


def smooth(shape=(48, 40), seed=0):
    """An image in [-1, 1] that is -1 towards its rim."""
    noise = np.random.default_rng(seed).normal(size=shape)
    image = ndimage.gaussian_filter(noise, 2)
    image = (image - image.min()) / np.ptp(image)
    rows, columns = np.indices(shape)
    centre = (np.array(shape) - 1) / 2
    inside = np.hypot(rows - centre[0], columns - centre[1]) < min(shape) / 2 - 4
    return np.where(inside, 2 * image - 1, -1).astype(np.float32)


def by_torch(image, change, **settings):
    return augment_batch(torch.from_numpy(image)[None, None], [change], **settings)[
        0, 0
    ].numpy()


@given(changes)
def test_it_changes_images_as_scipy_does(change):
    image = smooth()
    expected = apply(change, image, outside=-1.0)
    # scipy cuts off at the rim of the image, where torch blends with the outside.
    blank = apply(change, np.ones_like(image))
    inside = ndimage.binary_erosion(blank > 0.999, iterations=2)
    assert inside.any()
    assert np.abs(by_torch(image, change) - expected)[inside].max() < 1e-4


@settings(max_examples=50)
@given(changes)
def test_nearest_changes_masks_as_scipy_does(change):
    mask = (smooth() > -0.2).astype(np.float32)
    ours = by_torch(mask, change, nearest=True).clip(min=0)
    assert set(np.unique(ours)) <= {0, 1}
    # Half-way between two pixels either is the nearest.
    nearly = [
        replace(change, down=change.down + down, right=change.right + right)
        for down, right in product((-1e-3, 1e-3), repeat=2)
    ]
    assert np.any([ours == apply(near, mask, order=0) for near in nearly], axis=0).all()


@pytest.mark.parametrize("shape", [(32, 32), (48, 40), (256, 256)])
def test_no_change_changes_nothing(shape):
    image = smooth(shape)
    # Places are known to about 1e-5 pixels in single precision.
    assert np.abs(by_torch(image, RigidChange()) - image).max() < 1e-4
    mask = (image > 0).astype(np.float32)
    assert np.array_equal(by_torch(mask, RigidChange(), nearest=True), mask)


def test_a_flip_is_a_mirror():
    image = smooth((32, 32))
    flipped = by_torch(image, RigidChange(flip=True))
    assert np.allclose(flipped, image[:, ::-1], atol=1e-6)


def test_whole_pixels_are_shifted_and_minus_1_comes_from_outside():
    image = np.random.default_rng(0).uniform(-1, 1, (32, 32)).astype(np.float32)
    moved = by_torch(image, RigidChange(down=3, right=-2))
    assert np.allclose(moved[3:, :-2], image[:-3, 2:], atol=1e-5)
    assert np.allclose(moved[:3], -1)
    assert np.allclose(moved[:, -2:], -1)


def test_each_slice_has_its_own_change_and_all_its_channels_the_same():
    image = torch.from_numpy(smooth((32, 32)))
    batch = image.expand(2, 3, 32, 32)
    moves = [RigidChange(), RigidChange(flip=True, degrees=7, down=2)]
    first, second = augment_batch(batch, moves)
    assert torch.allclose(first, batch[0], atol=1e-6)
    assert torch.equal(second[0], second[2])
    assert torch.equal(second, augment_batch(batch[1:], moves[1:])[0])


@settings(max_examples=25)
@given(st.lists(changes, min_size=2, max_size=4))
def test_the_parts_of_a_batch_are_the_batch(moves):
    """So that processes may share a batch."""
    batch = torch.from_numpy(np.stack([smooth((32, 32), n) for n in range(len(moves))]))
    whole = augment_batch(batch[:, None], moves)
    parts = [
        augment_batch(batch[n : n + 1, None], moves[n : n + 1])
        for n in range(len(moves))
    ]
    assert torch.allclose(whole, torch.cat(parts), atol=1e-6)


def bent(image, bend, change=RigidChange()):  # noqa: B008
    whole = np.asarray(bend, dtype=float)[None]
    images = torch.from_numpy(image)[None, None]
    return augment_batch(images, [change], whole)[0, 0].numpy()


def test_a_lattice_that_moves_as_one_shifts_by_rows_and_columns():
    image = smooth()
    down, right = np.full((3, 3), 4.0), np.full((3, 3), -7.0)
    moved = bent(image, [down, right])
    assert np.allclose(moved[:-4, 7:], image[4:, :-7], atol=1e-5)
    # Pixels come from there in the slice as it lay.
    flipped = bent(image, [down, right], RigidChange(flip=True))
    assert np.allclose(flipped[:-4, :-7], image[4:, :-7][:, ::-1], atol=1e-5)


@pytest.mark.parametrize("shape", [(48, 40), (96, 128)])
def test_a_lattice_that_spreads_stretches_as_scipy_does(shape):
    image = smooth(shape)
    rows = np.linspace(-0.5, 0.5, 5)[:, None] * np.ones((1, 4)) * (shape[0] - 1)
    columns = np.linspace(-0.5, 0.5, 4) * np.ones((5, 1)) * (shape[1] - 1)
    centre = (np.array(shape) - 1) / 2
    matrix = np.diag([1.1, 0.9])
    expected = ndimage.affine_transform(
        image, matrix, centre - matrix @ centre, order=1, cval=-1
    )
    inside = tuple(slice(8, -8) for _ in shape)
    moved = bent(image, [0.1 * rows, -0.1 * columns])
    assert np.abs(moved - expected)[inside].max() < 1e-3
    assert np.abs(moved - image)[inside].max() > 0.2


def test_bends_are_drawn_as_wide_as_they_are_said_to_be():
    rng = np.random.default_rng(0)
    bends = np.stack([drawn_bend(rng, 256, 192) for _ in range(4000)])
    assert bends.shape == (4000, 2, 10, 8)
    middle = bends[:, :, 5, 4]  # 14 pixels from the middle: stretched by less than one
    assert np.std(middle, axis=0) == pytest.approx([2.1, 2.1], abs=0.1)
    # At the upper rim a row is moved by 128 pixels of 1.05 or .95, or so.
    rims = (bends[:, 0, 0].mean(axis=1) - bends[:, 0, -1].mean(axis=1)) / -256
    assert np.std(rims) == pytest.approx(0.05, abs=0.005)
    assert np.mean(bends, axis=0) == pytest.approx(0, abs=0.5)


def test_a_bend_of_none_changes_nothing():
    image = smooth()
    still = bent(image, np.zeros((2, 3, 3)))
    assert np.array_equal(still, by_torch(image, RigidChange()))
