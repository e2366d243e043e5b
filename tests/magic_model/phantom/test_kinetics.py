"""Bolus, residue, dispersion and the times that follow, against plain integration."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad

from magic_model.phantom import kinetics, supply

STEP = 0.02
FINE = np.arange(0, 80, STEP)


def k_of(mtt, delay):
    """Residue function, delayed and dispersed, by plain convolution."""
    spread = kinetics.dispersion(FINE, delay)
    return np.convolve(spread, kinetics.residue(FINE, mtt))[: len(FINE)] * STEP


def tissue(mtt, delay):
    return np.convolve(kinetics.arterial(FINE), k_of(mtt, delay))[: len(FINE)] * STEP


@pytest.mark.parametrize("mtt", [2.0, 4.0, 15.0])
def test_the_area_of_the_residue_is_the_transit_time(mtt):
    at = mtt / 4
    area = quad(lambda t: float(kinetics.residue(np.array(t), mtt)), 0, at)[0]
    area += quad(lambda t: float(kinetics.residue(np.array(t), mtt)), at, 30 * mtt)[0]
    assert area == pytest.approx(mtt, rel=1e-6)
    assert kinetics.residue(np.array([-0.1, 0, at, 2 * at]), mtt)[:3].tolist() == [
        0, 1, 1,
    ]  # fmt: skip


@pytest.mark.parametrize("delay", [0.5, 1.0, 5.0, 12.0])
def test_dispersion_loses_nothing_and_begins_after_the_delay(delay):
    spread = kinetics.dispersion(FINE, delay)
    assert spread.sum() * STEP == pytest.approx(1, abs=0.02)
    reached = FINE[spread > 0]
    assert delay <= reached[0] <= reached[-1] <= 1.2 * delay + 0.1 + STEP


@pytest.mark.parametrize("kind", [supply._GREY, supply._WHITE])
@pytest.mark.parametrize("left", [0.1, 0.2, 0.3, 0.53, 0.8, 1.0])
def test_tmax_is_when_the_residue_function_is_at_its_maximum(kind, left):
    flow = np.array([left], np.float32)
    delay = float(kind.delay_s(flow, np.zeros(1, np.float32))[0])
    volume = np.interp(left, supply._VOLUME_FLOWS, supply._REMAINING_VOLUMES)
    k = k_of(kind.mtt * volume / left, delay)
    reached = FINE[k >= 0.999 * k.max()][0]
    assert kinetics.time_to_maximum(np.float32(delay)) == pytest.approx(
        reached, abs=0.4
    )


def test_tmax_passes_6_s_at_the_border_of_the_tissue_at_risk():
    borders = np.array([0.52, 0.54], np.float32)
    for kind in (supply._GREY, supply._WHITE):
        delay = kind.delay_s(borders, np.zeros(2, np.float32))
        deeper, outer = kinetics.time_to_maximum(delay)
        assert outer < 6 < deeper


@pytest.mark.parametrize(("mtt", "delay"), [(3.74, 1.0), (11.3, 6.7), (9.1, 12.2)])
def test_curves_and_their_peaks_are_those_of_a_plain_convolution(mtt, delay):
    expected = tissue(mtt, delay)
    voxel = np.float32([mtt]), np.float32([delay])
    times = np.arange(0, 60, 1.5)
    found = kinetics.tissue_curves(times, *voxel)[0]
    assert_allclose(
        found, np.interp(times, FINE, expected), atol=0.012 * expected.max()
    )
    peak = kinetics.time_to_peak(*voxel)[0]
    assert peak == pytest.approx(FINE[expected.argmax()], abs=0.1)


def test_the_vein_carries_what_the_artery_brought_later():
    times = np.arange(0, 90, 0.5)
    artery, vein = kinetics.arterial(times), kinetics.venous(times)
    assert times[vein.argmax()] - times[artery.argmax()] > 4
    first = times < 60  # less what is still to come
    assert vein[first].sum() / artery[times < 53].sum() == pytest.approx(1, abs=0.02)


def test_an_artery_behind_a_delay_is_as_high_and_later():
    times = np.arange(0, 60, 0.5)
    curves = kinetics.late_arterial(times, np.float32([0, 0.2, 3.0, 6.0]))
    assert_allclose(curves[0], kinetics.arterial(times), atol=0.1)
    assert (curves.max(axis=1) > 290).all()
    late = times[curves.argmax(axis=1)] - times[curves[0].argmax()]
    assert_allclose(late, [0, 0, 3.5, 6.5], atol=0.5)
