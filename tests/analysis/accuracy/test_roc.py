"""ROC curves against counting by hand, and the mean against its area."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import analysis
from analysis.accuracy.roc import RocCurve, mean_curve, reader_curves

RATINGS = st.lists(st.integers(1, 5), min_size=8, max_size=8)


def _frame(*ratings, truth=(1, 1, 1, 0, 0, 0, 0, 1)):
    rows = [
        (reader, case, "CT", of, rating)
        for reader, given in enumerate(ratings)
        for case, (of, rating) in enumerate(zip(truth, given, strict=True))
    ]
    names = ("reader", "case", "modality", "truth", "rating")
    return dict(zip(names, zip(*rows, strict=True), strict=True))


def test_points_are_the_shares_called_from_each_rating_on():
    frame = _frame([5, 3, 3, 3, 2, 1, 1, 1])
    curve = reader_curves(frame)["CT"][0]
    points = list(zip(curve.false_positive, curve.true_positive, strict=True))
    assert points == [(0, 0), (0, 0.25), (0.25, 0.75), (0.5, 0.75), (1, 1)]
    assert curve.at(3) == (0.25, 0.75)
    assert curve.at(2.5) == (0.25, 0.75)
    assert curve.at(6) == (0, 0)
    assert curve.at(0) == (1, 1)


@given(first=RATINGS, second=RATINGS, third=RATINGS)
def test_the_mean_has_the_mean_area_and_rises(first, second, third):
    frame = _frame(first, second, third)
    curves = reader_curves(frame)["CT"]
    found = analysis.multireader_accuracy(frame)
    assert [curve.auc for curve in curves.values()] == pytest.approx(
        list(found.per_reader["estimate"])
    )
    mean = mean_curve(curves)
    assert mean.auc == pytest.approx(found.modality("CT").estimate)
    assert (np.diff(mean.false_positive) >= -1e-12).all()
    assert (np.diff(mean.true_positive) >= -1e-12).all()
    assert (mean.false_positive[0], mean.true_positive[0]) == (0, 0)
    assert (mean.false_positive[-1], mean.true_positive[-1]) == (1, 1)


def test_the_mean_of_a_perfect_and_a_useless_reader_lies_between_them():
    perfect = RocCurve(np.array([0.0, 0, 1]), np.array([0.0, 1, 1]))
    useless = RocCurve(np.array([0.0, 1]), np.array([0.0, 1]))
    mean = mean_curve([perfect, useless])
    middle = np.interp(1, mean.false_positive + mean.true_positive, mean.true_positive)
    assert middle == 0.75
    with pytest.raises(ValueError, match="no thresholds"):
        mean.at(3)
    with pytest.raises(ValueError, match="At least one curve"):
        mean_curve([])


def test_a_reader_who_saw_one_class_only_has_no_curve():
    frame = _frame([5, 3, 3, 3, 2, 1, 1, 1])
    frame = {name: list(column) for name, column in frame.items()}
    for case in (0, 1):
        for name, value in zip(frame, ("late", case, "CT", 1, 4), strict=True):
            frame[name].append(value)
    assert list(reader_curves(frame)["CT"]) == [0]
