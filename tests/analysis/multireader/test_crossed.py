"""Variance with readers and cases as samples, also of incomplete designs."""

import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.multireader import from_influence, mean_of
from analysis.multireader.clusters import (
    Clusters,
    crossed_spread,
    unbiased_spread,
    variance_components,
)


@st.composite
def designs(draw):
    """Which reader has read which case, 3 to 5 each, some pairs missing."""
    n_readers, n_cases = draw(st.integers(3, 5)), draw(st.integers(3, 5))
    kept = draw(
        st.lists(st.booleans(), min_size=n_readers * n_cases, max_size=25).map(np.array)
    )
    reader, case = np.divmod(np.arange(n_readers * n_cases), n_cases)
    kept = kept[: reader.size] | (reader == case % n_readers) | (reader == 0)
    return reader[kept], case[kept]


def as_matrix(quadratic, n):
    """The symmetric matrix of a quadratic form of a centred vector."""
    centre = np.eye(n) - 1 / n
    both = centre[:, None] + centre[None, :]
    of_sum = quadratic(both.reshape(-1, n)).reshape(n, n)
    alone = quadratic(centre)
    return (of_sum - alone[:, None] - alone[None, :]) / 2


@settings(max_examples=40, deadline=None)
@given(designs())
def test_components_are_unbiased_whatever_is_missing(design):
    # A quadratic form y'Ay has expectation tr(A V); V = sum of component x structure.
    clusters = Clusters(*design)
    structures = (
        clusters.of_case @ clusters.of_case.T,
        clusters.of_reader @ clusters.of_reader.T,
        np.eye(clusters.n),
    )
    for position in range(3):
        form = as_matrix(
            lambda y, at=position: variance_components(clusters, y)[at], clusters.n
        )
        expected = [float(np.sum(form * structure)) for structure in structures]
        assert expected == pytest.approx(np.eye(3)[position], abs=1e-8)


@settings(max_examples=40, deadline=None)
@given(designs(), st.integers(0, 2**32 - 1))
def test_order_and_names_of_readers_and_cases_do_not_matter(design, seed):
    rng = np.random.default_rng(seed)
    reader, case = design
    values = rng.standard_normal(reader.size)
    order = rng.permutation(reader.size)
    renamed_reader, renamed_case = rng.permutation(9), rng.permutation(9)

    given_order = mean_of(values, reader, case)
    other = mean_of(
        values[order], renamed_reader[reader[order]], renamed_case[case[order]]
    )

    assert other.standard_error == pytest.approx(given_order.standard_error, rel=1e-9)
    assert other.df == pytest.approx(given_order.df, rel=1e-7)


def test_patient_clusters_of_unequal_size_match_statsmodels(ragged):
    agrees = (ragged.reference == ragged.test).astype(float)
    ols = sm.OLS(agrees, np.ones_like(agrees)).fit(
        cov_type="cluster", cov_kwds={"groups": ragged.case}
    )
    ours = mean_of(agrees, ragged.reader, ragged.case, "patient")

    assert len(set(np.bincount(ragged.case))) > 1
    assert ours.standard_error == pytest.approx(ols.bse[0], rel=1e-9)


def test_jackknife_of_a_mean_with_equal_clusters_is_the_patient_error(study):
    agrees = study.reference == study.test
    jackknife = mean_of(agrees, study.reader, study.case, "jackknife")
    patient = mean_of(agrees, study.reader, study.case, "patient")

    assert jackknife.standard_error == pytest.approx(patient.standard_error, rel=1e-12)


def test_of_many_estimates_at_once_as_of_each(study, rng):
    values = rng.standard_normal((3, 2, study.n))
    values -= values.mean(axis=-1, keepdims=True)
    clusters = Clusters(study.reader, study.case)
    together = crossed_spread(clusters, values)

    assert together.variance.shape == together.df.shape == (3, 2)
    assert together.variance[2, 1] == pytest.approx(
        float(crossed_spread(clusters, values[2, 1]).variance)
    )


def test_crossed_covers_the_source_that_varies():
    reader, case = np.divmod(np.arange(30), 10)
    by_reader = reader - 1.0
    by_case = case - 4.5

    of_reader = mean_of(by_reader, reader, case)
    of_case = mean_of(by_case, reader, case)

    assert of_reader.df == pytest.approx(2)
    assert of_reader.standard_error == pytest.approx(1 / np.sqrt(3))
    assert of_case.df == pytest.approx(9)
    assert of_case.standard_error == pytest.approx(
        mean_of(by_case, reader, case, "patient").standard_error
    )


def test_one_reader_leaves_the_error_over_cases_and_says_so():
    values = [0.0, 1.0, 1.0, 0.0, 1.0]
    crossed = mean_of(values, [4] * 5, range(5))
    patient = mean_of(values, [4] * 5, range(5), "patient")

    assert crossed.standard_error == patient.standard_error
    assert "there is one reader" in " ".join(crossed.cautions)
    assert not any("reader" in caution for caution in patient.cautions)


def test_each_case_read_once_is_a_design_with_readers_as_clusters():
    reader = np.repeat(np.arange(4), 10)
    effect = np.array([-0.3, -0.1, 0.1, 0.3])[reader]
    noise = np.tile([-0.02, 0.02], 20)
    crossed = mean_of(effect + noise, reader, np.arange(40))

    assert crossed.standard_error == pytest.approx(np.std([-3, -1, 1, 3], ddof=1) / 20)
    assert 2.9 < crossed.df < 3.2


def test_unbiased_variance_that_is_negative_is_refused_with_its_reason():
    reader, case = np.divmod(np.arange(4), 2)
    opposed = [1.0, -1.0, -1.0, 1.0]
    spread = unbiased_spread(Clusters(reader, case), np.array(opposed))
    result = mean_of(opposed, reader, case, "crossed_unbiased")

    assert spread.variance < 0
    assert np.isnan(result.standard_error)
    assert "negative" in result.undefined_reason
    assert mean_of(opposed, reader, case).standard_error == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.5, -0.5], [1], [1, 2]), r"must be \(n,\) each, got \(2,\), \(1,\)"),
        (
            ([0.5, -0.5], [1, 1], [1, 2], "robust"),
            "must be one of independent, .*robust",
        ),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        from_influence(0.5, *arguments)


def test_no_pairs_and_one_case_say_why():
    nothing = mean_of([], [], [])
    alone = mean_of([0.0, 1.0], [0, 1], [5, 5])

    assert np.isnan(nothing.estimate)
    assert nothing.undefined_reason == "there are no pairs"
    assert "only one case" in alone.undefined_reason
    assert np.isnan(alone.confidence_interval().low)
    assert np.isnan(alone.p_value())
    unknown = from_influence(math.nan, [0.5, -0.5], [0, 0], [0, 1])
    assert unknown.undefined_reason == "the coefficient is undefined"


def test_a_mean_square_that_few_cases_make_up_counts_fewer_degrees_of_freedom():
    reader, case = np.divmod(np.arange(120), 20)
    clusters = Clusters(reader, case)
    alike = np.where(np.arange(20) % 2, 1.0, -1.0)
    few = np.where(np.arange(20) < 2, 10.0, -10 / 9)
    found = []
    for of_case in (alike, few):
        values = of_case[case] + 0.1 * np.cos(np.arange(120.0) ** 2)
        found.append(float(crossed_spread(clusters, values - values.mean()).df))
    kurtosis = np.mean((few - few.mean()) ** 4) / np.var(few) ** 2

    assert found[0] == pytest.approx(19, rel=0.02)
    assert found[1] == pytest.approx(40 / (kurtosis - 1), rel=0.05)
