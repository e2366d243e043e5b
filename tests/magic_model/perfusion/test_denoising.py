import numpy as np
import pytest

from benchmarks.perfusion import edge_width
from benchmarks.perfusion_objects import TIMES, artery
from magic_model.errors import DataError
from magic_model.perfusion import denoising
from magic_model.perfusion.tissues import Tissues


def test_noise_becomes_less_and_curves_stay(known):
    contrast = denoising.enhancement(known.series.array, 7)
    noise = denoising.noise_of(known.series.array, known.brain, 7)
    basis = Tissues.behind(TIMES, artery(TIMES)).basis(7)
    clean = denoising.denoise(contrast, known.brain, known.series.spacing, noise, basis)
    tile = known.labels[known.brain] == 5  # 50 mL/100g/min
    before = contrast[known.brain][tile].mean(axis=0)
    after = clean.curves(0, len(tile))[tile]

    assert noise == pytest.approx(2, rel=0.05)
    assert clean.gain < 0.3
    assert after.mean(axis=0) == pytest.approx(before, abs=0.6)
    assert after.std(axis=0).mean() < 0.4 * 2
    assert clean.mean_of(tile >= 0) == pytest.approx(
        clean.curves(0, len(tile)).mean(axis=0), abs=1e-3
    )


def test_a_curve_that_cannot_be_used_is_that_of_its_neighbours(known):
    contrast = denoising.enhancement(known.series.array, 7)
    basis = Tissues.behind(TIMES, artery(TIMES)).basis(7)
    bad = np.zeros_like(known.brain)
    bad[20, 5, 0] = True  # in the middle of a tile
    broken = contrast.copy()
    broken[bad] += 80 * np.random.default_rng(1).standard_normal(len(TIMES))
    of_all = denoising.unexplained(broken[known.brain], basis)
    sent = broken, known.brain, known.series.spacing, 2.0, basis
    clean = denoising.denoise(*sent, bad).curves(0, len(of_all))
    whole = denoising.denoise(contrast, *sent[1:]).curves(0, len(of_all))

    assert of_all[bad[known.brain]] > 40
    assert np.median(of_all) == pytest.approx(2, rel=0.05)
    assert clean == pytest.approx(whole, abs=2.5)  # neither itself nor its neighbours
    assert np.abs(denoising.denoise(*sent).curves(0, len(of_all)) - whole).max() > 10
    nothing = denoising.denoise(*sent, known.brain)
    assert not nothing.scores.any()


def test_an_edge_stays_sharp():
    assert edge_width(2.0, 2.2) < 6


def test_the_baseline_ends_before_the_bolus(bolus):
    times, aif = bolus

    assert denoising.count_baseline(times, aif) == 8
    with pytest.raises(DataError, match=r"begin before the bolus .* first 1 s"):
        denoising.count_baseline(times, aif[9:])


def test_noise_where_the_baseline_is_one_frame(known):
    noise = denoising.noise_of(known.series.array, known.brain, 1)

    assert 1.5 < noise < 3
