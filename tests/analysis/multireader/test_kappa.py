"""Kappa, agreement and AC1 with errors that know who read what."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.agreement import cohen_kappa, gwet_ac, percent_agreement
from analysis.multireader import (
    Bootstrap,
    Coefficient,
    Pairs,
    clustered_ac1,
    clustered_agreement,
    clustered_kappa,
    with_clustered_error,
)
from analysis.tables import ContingencyTable

WEIGHTS = (None, "linear", "quadratic")
VARIANCES = ("independent", "patient", "jackknife", "crossed", "pigeonhole")


@pytest.mark.parametrize("weights", WEIGHTS)
def test_independent_is_the_error_of_the_table(study, weights):
    table = study.table
    kappa = clustered_kappa(study, "independent", weights)
    ac = clustered_ac1(study, "independent", weights)

    assert kappa.estimate == pytest.approx(cohen_kappa(table, weights).estimate)
    assert kappa.standard_error == pytest.approx(
        cohen_kappa(table, weights).standard_error, rel=1e-12
    )
    assert ac.estimate == pytest.approx(gwet_ac(table, weights).estimate)
    assert ac.standard_error == pytest.approx(
        gwet_ac(table, weights).standard_error, rel=1e-12
    )
    assert kappa.df == math.inf
    assert "too narrow" in kappa.cautions[0]


def test_independent_agreement_is_a_binomial_proportion(study):
    agreement = clustered_agreement(study, "independent")
    expected = percent_agreement(study.table)

    assert agreement.estimate == expected.estimate
    assert agreement.standard_error == pytest.approx(expected.standard_error)


def test_weighted_agreement_counts_near_misses_in_part(study):
    agreement = clustered_agreement(study, weights="linear")
    steps = np.abs(study.reference - study.test)

    assert agreement.estimate == pytest.approx(float((1 - steps / 3).mean()))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(0, 6), min_size=9, max_size=9).filter(lambda x: sum(x) > 3),
    st.sampled_from(WEIGHTS),
    st.sampled_from([Coefficient.kappa, Coefficient.ac, Coefficient.agreement]),
)
def test_influence_is_the_slope_towards_each_cell(cells, weights, kind):
    counts = np.array(cells, dtype=float).reshape(3, 3) + 0.5  # away from 0/0
    share = counts / counts.sum()
    estimate, influence = kind(weights).influence(counts)
    step = 1e-6
    for cell in np.ndindex(3, 3):
        moved = (1 - step) * share
        moved[cell] += step
        slope = (kind(weights).of_tables(moved) - estimate) / step
        assert influence[cell] == pytest.approx(float(slope), abs=1e-4)
    assert float((share * influence).sum()) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_jackknife_leaves_out_one_case_at_a_time(ragged, weights):
    def kappa(kept):
        both = np.stack([ragged.reference[kept], ragged.test[kept]], axis=1)
        table = ContingencyTable.from_pairs(*both.T.tolist(), range(3))
        return cohen_kappa(table, weights).estimate

    left = [kappa(ragged.case != case) for case in range(len(ragged.cases))]
    expected = math.sqrt(11 / 12 * np.sum((left - np.mean(left)) ** 2))
    jackknife = clustered_kappa(ragged, "jackknife", weights)

    assert jackknife.standard_error == pytest.approx(expected, rel=1e-9)
    assert jackknife.df == 11


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(VARIANCES[:-1]))
def test_which_method_comes_first_does_not_matter(seed, variance):
    rng = np.random.default_rng(seed)
    reader, case = np.divmod(np.arange(24), 8)
    a, b = rng.integers(0, 3, (2, 24)).tolist()
    names = reader.tolist(), case.tolist()
    one = clustered_kappa(Pairs.from_labels(*names, a, b, range(3)), variance)
    other = clustered_kappa(Pairs.from_labels(*names, b, a, range(3)), variance)

    assert one.estimate == pytest.approx(other.estimate, abs=1e-12)
    assert one.standard_error == pytest.approx(other.standard_error, nan_ok=True)


def test_quadratic_weights_of_two_categories_are_the_unweighted_kappa(rng):
    a, b = rng.integers(0, 2, (2, 40)).tolist()
    reader, case = np.divmod(np.arange(40), 10)
    study = Pairs.from_labels(reader.tolist(), case.tolist(), a, b, (0, 1))
    plain, weighted = (
        clustered_kappa(study),
        clustered_kappa(study, weights="quadratic"),
    )

    assert weighted.standard_error == pytest.approx(plain.standard_error)


@pytest.mark.parametrize("variance", VARIANCES)
def test_a_constant_method_is_degenerate_and_never_a_precise_zero(study, variance):
    names = study.reader.tolist(), study.case.tolist(), study.reference.tolist()
    pairs = Pairs.from_labels(*names, [2] * study.n, range(4))
    kappa = clustered_kappa(pairs, variance)
    interval = kappa.confidence_interval()

    assert kappa.estimate == 0
    assert "the test method always drew the answer 2" in kappa.undefined_reason
    assert math.isnan(kappa.standard_error)
    assert math.isnan(interval.low)
    assert interval.caution == kappa.undefined_reason


def test_all_agree_and_no_pairs_say_so(study):
    names = study.reader.tolist(), study.case.tolist(), study.reference.tolist()
    same = Pairs.from_labels(*names, study.reference.tolist(), range(4))

    assert clustered_kappa(same).estimate == 1
    assert clustered_kappa(same).confidence_interval().high == 1
    assert clustered_kappa(same).confidence_interval().low < 0.9
    assert clustered_agreement(same).confidence_interval().low < 0.9
    printed = clustered_kappa(same, "independent").undefined_reason
    assert "every pair agrees" in printed
    nothing = clustered_kappa(study.subset(study.case < 0))
    assert nothing.undefined_reason == "there are no pairs"


def test_skewed_margins_and_few_clusters_are_said_in_words():
    reader, case = np.divmod(np.arange(20), 10)
    first = [1] + [0] * 19
    second = [0, 1, 1, 1] + [0] * 16
    names = reader.tolist(), case.tolist()
    kappa = clustered_kappa(Pairs.from_labels(*names, first, second, (0, 1)))

    assert any("19 of 20 answers of the reference" in c for c in kappa.cautions)
    assert any("few readers (2)" in c for c in kappa.cautions)
    assert any("few cases (10)" in c for c in kappa.cautions)


def rare(n_cases):
    """One case has the only second answers."""
    answers = [1] + [0] * (n_cases - 1)
    names = ["A"] * n_cases, range(n_cases)
    return Pairs.from_labels(*names, answers, [1, 1, *answers[2:]], (0, 1))


def test_a_coefficient_that_hangs_on_one_case_has_no_jackknife():
    pairs = Pairs.from_labels("AAA", "xyz", [0, 0, 1], [0, 0, 0], (0, 1))
    with_one = Pairs.from_labels("AAA", "xyz", [0, 0, 1], [0, 0, 1], (0, 1))

    assert "always drew" in clustered_kappa(pairs, "jackknife").undefined_reason
    assert clustered_kappa(with_one, "jackknife").confidence_interval().low < 0
    disagreeing = Pairs.from_labels("AABB", "xyxy", [0, 1, 0, 0], [0, 0, 0, 1], (0, 1))
    left = clustered_kappa(disagreeing, "jackknife")
    assert "without one of the cases" in left.undefined_reason


def test_undefined_resamples_are_counted_or_refused():
    some = clustered_kappa(rare(10), "patient_bootstrap", bootstrap=Bootstrap(400))
    reader, case = np.divmod(np.arange(40), 8)
    names = reader.tolist(), case.tolist()
    most = Pairs.from_labels(*names, [1] + [0] * 39, [2] + [0] * 39, range(3))
    refused = clustered_kappa(most, "pigeonhole", bootstrap=Bootstrap(400))

    assert any("of 400 resamples" in caution for caution in some.cautions)
    assert "most of the resamples" in refused.undefined_reason
    assert math.isnan(refused.confidence_interval().high)


def test_any_coefficient_can_be_asked_for(study):
    given = with_clustered_error(study, Coefficient.ac("quadratic"), "crossed")

    assert given.estimate == clustered_ac1(study, weights="quadratic").estimate
