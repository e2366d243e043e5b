import numpy as np
import pytest

from benchmarks.perfusion import edge_width
from benchmarks.perfusion_objects import TIMES, K, artery, passage
from magic_model.errors import DataError
from magic_model.perfusion import denoising
from magic_model.perfusion.tissues import Tissues


def test_noise_becomes_less_and_curves_stay(known):
    seen = denoising.Seen.of(known.series.array, 7)
    noise = denoising.noise_of(known.series.array, known.brain, 7)
    basis = Tissues.behind(TIMES, artery(TIMES)).basis(7)
    clean = denoising.denoise(seen, known.brain, known.series.spacing, noise, basis)
    tile = known.labels[known.brain] == 5  # 50 mL/100g/min
    before = seen.contrast[known.brain][tile].mean(axis=0)
    after = clean.curves(0, len(tile))[tile]

    assert noise == pytest.approx(2, rel=0.05)
    assert clean.gain < 0.3
    assert after.mean(axis=0) == pytest.approx(before, abs=0.6)
    assert after.std(axis=0).mean() < 0.4 * 2
    assert clean.mean_of(tile >= 0) == pytest.approx(
        clean.curves(0, len(tile)).mean(axis=0), abs=1e-3
    )


@pytest.mark.slow
def test_a_curve_that_cannot_be_used_is_that_of_its_neighbours(known):
    seen = denoising.Seen.of(known.series.array, 7)
    basis = Tissues.behind(TIMES, artery(TIMES)).basis(7)
    bad = np.zeros_like(known.brain)
    bad[20, 5, 0] = True  # in the middle of a tile
    hu = known.series.array.copy()
    hu[bad] += 80 * np.random.default_rng(1).standard_normal(len(TIMES))
    broken = denoising.Seen.of(hu, 7)
    of_all = denoising.unexplained(broken.contrast[known.brain], basis)
    sent = broken, known.brain, known.series.spacing, 2.0, basis
    clean = denoising.denoise(*sent, bad).curves(0, len(of_all))
    whole = denoising.denoise(seen, *sent[1:]).curves(0, len(of_all))

    assert of_all[bad[known.brain]] > 40
    assert np.median(of_all) == pytest.approx(2, rel=0.05)
    assert clean == pytest.approx(whole, abs=2.5)  # neither itself nor its neighbours
    assert np.abs(denoising.denoise(*sent).curves(0, len(of_all)) - whole).max() > 10
    nothing = denoising.denoise(*sent, known.brain)
    assert not nothing.scores.any()


def _mixed(noise_hu, seed=1):
    """Voxels of 0.9 mm: grey and white matter by chance, half of the flow on one side.

    Returns:
        What is seen, the truth above the baseline, and the share of grey matter.
    """
    rng = np.random.default_rng(7)
    grey = rng.beta(0.5, 0.5, (30, 30, 1))
    flow = (20 + 40 * grey) * np.where(np.arange(30) < 15, 1, 0.5)[:, None, None]
    truth = flow[..., None] * K * passage(TIMES, 4, 1)
    noise = np.random.default_rng(seed).standard_normal(truth.shape)
    hu = 30 + 7 * grey[..., None] + truth + noise_hu * noise
    return denoising.Seen.of(hu.astype(np.float32), 7), truth, grey


EVERY, MM = np.ones((30, 30, 1), bool), (0.9, 0.9, 5.0)


def test_a_voxel_between_grey_and_white_matter_keeps_its_own_flow():
    basis = Tissues.behind(TIMES, artery(TIMES)).basis(7)
    seen, truth, _ = _mixed(2.0)
    clean = denoising.denoise(seen, EVERY, MM, 2.0, basis).curves(0, EVERY.size)
    peaks, true = clean.max(axis=1), truth.reshape(len(clean), -1).max(axis=1)
    for half in (slice(0, 400), slice(500, 900)):
        assert np.corrcoef(peaks[half], true[half])[0, 1] > 0.95
        assert 0.6 < np.polyfit(true[half], peaks[half], 1)[0] < 1.1


def test_grey_and_white_matter_inform_each_other():
    """Almost as many neighbours count as where all tissue is alike."""
    basis = Tissues.behind(TIMES, artery(TIMES)).basis(7)
    seen, truth, _ = _mixed(2.0)
    noise = 2 * np.random.default_rng(1).standard_normal(truth.shape)
    alike = denoising.Seen.of(
        (33.5 + truth.mean(axis=(0, 1, 2)) + noise).astype(np.float32), 7
    )
    mixed, of_one = (
        float(np.median(denoising.denoise(each, EVERY, MM, 2.0, basis).left))
        for each in (seen, alike)
    )
    # 1.41 if they are compared without taking off what CT numbers explain.
    assert mixed / of_one == pytest.approx(1.28, abs=0.06)


def test_the_share_of_noise_left_is_what_repeated_noise_shows():
    basis = Tissues.behind(TIMES, artery(TIMES)).basis(7)
    runs = [
        denoising.denoise(_mixed(2.0, seed)[0], EVERY, MM, 2.0, basis)
        for seed in range(20)
    ]
    inner = np.pad(np.ones((11, 14), bool), ((2, 17), (8, 8))).ravel()
    sd = np.std([run.scores[inner] for run in runs], axis=0, ddof=1)
    told = np.mean([run.left[inner] for run in runs])

    assert np.sqrt((sd**2).mean()) / 2 == pytest.approx(told, rel=0.2)


def test_vessels_and_bone_do_not_set_the_line_of_tissue():
    basis = Tissues.behind(TIMES, artery(TIMES)).basis(7)
    seen, _, _ = _mixed(2.0)
    hard = np.zeros_like(EVERY)
    hard[7::8, 7::8] = True
    contrast, mean = seen.contrast.copy(), seen.mean.copy()
    contrast[hard] = 0
    mean[hard] = 1000
    spoilt = denoising.denoise(
        denoising.Seen(contrast, mean), EVERY, MM, 2.0, basis
    ).curves(0, EVERY.size)
    whole = denoising.denoise(seen, EVERY, MM, 2.0, basis).curves(0, EVERY.size)

    assert np.abs(spoilt - whole)[~hard.ravel()].max(axis=1).mean() < 1


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
