"""Worths against statsmodels; undefined ones are said to be; crossed errors."""

import math
from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from statsmodels.discrete.conditional_models import ConditionalLogit

from analysis.displays import Preferences, fit_worths


def drawn(worths, m, *, ranked=False, readers=4, cases=25, seed=1):
    """Displays of every m methods, chosen or ranked by their worth."""
    rng = np.random.default_rng(seed)
    k, rows = len(worths), []
    for reader in range(readers):
        for case in range(cases):
            shown = rng.permutation(k)[:m]
            noisy = worths[shown] + rng.gumbel(size=m)
            order = shown[np.argsort(-noisy)]
            rows.append((reader, case, shown, order if ranked else order[:1]))
    reader, case, shown, order = zip(*rows, strict=True)
    names = tuple(f"method {n}" for n in range(k))
    return Preferences(names, *map(np.array, (reader, case, shown, order)))


def test_of_two_pictures_the_model_is_a_logistic_regression():
    found = drawn(np.array([0.0, 0.4, 1.1, -0.5]), 2)
    outcome = (found.order[:, 0] == found.shown[:, 0]).astype(float)
    at = np.arange(found.n)
    design = np.zeros((found.n, 4))
    design[at, found.shown[:, 0]], design[at, found.shown[:, 1]] = 1, -1
    family = sm.families.Binomial()
    fit = sm.GLM(outcome, design[:, 1:], family=family).fit(cov_type="HC0")

    worths = fit_worths(found, "independent")

    of_first = [c.log_odds for c in worths.contrasts[:3]]
    assert [c.estimate for c in of_first] == pytest.approx(fit.params, abs=1e-6)
    assert [c.standard_error for c in of_first] == pytest.approx(fit.bse, abs=1e-6)


def test_a_ranking_is_a_choice_of_the_best_and_then_of_the_best_left():
    found = drawn(np.array([0.0, 0.7, -0.4]), 3, ranked=True)
    chosen, columns, group = [], [], []
    for place, order in enumerate(found.order):
        for stage in range(2):
            left = order[stage:]
            chosen += [1] + [0] * (len(left) - 1)
            columns += [[float(m == 1), float(m == 2)] for m in left]
            group += [2 * place + stage] * len(left)
    fit = ConditionalLogit(
        np.array(chosen), np.array(columns), groups=np.array(group)
    ).fit(disp=0)

    worths = fit_worths(found)

    log_odds = [c.log_odds.estimate for c in worths.contrasts[:2]]
    assert log_odds == pytest.approx(list(fit.params), abs=1e-3)
    assert worths.log_worth.sum() == pytest.approx(0)


def test_two_methods_have_the_odds_of_their_shares_with_ties_half():
    shown = np.tile([0, 1], (10, 1))
    order = np.array([[1]] * 6 + [[0]] * 2 + [[-1]] * 2)
    found = Preferences(("a", "b"), np.arange(10) % 2, np.arange(10) // 2, shown, order)

    (contrast,) = fit_worths(found).contrasts

    assert contrast.share.estimate == 0.7
    assert contrast.log_odds.estimate == pytest.approx(math.log(7 / 3))
    assert contrast.chance == pytest.approx(0.7)


def test_readers_who_differ_make_intervals_wider():
    found = drawn(np.array([0.0, 0.5]), 2, readers=6, cases=30)
    loyal = found.reader % 2  # half of the readers always prefer one method
    apart = replace(found, order=loyal[:, np.newaxis])

    narrow, wide = (
        fit_worths(apart, v).contrasts[0].log_odds for v in ("independent", "crossed")
    )

    assert wide.standard_error > 4 * narrow.standard_error


def test_a_method_that_always_comes_first_has_no_finite_worth():
    found = drawn(np.array([0.0, 0.2, 0.1]), 3, ranked=True)
    best = np.array([sorted(order, key=lambda m: m != 2) for order in found.order])

    worths = fit_worths(replace(found, order=best))

    reason = "method 2 always came first, so no finite worth is likeliest"
    assert worths.undefined_reason == reason
    assert all(c.log_odds.undefined_reason == reason for c in worths.contrasts)
    assert worths.contrasts[1].share.estimate == 1
    assert worths.p_value == min(c.adjusted for c in worths.contrasts) < 0.05


def test_p_values_share_the_error_by_holm():
    worths = fit_worths(drawn(np.array([0.0, 0.3, 0.6]), 2))

    p = sorted(c.p_value for c in worths.contrasts)
    expected = np.maximum.accumulate(np.minimum(1, np.array([3, 2, 1]) * p))
    assert sorted(c.adjusted for c in worths.contrasts) == pytest.approx(expected)
    assert worths.p_value == pytest.approx(expected[0])


def test_nothing_is_fitted_to_nothing():
    nothing = np.empty((0,), dtype=int)
    empty = Preferences(("a", "b"), nothing, nothing, nothing, nothing)
    with pytest.raises(ValueError, match="one display or more, got none"):
        fit_worths(empty)
    with pytest.raises(ValueError, match="of one length"):
        replace(empty, reader=np.zeros(2, dtype=int))
