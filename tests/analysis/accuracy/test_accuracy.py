"""Accuracy of readers on small data, against definitions written out here."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import analysis
from analysis import multireader_accuracy

MODALITIES = ("new", "old")


def _frame(ratings, truth):
    """Return a frame of `(modalities, readers, cases)`; NaN rows are left out."""
    rows = [
        (f"r{reader}", f"c{case}", MODALITIES[modality], int(truth[case]), rating)
        for (modality, reader, case), rating in np.ndenumerate(ratings)
        if not math.isnan(rating)
    ]
    return pd.DataFrame(rows, columns=["reader", "case", "modality", "truth", "rating"])


def _example(readers=3, diseased=5, others=6, seed=4):
    rng = np.random.default_rng(seed)
    truth = np.arange(diseased + others) < diseased
    shift = 1.2 * truth + rng.normal(size=(2, readers, 1)) / 3
    latent = rng.normal(size=(2, readers, truth.size)) + rng.normal(size=truth.size)
    return np.clip(np.round(latent + shift + 2.5), 1, 5), truth


RATINGS, TRUTH = _example()
FRAME = _frame(RATINGS, TRUTH)


def _psi(x, y):
    return float(x > y) + 0.5 * float(x == y)


def _auc(ratings, truth):
    pairs = itertools.product(ratings[truth], ratings[~truth])
    return np.mean([_psi(x, y) for x, y in pairs])


def _sensitivity(ratings, truth):
    return np.mean([rating >= 3 for rating in ratings[truth]])


def _jackknife(ratings, truth, statistic=_auc):
    """Return the covariances of all cells with each case left out in turn."""
    cells = ratings.reshape(-1, truth.size)
    kept = [case for case in range(truth.size) if statistic is _auc or truth[case]]
    left_out = np.array(
        [
            [statistic(np.delete(cell, case), np.delete(truth, case)) for case in kept]
            for cell in cells
        ]
    )
    return np.cov(left_out, bias=True) * (len(kept) - 1)


def _delong(ratings, truth):
    cells = ratings.reshape(-1, truth.size)
    of_sick = [
        [np.mean([_psi(x, y) for y in c[~truth]]) for x in c[truth]] for c in cells
    ]
    of_well = [
        [np.mean([_psi(x, y) for x in c[truth]]) for y in c[~truth]] for c in cells
    ]
    return np.cov(of_sick) / truth.sum() + np.cov(of_well) / (~truth).sum()


def _unbiased(ratings, truth):
    """Return products of AUCs less the mean product of pairs without a common case."""
    cells = ratings.reshape(-1, truth.size)
    sick, well = np.flatnonzero(truth), np.flatnonzero(~truth)
    found = np.empty((len(cells),) * 2)
    for a, b in np.ndindex(found.shape):
        products = [
            _psi(cells[a][x], cells[a][y]) * _psi(cells[b][other_x], cells[b][other_y])
            for x, other_x in itertools.permutations(sick, 2)
            for y, other_y in itertools.permutations(well, 2)
        ]
        found[a, b] = _auc(cells[a], truth) * _auc(cells[b], truth) - np.mean(products)
    return found


def _means_of_kinds(matrix, readers):
    """Return the mean of a matrix over the pairs of cells of each kind."""
    kinds = {}
    for a, b in np.ndindex(matrix.shape):
        kind = (a // readers == b // readers, a % readers == b % readers)
        kinds.setdefault(kind, []).append(matrix[a, b])
    order = ((True, True), (False, True), (True, False), (False, False))
    return [np.mean(kinds[kind]) for kind in order]


@pytest.mark.parametrize(
    ("covariance", "definition"),
    [("jackknife", _jackknife), ("delong", _delong), ("unbiased", _unbiased)],
)
def test_covariances_are_those_of_the_definition(covariance, definition):
    found = multireader_accuracy(FRAME, covariance=covariance)

    expected = definition(RATINGS, TRUTH)
    ours = found.covariances
    of_kinds = (ours.error_variance, ours.cov1, ours.cov2, ours.cov3)
    assert of_kinds == pytest.approx(_means_of_kinds(expected, 3), rel=1e-9)
    assert list(found.per_reader["standard_error"] ** 2) == pytest.approx(
        expected.diagonal()
    )


def _jackknife_of_gaps(ratings, truth):
    """Return covariances where a cell stays as it is without a case it lacks."""
    cells = ratings.reshape(-1, truth.size)
    held = ~np.isnan(cells)
    left_out = np.empty(cells.shape)
    for (cell, case), is_held in np.ndenumerate(held):
        kept = held[cell].copy()
        kept[case] &= not is_held
        left_out[cell, case] = _auc(cells[cell][kept], truth[kept])
    found = np.cov(left_out, bias=True) * (truth.size - 1)
    for one, other in np.ndindex(found.shape):
        if not (held[one] & held[other]).any():
            found[one, other] = 0.0
    return found


@pytest.mark.parametrize("shared", [0, 6, 12])
def test_partly_paired_cases_have_the_covariances_of_what_they_share(shared):
    # Of 24 cases some are read under both modalities, half of the rest under each.
    readers, n = 4, 24
    ratings, truth = _example(readers=readers, diseased=12, others=12, seed=8)
    order = np.random.default_rng(3).permutation(n)
    rest = order[shared:]
    for modality, only_other in enumerate((rest[::2], rest[1::2])):
        ratings[modality][:, only_other] = np.nan
    study = multireader_accuracy(_frame(ratings, truth))

    variance, cov1, cov2, cov3 = _means_of_kinds(
        _jackknife_of_gaps(ratings, truth), readers
    )
    ours = study.covariances
    assert (ours.error_variance, ours.cov1, ours.cov2, ours.cov3) == pytest.approx(
        (variance, cov1, cov2, cov3), rel=1e-9, abs=1e-15
    )
    assert (cov1 == 0) == (shared == 0)  # strangers have nothing in common
    aucs = np.array(
        [[_auc(c[~np.isnan(c)], truth[~np.isnan(c)]) for c in m] for m in ratings]
    )
    differences = aucs[0] - aucs[1]
    residual = differences.var(ddof=1) / 2
    total = residual + readers * max(cov2 - cov3, 0)
    df = (readers - 1) * (total / residual) ** 2
    error = math.sqrt(2 * total / readers)
    found = study.difference(*MODALITIES)
    assert (found.estimate, found.standard_error, found.df) == pytest.approx(
        (differences.mean(), error, df)
    )
    half = stats.t.ppf(0.975, df) * error
    assert found.high - found.low == pytest.approx(2 * half)
    statistic = differences.mean() / error
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(statistic), df))


def test_proportions_have_the_covariances_of_leaving_cases_out():
    for covariance in ("jackknife", "delong", "unbiased"):
        found = multireader_accuracy(
            FRAME, "sensitivity", covariance=covariance, threshold=3
        ).covariances
        expected = _means_of_kinds(_jackknife(RATINGS, TRUTH, _sensitivity), 3)
        ours = (found.error_variance, found.cov1, found.cov2, found.cov3)
        assert ours == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_specificity_is_the_share_of_cases_below_the_threshold():
    found = multireader_accuracy(FRAME, "specificity", threshold=4)

    below = (RATINGS[:, :, ~TRUTH] < 4).mean(axis=2)
    assert list(found.per_reader["estimate"]) == pytest.approx(below.ravel())
    assert found.modality("new").p_value is None


@pytest.mark.parametrize("seed", [4, 33])
def test_analysis_of_variance_is_the_one_of_hillis(seed):
    """With seed 33 Cov2 is below Cov3."""
    ratings, truth = _example(seed=seed)
    frame = _frame(ratings, truth)
    values = np.array([[_auc(cell, truth) for cell in row] for row in ratings])
    matrix = _jackknife(ratings, truth)
    _, _, cov2, cov3 = _means_of_kinds(matrix, 3)
    apart = values[0] - values[1]
    residual = apart.var(ddof=1) / 2  # two modalities: half the variance of differences
    total = residual + 3 * max(cov2 - cov3, 0)

    both = multireader_accuracy(frame)
    found = both.difference("new", "old")
    assert found.estimate == pytest.approx(apart.mean())
    assert found.standard_error == pytest.approx(math.sqrt(2 * total / 3))
    assert found.df == pytest.approx(2 * (total / residual) ** 2)
    assert (cov2 > cov3) == (seed == 4)
    p_value = 2 * stats.t.sf(abs(found.estimate) / found.standard_error, found.df)
    assert found.p_value == pytest.approx(p_value)
    assert both.equality.p_value == pytest.approx(p_value)

    readers = multireader_accuracy(frame, random="readers").difference("new", "old")
    paired = stats.ttest_rel(values[0], values[1])
    assert readers.p_value == pytest.approx(paired.pvalue)

    cases = multireader_accuracy(frame, random="cases")
    contrast = np.repeat([1, -1], 3) / 3
    of_cases = cases.difference("new", "old")
    assert of_cases.standard_error**2 == pytest.approx(contrast @ matrix @ contrast)
    assert (of_cases.df, cases.equality.df2) == (math.inf, math.inf)
    assert cases.equality.p_value == pytest.approx(of_cases.p_value)


@pytest.mark.parametrize("seed", [4, 33])
def test_one_modality_is_judged_from_its_own_data(seed):
    """With seed 33 its Cov2 is below 0, which is cut off."""
    ratings, truth = _example(seed=seed)
    own = _jackknife(ratings[:1], truth)[~np.eye(3, dtype=bool)].mean()
    square = np.var([_auc(cell, truth) for cell in ratings[0]], ddof=1)
    total = square + 3 * max(own, 0)

    found = multireader_accuracy(_frame(ratings, truth)).modality("new")

    assert (own > 0) == (seed == 4)
    assert found.standard_error == pytest.approx(math.sqrt(total / 3))
    assert found.df == pytest.approx(2 * (total / square) ** 2)


def test_u_statistics_are_without_bias_for_a_crossed_study():
    """Gallas' variance is that of the unbiased covariances, with nothing cut off."""
    matrix = _unbiased(RATINGS, TRUTH)
    values = np.array([[_auc(cell, TRUTH) for cell in row] for row in RATINGS])
    _, _, cov2, cov3 = _means_of_kinds(matrix, 3)
    residual = (values[0] - values[1]).var(ddof=1) / 2

    found = multireader_accuracy(FRAME, method="u_statistics")

    variance = 2 / 3 * (residual + 3 * (cov2 - cov3))
    assert found.difference("new", "old").standard_error ** 2 == pytest.approx(variance)
    own = matrix[:3, :3][~np.eye(3, dtype=bool)].mean() + values[0].var(ddof=1) / 3
    assert found.modality("new").standard_error ** 2 == pytest.approx(own)
    assert "two modalities" in found.equality.undefined_reason


