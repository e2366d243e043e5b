import numpy as np
import pytest

from magic_model.perfusion import motion

SPACING = (2.0, 1.5, 10.0)
SHIFTS = np.array([[0, 0], [0, 0], [3.0, -1.5], [0.8, 2.4], [-6.0, 4.0]])
TURNS = np.radians([0, 0, 2.0, -1.5, 3.0])


def head(shift=(0.0, 0.0), turn=0.0):
    """Draw a skull with dense and weak parts, and a brain, where it has moved to."""
    x = (np.arange(96) - 47.5)[:, None] * SPACING[0] - shift[0]
    y = (np.arange(120) - 59.5) * SPACING[1] - shift[1]
    x, y = np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x
    away = np.hypot(x / 62, y / 74)
    skull, brain = (np.clip((edge - away) * 20 + 0.5, 0, 1) for edge in (1, 0.92))
    bone = 1200 + 300 * np.tanh(x / 3) * np.tanh(y / 3)
    hu = -1000 * (1 - skull) + bone * (skull - brain) + (35 + 5 * np.cos(x / 9)) * brain
    return np.repeat(hu[..., None], 2, axis=2)


@pytest.fixture(scope="module")
def series():
    frames = [head(s, t) for s, t in zip(SHIFTS, TURNS, strict=True)]
    noise = np.random.default_rng(0).normal(0, 3, (*frames[0].shape, 5))
    hu = np.stack(frames, axis=-1) + noise
    hu[40:46, 60:70, :, 3:] += 250  # contrast
    return hu.astype(np.float32)


def test_shift_and_turn_are_found(series):
    found = motion.find_motion(series, SPACING, 2)

    assert found.shift_mm == pytest.approx(SHIFTS, abs=0.15)
    assert found.turn == pytest.approx(TURNS, abs=np.radians(0.15))
    assert found.moved_mm[:2].max() < 0.2


def test_frames_are_put_back(series):
    back = motion.without_motion(
        series, SPACING, motion.find_motion(series, SPACING, 2)
    )
    skull = head()[..., 0] > 600
    before, after = (
        np.abs(hu[skull][:, 0, 2] - hu[skull][:, 0, 0]).mean() for hu in (series, back)
    )

    assert after < 0.2 * before
    assert (back[..., 0] == series[..., 0]).all()


def test_an_object_without_bone_lies_still(series):
    soft = np.clip(series, -1000, 100)
    still = motion.find_motion(soft, SPACING, 2)

    assert not still.moved_mm.any()
    assert motion.without_motion(soft, SPACING, still) is soft
