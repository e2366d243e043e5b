from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from magic_model.distributed import World
from magic_model.errors import DataError
from magic_model.training.augmentation import RigidChange
from magic_model.training.batches import (
    TrainingBatches,
    crop_to_brain,
    load_batch,
)

CPU = torch.device("cpu")
shared_cache = settings(
    max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def batches_of(cache, batch_size=4, seed=1, *, augment=False, world=World(), n=12):  # noqa: B008
    return TrainingBatches(cache, np.arange(n), batch_size, seed, augment, world, CPU)


def slices_of(batches, epoch, cache):
    """Indices of the slices of an epoch, recognised by their NCCT."""
    known = {
        load_batch(cache, np.array([i])).ncct.numpy().tobytes(): i for i in range(12)
    }
    return [
        known[image.numpy().tobytes()]
        for batch in batches.of_epoch(epoch)
        for image in batch.ncct
    ]


def test_slices_are_read_as_they_are(cache):
    batch = load_batch(cache, np.array([3, 13]))
    assert (batch.ncct.shape, batch.maps.shape) == ((2, 3, 32, 32), (2, 4, 32, 32))
    assert batch.mask.shape == (2, 1, 32, 32)
    assert {part.dtype for part in (batch.ncct, batch.maps, batch.mask)} == {
        torch.float32
    }
    for place, index in enumerate((3, 13)):
        sample = cache[index]
        assert np.array_equal(batch.ncct[place], sample.ncct)
        assert np.array_equal(batch.maps[place], sample.maps)
        assert np.array_equal(batch.mask[place, 0], sample.mask)


def test_an_epoch_has_each_slice_once_in_another_order_each_time(cache):
    batches = batches_of(cache)
    assert batches.per_epoch == 3
    orders = [slices_of(batches, epoch, cache) for epoch in range(3)]
    for order in orders:
        assert sorted(order) == list(range(12))
    assert len({tuple(order) for order in orders}) == 3
    assert slices_of(batches_of(cache, seed=2), 0, cache) != orders[0]


def test_slices_that_do_not_fill_a_batch_wait(cache):
    batches = batches_of(cache, 5)
    assert batches.per_epoch == 2
    assert len(set(slices_of(batches, 0, cache))) == 10


def test_fewer_slices_than_a_batch_are_taken_twice(cache):
    batches = batches_of(cache, 8, n=3)
    assert batches.per_epoch == 1
    drawn = slices_of(batches, 0, cache)
    assert len(drawn) == 8
    assert set(drawn) == {0, 1, 2}


@pytest.mark.parametrize("augment", [False, True])
def test_an_epoch_goes_on_from_any_step(cache, augment):
    batches = batches_of(cache, augment=augment)
    whole = list(batches.of_epoch(4))
    for first in range(4):
        rest = list(batches.of_epoch(4, first))
        assert len(rest) == 3 - first
        for now, then in zip(rest, whole[first:], strict=True):
            assert torch.equal(now.ncct, then.ncct)
            assert torch.equal(now.maps, then.maps)
            assert torch.equal(now.mask, then.mask)


@shared_cache
@given(
    st.sampled_from([1, 2, 4]),
    st.integers(0, 2**31),
    st.booleans(),
    st.sampled_from([0, 0.5, 1]),
)
def test_processes_together_have_what_one_has(cache, size, seed, augment, bent):
    one = replace(batches_of(cache, seed=seed, augment=augment), bent=bent)
    alone = list(one.of_epoch(0))
    parts = [
        list(replace(one, world=World(rank, size)).of_epoch(0)) for rank in range(size)
    ]
    for step, batch in enumerate(alone):
        for name in ("ncct", "maps", "mask"):
            joined = torch.cat([getattr(part[step], name) for part in parts])
            assert torch.allclose(joined, getattr(batch, name), atol=1e-6)


def test_a_batch_is_dealt_out_evenly(cache):
    message = "training.batch_size must be a multiple of the 3 processes, got 4"
    with pytest.raises(DataError, match=message):
        batches_of(cache, world=World(0, 3))


def test_ncct_maps_and_mask_are_changed_alike(cache, monkeypatch):
    change = RigidChange(flip=True, degrees=0.0, down=4.0, right=0.0)
    monkeypatch.setattr(RigidChange, "drawn", lambda *_: change)
    batch = next(batches_of(cache, augment=True).of_epoch(0))
    plain = next(batches_of(cache).of_epoch(0))
    for name, outside in (("ncct", -1), ("maps", -1), ("mask", 0)):
        moved, still = getattr(batch, name), getattr(plain, name)
        assert torch.allclose(moved[..., 4:, :], still.flip(3)[..., :-4, :], atol=1e-5)
        assert torch.allclose(
            moved[..., :4, :], torch.tensor(float(outside)), atol=1e-5
        )
    assert set(batch.mask.unique().tolist()) == {0, 1}


def test_a_share_is_bent_and_the_others_are_as_without(cache, monkeypatch):
    monkeypatch.setattr(RigidChange, "drawn", lambda *_: RigidChange())
    plain = list(batches_of(cache, augment=True).of_epoch(0))
    for bent, least, most in ((0.0, 0, 0), (0.4, 2, 9), (1.0, 12, 12)):
        drawn = replace(batches_of(cache, augment=True), bent=bent).of_epoch(0)
        changed = [
            not torch.equal(ours, theirs)
            for batch, still in zip(drawn, plain, strict=True)
            for ours, theirs in zip(batch.ncct, still.ncct, strict=True)
        ]
        assert least <= sum(changed) <= most


def test_ncct_maps_and_mask_are_bent_alike(cache, monkeypatch):
    monkeypatch.setattr(RigidChange, "drawn", lambda *_: RigidChange())
    up = np.stack([np.full((3, 3), -4.0), np.zeros((3, 3))])
    monkeypatch.setattr("magic_model.training.batches.drawn_bend", lambda *_: up)
    batch = next(replace(batches_of(cache, augment=True), bent=1.0).of_epoch(0))
    plain = next(batches_of(cache).of_epoch(0))
    for name in ("ncct", "maps", "mask"):
        moved, still = getattr(batch, name), getattr(plain, name)
        assert torch.allclose(moved[..., 4:, :], still[..., :-4, :], atol=1e-5)
    assert set(batch.mask.unique().tolist()) == {0, 1}


def test_channels_last_changes_the_layout_and_no_value(cache):
    batch = load_batch(cache, np.arange(2))
    other = batch.channels_last()
    assert other.ncct.is_contiguous(memory_format=torch.channels_last)
    assert other.maps.is_contiguous(memory_format=torch.channels_last)
    for name in ("ncct", "maps", "mask"):
        assert torch.equal(getattr(other, name), getattr(batch, name))


def test_slices_are_cut_to_their_brains(cache):
    """One size for all, a multiple of the stride, which loses no pixel of a brain."""
    whole = load_batch(cache, np.array([0, 5, 9]))
    mask = torch.zeros_like(whole.mask)
    mask[0, :, 2:9, 20:30] = 1
    mask[1, :, 14:25, 1:7] = 1
    mask[2, :, 20:31, 16:20] = 1
    covered = mask.clone()
    covered[1, :, 20:] = 0  # by the maps: it does not change the window
    whole = replace(whole, mask=covered)
    cut = crop_to_brain(whole, mask, 4)
    assert cut.ncct.shape == (3, 3, 20, 20)  # 11 by 10 pixels and 4 on each side
    assert cut.maps.shape == (3, 4, 20, 20)
    for one, other in zip(whole.mask, cut.mask, strict=True):
        assert one.sum() == other.sum()
    for part in ("ncct", "maps"):
        before, after = getattr(whole, part), getattr(cut, part)
        for index in range(3):
            inside, kept = covered[index, 0] > 0, cut.mask[index, 0] > 0
            assert torch.equal(before[index][:, inside], after[index][:, kept])
    empty = torch.zeros_like(mask)
    assert crop_to_brain(whole, empty, 4).ncct.shape == whole.ncct.shape


def test_cut_batches_are_those_of_the_whole_slices(cache):
    whole = batches_of(cache, augment=True)
    cut = replace(whole, crop=4)
    for one, other in zip(whole.of_epoch(0), cut.of_epoch(0), strict=True):
        assert one.mask.sum() == other.mask.sum()
        assert other.ncct.shape[2] % 4 == other.ncct.shape[3] % 4 == 0


def test_a_window_is_that_of_the_brain_whatever_the_maps_cover(cache):
    """In generating there are no maps to go by."""
    covered = cache.mask.copy()
    covered[:, :16] = 0
    slab = replace(cache, mask=covered)
    both = (replace(batches_of(one), crop=4) for one in (cache, slab))
    for whole, part in zip(*(batches.of_epoch(0) for batches in both), strict=True):
        assert torch.equal(whole.ncct, part.ncct)
        assert part.mask.sum() < whole.mask.sum()
