import numpy as np
import pytest

from benchmarks.perfusion_objects import artery, passage
from magic_model.perfusion import deconvolution
from magic_model.perfusion.deconvolution import Curves, Deconvolution
from magic_model.perfusion.denoising import Basis

FLOW, MTT = 0.01, 6.0  # per second, s
WAYS = [method for method in Deconvolution if method != Deconvolution.BAYES]


def residue(method, times, aif, delay=0.0, sd=0.0):
    solver = deconvolution.prepare(
        method, times, aif, Curves(Basis(np.eye(len(times)), np.eye(len(times))), sd, 8)
    )
    curve = FLOW * passage(times, MTT, delay)
    return solver, solver.solve(curve[None])[0]


@pytest.mark.parametrize("method", WAYS)
def test_flow_and_delay_are_found(method, bolus):
    times, aif = bolus
    solver, k = residue(method, times, aif)

    assert k.max() == pytest.approx(FLOW, rel=0.35)
    assert solver.lags[k.argmax()] == pytest.approx(0, abs=2.5)


def test_the_default_finds_more_of_the_flow_and_the_volume(bolus):
    times, aif = bolus
    heights = {method: residue(method, times, aif)[1].max() for method in WAYS}
    solver, k = residue(Deconvolution.TIKHONOV, times, aif)

    assert max(heights, key=heights.get) == Deconvolution.TIKHONOV
    assert k.sum() * solver.step == pytest.approx(FLOW * MTT, rel=0.02)
    curve = FLOW * passage(times, MTT, 0.0)
    assert curve @ solver.area == pytest.approx(FLOW * MTT, rel=0.03)


@pytest.mark.parametrize("method", WAYS[1:])
@pytest.mark.parametrize("delay", [-3.0, 3.0])
def test_the_delay_does_not_change_the_flow(method, delay, bolus):
    times, aif = bolus
    curve = FLOW * passage(times, MTT, delay)
    solver = deconvolution.prepare(
        method, times, aif, Curves(Basis(np.eye(50), np.eye(50)), 0.0, 8)
    )
    k = solver.solve(curve[None])[0]
    still = residue(method, times, aif)[1]

    assert k.max() == pytest.approx(still.max(), rel=0.05)
    moved = solver.lags[k.argmax()] - solver.lags[still.argmax()]
    assert moved == pytest.approx(delay, abs=0.01)


def test_unevenly_spaced_frames_give_the_same_flow():
    times = np.concatenate([np.arange(30.0), np.arange(30.0, 60, 3)])
    _, k = residue(Deconvolution.TIKHONOV, times, artery(times))

    assert k.max() == pytest.approx(FLOW, rel=0.2)


def test_the_oscillation_index_is_kept(bolus):
    times, aif = bolus
    rng = np.random.default_rng(1)
    curve = FLOW * passage(times, MTT, 2.0)
    noisy = curve + 0.4 * rng.standard_normal((20, 50))
    k = deconvolution.oscillation(times, aif).solve(noisy)
    bare = deconvolution.circulant(times, aif, 0.01).solve(noisy)

    def index(found):
        second = np.abs(np.diff(found, n=2, axis=1)).sum(axis=1)
        return second / found.max(axis=1) / found.shape[1]

    assert index(k).max() <= 0.035
    assert index(bare).min() > 0.035


def test_more_noise_is_weighed_more(bolus):
    times, aif = bolus
    basis = np.linalg.qr(np.stack([np.exp(-times / s) for s in (3, 9, 27)], axis=1))[0]
    weights = [
        deconvolution.choose_weight(times, aif, Curves(Basis(basis.T, basis), sd, 8))
        for sd in (0, 0.5, 2)
    ]

    assert weights[0] < weights[1] < weights[2]
    assert weights[1] == deconvolution.choose_weight(
        times, aif, Curves(Basis(basis.T, basis), 0.5, 8)
    )


def test_a_way_that_is_not_there():
    with pytest.raises(ValueError, match="must be one of svd, circulant"):
        Deconvolution("fourier")