def _biased_components(first, second):
    """Return the components of readers and of each kind of case, "any" for "different".

    Args:
        first: `(readers, diseased, others)` values of psi; `second` likewise.
    """
    means = ((1, 2), (0, 2), (0, 1))
    alone = [np.mean(first.mean(axis) * second.mean(axis)) for axis in means]
    return np.array(alone) - first.mean() * second.mean()


@pytest.mark.parametrize("seed", [4, 0])
def test_degrees_of_freedom_of_u_statistics(seed):
    ratings, truth = _example(seed=seed)
    new, old = (
        np.array([[[_psi(x, y) for y in c[~truth]] for x in c[truth]] for c in row])
        for row in ratings
    )
    df = np.array([2, 4, 5])  # readers, diseased, others, each less 1
    study = multireader_accuracy(_frame(ratings, truth), method="u_statistics")

    of_new, of_old = _biased_components(new, new), _biased_components(old, old)
    apart = of_new + of_old - 2 * _biased_components(new, old)
    for found, components in (
        (study.modality("new"), of_new),
        (study.difference("new", "old"), apart),
    ):
        spread = (components**2 / df**3).sum()
        expected = max(2, found.standard_error**4 / spread)
        assert found.df == pytest.approx(expected)
        error = found.high - found.estimate
        if found.high < 1:
            quantile = stats.t.ppf(0.975, math.floor(expected))
            assert error == pytest.approx(quantile * found.standard_error)


