from dataclasses import replace

import numpy as np
import pytest

from magic_model.evaluation.figures.plots import box_plots, draw_figures, volume_plots
from magic_model.evaluation.figures.samples import (
    sample_panels,
    sample_patients,
    sample_slice,
)
from magic_model.evaluation.figures.style import FOOT
from magic_model.evaluation.metric import Metric
from magic_model.evaluation.result import evaluate_selection
from magic_model.evaluation.selection import load_pairs


def words_of(figure):
    return [
        text.get_text() for text in figure.findobj(lambda a: hasattr(a, "get_text"))
    ]


@pytest.fixture(scope="module")
def pair(evaluation):
    return next(load_pairs(evaluation.selection, evaluation.selection.patients[4:]))


def test_a_box_per_map_and_two_where_the_ratio_splits(evaluation):
    figure = box_plots(evaluation, "good", (Metric.SSIM_BOX, Metric.UQI_BOX))
    above, _, below, _ = figure.axes
    assert len(above.patches) == len(evaluation.maps)
    assert len(below.patches) == 2 * len(evaluation.maps)
    ticks = [label.get_text() for label in below.get_xticklabels()]
    assert ticks == ["CBF", "CBV", "MTT", "TTP"]
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend[:3] == ["all (n = 5)", "ratio = 0 (n = 2)", "ratio > 0 (n = 3)"]
    assert "mean of black" in legend
    assert FOOT in words_of(figure)


def test_values_that_are_undefined_have_no_box(evaluation):
    values = evaluation.scores.values.copy()
    keys = evaluation.scores.keys
    values[:, [k.method == "good" and k.map == "cbf" for k in keys]] = np.nan
    holed = replace(evaluation, scores=replace(evaluation.scores, values=values))
    figure = box_plots(holed, "good", (Metric.SSIM_BOX, Metric.UQI_BOX))
    assert len(figure.axes[0].patches) == len(evaluation.maps) - 1


def test_volumes_stand_at_mean_and_difference(evaluation):
    figure = volume_plots(evaluation)
    assert len(figure.axes) == 2 * len(evaluation.methods)
    agreement = next(v for v in evaluation.volumes if v.method == "good")
    heights = [
        line.get_ydata()[0] for line in figure.axes[0].lines if "_" in line.get_label()
    ]
    for height in (agreement.differences.bias, agreement.differences.limits.low):
        assert height in heights
    assert any(f"bias {agreement.differences.bias:.1f}" in w for w in words_of(figure))


@pytest.mark.slow
def test_two_methods_stand_below_the_measured_maps(evaluation, pair):
    figure = sample_panels(pair, 0)
    words = words_of(figure)
    for expected in ("measured", "good", "poor", "R", "L", "HU", "mL/100g/min", "NCCT"):
        assert expected in words
    assert "difference" not in words
    assert f"p5, slice 1 of 2. {FOOT}" in words
    panels, bars = figure.axes[:15], figure.axes[15:]
    assert len(panels) == 3 * 5
    assert len(bars) == 5
    assert [float(x) for x in bars[1].get_xlim()] == [0, 60]


@pytest.mark.slow
def test_one_method_stands_above_its_difference(pair):
    only = replace(pair, generated={"good": pair.generated["good"]})
    figure = sample_panels(only, 1)
    assert "difference" in words_of(figure)
    limits = {tuple(ax.get_xlim()) for ax in figure.axes[15:]}
    assert {(0, 60), (-30, 30), (-2, 2), (-6, 6), (-12.5, 12.5)} <= limits
    same = replace(pair, generated={"same": pair.reference.maps})
    picture = sample_panels(same, 1).axes[2 * 5 + 1].images[0].get_array()
    mask = pair.reference.mask[1]
    assert (
        len(np.unique(picture.reshape(-1, 3), axis=0)) == 2
    )  # black and no difference
    assert (picture.reshape(-1, 3).max(axis=1) > 0).sum() == mask.sum()


def test_samples_are_chosen_by_rule(evaluation, lone):
    chosen = sample_patients(evaluation)
    assert list(chosen) == ["none", "mild_moderate", "severe"]
    assert chosen["severe"].patient_id == "p5"
    assert {p.patient_id for p in chosen.values()} <= {"p1", "p2", "p3", "p4", "p5"}
    hidden = [
        replace(p, severity=None, mismatch_ratio=np.nan) for p in lone.scores.patients
    ]
    unknown = replace(lone, scores=replace(lone.scores, patients=hidden))
    assert list(sample_patients(unknown)) == ["all"]


def test_the_slice_with_most_of_the_lesion_is_shown(evaluation, lone, pair):
    selection = evaluation.selection
    assert sample_slice(selection, pair.patient, pair.reference) == 0
    healthy = next(load_pairs(selection, selection.patients[:1]))
    assert sample_slice(selection, healthy.patient, healthy.reference) == 1
    assert sample_slice(lone.selection, pair.patient, pair.reference) == 1


@pytest.mark.slow
def test_without_lesions_there_is_no_plot_of_volumes(lone, tmp_path):
    captions = draw_figures(lone, tmp_path)
    assert "lesion_volumes" not in captions
    assert {f"{name}.png" for name in captions} < {p.name for p in tmp_path.iterdir()}


@pytest.mark.slow
@pytest.mark.parametrize("n", [1, 2])
def test_few_patients_are_drawn_without_intervals(evaluation, n):
    few = replace(
        evaluation.selection, patients=evaluation.selection.patients[2 : 2 + n]
    )
    small = evaluate_selection(few, seed=0)
    assert all(np.isnan(s.interval.low) for s in small.summaries)
    assert all(v.reason.startswith("ICC needs 3 patients") for v in small.volumes)
    lines = [len(ax.lines) for ax in volume_plots(small).axes]
    assert lines == [3 if n == 1 else 5] * 4  # zero, dots, bias; two patients: limits
    assert "ICC" not in "".join(words_of(volume_plots(small)))
    metrics = (Metric.SSIM_IN_BRAIN, Metric.UQI_IN_BRAIN)
    assert len(box_plots(small, "poor", metrics).axes) == 4
