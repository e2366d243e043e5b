"""Agreement of many readers against R, and the laws that its errors must obey."""

import json
import math
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from analysis.agreement import cohen_kappa, gwet_ac, krippendorff_alpha, scott_pi
from analysis.questions.between_readers import (
    COEFFICIENTS,
    MethodRatings,
    consistency,
    consistency_difference,
    method_ratings,
)
from analysis.responses import Questionnaire, Reading, Responses
from analysis.tables import ContingencyTable
from reader_study.formats.questionnaire import Question

MULTIRATER = json.loads(Path(__file__).with_name("between_readers.json").read_text())[
    "multirater"
]
VARIANCES = ("patient", "jackknife", "crossed_conservative")


def computed(ratings, k):
    delta = consistency(ratings, k, "fleiss_kappa", "patient")
    yield "fleiss.est", delta.estimate
    n = len(ratings)  # the reference divides by n, this project by n - 1
    yield "fleiss.se_delta_n", delta.standard_error * math.sqrt((n - 1) / n)
    yield "fleiss.se_jackknife", consistency(ratings, k).standard_error
    bp = consistency(ratings, k, "brennan_prediger")
    yield "bp.est", bp.estimate
    yield "bp.se_jackknife", bp.standard_error
    for level, suffix in (
        ("nominal", ""),
        ("ordinal", "_ordinal"),
        ("interval", "_interval"),
    ):
        alpha = consistency(ratings, k, f"krippendorff_alpha{suffix}")
        yield f"kalpha_{level}.est", alpha.estimate


@pytest.mark.parametrize("entry", MULTIRATER, ids=lambda entry: entry["id"])
def test_coefficients_and_errors_match_r(entry):
    ratings = np.array(entry["ratings"], dtype=float) - 1
    one_answer = len(np.unique(ratings[~np.isnan(ratings)])) == 1
    compared = 0
    for name, value in computed(ratings, entry["k"]):
        expected = entry["reference"].get(name)
        if expected is None:
            continue
        if one_answer and not name.startswith("bp"):
            assert math.isnan(value), name  # packages print 0 or 1 there
            continue
        assert value == pytest.approx(expected, rel=1e-9, abs=1e-14), name
        compared += 1
    assert compared >= (3 if not one_answer else 1)


def two_readers(rng, n=40):
    return np.stack([rng.integers(0, 3, n), rng.integers(0, 3, n)], axis=1)


def test_of_two_readers_they_are_the_coefficients_of_a_table(rng):
    ratings = two_readers(rng)
    table = ContingencyTable.from_pairs(*ratings.T.tolist(), (0, 1, 2))
    n = len(ratings)
    for name, of_table in (
        ("conger_kappa", cohen_kappa(table)),
        ("fleiss_kappa", scott_pi(table)),
        ("gwet_ac1", gwet_ac(table)),
    ):
        ours = consistency(ratings, 3, name, "patient")
        assert ours.estimate == pytest.approx(of_table.estimate, rel=1e-12)
        error = ours.standard_error * math.sqrt((n - 1) / n)
        assert error == pytest.approx(of_table.standard_error, rel=1e-12)


def test_congers_chance_is_the_mean_over_pairs_of_readers(rng):
    ratings = rng.integers(0, 3, (25, 4))
    share = (ratings[:, :, None] == np.arange(3)).mean(axis=0)
    chance = np.mean([share[a] @ share[b] for a, b in combinations(range(4), 2)])
    seen = np.mean(
        [(ratings[:, a] == ratings[:, b]).mean() for a, b in combinations(range(4), 2)]
    )
    expected = (seen - chance) / (1 - chance)
    assert consistency(ratings, 3, "conger_kappa").estimate == pytest.approx(expected)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_alpha_is_that_of_the_agreement_package_with_answers_missing(rng, level):
    ratings = rng.integers(0, 4, (30, 5)).astype(float)
    ratings[rng.random(ratings.shape) < 0.3] = np.nan
    name = "krippendorff_alpha" + ("" if level == "nominal" else f"_{level}")
    expected = krippendorff_alpha(ratings, level).estimate
    assert consistency(ratings, 4, name).estimate == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("coefficient", COEFFICIENTS)