def test_one_reader_is_compared_by_delong():
    one = FRAME[FRAME["reader"] == "r1"]
    (first, both), (_, second) = _delong(RATINGS[:, 1], TRUTH)

    for method in ("obuchowski_rockette", "u_statistics"):
        study = multireader_accuracy(one, method=method)
        found = study.difference("new", "old")
        assert (study.random, study.covariance) == ("cases", "delong")
        assert found.standard_error**2 == pytest.approx(first + second - 2 * both)
        assert found == study.reader_difference("r1", "new", "old")
    as_sample = multireader_accuracy(one, random="readers")
    assert "one reader" in as_sample.modality("new").undefined_reason


def test_missing_ratings_leave_delong_without_a_value():
    frame = FRAME.drop(index=3)
    found = multireader_accuracy(frame, covariance="delong")

    assert "unbiased" in found.difference("new", "old").undefined_reason
    assert found.covariances is None
    assert multireader_accuracy(frame).difference("new", "old").p_value is not None
    single = multireader_accuracy(frame[frame["reader"] == "r0"])
    assert single.covariance == "unbiased"


def test_a_comparison_of_a_thousand_cases_is_done_in_blocks(monkeypatch):
    whole = multireader_accuracy(FRAME, covariance="unbiased").covariances
    monkeypatch.setattr("analysis.accuracy.cells._BLOCK", 40)
    assert multireader_accuracy(FRAME, covariance="unbiased").covariances == whole


