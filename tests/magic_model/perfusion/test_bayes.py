from dataclasses import replace

import numpy as np
import pytest

from benchmarks.perfusion import (
    delay_effect,
    head_maps,
    lesion_ml,
    score,
)
from benchmarks.perfusion_objects import make_head, make_object, passage
from magic_model.maps import PerfusionMap
from magic_model.perfusion import tissues
from magic_model.perfusion.bayes import _Grid, _Near
from magic_model.perfusion.compute import Choices, compute_perfusion
from magic_model.perfusion.deconvolution import Deconvolution
from magic_model.perfusion.tissues import Tissues


def computed(known):
    return compute_perfusion(known.series, Choices(known.brain))


def test_curves_of_tissues_are_those_of_another_generator(bolus):
    times, aif = bolus
    found = Tissues.behind(times, aif)
    late = int(np.abs(found.delays - 3).argmin())
    mtt = float(found.transits[10])
    other = passage(times, mtt, found.delays[late])

    assert found.curves[0, late, 10] == pytest.approx(other, abs=0.005 * other.max())
    assert found.peaks[0, late, 10] == pytest.approx(times[other.argmax()], abs=1)


@pytest.mark.parametrize("size", [0.3, 30.0])  # weights alike; all but a few are none
def test_means_are_those_of_the_formula_summed_up_one_by_one(size, monkeypatch):
    rng = np.random.default_rng(8)
    monkeypatch.setattr("magic_model.perfusion.bayes._AT_A_TIME", 70)
    unit = rng.standard_normal((3, 2, 4, 5)).astype("f4")
    prior, peak = rng.standard_normal((2, 3, 2, 4)).astype("f4")
    per_score = rng.random((3, 2, 4, 2), dtype="f4")
    delays, transits = np.array([-1.0, 2.0, 5.0]), np.array([0.5, 1.0, 1.5, 3.0])
    grid = _Grid(unit, prior, per_score, peak, delays, transits)
    scores = (size * rng.standard_normal((7, 5))).astype("f4")
    sd, expected = rng.uniform(0.5, 2, 7), rng.standard_normal((2, 7))
    near = _Near(expected[0], np.full(7, 1.5), expected[1], np.full(7, 0.4))
    found = grid.weigh(scores, sd, near)

    for voxel in range(7):
        rows = []
        for d, s, t in np.ndindex(prior.shape):
            fit = max(float(scores[voxel] @ unit[d, s, t]), 0) / sd[voxel]
            late = (delays[d] - expected[0, voxel]) / 1.5
            slow = (transits[t] - expected[1, voxel]) / 0.4
            log = (fit**2 - late**2 - slow**2) / 2 + float(prior[d, s, t])
            flow, volume = fit * sd[voxel] * per_score[d, s, t]
            rows.append([log, flow, volume, delays[d], transits[t], peak[d, s, t]])
        log, *says = np.array(rows).T
        flow, volume, delay, transit, late = says @ np.exp(log - log.max())
        of = np.exp(log - log.max()).sum()
        assert found.flow[voxel] == pytest.approx(flow / of, rel=1e-3)
        assert found.volume[voxel] == pytest.approx(volume / of, rel=1e-3)
        assert found.delay[voxel] == pytest.approx(delay / of, abs=2e-3)
        assert found.transit[voxel] == pytest.approx(transit / of, abs=2e-3)
        assert found.peak[voxel] == pytest.approx(late / of, abs=2e-3)


def test_flow_volume_and_delay_follow_the_truth(known):
    found = score(known, computed(known))

    assert found[PerfusionMap.CBF].r > 0.97
    assert 0.8 < found[PerfusionMap.CBF].slope < 1.1
    assert abs(found[PerfusionMap.CBF].bias) < 6
    assert found[PerfusionMap.CBV].slope == pytest.approx(1, abs=0.08)
    assert found[PerfusionMap.TMAX].mean_absolute < 0.5


def test_residues_need_not_be_exponential(monkeypatch):
    kinds = [(f, m, d) for f in (20, 50) for m in (4, 8) for d in (0, 3)]
    known = make_object(0.5, kinds, shape="gamma")
    weighed = score(known, computed(known))[PerfusionMap.CBF]
    monkeypatch.setattr(tissues, "_PLATEAUS", (0.0,))
    exponential = score(known, computed(known))[PerfusionMap.CBF]

    assert abs(weighed.bias) < 6
    assert exponential.bias > 15


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [-3.0, 3.0])
def test_a_late_or_early_artery_does_not_change_the_flow(seconds):
    assert abs(delay_effect(2.0, seconds)) < 0.05


def test_nothing_flows_where_nothing_enhances(known):
    hu = known.series.array.copy()
    still = known.labels == 1
    hu[still] = 33 + 0.01 * np.random.default_rng(0).standard_normal(hu[still].shape)
    found = computed(replace(known, series=replace(known.series, array=hu))).maps

    assert np.median(found[PerfusionMap.CBF].array[still]) < 0.5
    assert np.isfinite(found[PerfusionMap.TMAX].array).all()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_digital_patient_at_2_hu():
    head = make_head(2.0)
    maps = head_maps(head, Deconvolution.BAYES)
    truth = {name: head.on_grid(values) for name, values in head.known.truth.items()}
    flow = [m[PerfusionMap.CBF][head.tissue] for m in (truth, maps)]
    late = [np.count_nonzero(m[PerfusionMap.TMAX] > 6) for m in (truth, maps)]
    core, found = (lesion_ml(head, m)[0] for m in (truth, maps))

    assert np.corrcoef(*flow)[0, 1] > 0.9
    assert 0.75 < np.polyfit(*flow, 1)[0] < 1.1
    assert late[1] == pytest.approx(late[0], rel=0.1)
    assert found == pytest.approx(core, rel=0.25)
