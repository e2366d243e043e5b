import numpy as np
import pytest
import torch

from magic_model.data.volume import Kind
from magic_model.errors import DataError
from magic_model.inference.model import TorchBackend
from magic_model.inference.opened import as_volumes, generate_slices
from magic_model.maps import PerfusionMap

MAPS = (PerfusionMap.TTP, PerfusionMap.CBF)
RANGES = {PerfusionMap.TTP: (0.0, 25.0), PerfusionMap.CBF: (0.0, 60.0)}


def test_maps_are_in_their_units_inside_the_mask(square, ramps):
    """10 k HU of the window 0 to 80 are k/8 of the range; -1 is its lower end."""
    maps = generate_slices(square, ramps(MAPS, RANGES))
    assert list(maps) == list(MAPS)
    for k, image in enumerate(maps[PerfusionMap.TTP]):
        np.testing.assert_allclose(image[square.mask[k]], 25 * k / 8, rtol=1e-6)
        assert not image[~square.mask[k]].any()
    assert not maps[PerfusionMap.CBF].any()
    assert maps[PerfusionMap.TTP].dtype == np.float32


@pytest.mark.parametrize(
    ("batch_size", "sizes"), [(1, [1] * 5), (2, [2, 2, 1]), (5, [5]), (9, [5])]
)
def test_slices_go_in_batches_and_progress_is_told(square, ramps, batch_size, sizes):
    told = []
    backend = ramps(MAPS, RANGES)
    maps = generate_slices(
        square,
        backend,
        ratio=0.5,
        batch_size=batch_size,
        progress=lambda *step: told.append(step),
    )
    assert backend.seen == [(size, 0.5) for size in sizes]
    assert told == [(done, 5) for done in np.cumsum(sizes)]
    at_once = generate_slices(square, ramps(MAPS, RANGES), ratio=0.5, batch_size=5)
    for name in MAPS:
        assert np.array_equal(maps[name], at_once[name])


def test_the_batch_size_does_not_change_what_a_network_gives(stack, checkpoint):
    backend = TorchBackend(checkpoint, torch.device("cpu"))
    one, many = (generate_slices(stack, backend, batch_size=n) for n in (1, 6))
    for name, (low, high) in backend.ranges.items():
        np.testing.assert_allclose(one[name], many[name], atol=1e-5 * (high - low))


def test_slices_of_another_size_are_refused(square, ramps):
    with pytest.raises(DataError, match="must be 64 pixels wide, got 32"):
        generate_slices(square, ramps(MAPS, RANGES, size=64))


def test_volumes_hold_each_slice_at_its_place(square, ramps):
    """Slice 3 lies two steps above slice 2; nothing was made between them."""
    volumes = as_volumes(square, generate_slices(square, ramps(MAPS, RANGES)))
    volume = volumes[PerfusionMap.TTP]
    assert volume.kind is Kind.TTP
    assert volume.unit == "s"
    assert volume.shape == (32, 32, 6)
    assert np.array_equal(volume.affine, square.affine)
    # Column 10 of 32 counts from the right, row 8 from the front.
    inside = volume.array[12:22, 8:24]
    expected = [0, 25 / 8, 50 / 8, 0, 75 / 8, 100 / 8]
    np.testing.assert_allclose(inside, np.broadcast_to(expected, inside.shape))
    assert volume.array.sum() == pytest.approx(inside.sum())