def _no_test(result, estimate):
    assert result.estimate == pytest.approx(estimate)
    assert result.p_value is None
    assert result.undefined_reason


@pytest.mark.parametrize("covariance", ["jackknife", "delong", "unbiased"])
@pytest.mark.parametrize("random", ["readers_and_cases", "readers", "cases"])
def test_nothing_is_tested_where_nothing_differs(covariance, random):
    same = _frame(np.stack([RATINGS[0], RATINGS[0]]), TRUTH)
    perfect = _frame(np.broadcast_to(1.0 + TRUTH, RATINGS.shape), TRUTH)
    for frame in (same, perfect):
        found = multireader_accuracy(frame, covariance=covariance, random=random)
        _no_test(found.difference("new", "old"), 0)
        assert found.difference("new", "old").standard_error == 0
        assert found.equality.p_value is None
        assert found.non_inferiority("new", "old", 0.05).shown is None
    _no_test(found.modality("new"), 1)


def test_nothing_is_tested_by_u_statistics_where_nothing_differs():
    same = _frame(np.stack([RATINGS[0], RATINGS[0]]), TRUTH)
    _no_test(
        multireader_accuracy(same, method="u_statistics").difference("new", "old"), 0
    )


def test_one_diseased_case_is_enough_where_cases_are_fixed():
    ratings, truth = _example(diseased=1, seed=5)
    frame = _frame(ratings, truth)

    for covariance in ("jackknife", "delong", "unbiased"):
        found = multireader_accuracy(frame, covariance=covariance)
        assert "so few" in found.difference("new", "old").undefined_reason
        assert found.covariances is None
    fixed = multireader_accuracy(frame, random="readers").difference("new", "old")
    assert fixed.p_value is not None
    for covariance in ("jackknife", "delong"):
        study = multireader_accuracy(
            frame, "sensitivity", covariance=covariance, threshold=3
        )
        assert "so few" in study.modality("new").undefined_reason


@pytest.mark.parametrize("value", [0, 1])
def test_one_class_only_has_its_reason(value):
    frame = FRAME.assign(truth=value)
    found = multireader_accuracy(frame)
    for result in (
        found.modality("new"),
        found.difference("new", "old"),
        found.non_inferiority("new", "old", 0.1),
        found.reader_difference("r0", "new", "old"),
    ):
        assert result.estimate is None
        assert result.undefined_reason
    assert f"no {'non-diseased' if value else 'diseased'}" in found.undefined_reason
    assert found.per_reader["undefined_reason"].notna().all()
    metric = "specificity" if value else "sensitivity"
    other = multireader_accuracy(frame, metric, threshold=3)
    assert other.modality("old").undefined_reason == found.undefined_reason


