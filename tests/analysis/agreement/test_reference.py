"""Every statistic on 127 tables against R and Python packages.

Tolerance 1e-9 relative; 5e-7 absolute for standard errors below 1e-6. Where this
project deviates from a reference on purpose, DEVIATIONS says why, and the test makes
sure that the deviation is real.
"""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from analysis.agreement import (
    brennan_prediger,
    cohen_kappa,
    gwet_ac,
    krippendorff_alpha,
    maximum_kappa,
    percent_agreement,
    scott_pi,
    skew_indices,
)
from analysis.bangdiwala import bangdiwala_b
from analysis.symmetry import bowker, mcnemar, stuart_maxwell
from analysis.tables import ContingencyTable

FOLDER = Path(__file__).parents[1] / "reference"
TABLES = json.loads((FOLDER / "tables.json").read_text())["tables"]
MULTIRATER = json.loads((FOLDER / "multirater.json").read_text())["multirater"]

UNDEFINED = (
    "one answer only: chance already gives perfect agreement, 0/0; some packages "
    "print 0 or 1 there, this project NaN with the reason"
)
NOTHING_TO_TEST = (
    "no pair disagrees: packages give NaN, this project 0 and p = 1 with the reason"
)
UNWEIGHTED_MAXIMUM = (
    "the reference gives the maximum of the unweighted kappa for the weighted one "
    "(R's rel::ckap); see test_maximum.py for the proof by linear programming"
)
RANK = (
    "the reference keeps k - 1 degrees of freedom where the covariance has a smaller "
    "rank (an answer that no disagreement touches); coin::mh_test has the rank"
)


def one_answer_only(counts):
    """Tell whether every answer of both methods is the same one."""
    return np.count_nonzero(counts) <= 1 and np.trace(counts) == np.sum(counts)


def never_disagrees(counts):
    return np.trace(counts) == np.sum(counts)


LOST_DIGITS = (
    "limits of packages whose variance loses digits to cancellation (psych, where the "
    "error is 0 or n is large); ours are the exact error times z"
)

DEVIATIONS = {
    # statistic: (when it deviates, why)
    **{
        f"kappa{suffix}.se_fce": (one_answer_only, UNDEFINED)
        for suffix in ("", "_lin", "_quad")
    },
    "kappa.lo_z": (None, LOST_DIGITS),
    "kappa.hi_z": (None, LOST_DIGITS),
    "kalpha_ordinal.est": (one_answer_only, UNDEFINED),
    "stuart_maxwell.chi2": (never_disagrees, NOTHING_TO_TEST),
    "stuart_maxwell.df": (None, RANK),
    "stuart_maxwell.p": (None, RANK),
    "mcnemar.p_uncorrected": (never_disagrees, NOTHING_TO_TEST),
    "mcnemar.chi2_uncorrected": (never_disagrees, NOTHING_TO_TEST),
    "kappa_lin.max": (None, UNWEIGHTED_MAXIMUM),
    "kappa_quad.max": (None, UNWEIGHTED_MAXIMUM),
}


def chance_corrected(table):
    for function, name in (
        (scott_pi, "scott{}"),
        (brennan_prediger, "bp{}"),
        (gwet_ac, "gwet_ac{}"),
    ):
        for weights, suffix in ((None, ""), ("linear", "_lin"), ("quadratic", "_quad")):
            result = function(table, weights)
            if function is gwet_ac:
                suffix = "1" if weights is None else f"2{suffix}"  # noqa: PLW2901
            key = name.format(suffix)
            yield f"{key}.est", result.estimate
            yield f"{key}.se_table", result.standard_error


def kappas(table):
    for weights, suffix in ((None, ""), ("linear", "_lin"), ("quadratic", "_quad")):
        result = cohen_kappa(table, weights)
        yield f"kappa{suffix}.est", result.estimate
        yield f"kappa{suffix}.se_fce", result.standard_error
        yield f"kappa{suffix}.se0", result.null_standard_error
        yield f"kappa{suffix}.max", maximum_kappa(table, weights).estimate


def kappa_interval(table):
    interval = cohen_kappa(table).confidence_interval()
    yield "kappa.lo_z", interval.low
    yield "kappa.hi_z", interval.high


def proportions(table):
    result = percent_agreement(table)
    yield "po", result.estimate
    yield "po.se_table", result.standard_error
    for method in ("wilson", "wald", "agresti_coull", "clopper_pearson", "jeffreys"):
        interval = result.confidence_interval(method=method)
        yield f"prop.{method}.lo", interval.low
        yield f"prop.{method}.hi", interval.high


def alphas(table):
    pairs = table.to_pairs() + 1.0
    for level in ("nominal", "ordinal", "interval", "ratio"):
        result = krippendorff_alpha(pairs, level)
        yield f"kalpha_{level}.est", result.estimate
        if level in {"nominal", "interval"}:
            error = math.nan if result.standard_error is None else result.standard_error
            yield f"kalpha_{level}.se_table", error


