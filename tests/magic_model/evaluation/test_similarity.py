import math

import numpy as np
import pytest

from magic_model.evaluation.metric import Metric
from magic_model.evaluation.scores import map_scores


def test_a_brain_at_the_edge_of_the_frame_is_judged_alike():
    rng = np.random.default_rng(0)
    mask = np.zeros((1, 64, 64), bool)
    mask[0, 20:50, 10:40] = True
    x = np.where(mask, rng.uniform(0, 60, mask.shape), 0)
    y = np.where(mask, rng.uniform(0, 60, mask.shape), 0)
    middle = map_scores(x, y, mask, (0, 60))
    edge = map_scores(*(np.roll(a, -20, axis=1) for a in (x, y, mask)), (0, 60))
    assert middle[Metric.SSIM_BOX] == pytest.approx(edge[Metric.SSIM_BOX])
    assert middle[Metric.UQI_BOX] == pytest.approx(edge[Metric.UQI_BOX])
    assert middle[Metric.MAE] == pytest.approx(edge[Metric.MAE])


def test_a_brain_too_small_for_a_window_has_no_index():
    mask = np.zeros((1, 64, 64), bool)
    mask[0, 30:35, 30:35] = True
    x = mask * np.arange(64.0)
    found = map_scores(x, x + mask, mask, (0, 60))
    assert math.isnan(found[Metric.SSIM_BOX])
    assert math.isnan(found[Metric.UQI_BOX])
    assert math.isfinite(found[Metric.SSIM_IN_BRAIN])
    assert found[Metric.MAE] == 1


def test_values_beyond_the_range_count_as_errors_but_are_shown_cut_off():
    mask = np.ones((1, 32, 32), bool)
    x = np.tile(np.linspace(50, 70, 32), (1, 32, 1))
    found = map_scores(x, x.clip(0, 60), mask, (0, 60))
    assert found[Metric.SSIM_IN_BRAIN] == pytest.approx(1)
    assert found[Metric.MAE] > 1