def test_ties_alone_are_worth_a_half():
    found = multireader_accuracy(FRAME.assign(rating=3))
    _no_test(found.modality("new"), 0.5)


def test_designs_that_cannot_be_analysed_say_so():
    new_only = FRAME[(FRAME["reader"] != "r0") | (FRAME["modality"] == "new")]
    found = multireader_accuracy(new_only)
    assert "u_statistics" in found.modality("new").undefined_reason
    assert multireader_accuracy(new_only, method="u_statistics").modality("new").df
    sick_only = FRAME[(FRAME["reader"] != "r0") | (FRAME["truth"] == 1)]
    reason = multireader_accuracy(sick_only).undefined_reason
    assert reason == "reader r0 rated no case of one class under new"
    one = multireader_accuracy(FRAME[FRAME["modality"] == "new"])
    assert "one modality" in one.equality.undefined_reason
    assert one.modality("new") == multireader_accuracy(FRAME).modality("new")


def test_readers_of_one_modality_each():
    nested = FRAME.assign(reader=FRAME["modality"] + FRAME["reader"])
    values = np.array([[_auc(cell, TRUTH) for cell in row] for row in RATINGS])
    found = multireader_accuracy(nested, random="readers").difference("new", "old")
    assert found.p_value == pytest.approx(stats.ttest_ind(values[0], values[1]).pvalue)

    matrix = _jackknife(RATINGS, TRUTH)
    contrast = np.repeat([1, -1], 3) / 3
    fixed = multireader_accuracy(nested, random="cases")
    assert fixed.covariances.cov1 is None
    variance = fixed.difference("new", "old").standard_error ** 2
    assert variance == pytest.approx(contrast @ matrix @ contrast)


def test_non_inferiority_is_the_lower_limit_above_the_margin():
    study = multireader_accuracy(FRAME)
    difference = study.difference("new", "old")
    for margin in (0.01, 0.9):
        found = study.non_inferiority("new", "old", margin)
        statistic = (difference.estimate + margin) / difference.standard_error
        assert found.p_value == pytest.approx(stats.t.sf(statistic, difference.df))
        assert found.low == pytest.approx(difference.low)
        assert found.shown == (found.p_value < 0.025)


def test_results_are_frames():
    study = analysis.multireader_accuracy(FRAME)
    assert list(study.to_frame()["modality"]) == ["new", "old"]
    assert list(study.modality("new").to_frame()["estimate"]) == [
        study.modality("new").estimate
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rating": "high"}, "numbers"),
        ({"truth": 2}, "0 or 1"),
        ({"truth": None}, "none for case c0"),
        ({"reader": ""}, "name its reader"),
        ({"case": "c0"}, "0 and 1 for c0"),
        ({"case": "c0", "truth": 1}, "once under a modality"),
        ({"rating": math.nan}, "At least one rating"),
    ],
)
def test_tables_that_cannot_be_used(change, message):
    with pytest.raises(analysis.InputError, match=message):
        multireader_accuracy(FRAME.assign(**change))


def test_options_that_cannot_be_used():
    for options, message in (
        ({"threshold": 3}, "no threshold"),
        ({"metric": "sensitivity"}, "needs a threshold"),
        ({"method": "u_statistics", "random": "cases"}, "readers_and_cases"),
        ({"metric": "kappa"}, "metric must be one of"),
    ):
        with pytest.raises(ValueError, match=message):
            multireader_accuracy(FRAME, **options)
    for columns, message in (
        ({"reader": []}, "the column case"),
        (dict.fromkeys(FRAME, ()), "not empty"),
    ):
        with pytest.raises(analysis.InputError, match=message):
            multireader_accuracy(columns)
    with pytest.raises(TypeError, match="data frame"):
        multireader_accuracy([1])
    study = multireader_accuracy(FRAME)
    for call in (
        lambda: study.modality("newer"),
        lambda: study.difference("new", "new"),
        lambda: study.reader_difference("r9", "new", "old"),
        lambda: study.non_inferiority("new", "old", 0),
    ):
        with pytest.raises(analysis.InputError):
            call()