def test_the_jackknife_leaves_out_one_case_at_a_time(rng, coefficient):
    ratings = rng.integers(0, 3, (12, 4)).astype(float)
    ratings[0, 0] = np.nan
    left = [
        consistency(np.delete(ratings, i, axis=0), 3, coefficient).estimate
        for i in range(12)
    ]
    expected = math.sqrt(11 / 12 * np.sum((left - np.mean(left)) ** 2))
    found = consistency(ratings, 3, coefficient)
    assert found.standard_error == pytest.approx(expected, rel=1e-10)
    squares = (left - np.mean(left)) ** 2
    kurtosis = np.mean(squares**2) / np.mean(squares) ** 2
    assert found.df == pytest.approx(min(11, 24 / (kurtosis - 1)))
    wider = consistency(ratings, 3, coefficient, "crossed_conservative")
    assert wider.standard_error > found.standard_error
    delta = consistency(ratings, 3, coefficient, "patient").standard_error
    assert delta == pytest.approx(found.standard_error, rel=0.4)


def study(rng, flip):
    truth = rng.integers(0, 3, (20, 1))
    noise = rng.random((20, 7)) < 0.2
    reference = np.where(noise, rng.integers(0, 3, (20, 7)), truth).astype(float)
    again = rng.random((20, 7)) < flip
    test = np.where(again, rng.integers(0, 3, (20, 7)), reference)
    cases, readers = tuple(map(str, range(20))), tuple(map(str, range(7)))
    return MethodRatings(reference, test, cases, readers, 3)


@pytest.mark.parametrize("variance", VARIANCES)
def test_the_difference_is_paired(rng, variance):
    ratings = study(rng, 0.05)
    of_each = [
        consistency(table, 3, "fleiss_kappa", variance)
        for table in (ratings.reference, ratings.test)
    ]
    found = consistency_difference(ratings, "fleiss_kappa", variance)
    assert found.estimate == pytest.approx(of_each[1].estimate - of_each[0].estimate)
    apart = math.hypot(*(one.standard_error for one in of_each))
    assert 0 < found.standard_error < apart / 2


def test_no_difference_has_no_spread(rng):
    ratings = study(rng, 0)
    found = consistency_difference(ratings)
    assert found.estimate == 0
    assert "nothing varies" in found.undefined_reason


@pytest.mark.parametrize("variance", VARIANCES)
@pytest.mark.parametrize(
    ("ratings", "reason"),
    [
        ([[1, 1], [1, 1]], "every answer is the same"),
        ([[0, np.nan], [np.nan, 1]], "no case has answers of two readers"),
        (np.full((3, 2), np.nan), "no case has answers of two readers"),
        ([[0, 1]], "only one case"),
        ([[0, 0, 0], [1, 1, 1], [0, 0, 0]], None),
    ],
)
def test_what_cannot_be_told_says_why(ratings, reason, variance):
    found = consistency(ratings, 2, variance=variance)
    if reason:
        assert reason in found.undefined_reason
    assert math.isnan(found.confidence_interval().low)
    assert found.confidence_interval().caution


def test_two_readers_tell_little_about_readers():
    found = consistency(np.eye(2)[[0, 1, 0, 1]], 2, variance="crossed_conservative")
    assert "without one of the cases or readers" in found.undefined_reason
    assert any("few readers" in caution for caution in found.cautions)


@pytest.mark.parametrize(
    ("ratings", "options", "message"),
    [
        ([[0], [1]], {}, "2 readers or more"),
        ([[0, 2], [1, 1]], {}, "positions 0 to 1 or NaN, got 2"),
        ([[0, 1]], {"coefficient": "kappa"}, "must be one of fleiss_kappa"),
        ([[0, 1]], {"variance": "crossed"}, "must be one of patient, jackknife"),
    ],
)
def test_impossible_requests_are_refused(ratings, options, message):
    with pytest.raises(ValueError, match=message):
        consistency(ratings, 2, **options)


def test_answers_are_arranged_by_case_and_reader():
    asked = Question.of("Q3", "?", (5, 7), ("five", "seven"))
    readings = [
        Reading(2, "A", "x", "RAPID", {"Q3": 5}),
        Reading(3, "A", "x", "MAGIC", {"Q3": 7}),
        Reading(4, "B", "y", "MAGIC", {}),
    ]
    responses = Responses(readings, Questionnaire("", "", (asked,)), "RAPID", "MAGIC")
    ratings = method_ratings(responses, "Q3")
    assert (ratings.cases, ratings.readers, ratings.k) == (("x", "y"), ("A", "B"), 2)
    np.testing.assert_equal(ratings.reference, [[0, np.nan], [np.nan, np.nan]])
    np.testing.assert_equal(ratings.test, [[1, np.nan], [np.nan, np.nan]])
    with pytest.raises(ValueError, match="must be one of Q3, got Q9"):
        method_ratings(responses, "Q9")
