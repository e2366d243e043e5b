"""Boosted trees as a predictor, and what an NCCT holds."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from magic_model.cli import main
from magic_model.data.cohort import Cohort
from magic_model.data.split import Split
from magic_model.data.volume import Kind
from magic_model.errors import DataError
from magic_model.evaluation import boosting, ceiling
from magic_model.evaluation.metric import Metric
from magic_model.evaluation.predictors import BOOSTING, CONSTANT, MEASURED
from magic_model.evaluation.result import evaluate_selection
from magic_model.evaluation.scores import Key
from magic_model.evaluation.selection import select
from magic_model.maps import PerfusionMap
from magic_model.metrics import pixelwise

CBF, TTP = PerfusionMap.CBF, PerfusionMap.TTP


@pytest.fixture(autouse=True)
def few_rounds(monkeypatch):
    monkeypatch.setattr(boosting, "_ROUNDS", 8)
    monkeypatch.setattr(boosting, "_PIXELS", 2000)


@pytest.fixture(scope="module")
def stack(measured):
    return boosting.load_slices(measured, measured.patients[2], [CBF, TTP])


def test_the_area_under_the_curve_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    values, truth = rng.integers(0, 9, (2, 300)), rng.random((2, 300)) < 0.3
    found = pixelwise.roc_auc(values, truth)
    assert found == pytest.approx(roc_auc_score(truth.ravel(), values.ravel()))
    assert np.isnan(pixelwise.roc_auc(values, np.zeros_like(truth)))


def test_features_know_what_lies_opposite(stack):
    """Sixteen of them; one side 10 HU darker shows as -10 there and 10 opposite."""
    left = np.arange(256) >= 128
    sides = np.where(stack.mask, np.where(left, 30.0, 40.0), 0.0)
    ncct = np.repeat(sides[:, None], 3, axis=1)
    made = boosting.features(replace(stack, ncct=ncct.astype(np.float32)))
    assert made.shape == (*stack.mask.shape, 16)
    _, rows, columns = np.nonzero(stack.mask)
    row = int(np.median(rows))
    centre, half = (columns.min() + columns.max()) // 2, np.ptp(columns) // 4
    by_two = made[0, row, :, 8]
    assert by_two[centre + half] == pytest.approx(-10, abs=0.5)
    assert by_two[centre - half] == pytest.approx(10, abs=0.5)


def test_trees_need_a_training_split(measured):
    tested = [p for p in measured.patients if p.split is Split.TEST]
    with pytest.raises(DataError, match="fitted to the training split, which must"):
        boosting.fit_boosting(Cohort(measured.folder, tested), [CBF])


def test_trees_learn_what_the_ct_numbers_tell(measured):
    """Flow follows from the CT number here, so that trees beat a constant."""
    trees = boosting.fit_boosting(measured, [CBF])
    stack = boosting.load_slices(measured, measured.patients[0], [CBF])
    truth, mask = stack.maps[CBF][stack.mask], stack.mask
    made = trees.predict_slices(stack)[CBF]
    assert not made[~mask].any()
    assert np.corrcoef(made[mask], truth)[0, 1] > 0.3
    assert (
        np.abs(made[mask] - truth).mean() < 0.95 * np.abs(truth - truth.mean()).mean()
    )


@pytest.mark.slow
def test_boosting_is_compared_where_it_is_asked_for(measured, methods):
    good = {"good": Cohort(methods["good"].folder, methods["good"].patients[:1])}
    found = evaluate_selection(select(measured, good), seed=1, boosting=True)
    assert found.rows[-1] == BOOSTING
    trees, constant = (
        found.scores.column(Key(name, CBF, Metric.MAE)) for name in (BOOSTING, CONSTANT)
    )
    assert (trees < constant).all()
    assert any("2000 pixels of 1 patient of the training" in n for n in found.notes)
    assert BOOSTING in {c.second for c in found.comparisons}


@pytest.mark.slow
def test_maps_tell_lesions_by_area_under_the_curve(evaluation):
    """Core and tissue at risk are planted with low flow and late peaks."""
    for metric in (Metric.CORE_AUC, Metric.AT_RISK_AUC):
        best, good, poor, constant = (
            evaluation.summary(method, None, metric)
            for method in (MEASURED, "good", "poor", CONSTANT)
        )
        assert best.n == (3 if metric is Metric.CORE_AUC else 4)
        assert best.mean > 0.98
        assert best.mean >= good.mean > poor.mean > constant.mean
        assert constant.mean == pytest.approx(0.5)


@pytest.mark.slow
def test_the_ceiling_says_what_each_map_and_each_core_hold(measured, capsys):
    folder = str(measured.folder)
    assert main(["ceiling", "--cohort", folder]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "Mean absolute error over 5 patients"
    assert said[2].startswith("CBF [mL/100g/min]")
    constant, voxel, trees = map(float, said[2].split()[2:])
    assert voxel < constant
    assert trees < constant
    # Cores of p3 to p5; nothing was planted in their CT numbers.
    assert [line.split()[0] for line in said[7:10]] == ["p3", "p4", "p5"]
    assert "show: darker than the other side by more than 2 SD" in said[-1]


def test_a_split_without_patients_has_no_ceiling(measured, capsys):
    told = ["--cohort", str(measured.folder), "--split", "val"]
    assert main(["ceiling", *told]) == 2
    assert "must be in split val, got none" in capsys.readouterr().err


def test_a_core_that_is_dark_shows_and_one_that_is_not_does_not(measured):
    patient = measured.patients[3]
    stack = boosting.load_slices(measured, patient, list(PerfusionMap)[:4])
    plain = ceiling.lesion_contrast(measured, patient, stack)
    core = measured.load(patient, Kind.CORE_MASK)
    truth, _ = ceiling.measured_lesion(measured, patient, stack)
    planted = ceiling.to_display(truth.core.array > 0)[stack.positions]
    dark = np.where(planted[:, None], stack.ncct - 6, stack.ncct)
    shown = ceiling.lesion_contrast(measured, patient, replace(stack, ncct=dark))
    assert shown.hu == pytest.approx(plain.hu - 6, abs=0.3)
    assert shown.core_ml == pytest.approx(core.array.sum() * core.voxel_ml, rel=0.05)
    assert shown.is_visible
    assert not plain.is_visible
    assert 0 < plain.noise_hu < plain.anatomy_hu
    found = ceiling.CohortCeiling(
        1, [ceiling.MapCeiling(CBF, 12.6, 5.78, 4.2)], [plain, shown]
    )
    said = found.describe().splitlines()
    assert said[2].split() == ["CBF", "[mL/100g/min]", "12.6", "5.78", "4.2"]
    assert [line.split()[-1] for line in said[4:6]] == ["no", "yes"]
    assert said[6].startswith("1 of 2 cores show: darker than the other side by more")
    assert ceiling.lesion_contrast(measured, measured.patients[0], stack) is None
