import numpy as np
import pytest

from magic_model.perfusion.stillness import measure_stillness


def moved_disc(shifts, *, bone, noise, frames=12, seed=1):
    """A disc of brain in a ring, moved by fractions of voxels; 2 mm and 1.5 mm wide."""
    x, y = np.meshgrid(np.arange(64) - 32.0, np.arange(72) - 36.0, indexing="ij")
    array = np.empty((64, 72, 2, frames), np.float32)
    for t in range(frames):
        dx, dy = shifts[t]
        r = np.hypot((x - dx) / 24, (y - dy) / 30)
        soft = 35 / (1 + np.exp(40 * (r - 1)))
        ring = 900 * np.exp(-((r - 1.05) ** 2) / 0.002) if bone else 0
        array[..., t] = (soft + ring)[..., None]
    brain = np.repeat((np.hypot(x / 24, y / 30) < 0.8)[..., None], 2, 2)
    array += noise * np.random.default_rng(seed).standard_normal(array.shape)
    return array, brain


@pytest.mark.parametrize("bone", [True, False])
def test_shift_and_noise_are_found(bone):
    shifts = np.zeros((12, 2))
    shifts[7], shifts[9] = (1.5, -2.0), (-3.0, 0.5)
    array, brain = moved_disc(shifts, bone=bone, noise=3.0)
    still = measure_stillness(array, brain, (2.0, 1.5, 5.0), 4)

    if bone:
        assert still.shift_mm == pytest.approx(shifts * [2.0, 1.5], abs=0.35)
        assert still.moved_mm == pytest.approx(6.05, abs=0.35)
        assert "moves by up to 6" in still.moved_note()
    else:
        assert np.isnan(still.shift_mm).all()
        assert not still.moved_note()
    assert still.noise_hu == pytest.approx(np.full(12, 3.0), rel=0.06)


def test_noise_is_unknown_where_it_cannot_be_measured():
    array, brain = moved_disc(np.zeros((12, 2)), bone=True, noise=1.0)
    one = measure_stillness(array, brain, (2.0, 1.5, 5.0), 1).noise_hu
    assert np.isnan(one[0])
    assert one[1:] == pytest.approx(np.ones(11), rel=0.06)
    assert np.isnan(measure_stillness(array, brain & False, (2, 1.5, 5), 4).noise_hu[0])