def charts(table):
    one_step = (1, 1 - 1 / (table.k - 1) ** 2)
    yield "bangdiwala_B", bangdiwala_b(table).estimate
    yield "bangdiwala_B.se", bangdiwala_b(table).standard_error
    yield "bangdiwala_Bw_default_1step", bangdiwala_b(table, one_step).estimate
    yield "bangdiwala_Bw_lin_all_steps", bangdiwala_b(table, "linear").estimate
    yield "bangdiwala_Bw_quad_all_steps", bangdiwala_b(table, "quadratic").estimate


def symmetry_tests(table):
    test = bowker(table)
    yield "bowker.chi2_zero_pairs_contribute_0", test.statistic
    yield "bowker.p_df_k(k-1)/2", test.p_value
    yield "bowker.df", test.df
    test = stuart_maxwell(table)
    yield "stuart_maxwell.chi2", test.statistic
    yield "stuart_maxwell.df", test.df
    yield "stuart_maxwell.p", test.p_value


def two_by_two(table):
    if table.k > 2:
        return
    yield "mcnemar.p_exact", mcnemar(table).p_value
    yield "mcnemar.p_midp", mcnemar(table, "mid-p").p_value
    yield "mcnemar.p_uncorrected", mcnemar(table, "asymptotic").p_value
    yield "mcnemar.chi2_uncorrected", mcnemar(table, "asymptotic").statistic
    yield "prevalence_index", skew_indices(table).prevalence
    yield "bias_index", skew_indices(table).bias


GROUPS = [
    chance_corrected,
    kappas,
    kappa_interval,
    proportions,
    alphas,
    charts,
    symmetry_tests,
    two_by_two,
]


def agrees(name, value, expected):
    if expected is None or math.isnan(value):
        return expected is None and math.isnan(value)
    is_small_error = ".se" in name and abs(expected) < 1e-6
    tolerance = 5e-7 if is_small_error else 1e-9 * abs(expected) + 1e-13
    return abs(value - expected) <= tolerance


def expected_of(entry, name):
    """Give the exact value if there is one; where it says null, it is undefined."""
    return entry["exact"].get(name, entry["reference"].get(name, "absent"))


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.__name__)
@pytest.mark.parametrize("entry", TABLES, ids=lambda entry: entry["id"])
def test_statistics_match_the_references(entry, group):
    table = ContingencyTable(entry["table"])
    for name, value in group(table):
        expected = expected_of(entry, name)
        if expected == "absent" or agrees(name, value, expected):
            continue
        assert name in DEVIATIONS, (name, value, expected)
        when, reason = DEVIATIONS[name]
        assert when is None or when(entry["table"]), (name, value, expected, reason)
        assert ALLOWED.get(name, lambda *_: True)(table, value, expected), reason


def rank_is_smaller(table, value, expected):
    return stuart_maxwell(table).df < table.k - 1


def equals_unweighted(table, value, expected):
    return agrees("max", maximum_kappa(table).estimate, expected)


def uses_the_exact_error(table, value, expected):
    entry = next(e for e in TABLES if e["table"] == table.counts.tolist())["exact"]
    margin = 1.959963984540054 * entry["kappa.se_fce"]
    limits = (entry["kappa.est"] - margin, entry["kappa.est"] + margin)
    return any(agrees("limit", value, limit) for limit in limits)


ALLOWED = {
    "kappa.lo_z": uses_the_exact_error,
    "kappa.hi_z": uses_the_exact_error,
    "stuart_maxwell.df": rank_is_smaller,
    "stuart_maxwell.p": rank_is_smaller,
    "kappa_lin.max": equals_unweighted,
    "kappa_quad.max": equals_unweighted,
}


@pytest.fixture(scope="module")
def statistics():
    tables = [ContingencyTable(entry["table"]) for entry in TABLES]
    return [dict(pair for group in GROUPS for pair in group(t)) for t in tables]


@pytest.mark.parametrize("name", DEVIATIONS)
def test_each_listed_deviation_is_real(name, statistics):
    deviating = 0
    for entry, values in zip(TABLES, statistics, strict=True):
        expected = expected_of(entry, name)
        if expected != "absent" and name in values:
            deviating += not agrees(name, values[name], expected)
    assert deviating


def test_every_statistic_is_compared_on_many_tables():
    names = [name for group in GROUPS for name, _ in group(ContingencyTable(np.eye(2)))]
    for name in names:
        present = sum(expected_of(entry, name) != "absent" for entry in TABLES)
        assert present >= 27, name


@pytest.mark.parametrize("entry", MULTIRATER, ids=lambda entry: entry["id"])
@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_alpha_of_many_raters_matches_krippendorff(entry, level):
    ratings = np.array(entry["ratings"], dtype=float)  # None becomes NaN
    expected = entry["reference"][f"kalpha_{level}.est"]
    result = krippendorff_alpha(ratings, level)

    if len(np.unique(ratings[~np.isnan(ratings)])) == 1:
        assert math.isnan(result.estimate)
        assert "every rating is the same" in result.undefined_reason
    else:
        assert result.estimate == pytest.approx(expected, rel=1e-9, abs=1e-13)
