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
    assert clean.mean == pytest.approx(
        clean.curves(0, len(tile)).mean(axis=0), abs=1e-3
    )


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
