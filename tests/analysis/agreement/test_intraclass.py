"""Intraclass correlations: Shrout and Fleiss' table, and psych where it is there."""

import json
import math
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import intraclass_correlation
from analysis.agreement.intraclass import Form

REFERENCE = Path(__file__).parents[4] / "shared/reference/agreement_reference.json"
FORMS = get_args(Form)

# Shrout PE, Fleiss JL. Psychol Bull 1979;86:420-428, Table 2. Estimates and limits as
# psych::ICC(sf) prints them: 6 subjects, 4 judges.
TABLE = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8],
         [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]  # fmt: skip
PRINTED = {
    "ICC1": (0.17, 1.8, 5, 18, -0.133, 0.72),
    "ICC2": (0.29, 11.0, 5, 15, 0.019, 0.76),
    "ICC3": (0.71, 11.0, 5, 15, 0.342, 0.95),
    "ICC1k": (0.44, 1.8, 5, 18, -0.884, 0.91),
    "ICC2k": (0.62, 11.0, 5, 15, 0.071, 0.93),
    "ICC3k": (0.91, 11.0, 5, 15, 0.676, 0.99),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_table_of_shrout_and_fleiss(form):
    found = intraclass_correlation(TABLE, form)
    estimate, statistic, df1, df2, low, high = PRINTED[form]
    interval = found.confidence_interval()

    assert found.estimate == pytest.approx(estimate, abs=5e-3)
    assert found.f_statistic == pytest.approx(statistic, abs=0.05)
    assert (found.df1, found.df2, found.n, found.n_raters) == (df1, df2, 6, 4)
    assert found.p_value == pytest.approx(0.16477 if df2 == 18 else 1.3457e-4, rel=1e-4)
    assert interval.low == pytest.approx(low, abs=5e-4)
    assert interval.high == pytest.approx(high, abs=5e-3)
    # A higher level is a wider interval.
    assert found.confidence_interval(0.99).low < interval.low


@pytest.mark.skipif(not REFERENCE.exists(), reason="no reference values")
def test_all_forms_are_those_of_psych():
    # Left out: ratings that never differ, of which psych prints rounding, and a limit
    # of one rater so low that the mean's is beyond a pole (7.6 as a lower limit).
    compared = 0
    for entry in json.loads(REFERENCE.read_text())["multirater"]:
        if "icc1" not in entry["reference"]:
            continue
        for form in FORMS:
            found = intraclass_correlation(entry["ratings"], form)
            if math.isnan(found.estimate):
                assert len(set(np.ravel(entry["ratings"]))) == 1
                continue
            interval = found.confidence_interval()
            ours = {"": found.estimate, ".lo": interval.low, ".hi": interval.high}
            for key, value in ours.items():
                theirs = entry["reference"][form.lower() + key]
                if key == ".lo" and form == "ICC2k" and theirs > 1:
                    assert "too low" in interval.caution
                    continue
                assert value == pytest.approx(theirs, rel=1e-9, abs=1e-12)
                compared += 1
    assert compared == 430


def test_what_is_not_defined_has_its_reason():
    same = intraclass_correlation([[1, 1], [1, 1]])
    assert math.isnan(same.estimate)
    assert "the same" in same.undefined_reason
    assert "the same" in same.confidence_interval().caution

    perfect = intraclass_correlation([[1, 1], [3, 3], [2, 2]], "ICC2k")
    interval = perfect.confidence_interval()
    assert (perfect.estimate, interval.low, interval.high) == (1, 1, 1)
    assert "no error" in perfect.undefined_reason
    shifted = intraclass_correlation([[1, 2], [3, 4], [2, 3]])
    assert 0 < shifted.estimate < 1
    assert math.isnan(shifted.confidence_interval().low)

    alone = intraclass_correlation([[1, 2], [np.nan, 3]])
    assert (alone.n, math.isnan(alone.estimate)) == (1, True)
    assert "two cases" in alone.undefined_reason


def test_case_means_that_are_the_same_have_no_limits():
    for form in FORMS:
        found = intraclass_correlation([[0, 2], [2, 0], [1, 1]], form)
        interval = found.confidence_interval()
        assert math.isnan(interval.low), form
        assert math.isnan(interval.high), form
        assert "mean of every case is the same" in interval.caution


@pytest.mark.parametrize(
    "ratings",
    [  # so few that the limits were one number, or infinite by infinite
        [[60, 0, 2, 1], [1, 60, 10, 1]],
        [[1, 10], [10, 2], [1, 10]],
        [[2, 60, 0], [1, 2, 60]],
    ],
)
def test_limits_without_degrees_of_freedom_are_none(ratings):
    found = intraclass_correlation(ratings)
    interval = found.confidence_interval()

    assert found.estimate < 0
    assert (math.isnan(interval.low), math.isnan(interval.high)) == (True, True)
    assert "no degrees of freedom" in interval.caution


@given(
    st.integers(2, 4).flatmap(
        lambda k: st.lists(
            st.lists(st.sampled_from([0, 0.5, 1, 2, 60]), min_size=k, max_size=k),
            min_size=2,
            max_size=8,
        )
    ),
    st.sampled_from(FORMS),
    st.sampled_from([0.5, 0.95, 0.999]),
)
def test_limits_hold_the_estimate_or_say_why_there_are_none(ratings, form, level):
    found = intraclass_correlation(ratings, form)  # a warning would be an error
    interval = found.confidence_interval(level)

    if math.isnan(found.estimate):
        assert found.undefined_reason
    limits = (interval.low, interval.high)
    if any(map(math.isnan, limits)):
        assert interval.caution
    else:
        assert limits[0] <= found.estimate + 1e-12
        assert found.estimate <= limits[1] + 1e-12


def test_a_case_with_a_missing_rating_is_left_out():
    ratings = [*TABLE, [1, 2, np.nan, 4]]
    assert intraclass_correlation(ratings) == intraclass_correlation(TABLE)


@pytest.mark.parametrize(
    ("ratings", "form", "message"),
    [
        ([["a", "b"]], "ICC1", "numbers"),
        ([1, 2], "ICC1", "2 raters or more"),
        ([[1, math.inf], [1, 2]], "ICC1", "finite"),
        (TABLE, "ICC4", "form must be one of"),
    ],
)
def test_ratings_that_cannot_be_used(ratings, form, message):
    with pytest.raises(ValueError, match=message):
        intraclass_correlation(ratings, form)
    with pytest.raises(ValueError, match="between 0 and 1"):
        intraclass_correlation(TABLE).confidence_interval(95)
