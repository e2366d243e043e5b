"""Score intervals on the effective number of pairs."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from analysis.agreement import cohen_kappa
from analysis.multireader import (
    Coefficient,
    Pairs,
    clustered_agreement,
    clustered_kappa,
    from_influence,
    proportion_of,
    score,
)


def independent_of(estimate, n, truths, bounds=(0.0, 1.0)):
    """An estimate of n pairs of as many readers and cases, with z."""
    place = np.arange(n)
    spread = np.resize([1.0, -1.0], n) * math.sqrt(n * truths.at(truths.seen).variance)
    found = from_influence(estimate, spread, place, place, "independent")
    object.__setattr__(found, "bounds", bounds)
    return score.with_score_interval(found, truths)


def test_independent_pairs_have_wilsons_interval():
    found = independent_of(0.9, 50, score.proportions(0.9, 50))
    expected = proportion_confint(0.9 * 49, 49, method="wilson")  # one less
    limits = found.confidence_interval()

    assert found.n_effective == pytest.approx(49)
    assert (limits.low, limits.high) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize(
    ("events", "sizes", "expected"),
    [
        # Newcombe RG. Stat Med 1998;17:873, Table II, method 5 (Mee).
        ((56, 48), (70, 80), (0.0533, 0.3377)),
        ((9, 3), (10, 10), (0.1821, 0.8370)),
    ],
)
def test_two_proportions_have_mees_interval(events, sizes, expected):
    truths = score.differences(events, sizes)
    found = independent_of(truths.seen, 100, truths, (-1.0, 1.0))
    limits = replace(found, design_effect=1.0).confidence_interval()

    assert (limits.low, limits.high) == pytest.approx(expected, abs=6e-5)


def test_the_tilted_table_of_agreement_is_wilsons(study):
    counts = study.table.counts
    tilted = score.tilted_tables(counts, Coefficient.agreement().influence)
    wilson = score.proportions(1 - tilted.seen, int(counts.sum()))

    assert tilted.at(tilted.seen).value == pytest.approx(wilson.seen)
    for agreement in (0.02, 0.4, 0.97):
        assert tilted.variance_at(agreement) == pytest.approx(
            wilson.variance_at(agreement), rel=1e-6
        )


def test_at_the_estimate_the_error_is_that_of_fleiss_cohen_and_everitt(study):
    truths = score.tilted_tables(study.table.counts, Coefficient.kappa().influence)
    kappa = cohen_kappa(study.table)

    assert truths.at(truths.seen).value == pytest.approx(kappa.estimate)
    assert truths.at(truths.seen).variance == pytest.approx(kappa.standard_error**2)


def test_margins_of_the_tilted_table_move_as_little_as_they_must():
    # By hand: with 2 x 2 counts the tilted table is (1 - s) D + s O.
    counts = np.array([[40, 6], [4, 10]])
    truths = score.tilted_tables(counts, Coefficient.kappa().influence)
    table = 0.7 * np.diag([0.8, 0.2]) + 0.3 * np.array([[0, 0.6], [0.4, 0]])
    expected = cohen_kappa((table * 6000).round().astype(int))

    assert truths.at(0.3).value == pytest.approx(expected.estimate)
    assert truths.at(0.3).variance == pytest.approx(
        expected.standard_error**2 * 6000 / 60
    )


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=12, max_size=12)
)
def test_a_p_value_and_its_interval_never_contradict(answers):
    reference, test = zip(*answers, strict=True)
    pairs = Pairs.from_labels(
        "AAAABBBBCCCC", "wxyz" * 3, reference, test, categories=(0, 1, 2)
    )
    for found in (clustered_kappa(pairs), clustered_agreement(pairs)):
        if found.undefined_reason is not None:
            continue
        limits = found.confidence_interval()
        assert limits.low <= found.estimate <= limits.high
        for limit, outside in ((limits.low, -1e-4), (limits.high, 1e-4)):
            if abs(limit - found.estimate) > 1e-3 and -1 < limit < 1:
                assert found.p_value(limit) == pytest.approx(0.05, abs=2e-3)
                assert found.p_value(limit + outside) < 0.052


def test_agreement_is_wilsons_on_the_effective_number(study):
    found = clustered_agreement(study)
    n, t = found.n_effective, stats.t.ppf(0.975, found.df)
    centre = (found.estimate + t**2 / (2 * n)) / (1 + t**2 / n)
    half = (
        t
        / (1 + t**2 / n)
        * math.sqrt(found.estimate * (1 - found.estimate) / n + t**2 / (4 * n**2))
    )
    limits = found.confidence_interval()

    assert (limits.low, limits.high) == pytest.approx((centre - half, centre + half))
    assert n + 1 == pytest.approx(
        found.estimate * (1 - found.estimate) / found.standard_error**2
    )


def test_where_all_agree_a_case_counts_once(study):
    found = proportion_of(np.ones(study.n), study.reader, study.case)
    limits = found.confidence_interval()
    t = stats.t.ppf(0.975, 19)

    assert found.n_effective == 20
    assert limits.low == pytest.approx(20 / (20 + t**2))
    assert limits.high == 1
    assert found.wald_interval().low == 1  # which claims certainty


def test_rounding_makes_no_disagreement_where_all_agree():
    shares = np.array([5, 18, 12]) / 35
    assert shares.sum() != 1  # so that something is left of 1 - agreement
    answers = np.repeat([1, 2, 3], [5, 18, 12])
    reader, case = np.divmod(np.arange(35), 5)
    pairs = Pairs.from_labels(reader, case, answers, answers, (1, 2, 3))
    interval = clustered_kappa(pairs).confidence_interval()
    assert 0 < interval.low < interval.high == 1


def test_pairs_taken_as_independent_keep_the_interval_that_others_print(study):
    limits = clustered_kappa(study, "independent").confidence_interval()
    expected = cohen_kappa(study.table).confidence_interval()

    assert (limits.low, limits.high) == pytest.approx((expected.low, expected.high))
