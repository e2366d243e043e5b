import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from analysis.agreement import krippendorff_alpha
from analysis.agreement.krippendorff import alpha_of_counts
from analysis.tables import ContingencyTable

# Krippendorff K. Computing Krippendorff's alpha-reliability (2011), example C: four
# observers, twelve units, missing data; printed: nominal .743, ordinal .815,
# interval .849, ratio .797.
_ = math.nan
EXAMPLE_C = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
        [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
    ]
).T


@pytest.mark.parametrize(
    ("level", "printed"),
    [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849), ("ratio", 0.797)],
)
def test_krippendorffs_own_example(level, printed):
    assert krippendorff_alpha(EXAMPLE_C, level).estimate == pytest.approx(
        printed, abs=5e-4
    )


def test_a_standard_error_is_offered_for_two_complete_raters_only():
    pair = np.array([[1, 1], [2, 1], [2, 2], [3, 3]])
    assert krippendorff_alpha(pair).standard_error > 0
    assert krippendorff_alpha(pair, "ordinal").standard_error is None
    assert krippendorff_alpha(EXAMPLE_C).standard_error is None
    assert (
        "no standard error"
        in krippendorff_alpha(EXAMPLE_C).confidence_interval().caution
    )


ratings = arrays(np.float64, (8, 3), elements=st.sampled_from([1.0, 2, 3, math.nan]))


@given(ratings, st.randoms())
def test_alpha_does_not_depend_on_the_order_of_raters_or_cases(table, random):
    raters, cases = list(range(3)), list(range(8))
    random.shuffle(raters)
    random.shuffle(cases)
    for level in ("nominal", "ordinal", "interval", "ratio"):
        one = krippendorff_alpha(table, level)
        other = krippendorff_alpha(table[np.ix_(cases, raters)], level)
        assert one.estimate == pytest.approx(other.estimate, rel=1e-9, nan_ok=True)


@given(ratings)
def test_a_case_with_one_rating_changes_nothing(table):
    lonely = np.array([[2.0, math.nan, math.nan]])
    for level in ("nominal", "ordinal", "interval"):
        one = krippendorff_alpha(table, level)
        other = krippendorff_alpha(np.vstack([table, lonely]), level)
        assert one.estimate == pytest.approx(other.estimate, rel=1e-9, nan_ok=True)


@pytest.mark.parametrize(
    ("ratings", "level", "message"),
    [
        ([[1, 2]], "cardinal", "Level must be one of nominal, ordinal"),
        ([1, 2], "nominal", r"must be \(cases, raters\)"),
        ([[1], [2]], "nominal", "2 raters or more"),
        ([["a", "b"]], "nominal", "must be numbers"),
        ([[1, math.inf]], "nominal", "must be finite"),
        ([[-1, 2]], "ratio", "must be 0 or more, got -1"),
    ],
)
def test_impossible_ratings_are_refused(ratings, level, message):
    with pytest.raises(ValueError, match=message):
        krippendorff_alpha(ratings, level)


def test_two_zeros_on_a_ratio_scale_are_no_disagreement():
    assert krippendorff_alpha([[0, 0], [1, 1], [2, 2]], "ratio").estimate == 1


tables = arrays(np.int64, (4, 4), elements=st.integers(0, 3))


@given(tables, st.sampled_from(["nominal", "ordinal", "interval", "ratio"]))
def test_a_table_has_the_alpha_of_its_pairs(counts, level):
    pairs = ContingencyTable(counts).to_pairs().reshape(-1, 2)
    of_pairs = krippendorff_alpha(pairs, level)
    of_table = alpha_of_counts(counts, level)

    assert of_table.n == of_pairs.n
    assert of_table.undefined_reason == of_pairs.undefined_reason
    assert of_table.estimate == pytest.approx(of_pairs.estimate, abs=1e-12, nan_ok=True)
    assert of_table.standard_error == pytest.approx(
        of_pairs.standard_error, nan_ok=True
    )
