"""Answers under one method, by hand and against the coefficients of a table."""

import math
from itertools import combinations

import numpy as np
import pytest

from analysis.agreement import cohen_kappa
from analysis.multireader import clustered_agreement, clustered_kappa
from analysis.questions.arms import (
    COEFFICIENTS,
    between_readers_of,
    reader_by_reader,
    within_reader_of,
)
from analysis.questions.between_readers import consistency
from analysis.responses import Reading
from analysis.tables import ContingencyTable
from reader_study.formats.questionnaire import Choice, Question

SCALE = tuple(Choice(name, name) for name in ("good", "fair", "poor"))
QUALITY = Question("Q", "Quality?", SCALE)


def readings(ratings):
    """Readings of `(cases, readers)` codes; NaN where there is no answer."""
    return [
        Reading(
            0,
            f"R{reader}",
            f"c{case}",
            "x",
            {} if np.isnan(code) else {"Q": QUALITY.codes[int(code)]},
        )
        for case, row in enumerate(ratings)
        for reader, code in enumerate(row)
    ]


@pytest.fixture
def ratings():
    drawn = np.random.default_rng(4).integers(0, 3, (20, 4)).astype(float)
    drawn[0, 0] = drawn[3, 2] = np.nan
    return drawn


def test_agreement_between_readers_by_hand():
    found = between_readers_of(
        readings(np.array([[0, 0, 1], [2, 2, 2], [0, 1, np.nan], [1, np.nan, np.nan]])),
        QUALITY,
    )
    # Pairs alike: one of three, three of three, none of one; the last case has none.
    agreement = found.coefficients["percent_agreement"]
    assert agreement.estimate == pytest.approx((1 / 3 + 1 + 0) / 3)
    assert found.counts.tolist() == [[2, 1, 1], [1, 1, 1], [0, 1, 1]]
    assert (found.n_answers, found.n_cases) == (9, 3)


def test_coefficients_are_those_of_many_readers(ratings):
    found = between_readers_of(readings(ratings), QUALITY, ordinal=True)
    assert list(found.coefficients) == list(COEFFICIENTS)
    for name in COEFFICIENTS:
        same = "krippendorff_alpha_ordinal" if name == "krippendorff_alpha" else name
        for variance, of in (
            ("crossed_conservative", found.coefficients),
            ("jackknife", found.these_readers),
        ):
            expected = consistency(ratings, 3, same, variance)
            assert of[name].estimate == expected.estimate
            assert of[name].standard_error == expected.standard_error


def test_two_readers_tell_nothing_of_others(ratings):
    found = between_readers_of(readings(ratings[:, :2]), QUALITY)
    variances = {one.variance for one in found.coefficients.values()}
    assert variances == {"jackknife"}
    assert not between_readers_of(readings(ratings[:, :1]), QUALITY).coefficients


def test_each_two_readers_have_the_kappa_of_their_table(ratings):
    found = reader_by_reader(between_readers_of(readings(ratings), QUALITY))
    for one, other in combinations(range(4), 2):
        both = ratings[:, [one, other]]
        both = both[np.isfinite(both).all(axis=1)]
        table = ContingencyTable.from_pairs(*both.T.tolist(), (0.0, 1.0, 2.0))
        for a, b in ((one, other), (other, one)):
            assert found[a].kappas[f"R{b}"] == pytest.approx(
                cohen_kappa(table).estimate
            )
            assert found[a].shares[f"R{b}"] == table.n_agree / table.n
    assert all(own.reader not in own.kappas for own in found)


def test_readers_against_the_others_are_agreement_on_average(ratings):
    complete = between_readers_of(readings(np.nan_to_num(ratings)), QUALITY)
    own = [one.agreement.estimate for one in reader_by_reader(complete)]
    whole = complete.coefficients["percent_agreement"].estimate
    assert np.mean(own) == pytest.approx(whole)


def test_readers_without_a_case_in_common_have_no_kappa():
    apart = np.array([[0, np.nan], [np.nan, 1.0]])
    first, _ = reader_by_reader(between_readers_of(readings(apart), QUALITY))
    assert math.isnan(first.kappas["R1"])
    assert math.isnan(first.shares["R1"])
    assert math.isnan(first.agreement.estimate)


def test_first_and_second_reading_are_pairs(ratings):
    again = np.where(np.random.default_rng(5).random(ratings.shape) < 0.7, ratings, 1)
    again[5, 1] = np.nan
    later = readings(again)[:60]
    # A third reading of the first case is not compared.
    third = readings(np.full((1, 4), 2.0))
    found = within_reader_of(readings(ratings), [*later, *third], QUALITY)
    known = np.isfinite(ratings) & np.isfinite(again)
    known[15:] = False
    case, reader = np.nonzero(known)
    frame = {
        "reader": reader,
        "case": case,
        "reference": ratings[known],
        "test": again[known],
    }
    assert found.pairs.n == known.sum()
    assert found.n_incomplete == 60 - known.sum()
    for ours, expected in (
        (found.kappa, clustered_kappa(frame)),
        (found.agreement, clustered_agreement(frame)),
    ):
        assert ours.estimate == pytest.approx(expected.estimate)
        assert ours.standard_error == pytest.approx(expected.standard_error)
        assert ours.variance == "crossed"
    assert [own.reader for own in found.alone] == ["R1", "R2", "R3", "R0"]


def test_without_a_complete_repeat_nothing_is_known(ratings):
    empty = readings(np.full((2, 4), np.nan))
    found = within_reader_of(readings(ratings), empty, QUALITY)
    assert (found.pairs.n, found.n_incomplete) == (0, 8)
    assert math.isnan(found.kappa.estimate)
