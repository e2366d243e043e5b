"""Slabs put together: vessels, places and progress of a small object."""

import numpy as np
import pytest

from magic_model.maps import PerfusionMap
from magic_model.perfusion import whole
from magic_model.perfusion.compute import Choices, compute_perfusion
from magic_model.perfusion.deconvolution import Deconvolution, convolve
from magic_model.perfusion.look import look_at
from magic_model.perfusion.series import Series
from magic_model.perfusion.stored import StoredSeries

TIMES = np.arange(0, 48, 2.0)
SHAPE, AFFINE = (24, 22, 12), np.diag([0.7, 0.7, 4.0, 1.0])
ARTERY, VEIN = (4, 4, 5), (18, 4, 6)


@pytest.fixture(scope="module")
def series():
    """Tissue of one flow between an artery and a vein that go through all slices."""
    t = np.maximum(TIMES - 8, 0)
    aif = 300 * (t / 4.5) ** 3 * np.exp(3 * (1 - t / 4.5))
    hu = np.full((*SHAPE, len(TIMES)), 35.0)
    hu[6:17, 8:20] += 50 / 6000 * 1.43 * convolve(TIMES, aif, 4.0, 0.0)
    hu[3:6, 3:6] += aif
    hu[17:20, 3:6] += convolve(TIMES, aif, 3.0, 4.0) / 3
    hu += 0.5 * np.random.default_rng(2).standard_normal(hu.shape)
    return Series(hu, AFFINE, TIMES)


@pytest.fixture(scope="module")
def brain():
    mask = np.zeros(SHAPE, bool)
    mask[6:17, 8:20, 2:9] = True
    return mask


def on_disk(series):
    array = series.array
    return StoredSeries(
        array.shape, series.affine, TIMES, lambda a, b: array[:, :, a:b], "ctp"
    )


@pytest.mark.parametrize("given", [True, False])
def test_slabs_give_what_the_whole_gives(series, brain, given, monkeypatch):
    monkeypatch.setattr(whole, "_SLAB", 8 * 4 * 24 * 22 * len(TIMES))
    vessels = (ARTERY, VEIN) if given else (None, None)
    choices = Choices(brain, *vessels, method=Deconvolution.CIRCULANT)
    steps = []
    found, look = whole.compute_stored(
        on_disk(series), choices, lambda done, all_: steps.append((done, all_))
    )
    expected = compute_perfusion(series, choices)

    assert steps[-1][0] == steps[-1][1]
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    assert found.baseline_frames == expected.baseline_frames
    assert found.noise_hu == pytest.approx(expected.noise_hu, rel=0.1)
    if given:
        assert found.artery.voxel == ARTERY
        assert found.vein.voxel == VEIN
    assert series.array[found.artery.voxel].max() > 250
    for name in (PerfusionMap.CBF, PerfusionMap.CBV, PerfusionMap.TTP):
        one, other = (r.maps[name].array for r in (found, expected))
        assert not one[~brain].any()
        middle = np.median(other[brain])
        assert np.median(one[brain]) == pytest.approx(middle, rel=0.1)
    seen = look_at(expected)
    assert look.baseline.array == pytest.approx(seen.baseline.array, abs=1e-3)
    assert look.baseline.affine == pytest.approx(AFFINE)
    assert look.artery.shape == (24, 22, 1)


def test_a_mask_smaller_than_a_coarse_voxel_is_not_lost(series, brain):
    few = np.zeros(SHAPE, bool)
    few[8, 9, 4] = True
    coarse = whole._coarse(on_disk(series), lambda _done, _all: None)
    assert coarse.factors == (2, 2, 1)
    assert coarse.mask(brain).sum() == 6 * 6 * 7
    assert coarse.mask(few).sum() == 1
    place = coarse.series.affine @ [1, 1, 0, 1]
    assert place[:3] == pytest.approx([0.7 * 2.5, 0.7 * 2.5, 0])
