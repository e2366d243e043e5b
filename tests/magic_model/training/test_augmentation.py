from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from magic_model.training.batches import RigidChange, augment_batch
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
