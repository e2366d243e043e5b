import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from magic_model.metrics import (
    central_volume_residual,
    correlation,
    dice,
    mean_absolute_error,
    root_mean_square_error,
)

X = np.array([[1.0, 2.0], [3.0, 4.0]])
Y = np.array([[1.0, 4.0], [3.0, 0.0]])
TOP = np.array([[1, 1], [0, 0]])

numbers = st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=30)


def test_errors_are_in_the_unit_of_the_images():
    assert mean_absolute_error(X, Y) == 1.5
    assert root_mean_square_error(X, Y) == pytest.approx(math.sqrt(5))
    assert mean_absolute_error(X, Y, TOP) == 1
    assert root_mean_square_error(X, Y, TOP) == pytest.approx(math.sqrt(2))


def test_correlation_is_that_of_numpy_and_undefined_for_a_constant():
    assert correlation(X, Y) == pytest.approx(np.corrcoef(X.ravel(), Y.ravel())[0, 1])
    assert math.isnan(correlation(X, np.full_like(X, 0.1)))


def test_dice_is_undefined_where_neither_mask_holds_anything():
    assert dice(TOP, [[1, 0], [1, 0]]) == 0.5
    assert dice(TOP, TOP) == 1
    assert dice(TOP, 1 - TOP) == dice(TOP, 0 * TOP) == 0
    assert math.isnan(dice(0 * TOP, 0 * TOP))


@given(numbers, st.floats(-100, 100))
def test_a_shift_is_the_error_of_shifted_values(values, shift):
    x = np.array(values)
    y = x + shift
    assert mean_absolute_error(x, y) == pytest.approx(abs(shift), abs=1e-9)
    assert mean_absolute_error(x, y) <= root_mean_square_error(x, y) + 1e-9


def test_the_central_volume_residual_looks_inside_the_mask():
    cbf, mtt = np.full((2, 2), 60.0), X
    assert central_volume_residual(cbf, X, mtt) == 0
    assert central_volume_residual(cbf, Y, mtt) == 1.5
    assert central_volume_residual(cbf, Y, mtt, TOP) == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mean_absolute_error(X, X[0]), r"one shape, got \(2, 2\) and \(2,\)"),
        (lambda: mean_absolute_error(X, X, TOP[0]), r"\(2, 2\), got \(2,\)"),
        (lambda: correlation(X, X, 0 * TOP), "at least one value to compare, got none"),
        (lambda: dice(TOP, TOP[0]), r"one shape, got \(2, 2\) and \(2,\)"),
        (lambda: central_volume_residual(X, X, X[0]), "one shape"),
    ],
)
def test_what_cannot_be_compared_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
