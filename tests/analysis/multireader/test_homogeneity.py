"""Is a coefficient the same for all readers?"""

import math

import numpy as np
import pytest
from scipy import stats

from analysis.multireader import Coefficient, Pairs, homogeneity


def agreement_columns(pairs):
    """`(cases, readers)` 1 where the two answers agree."""
    agrees = np.zeros((len(pairs.cases), len(pairs.readers)))
    agrees[pairs.case, pairs.reader] = pairs.reference == pairs.test
    return agrees


def test_agreement_is_hotellings_test_of_equal_means(study):
    # The textbook: T^2 = n d' S^-1 d of the differences between successive readers.
    differences = np.diff(agreement_columns(study), axis=1)
    mean, covariance = differences.mean(axis=0), np.cov(differences.T)
    t_squared = 20 * mean @ np.linalg.solve(covariance, mean)
    test = homogeneity(study, Coefficient.agreement())

    assert test.statistic == pytest.approx(t_squared, rel=1e-9)
    assert (test.df, test.df_residual) == (6, 14)
    expected = stats.f.sf(t_squared * 14 / (6 * 19), 6, 14)
    assert test.p_value == pytest.approx(expected)
    assert test.p_value_wald == pytest.approx(stats.chi2.sf(t_squared, 6))


def test_two_readers_are_the_paired_t_test(study):
    two = study.subset(study.reader < 2)
    test = homogeneity(two, Coefficient.agreement())
    paired = stats.ttest_rel(*agreement_columns(two).T)

    assert test.p_value == pytest.approx(paired.pvalue)


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


def test_a_reader_who_always_agrees_takes_no_part(study):
    agrees = study.reader == 3
    names = study.reader.tolist(), study.case.tolist(), study.reference.tolist()
    answers = np.where(agrees, study.reference, study.test).tolist()
    test = homogeneity(Pairs.from_labels(*names, answers, range(4)))

    assert list(test.left_out) == ["3"]
    assert "every pair agrees" in test.left_out["3"]
    assert test.df == 5


def test_too_few_readers_or_cases_say_so(study):
    alone = homogeneity(study.subset(study.reader == 0))
    short = homogeneity(study.subset(study.case < 6), Coefficient.agreement())

    assert "fewer than two readers" in alone.undefined_reason
    assert math.isnan(alone.p_value)
    assert "too few to compare" in short.undefined_reason


def test_readers_who_answer_alike_leave_nothing_to_test(study):
    one = study.subset(study.reader == 0)
    columns = [one.case.tolist(), one.reference.tolist(), one.test.tolist()]
    twice = [column * 2 for column in columns]
    pairs = Pairs.from_labels(["A"] * 20 + ["B"] * 20, *twice, range(4))

    assert "do not vary" in homogeneity(pairs).undefined_reason


def test_f_holds_its_level_where_chi_square_does_not(rng):
    # 7 readers alike, 20 cases shown differently by the methods.
    reader, case = np.divmod(np.arange(140), 20)
    names = tuple("ABCDEFG"), tuple(map(str, range(20)))
    by_f, by_chi_square = [], []
    for _ in range(300):
        severity = rng.standard_normal(20)
        answers = [
            np.searchsorted(
                [-0.5, 0.4, 1.2],
                (severity + 0.6 * rng.standard_normal(20))[case]
                + 0.5 * rng.standard_normal(140),
            )
            for _ in range(2)
        ]
        test = homogeneity(Pairs(reader, case, *answers, *names, 4))
        by_f.append(test.p_value < 0.05)
        by_chi_square.append(test.p_value_wald < 0.05)

    assert 0.01 <= np.mean(by_f) <= 0.09
    assert np.mean(by_chi_square) > 0.15
