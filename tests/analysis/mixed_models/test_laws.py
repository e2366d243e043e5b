"""What must hold for any data, and what is refused."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.mixed_models import crossing, fit, likelihood_ratio_test
from analysis.mixed_models.laplace import LaplaceLikelihood
from analysis.mixed_models.links import link_function
from analysis.mixed_models.problem import ordinal_problem

COLUMNS = ("method", "reader", "case")


def simulated(rng, *, beta=0.8, reader_sd=0.5, case_sd=1.0, shape=(7, 20)):
    """Answers 1 to 4 of a crossed study with logistic noise."""
    n_readers, n_cases = shape
    reader, case, method = (
        axis.ravel() for axis in np.indices((n_readers, n_cases, 2))
    )
    latent = (
        beta * method
        + rng.normal(0, reader_sd, n_readers)[reader]
        + rng.normal(0, case_sd, n_cases)[case]
        + rng.logistic(size=reader.size)
    )
    return np.digitize(latent, [-1.0, 0.5, 2.0]) + 1, method, reader, case


@pytest.fixture(scope="module")
def study():
    return simulated(np.random.default_rng(3))


@pytest.fixture(scope="module")
def model(study):
    y, method, reader, case = study
    return fit(y, {"method": method}, {"reader": reader, "case": case})


@pytest.mark.parametrize("link", ["logit", "probit"])
def test_slopes_are_those_of_the_likelihood(study, link, rng):
    y, method, reader, case = study
    problem = ordinal_problem(y, {"method": method}, {"reader": reader, "case": case})
    likelihood = LaplaceLikelihood(problem, link_function(link))
    vector = rng.normal(0, 0.3, 6)
    _, slopes, mode = likelihood.evaluate(vector, np.zeros(problem.n_effects))
    for index, slope in enumerate(slopes):
        step = 1e-5 * np.eye(6)[index]
        ends = (likelihood.evaluate(vector + s * step, mode)[0] for s in (1, -1))
        up, down = ends
        assert slope == pytest.approx((up - down) / 2e-5, abs=1e-6)


@pytest.mark.slow
@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_names_and_order_of_groups_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    y, method, reader, case = simulated(rng)
    plain = fit(y, {"method": method}, {"reader": reader, "case": case})
    order = rng.permutation(len(y))
    names = np.array([f"reader {i}" for i in rng.permutation(7)], dtype=object)
    shuffled = fit(
        y[order],
        {"method": method[order]},
        {"case": -case[order], "reader": names[reader[order]]},
    )
    assert shuffled.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-6)
    assert shuffled.coefficients["method"].estimate == pytest.approx(
        plain.coefficients["method"].estimate, abs=1e-4
    )
    assert shuffled.group_sds == pytest.approx(plain.group_sds, abs=2e-3)


def test_a_reversed_scale_flips_signs(study, model):
    y, method, reader, case = study
    flipped = fit(5 - y, {"method": method}, {"reader": reader, "case": case})
    assert flipped.log_likelihood == pytest.approx(model.log_likelihood, abs=1e-8)
    assert flipped.coefficients["method"].estimate == pytest.approx(
        -model.coefficients["method"].estimate, abs=1e-5
    )
    thresholds = [-t.estimate for t in reversed(flipped.thresholds)]
    expected = [t.estimate for t in model.thresholds]
    assert thresholds == pytest.approx(expected, abs=1e-5)


def test_tests_and_odds_ratio_of_the_method(model):
    coefficient = model.coefficients["method"]
    test = likelihood_ratio_test(model, "method")
    assert test.df == 1
    assert test.statistic == pytest.approx(coefficient.z**2, rel=0.05)
    assert test.p_value == pytest.approx(coefficient.p_value, abs=0.01)
    ratio = model.odds_ratio("method")
    interval = coefficient.confidence_interval()
    assert ratio.estimate == pytest.approx(math.exp(coefficient.estimate))
    assert (math.log(ratio.low), math.log(ratio.high)) == pytest.approx(
        (interval.low, interval.high)
    )
    with pytest.raises(KeyError):
        likelihood_ratio_test(model, "reader")


def test_shares_of_the_latent_variance(model):
    shares = model.variance_shares()
    assert list(shares) == ["reader", "case", "residual"]
    assert sum(shares.values()) == pytest.approx(1)
    total = sum(sd**2 for sd in model.group_sds.values()) + math.pi**2 / 3
    assert shares["case"] == pytest.approx(model.group_sds["case"] ** 2 / total)


def test_odds_ratios_need_the_logit(study):
    y, method, _, _ = study
    model = fit(y, {"method": method}, {}, link="probit")
    with pytest.raises(ValueError, match="need the logit link, got probit"):
        model.odds_ratio("method")


def changed(study, **columns):
    names = dict(zip(("y", *COLUMNS), study, strict=True)) | columns
    scale = names.pop("categories", None)
    fixed = names.pop("fixed", {"method": names["method"]})
    groups = names.pop("groups", {"reader": names["reader"], "case": names["case"]})
    return fit(names["y"], fixed, groups, categories=scale)


def test_unsupported_data_give_reasons_instead_of_numbers(study):
    y, method, reader, _ = study
    binary = (y > 2).astype(int)
    given = {
        "category 5 was never used": {"categories": (1, 2, 3, 4, 5)},
        "all answers are the same": {"y": np.full_like(y, 3)},
        "there are no answers": dict.fromkeys(("y", *COLUMNS), np.array([], int)),
        "reader has 1 group": {"reader": np.zeros_like(reader)},
        "who has a group for each answer": {
            "y": binary,
            "groups": {"who": np.arange(len(y))},
        },
        "reader and again group the answers alike": {
            "groups": {"reader": reader, "again": 6 - reader}
        },
        "method is the same for all": {"method": np.ones_like(method)},
        "are not independent": {"fixed": {"a": method, "b": 2 * method}},
        "every answer with method 1 is 3": {"y": np.where(method == 1, 3, y)},
        "method separates the answers": {"y": 1 + binary + 2 * method},
    }
    for reason, columns in given.items():
        model = changed(study, **columns)
        assert reason in model.undefined_reason
        assert not model.converged
        assert math.isnan(model.log_likelihood)
        assert all(math.isnan(c.estimate) for c in model.coefficients.values())
        for name in model.coefficients:
            test = likelihood_ratio_test(model, name)
            assert test.undefined_reason == model.undefined_reason


def test_few_groups_and_few_answers_are_cautioned():
    y, method, reader, case = simulated(np.random.default_rng(5), shape=(3, 12))
    y = np.where(y == 4, 3, y)
    y[:2] = 4
    model = fit(y, {"method": method}, {"reader": reader, "case": case})
    assert "reader has only 3 groups" in model.cautions[0]
    assert "category 4 was used 2 times only" in model.cautions[1]


def test_a_spread_without_end_is_not_converged():
    # Every reader always gives the same answer: the deviation of readers has no limit.
    reader, method = (axis.ravel() for axis in np.indices((8, 4)))
    model = fit((reader % 2), {"method": method % 2 + 0.1 * method}, {"reader": reader})
    assert "not converged" in model.undefined_reason


def test_impossible_columns_are_refused(study):
    y, method, _, case = study
    with pytest.raises(
        ValueError, match=r"reader must have shape \(280,\), got \(3,\)"
    ):
        fit(y, {"method": method}, {"reader": [1, 2, 3]})
    with pytest.raises(ValueError, match="must be finite numbers"):
        fit(y, {"method": np.where(case == 1, np.nan, 1.0)}, {})
    with pytest.raises(ValueError, match="must be on the scale, got 4"):
        fit(y, {"method": method}, {}, categories=(1, 2, 3))
    with pytest.raises(ValueError, match="must be one of logit, probit, got cloglog"):
        fit(y, {"method": method}, {}, link="cloglog")


def test_crossing_labels_each_combination():
    labels = crossing(["b", "a", "b", "a"], [1, 1, 2, 1])
    assert labels.tolist() == [1, 0, 2, 0]


@pytest.mark.slow
def test_planted_values_are_recovered():
    rng = np.random.default_rng(11)
    found = []
    covered = 0
    for _ in range(60):
        y, method, reader, case = simulated(rng, beta=0.8)
        model = fit(y, {"method": method}, {"reader": reader, "case": case})
        coefficient = model.coefficients["method"]
        interval = coefficient.confidence_interval()
        covered += interval.low <= 0.8 <= interval.high
        found.append([coefficient.estimate, *model.group_sds.values()])
    beta, reader_sd, case_sd = np.mean(found, axis=0)
    assert beta == pytest.approx(0.8, abs=0.1)
    assert reader_sd == pytest.approx(0.5, abs=0.12)  # ML is low with 7 readers
    assert case_sd == pytest.approx(1.0, abs=0.12)
    assert covered >= 52
