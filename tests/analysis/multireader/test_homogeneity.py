"""Is a coefficient the same for all readers?"""

import itertools
import math

import numpy as np
import pytest

from analysis.multireader import Coefficient, Pairs, homogeneity


def test_the_p_value_is_the_share_of_all_exchanges():
    # Two readers, six cases: 64 ways to exchange them, all tried here by hand.
    agrees = np.array([[1, 1, 1, 0, 1, 1], [0, 0, 1, 0, 1, 0]])
    reader, case = np.divmod(np.arange(12), 6)
    pairs = Pairs(reader, case, agrees.ravel(), [1] * 12, "AB", tuple("uvwxyz"), 2)
    gaps = []
    for swaps in itertools.product([0, 1], repeat=6):
        first = np.where(swaps, agrees[1], agrees[0])
        second = np.where(swaps, agrees[0], agrees[1])
        gaps.append(abs(first.sum() - second.sum()))
    share = np.mean(np.array(gaps) >= abs(agrees[0].sum() - agrees[1].sum()))
    test = homogeneity(pairs, Coefficient.agreement(), n_exchanges=9_999)

    assert test.p_value == pytest.approx(share, abs=0.02)
    assert test.coefficients == pytest.approx({"A": 5 / 6, "B": 2 / 6})
    # Mean influence is the distance to the mean: 6 (1/4)^2 for either reader.
    assert test.statistic == pytest.approx(2 * 6 * 0.25**2)


def test_it_is_the_same_each_time(study):
    assert homogeneity(study) == homogeneity(study)


def test_order_of_readers_and_missing_pairs_do_not_matter(ragged, rng):
    order = rng.permutation(ragged.n)
    names = [
        [ragged.readers[i] for i in ragged.reader[order]],
        [ragged.cases[i] for i in ragged.case[order]],
        ragged.reference[order].tolist(),
        ragged.test[order].tolist(),
    ]
    shuffled = homogeneity(Pairs.from_labels(*names, range(3)))
    test = homogeneity(ragged)

    assert shuffled.statistic == pytest.approx(test.statistic)
    assert shuffled.coefficients == pytest.approx(test.coefficients)
    assert shuffled.p_value == pytest.approx(test.p_value, abs=0.05)


def test_a_reader_without_a_kappa_takes_part(study):
    constant = study.reader == 3
    names = study.reader.tolist(), study.case.tolist()
    answers = [
        np.where(constant, 0, of).tolist() for of in (study.reference, study.test)
    ]
    test = homogeneity(Pairs.from_labels(*names, *answers, range(4)))

    assert "3" not in test.coefficients
    assert 0 < test.p_value <= 1


def test_one_reader_who_answers_at_random_is_found(rng):
    reader, case = np.divmod(np.arange(420), 60)
    reference = rng.integers(0, 2, 60)[case]
    test = np.where(reader == 6, rng.integers(0, 2, 420), reference)
    test = np.where(rng.random(420) < 0.1, 1 - test, test)
    names = tuple("ABCDEFG"), tuple(map(str, range(60)))

    assert homogeneity(Pairs(reader, case, reference, test, *names, 2)).p_value < 0.01


def test_nothing_to_compare_says_so(study):
    alone = homogeneity(study.subset(study.reader == 0))
    columns = [list(range(20)), [0, 1] * 10, [1, 1, 0, 0] * 5]
    twice = [column * 2 for column in columns]
    alike = Pairs.from_labels(["A"] * 20 + ["B"] * 20, *twice, range(4))

    assert "fewer than two readers" in alone.undefined_reason
    assert math.isnan(alone.p_value)
    assert "no case has pairs" in homogeneity(alike).undefined_reason
    with pytest.raises(ValueError, match="99 or more, got 10"):
        homogeneity(study, n_exchanges=10)
