import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa

from analysis.agreement import cohen_kappa, maximum_kappa
from analysis.agreement.batch import (
    agreement_weights,
    brennan_predigers,
    cohen_kappas,
    gwet_acs,
    scott_pis,
)
from analysis.tables import ContingencyTable

ALL = [cohen_kappas, scott_pis, gwet_acs, brennan_predigers]
WEIGHTS = [None, "linear", "quadratic"]

tables = st.integers(2, 5).flatmap(
    lambda k: arrays(np.int64, (k, k), elements=st.integers(0, 30))
)
usable = tables.filter(
    lambda t: np.count_nonzero(t.sum(0)) > 1 and np.count_nonzero(t.sum(1)) > 1
)


@pytest.mark.parametrize("function", ALL)
@pytest.mark.parametrize("weights", WEIGHTS)
def test_a_batch_gives_what_its_tables_give_one_by_one(function, weights, rng):
    counts = rng.integers(0, 20, (4, 6, 3, 3))
    batch = function(counts, weights)

    for place in np.ndindex(4, 6):
        single = function(counts[place], weights)
        for together, alone in zip(batch, single, strict=True):
            assert together[place] == pytest.approx(alone, rel=1e-12, nan_ok=True)


def test_the_input_is_not_changed(rng):
    counts = rng.integers(0, 20, (5, 3, 3))
    before = counts.copy()
    cohen_kappas(counts)
    assert np.array_equal(counts, before)


@given(usable, st.sampled_from(WEIGHTS))
def test_kappa_does_not_depend_on_which_method_comes_first(counts, weights):
    one, other = cohen_kappas(counts, weights), cohen_kappas(counts.T, weights)
    assert one.estimate == pytest.approx(other.estimate, rel=1e-9, abs=1e-12)
    assert one.standard_error == pytest.approx(other.standard_error, rel=1e-7, abs=1e-9)


@given(usable, st.randoms())
def test_unweighted_kappa_does_not_depend_on_the_order_of_the_scale(counts, random):
    order = list(range(len(counts)))
    random.shuffle(order)
    shuffled = counts[np.ix_(order, order)]
    assert cohen_kappas(shuffled).estimate == pytest.approx(
        cohen_kappas(counts).estimate, rel=1e-9, abs=1e-12
    )


@given(usable, st.integers(2, 9))
def test_the_standard_error_falls_with_the_root_of_n(counts, factor):
    one, many = cohen_kappas(counts), cohen_kappas(counts * factor)
    assert many.estimate == pytest.approx(one.estimate, rel=1e-9, abs=1e-12)
    assert many.standard_error * np.sqrt(factor) == pytest.approx(
        one.standard_error, rel=1e-7, abs=1e-9
    )


@given(usable, st.sampled_from(WEIGHTS))
def test_kappa_lies_below_its_maximum(counts, weights):
    table = ContingencyTable(counts)
    assert (
        cohen_kappa(table, weights).estimate
        <= maximum_kappa(table, weights).estimate + 1e-12
    )


@given(usable, st.sampled_from(WEIGHTS))
def test_an_answer_that_nobody_gave_changes_nothing_unweighted(counts, weights):
    k = len(counts)
    wider = np.zeros((k + 1, k + 1), dtype=np.int64)
    wider[:k, :k] = counts
    narrow, wide = cohen_kappas(counts, weights), cohen_kappas(wider, weights)
    if weights is None:
        assert wide.estimate == pytest.approx(narrow.estimate, rel=1e-9, abs=1e-12)
    else:  # linear and quadratic kappa do not depend on the length of the scale
        assert wide.estimate == pytest.approx(narrow.estimate, rel=1e-8, abs=1e-9)


@pytest.mark.slow
@given(usable)
def test_kappa_matches_scikit_learn_and_statsmodels(counts):
    counts = counts + 1  # statsmodels divides by a null error of 0 elsewhere
    table = ContingencyTable(counts)
    pairs = table.to_pairs()
    labels = np.arange(table.k)
    for weights in WEIGHTS:
        expected = cohen_kappa_score(*pairs.T, labels=labels, weights=weights)
        assert cohen_kappa(table, weights).estimate == pytest.approx(
            expected, abs=1e-10
        )
    theirs = cohens_kappa(counts)
    ours = cohen_kappa(table)
    assert ours.standard_error**2 == pytest.approx(
        theirs.var_kappa, rel=1e-6, abs=1e-12
    )
    assert ours.null_standard_error == pytest.approx(theirs.std_kappa0, rel=1e-9)


def test_the_standard_error_loses_no_digits_near_perfect_agreement():
    # Exact value in rational arithmetic; psych gives 1.4051e-4, vcd 1.41451e-4.
    result = cohen_kappa(ContingencyTable([[4998, 1], [1, 0]]))
    assert result.standard_error == pytest.approx(1.414496e-4, rel=1e-6)


def test_a_bootstrap_agrees_with_the_large_sample_error(q4, rng):
    samples = rng.multinomial(q4.n, q4.counts.ravel() / q4.n, 20_000).reshape(-1, 5, 5)
    spread = cohen_kappas(samples).estimate.std()
    assert spread == pytest.approx(cohen_kappa(q4).standard_error, rel=0.03)


def test_own_weights_replace_the_named_ones():
    linear = tuple(map(tuple, agreement_weights(4, "linear").tolist()))
    counts = np.arange(16).reshape(4, 4)
    assert cohen_kappas(counts, linear) == cohen_kappas(counts, "linear")


@pytest.mark.parametrize(
    "weights", [((1, 0), (0, 1)), ((1, 2, 0), (0, 1, 0), (0, 0, 1)), ((1,), (1, 2))]
)
def test_own_weights_that_do_not_fit_are_refused(weights):
    with pytest.raises(ValueError, match="must be 3 rows of 3 numbers of 0 to 1"):
        agreement_weights(3, weights)
