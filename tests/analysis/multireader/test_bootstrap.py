"""Resamples by multiplicities."""

import numpy as np
import pytest
from scipy.sparse import issparse

from analysis.multireader import Bootstrap, clustered_kappa, mean_of
from analysis.multireader import clusters as multireader_clusters
from analysis.multireader.clusters import Clusters, multiplicities, resampled_sums


@pytest.mark.parametrize("readers_too", [False, True])
def test_sums_are_those_of_pairs_drawn_one_by_one(ragged, rng, readers_too):
    clusters = Clusters(ragged.reader, ragged.case)
    values = rng.standard_normal((ragged.n, 3))
    bootstrap = Bootstrap(n_resamples=2_100, seed=5)
    readers, cases = multiplicities(clusters, bootstrap, readers_too=readers_too)
    sums = resampled_sums(clusters, values, bootstrap, readers_too=readers_too)

    assert sums.shape == (2_100, 3)
    for b in (0, 1, 2_050):
        times = readers[b][ragged.reader] * cases[b][ragged.case]
        assert sums[b] == pytest.approx(np.repeat(values, times, axis=0).sum(axis=0))


def test_draws_as_many_readers_and_cases_as_there_are(study):
    clusters = Clusters(study.reader, study.case)
    bootstrap = Bootstrap(n_resamples=300)
    readers, cases = multiplicities(clusters, bootstrap, readers_too=True)
    fixed, _ = multiplicities(clusters, bootstrap, readers_too=False)

    assert set(readers.sum(axis=1)) == {7}
    assert set(cases.sum(axis=1)) == {20}
    assert (fixed == 1).all()


def test_the_seed_fixes_the_limits(study):
    intervals = [
        clustered_kappa(
            study, "pigeonhole", bootstrap=Bootstrap(200, seed)
        ).confidence_interval()
        for seed in (1, 1, 2)
    ]

    assert intervals[0] == intervals[1] != intervals[2]


def test_errors_resemble_the_analytic_ones(study):
    bootstrap = Bootstrap(4000)
    by_cases = clustered_kappa(study, "patient_bootstrap", bootstrap=bootstrap)
    by_both = clustered_kappa(study, "pigeonhole", bootstrap=bootstrap)
    analytic = clustered_kappa(study, "patient")

    assert by_cases.standard_error == pytest.approx(analytic.standard_error, rel=0.15)
    assert by_both.standard_error > by_cases.standard_error
    assert by_both.confidence_interval().low < by_both.estimate


def test_the_mean_is_resampled_as_a_ratio(ragged):
    agrees = ragged.reference == ragged.test
    columns = ragged.reader, ragged.case
    resampled = mean_of(agrees, *columns, "patient_bootstrap")
    analytic = mean_of(agrees, *columns, "patient")

    assert resampled.standard_error == pytest.approx(analytic.standard_error, rel=0.15)
    assert ((resampled.resampled >= -1e-12) & (resampled.resampled <= 1 + 1e-12)).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_resamples": 99}, "must be 100 or more, got 99"),
        ({"limits": "normal"}, "must be percentile or bca, got 'normal'"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        Bootstrap(**arguments)


@pytest.mark.parametrize(
    "variance",
    ["patient", "jackknife", "crossed", "crossed_unbiased", "pigeonhole"],
)
def test_a_large_study_is_computed_as_a_small_one(ragged, monkeypatch, variance):
    """Above a size, who read what is a sparse matrix."""
    small = clustered_kappa(ragged, variance)
    monkeypatch.setattr(multireader_clusters, "_LARGE", 0)
    assert issparse(Clusters(ragged.reader, ragged.case).of_case)
    large = clustered_kappa(ragged, variance)
    assert large.standard_error == pytest.approx(small.standard_error, rel=1e-12)
    assert large.df == pytest.approx(small.df, rel=1e-9)
