import json
import math
from dataclasses import replace

import numpy as np
import pytest
from joblib import parallel_config
from threadpoolctl import threadpool_limits

from magic_model.data.paired import pair_slices
from magic_model.data.volume import Kind
from magic_model.evaluation.figures.plots import volume_plots
from magic_model.evaluation.metric import METRICS, Metric
from magic_model.evaluation.predictors import BLACK, CONSTANT, MEASURED, NCCT_COPY
from magic_model.evaluation.scores import Key, measured_lesion, score
from magic_model.evaluation.selection import load_pairs
from magic_model.evaluation.statistics import (
    LESION_VOLUMES,
    RATIO_ABOVE,
    RATIO_ZERO,
    compare,
    patient_groups,
    summarise,
    volume_agreement,
)
from magic_model.evaluation.tables import all_tables
from magic_model.evaluation.writing import as_json, describe
from magic_model.maps import MAP_SPECS, PerfusionMap
from magic_model.metrics import (
    bounding_box,
    central_volume_residual,
    correlation,
    mean_absolute_error,
    peak_signal_to_noise,
    root_mean_square_error,
    ssim,
    ssim_paper,
    uqi,
    uqi_paper,
)

CBF, CBV, MTT, TTP = (
    PerfusionMap.CBF,
    PerfusionMap.CBV,
    PerfusionMap.MTT,
    PerfusionMap.TTP,
)


def mean(evaluation, method, name, metric):
    return evaluation.summary(method, name, metric).mean


@pytest.mark.slow
def test_figures_of_a_patient_are_those_of_the_plain_functions(
    evaluation, measured, methods
):
    pair = next(pair_slices(measured, methods["good"], evaluation.maps))
    mask = pair.reference.mask
    x, y = (
        np.where(mask, images[MTT], 0)
        for images in (pair.reference.maps, pair.generated)
    )
    slices = list(zip(x.clip(0, 12), y.clip(0, 12), mask, strict=True))
    boxes = [(a[bounding_box(m)], b[bounding_box(m)]) for a, b, m in slices]
    expected = {
        Metric.SSIM_IN_BRAIN: np.mean([ssim(a, b, 12, m) for a, b, m in slices]),
        Metric.UQI_IN_BRAIN: np.mean([uqi(a, b, m) for a, b, m in slices]),
        Metric.SSIM_BOX: np.mean([ssim(a, b, 12) for a, b in boxes]),
        Metric.UQI_BOX: np.mean([uqi(a, b) for a, b in boxes]),
        Metric.SSIM_PAPER: np.mean([ssim_paper(a, b) for a, b, _ in slices]),
        Metric.UQI_PAPER: np.mean([uqi_paper(a, b) for a, b, _ in slices]),
        Metric.MAE: mean_absolute_error(x, y, mask),
        Metric.RMSE: root_mean_square_error(x, y, mask),
        Metric.CORRELATION: correlation(x, y, mask),
        Metric.PSNR: peak_signal_to_noise(x.clip(0, 12), y.clip(0, 12), 12, mask),
        Metric.MAE_SHOWN: mean_absolute_error(x.clip(0, 12), y.clip(0, 12), mask),
    }
    for metric, value in expected.items():
        found = evaluation.scores.column(Key("good", MTT, metric))[0]
        assert found == pytest.approx(value, abs=1e-9), metric
    residual = evaluation.scores.column(Key("good", None, Metric.CENTRAL_RESIDUAL))[0]
    assert residual == pytest.approx(
        central_volume_residual(*(pair.generated[m] for m in (CBF, CBV, MTT)), mask)
    )


