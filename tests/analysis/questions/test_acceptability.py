"""Differences of paired proportions against R packages and printed examples."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.multireader.pairs import Pairs
from analysis.questions.acceptability import (
    Acceptance,
    acceptable_difference,
    acceptance_of,
    clustered_mcnemar,
    non_inferiority,
    tango_interval,
    tango_variance,
)
from analysis.symmetry import mcnemar

REFERENCE = json.loads(Path(__file__).with_name("acceptability.json").read_text())
METHODS = ("obuchowski", "durkalski", "yang", "eliasziw")


def acceptance(test, reference, case, reader=None):
    n = len(test)
    return Acceptance(
        np.arange(n) if reader is None else np.asarray(reader),
        np.asarray(case),
        np.asarray(reference, dtype=bool),
        np.asarray(test, dtype=bool),
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("entry", REFERENCE["clustered_pairs"], ids=lambda e: e["id"])
def test_clustered_mcnemar_matches_clust_bin_pair(entry, method):
    patient, reader, first, second = np.array(entry["data"]).T
    for success in (1, 2):
        test = clustered_mcnemar(
            acceptance(second == success, first == success, patient, reader), method
        )
        expected = entry["reference"]
        assert test.statistic == pytest.approx(expected[f"{method}.chi2"], rel=1e-8)
        assert test.p_value == pytest.approx(expected[f"{method}.p"], rel=1e-8)
        assert test.df == 1


def test_patients_with_one_pair_each_give_mcnemars_test():
    found = acceptance([1, 1, 1, 0, 1, 0], [0, 0, 0, 1, 1, 0], range(6))
    plain = mcnemar(found.table, "asymptotic").statistic
    assert clustered_mcnemar(found, "eliasziw").statistic == plain == 1
    assert clustered_mcnemar(found, "durkalski").statistic == plain
    assert clustered_mcnemar(found).statistic == pytest.approx(plain * 5 / 6)


@pytest.mark.parametrize("method", METHODS)
def test_without_disagreement_there_is_nothing_to_test(method):
    none = clustered_mcnemar(acceptance([1, 0, 1], [1, 0, 1], [1, 1, 2]), method)
    assert (none.statistic, none.p_value) == (0, 1)
    assert "no pair disagrees" in none.undefined_reason
    empty = clustered_mcnemar(acceptance([], [], []), method)
    assert "no pairs" in empty.undefined_reason
    balanced = clustered_mcnemar(acceptance([1, 0], [0, 1], [1, 1]), method)
    assert (balanced.statistic, balanced.p_value) == (0, 1)


def test_one_patient_with_disagreements_has_no_correlation_to_tell():
    found = acceptance([1, 1, 0], [0, 0, 0], [1, 1, 2])
    test = clustered_mcnemar(found, "eliasziw")
    assert math.isnan(test.p_value)
    assert "too few patients" in test.undefined_reason


def unequal(rng):
    case = np.repeat(np.arange(12), rng.integers(1, 8, 12))
    return acceptance(rng.random(len(case)) < 0.7, rng.random(len(case)) < 0.5, case)


def test_obuchowskis_test_is_the_variance_of_both_proportions(rng):
    # As in her paper: variances and covariance of ratio estimates, pooled proportion.
    found = unequal(rng)
    n = np.bincount(found.case).astype(float)
    one = np.bincount(found.case, found.test)
    other = np.bincount(found.case, found.reference)
    pooled, k, total = (one + other).sum() / (2 * n.sum()), len(n), n.sum()
    apart = [count - n * pooled for count in (one, other)]
    scale = k / (k - 1) / total**2
    spread = scale * (apart[0] @ apart[0] + apart[1] @ apart[1])
    spread -= 2 * scale * (apart[0] @ apart[1])
    expected = ((one - other).sum() / total) ** 2 / spread
    assert clustered_mcnemar(found).statistic == pytest.approx(expected)


def test_durkalski_does_not_count_a_patients_pairs_twice(rng):
    found = unequal(rng)
    again = np.concatenate([np.arange(found.n), np.flatnonzero(found.case < 3)])
    columns = (found.test[again], found.reference[again], found.case[again])
    one, other = (
        clustered_mcnemar(a, "durkalski") for a in (found, acceptance(*columns))
    )
    assert one.statistic == pytest.approx(other.statistic)


def test_unknown_methods_are_refused():
    with pytest.raises(ValueError, match=r"must be one of obuchowski, .* got 'gee'"):
        clustered_mcnemar(acceptance([1], [0], [1]), "gee")


@pytest.mark.parametrize("entry", REFERENCE["tables"], ids=lambda e: str(e["table"]))
def test_tangos_interval_matches_r(entry):
    (a, b), (c, d) = entry["table"]
    interval = tango_interval(b, c, a + b + c + d)
    assert interval.low == pytest.approx(entry["low"], abs=1e-6)
    assert interval.high == pytest.approx(entry["high"], abs=1e-6)


cells = st.tuples(*[st.integers(0, 30)] * 4).filter(any)


@given(cells)
def test_limits_solve_tangos_equation_and_hold_the_estimate(counts):
    _, b, c, _ = counts
    n, z = sum(counts), 1.959963984540054
    interval = tango_interval(b, c, n)
    seen = (b - c) / n
    assert -1 <= interval.low <= seen <= interval.high <= 1
    for limit in (interval.low, interval.high):
        if abs(limit) < 1 - 1e-6:
            spread = tango_variance(b, c, n, limit)
            score = (b - c - n * limit) / math.sqrt(spread)
            assert abs(score) == pytest.approx(z, rel=1e-6)


@given(cells)
def test_exchanging_the_methods_mirrors_the_interval(counts):
    _, b, c, _ = counts
    there, back = tango_interval(b, c, sum(counts)), tango_interval(c, b, sum(counts))
    assert there.low == pytest.approx(-back.high, abs=1e-9)
    assert there.high == pytest.approx(-back.low, abs=1e-9)
    assert there.low <= there.high


@pytest.mark.parametrize("counts", [(-1, 0, 5), (3, 3, 5)])
def test_impossible_counts_are_refused(counts):
    with pytest.raises(ValueError, match="must be 0 or more and at most n = 5"):
        tango_interval(*counts)


def test_no_pairs_have_no_interval():
    assert "no pairs" in tango_interval(0, 0, 0).caution


def test_answers_are_split_by_the_codes_that_are_acceptable():
    pairs = Pairs.from_labels("AAB", "xyx", [1, 0, -1], [1, 1, 0], (1, 0, -1))
    found = acceptance_of(pairs, [1])
    assert found.n == 3
    assert (found.only_test, found.only_reference) == (1, 0)
    assert found.table.counts.tolist() == [[1, 0], [1, 1]]
    assert acceptable_difference(found).estimate == pytest.approx(1 / 3)
    assert acceptance_of(pairs, [1, 0]).only_test == 1


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        ([], "Some codes must"),
        ([1, 0, -1], "some not"),
        ([2], r"on the scale .* got 2"),
    ],
)
def test_impossible_splits_are_refused(codes, message):
    pairs = Pairs.from_labels("A", "x", [1], [1], (1, 0, -1))
    with pytest.raises(ValueError, match=message):
        acceptance_of(pairs, codes)


def crossed(rng, lost, n_cases=20, n_readers=7):
    """Pairs of all readers and cases; `lost` of the accepted are not under the test."""
    reader, case = np.divmod(np.arange(n_cases * n_readers), n_cases)
    reference = rng.random(len(case)) < 0.9
    test = reference & (rng.random(len(case)) >= lost)
    return acceptance(test, reference, case, reader)


@pytest.mark.parametrize(
    ("lost", "margin", "decision", "words"),
    [
        (0.05, 0.25, True, "MAGIC is non-inferior to RAPID: the 95% interval"),
        (0.15, 0.15, False, "is not shown"),
        (0.6, 0.15, False, "MAGIC is inferior to RAPID"),
    ],
)
def test_non_inferiority_is_the_lower_limit_against_the_margin(
    rng, lost, margin, decision, words
):
    difference = acceptable_difference(crossed(rng, lost))
    found = non_inferiority(difference, margin, test="MAGIC", reference="RAPID")
    assert found.non_inferior is decision
    assert words in found.words
    assert (difference.confidence_interval().low > -margin) is decision


def test_a_gain_is_named():
    reader, case = np.divmod(np.arange(140), 20)
    reference = np.arange(140) % 3 == 0
    difference = acceptable_difference(
        acceptance(reference | (np.arange(140) % 4 == 1), reference, case, reader)
    )
    assert "and above 0" in non_inferiority(difference, 0.1).words


def test_without_a_pair_that_differs_a_case_counts_once(rng):
    difference = acceptable_difference(crossed(rng, 0))
    assert difference.estimate == 0
    # Tango's interval of 20 pairs with t of 19: 2.093^2 / (20 + 2.093^2)
    assert difference.confidence_interval().low == pytest.approx(-0.1797, abs=5e-5)
    assert non_inferiority(difference, 0.1).non_inferior is False
    assert non_inferiority(difference, 0.2).non_inferior is True


def test_the_p_value_of_non_inferiority_goes_with_the_decision(rng):
    difference = acceptable_difference(crossed(rng, 0.05))
    for margin in np.linspace(0.02, 0.4, 20):
        found = non_inferiority(difference, margin)
        assert (found.p_value < 0.025) is found.non_inferior


def test_the_interval_is_tangos_on_the_effective_number(rng):
    difference = acceptable_difference(crossed(rng, 0.1))
    n, t = difference.n_effective, stats.t.ppf(0.975, difference.df)
    lost = -difference.estimate * n  # nothing was gained
    limit = difference.confidence_interval().low
    # Tango's own equation of the discordant probability, with n effective pairs.
    linear, constant = _b(n, lost, limit), -lost * limit * (1 - limit)
    q = (math.sqrt(linear**2 - 8 * n * constant) - linear) / (4 * n)
    variance = (2 * q + limit * (1 - limit)) / n
    assert abs(difference.estimate - limit) / math.sqrt(variance) == pytest.approx(t)


def _b(n, lost, difference):
    return -lost + (2 * n + lost) * difference


def test_where_all_pairs_lost_nothing_is_shown():
    difference = acceptable_difference(acceptance([0] * 4, [1] * 4, [1, 1, 2, 2]))
    assert difference.estimate == -1
    assert "is not shown" in non_inferiority(difference, 0.1).words


@pytest.mark.parametrize(
    ("margin", "message"), [(None, "stated before .* got none"), (1.5, "got 1.5")]
)
def test_a_margin_must_be_stated(margin, message, rng):
    with pytest.raises(ValueError, match=message):
        non_inferiority(acceptable_difference(crossed(rng, 0.1)), margin)


def test_the_pigeonhole_bootstrap_is_close_to_the_crossed_interval(rng):
    found = crossed(rng, 0.2)
    one = acceptable_difference(found).confidence_interval()
    other = acceptable_difference(found, "pigeonhole").confidence_interval()
    assert other.low == pytest.approx(one.low, abs=0.05)
    assert other.high == pytest.approx(one.high, abs=0.05)
