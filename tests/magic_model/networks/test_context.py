import numpy as np
import pytest
import torch

from magic_model.networks.context import (
    CONTEXT_CHANNELS,
    INTERVALS,
    SIGMAS,
    context_channels,
    interval_channels,
)

SIZE = 128
HU = 1 / 40  # of [-1, 1]


def head(tilt=0.0, right=0, patch=None):
    """An ellipse of 32 HU with noise alike on both sides, and a darker patch on one."""
    y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    x = x - right
    turn = np.radians(tilt)
    across, along = (
        x * np.cos(turn) - y * np.sin(turn),
        x * np.sin(turn) + y * np.cos(turn),
    )
    inside = np.hypot(across / 38, along / 50) < 1
    values = np.where(inside, -0.2 + 0.1 * np.cos(across / 6) * np.cos(along / 8), -1)
    if patch is not None:
        values[(np.hypot(across - 18, along) < 9) & inside] += patch * HU
    planes = np.broadcast_to(values, (1, 3, SIZE, SIZE))
    return torch.tensor(planes.copy(), dtype=torch.float32), across, along, inside


def apart(channels):
    """Differences from the other side, by sigma."""
    return channels[0, len(SIGMAS) : 2 * len(SIGMAS)]


@pytest.mark.parametrize(("tilt", "right"), [(0, 0), (8, 0), (-6, 12)])
def test_a_symmetric_head_has_no_sides_however_it_lies(tilt, right):
    ncct, _, _, inside = head(tilt, right)
    found = apart(context_channels(ncct, 1))
    inner = torch.from_numpy(inside)
    assert found[2:, inner].abs().mean() < 0.15  # standard deviations of healthy sides
    dark, across, along, _ = head(tilt, right, patch=-3)
    told = apart(context_channels(dark, 1))[2] - found[2]
    assert told[np.hypot(across - 18, along) < 4].mean() < -1
    assert told[np.hypot(across + 18, along) < 4].mean() > 1
    assert abs(told[np.hypot(across, along - 30) < 4].mean()) < 0.3


def test_channels_are_of_patches_finite_and_nothing_off_the_brain():
    ncct, _, _, inside = head(patch=-3)
    for patch in (1, 2, 4):
        found = context_channels(ncct, patch)
        assert found.shape == (1, CONTEXT_CHANNELS, SIZE // patch, SIZE // patch)
        assert found.isfinite().all()
        outside = ~inside[::patch, ::patch]
        assert found[0, :, 0, 0].abs().max() == 0
        assert found[0, :, outside].abs().mean() < 0.05
    nothing = context_channels(torch.full((2, 3, 64, 64), -1.0), 2)
    assert (nothing == 0).all()


def test_a_slice_does_not_depend_on_the_others_of_its_batch():
    one, *_ = head(patch=-3)
    other, *_ = head(8, -5)
    both = context_channels(torch.cat([one, other]), 2)
    assert torch.allclose(both[1:], context_channels(other, 2), atol=1e-5)


def test_intervals_tell_a_ct_number_piece_by_piece():
    """Each from 0 to 1 within its interval; together, times the widths, the number."""
    hu = np.random.default_rng(0).uniform(0, 80, (2, 3, 6, 5)).astype(np.float32)
    found = interval_channels(torch.from_numpy(hu / 40 - 1)).numpy()
    assert found.shape == (2, len(INTERVALS), 6, 5)
    for index, (low, high) in enumerate(INTERVALS):
        expected = np.interp(hu[:, 1], [low, high], [0, 1])
        np.testing.assert_allclose(found[:, index], expected, atol=1e-4)
    widths = [high - low for low, high in INTERVALS]
    rebuilt = np.tensordot(widths, found, axes=([0], [1]))
    np.testing.assert_allclose(rebuilt, hu[:, 1].clip(max=INTERVALS[-1][1]), atol=1e-3)
