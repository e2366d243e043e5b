"""Each reader alone, all but one, each class of cases."""

import numpy as np
import pytest
from scipy import stats

from analysis.agreement import cohen_kappa, percent_agreement
from analysis.multireader import (
    Coefficient,
    Pairs,
    clustered_agreement,
    clustered_kappa,
    leave_one_reader_out,
    per_class,
    per_reader,
)
from analysis.multireader.by_reader import of_reader


def test_each_reader_has_the_kappa_of_their_own_table(study):
    readers = per_reader(study)

    assert [own.reader for own in readers] == list(study.readers)
    for own in readers:
        table = of_reader(study, own.reader).table
        kappa = cohen_kappa(table)
        assert own.coefficient.estimate == pytest.approx(kappa.estimate)
        # One pair per case: the cluster error is the table's, times n / (n - 1).
        expected = kappa.standard_error * np.sqrt(table.n / (table.n - 1))
        assert own.coefficient.standard_error == pytest.approx(expected)
        assert own.coefficient.df == table.n - 1
        assert own.agreement == percent_agreement(table)


def test_weights_are_passed_on(study):
    weighted = per_reader(study, Coefficient.kappa("quadratic"))
    expected = cohen_kappa(of_reader(study, study.readers[2]).table, "quadratic")

    assert weighted[2].coefficient.estimate == pytest.approx(expected.estimate)


def test_leaving_a_reader_out_leaves_the_others(study):
    without = leave_one_reader_out(study)

    assert list(without) == list(study.readers)
    assert {estimate.n_readers for estimate in without.values()} == {6}
    expected = clustered_kappa(study.subset(study.reader != 4))
    assert without[study.readers[4]].estimate == expected.estimate
    assert without[study.readers[4]].standard_error == expected.standard_error


def test_each_class_of_cases_alone(study):
    severity = {case: "severe" if int(case) % 2 else "none" for case in study.cases}
    del severity[study.cases[0]]
    severity["a case nobody read"] = "mild"
    found = per_class(study, severity, Coefficient.agreement(), "patient")

    assert list(found) == ["severe", "none"]
    assert found["severe"].n_cases == 10
    assert found["none"].n_cases == 9
    odd = study.subset(np.array([int(study.cases[i]) % 2 == 1 for i in study.case]))
    expected = clustered_agreement(odd, "patient")
    assert found["severe"].standard_error == expected.standard_error


def test_an_unknown_reader_is_refused(study):
    with pytest.raises(ValueError, match=r"must be one of 0, 1, .*got nobody"):
        of_reader(study, "nobody")


def test_interval_of_a_reader_is_students():
    pairs = Pairs.from_labels(
        "AAAAAA", "uvwxyz", [0, 0, 1, 1, 0, 1], [0, 1, 1, 1, 0, 0], (0, 1)
    )
    (own,) = per_reader(pairs)
    kappa = cohen_kappa(pairs.table)
    margin = stats.t.ppf(0.975, 5) * kappa.standard_error * np.sqrt(6 / 5)

    assert own.coefficient.wald_interval().low == pytest.approx(kappa.estimate - margin)