@pytest.mark.slow
def test_trivial_predictors_show_what_paper_compatible_figures_hide(evaluation):
    """Issue 4, shows when 5: they look good, and show nothing of the brain."""
    for name in (CBF, CBV):
        for method, ssim_least, uqi_least in (
            (BLACK, 0.6, 0.65),
            (CONSTANT, 0.65, 0.9),
            (NCCT_COPY, 0.65, 0.85),
        ):
            assert mean(evaluation, method, name, Metric.SSIM_PAPER) > ssim_least
            assert mean(evaluation, method, name, Metric.UQI_PAPER) > uqi_least
        assert abs(mean(evaluation, BLACK, name, Metric.SSIM_IN_BRAIN)) < 0.01
        assert mean(evaluation, BLACK, name, Metric.UQI_IN_BRAIN) == 0
        assert mean(evaluation, CONSTANT, name, Metric.SSIM_IN_BRAIN) < 0.4
        assert mean(evaluation, CONSTANT, name, Metric.UQI_IN_BRAIN) < 0.2


def test_the_better_method_is_better_in_every_figure(evaluation):
    for name in evaluation.maps:
        for metric in (Metric.SSIM_IN_BRAIN, Metric.UQI_IN_BRAIN, Metric.CORRELATION):
            good, poor = (mean(evaluation, m, name, metric) for m in ("good", "poor"))
            assert good > poor
        for metric in (Metric.MAE, Metric.RMSE):
            good, poor = (mean(evaluation, m, name, metric) for m in ("good", "poor"))
            assert good < poor


def test_the_constant_is_the_mean_of_the_training_split(evaluation, measured):
    trained = next(p for p in measured.patients if p.patient_id == "p6")
    brain = measured.load(trained, Kind.BRAIN_MASK).array > 0
    constant = measured.load(trained, Kind.CBF).array[brain].mean()
    pair = next(load_pairs(evaluation.selection))
    inside = pair.reference.maps[CBF][pair.reference.mask]
    found = evaluation.scores.column(Key(CONSTANT, CBF, Metric.MAE))[0]
    assert found == pytest.approx(np.abs(inside - constant).mean(), rel=1e-4)
    assert evaluation.notes[0] == (
        "The constant in the mask is the mean of 1 patient of the training split"
    )


def test_lesions_are_compared_with_the_masks_of_the_cohort(evaluation):
    measured = evaluation.scores.column(Key(MEASURED, None, Metric.CORE_ML))
    stated = [patient.core_ml for patient in evaluation.scores.patients]
    assert measured == pytest.approx(stated, abs=2)
    core = evaluation.scores.column(Key("good", None, Metric.CORE_DICE))
    assert np.isnan(core[:2]).all()  # no core was measured
    assert (core[2:] > 0.8).all()
    assert mean(evaluation, BLACK, None, Metric.CORE_DICE) == 0
    assert mean(evaluation, "good", None, Metric.AT_RISK_DICE) > 0.9
    black = next(v for v in evaluation.volumes if v.method == BLACK)
    assert black.differences.bias == pytest.approx(-measured.mean())
    assert black.icc == pytest.approx(0, abs=0.3)
    assert any("found by late TTP" in note for note in evaluation.notes)
    ceiling = evaluation.scores.column(Key(MEASURED, None, Metric.AT_RISK_DICE))
    assert (ceiling[1:] > 0.9).all()


def test_without_masks_measured_maps_are_searched_by_the_same_rule(
    evaluation, measured
):
    fourth = evaluation.selection.patients[3:4]
    pair = next(load_pairs(evaluation.selection, fourth))
    kept = {
        kind: path
        for kind, path in pair.patient.images.items()
        if kind not in {Kind.CORE_MASK, Kind.PENUMBRA_MASK}
    }
    unmasked = replace(pair.patient, images=kept)
    lesion, source = measured_lesion(measured, unmasked, pair.reference)
    assert source == "found in the measured maps"
    assert lesion.core_ml == pytest.approx(pair.patient.core_ml, rel=0.15)


def test_groups_are_those_of_the_paper(evaluation):
    groups = patient_groups(evaluation.scores.patients)
    sizes = {name: int(members.sum()) for name, members in groups.items()}
    assert sizes == {
        "all": 5,
        RATIO_ZERO: 2,
        RATIO_ABOVE: 3,
        "none": 2,
        "mild_moderate": 2,
        "severe": 1,
    }
    small = evaluation.summary("good", CBF, Metric.MAE, "severe")
    assert small.n == 1
    assert math.isnan(small.interval.low)
    assert small.reason == "An interval needs 3 patients or more, got 1"
    whole = evaluation.summary("good", CBF, Metric.MAE)
    assert whole.interval.low < whole.mean < whole.interval.high
    assert whole.quartiles.low <= whole.median <= whole.quartiles.high
    assert whole.reason is None


