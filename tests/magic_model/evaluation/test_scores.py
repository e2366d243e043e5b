import numpy as np
import pytest

from magic_model.evaluation.metric import Metric
from magic_model.evaluation.scores import map_scores


def test_a_vessel_above_the_range_counts_as_it_is_and_as_it_is_shown():
    """It is white at 60 as at 150, and no network of this range makes more."""
    rng = np.random.default_rng(0)
    measured = rng.uniform(20, 50, (1, 24, 24)).astype(np.float32)
    generated = measured + 3
    measured[0, 4, 4] = 150
    generated[0, 4, 4] = 60
    mask = np.ones(measured.shape, bool)
    found = map_scores(measured, generated, mask, (0, 60))
    assert found[Metric.MAE] == pytest.approx((575 * 3 + 90) / 576, rel=1e-5)
    assert found[Metric.MAE_SHOWN] == pytest.approx(575 * 3 / 576, rel=1e-5)