@pytest.mark.slow
def test_the_same_seed_gives_the_same_numbers(evaluation):
    rng = np.random.default_rng(1)
    assert str(summarise(evaluation.scores, rng)) == str(evaluation.summaries)
    comparisons = compare(evaluation.scores, evaluation.methods, rng)
    assert str(comparisons) == str(evaluation.comparisons)


def test_json_has_null_with_a_reason_and_no_nan(evaluation):
    found = json.loads(json.dumps(as_json(evaluation), allow_nan=False))
    assert found["schema"] == 1
    assert found["maps"] == ["cbf", "cbv", "mtt", "ttp"]
    undefined = [s for s in found["summaries"] if s["mean"] is None]
    assert {"method": BLACK, "metric": "correlation"}.items() <= undefined[0].items()
    assert undefined[0]["reason"] == (
        "Undefined: a constant map correlates with nothing"
    )
    for entry in found["summaries"] + found["comparisons"] + found["volumes"]:
        nothing = any(v is None for k, v in entry.items() if k not in {"map", "reason"})
        assert nothing <= (entry["reason"] is not None)
    figures = found["patients"][0]["figures"]
    assert all("reason" in f for f in figures if f["value"] is None)
    assert len(figures) == len(evaluation.scores.keys)


def test_one_patient_is_evaluated_without_intervals(lone):
    text = describe(lone)
    assert "Means over 1 patient;" in text
    assert "No intervals or tests: they need 3 patients" in text
    assert "Core and tissue at risk are not compared" in text
    assert "residual needs CBF, CBV and MTT" in text
    assert not lone.volumes
    assert all(math.isnan(c.p_value) for c in lone.comparisons)
    assert {table.name for table in all_tables(lone)} == {
        "in_brain",
        "bounding_box",
        "paper_compatible",
        "by_severity",
        "comparisons",
    }


@pytest.mark.slow
def test_progress_counts_patients(evaluation):
    seen = []
    one = replace(evaluation.selection, patients=evaluation.selection.patients[:1])
    table = score(one, lambda done, of_all: seen.append((done, of_all)))
    assert seen == [(1, 1)]
    assert table.values[0] == pytest.approx(evaluation.scores.values[0], nan_ok=True)


@pytest.mark.slow
def test_several_at_a_time_give_the_same(evaluation):
    # More threads would add up in another order.
    with threadpool_limits(1), parallel_config("loky", inner_max_num_threads=1):
        alone, table = (score(evaluation.selection, jobs=n) for n in (1, 2))
    assert table.keys == alone.keys == evaluation.scores.keys
    assert table.notes == alone.notes == evaluation.scores.notes
    np.testing.assert_array_equal(table.values, alone.values)


def test_every_metric_has_a_title_and_every_map_a_range():
    assert set(METRICS) == set(Metric)
    assert all(MAP_SPECS[name].value_range[0] == 0 for name in PerfusionMap)


def test_a_patient_of_whom_no_lesion_is_known_is_left_out_and_named(evaluation):
    scores = evaluation.scores
    values = scores.values.copy()
    for metric in LESION_VOLUMES:
        values[1, scores.keys.index(Key("good", None, metric))] = math.nan
    scores = replace(scores, values=values)
    volumes = volume_agreement(scores, evaluation.methods)
    some = replace(evaluation, scores=scores, volumes=volumes)
    name = scores.patients[1].patient_id
    assert some.notes[-1] == (
        f"The rules cannot tell whether maps of {name} (good) show a lesion: left out "
        "of volumes and overlap"
    )
    counts = {(v.method, v.metric): v.differences.n for v in volumes}
    for metric in LESION_VOLUMES:
        assert counts["good", metric] == len(scores.patients) - 1
        assert counts["poor", metric] == len(scores.patients)
    assert name in describe(some)
    assert volume_plots(some).axes
