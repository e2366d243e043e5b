"""Percent correct, partial AUC, marks at places, likelihood ratios, readers' tests."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from analysis import InputError, multireader_accuracy
from analysis.accuracy import (
    froc_area,
    likelihood_ratios,
    lroc_area,
    mcnemar_by_reader,
    partial_auc,
)
from benchmarks.accuracy_studies import STRUCTURES, Population

READERS, DISEASED, OTHERS = 3, 7, 6
CASES = DISEASED + OTHERS
TRUTH = np.arange(CASES) < DISEASED


def _frame(ratings):
    modality, reader, case = (axis.ravel() for axis in np.indices(ratings.shape))
    return pd.DataFrame(
        {
            "reader": reader,
            "case": case,
            "modality": np.array(["new", "old"])[modality],
            "truth": TRUTH[case].astype(int),
            "rating": ratings.ravel(),
        }
    )


POPULATION = Population(STRUCTURES["unlike"], (0.85, 0.75), steps=True)
RATINGS = POPULATION.draw(np.random.default_rng(8), READERS, DISEASED, OTHERS)
FRAME = _frame(RATINGS)


def _mean_kind(matrix, *, same_modality, same_reader):
    modality, reader = np.divmod(np.arange(2 * READERS), READERS)
    kind = (modality[:, None] == modality) == same_modality
    kind &= (reader[:, None] == reader) == same_reader
    return matrix[kind].mean()


def test_percent_correct_is_the_share_of_right_calls():
    study = multireader_accuracy(FRAME, "percent_correct", threshold=3)
    right = (RATINGS >= 3) == TRUTH

    assert study.modality("new").estimate == pytest.approx(right[0].mean())
    assert study.modality("new").p_value is None
    matrix = np.cov(right.reshape(-1, CASES)) / CASES
    cov1 = _mean_kind(matrix, same_modality=False, same_reader=True)
    assert study.covariances.cov1 == pytest.approx(cov1)
    moments = multireader_accuracy(
        FRAME, "percent_correct", "u_statistics", threshold=3
    )
    assert moments.modality("old").estimate == pytest.approx(right[1].mean())


FRAME_COLUMNS = ("reader", "case", "modality", "truth", "rating")


@pytest.mark.parametrize("rate", [0.2, 1 / 3, 0.5, 1.0])
def test_partial_area_is_that_of_scikit_learn(rate):
    study = partial_auc(FRAME, rate)
    values = study.per_reader["estimate"].to_numpy()
    for value, cell in zip(values, RATINGS.reshape(-1, CASES), strict=True):
        # McClish's standard form, undone: 1/2 (1 + (area - least) / (rate - least)).
        least = rate**2 / 2
        standard = roc_auc_score(TRUTH, cell, max_fpr=rate)
        area = (2 * standard - 1) * (rate - least) + least if rate < 1 else standard
        assert value == pytest.approx(area / rate)


def test_partial_area_up_to_1_is_the_area_with_its_jackknife():
    partial, whole = partial_auc(FRAME, 1), multireader_accuracy(FRAME)
    ours, theirs = (vars(s.difference("new", "old")) for s in (partial, whole))
    assert ours == pytest.approx(theirs)
    assert vars(partial.covariances) == pytest.approx(vars(whole.covariances))
    # Degrees of freedom of cases as well, and no bias of an area of all rates.
    decided = [s.for_decisions() for s in (partial, whole)]
    guarded = decided[0].difference("new", "old")
    assert 1 <= guarded.df < ours["df"]
    assert guarded.low < decided[1].difference("new", "old").low


def test_a_partial_area_is_left_out_case_by_case():
    whole = partial_auc(FRAME, 0.4)
    without = [
        partial_auc(FRAME[FRAME["case"] != case], 0.4).per_reader["estimate"]
        for case in FRAME["case"].unique()
    ]
    matrix = np.cov(np.array(without).T, bias=True) * (CASES - 1)
    errors = whole.per_reader["standard_error"].to_numpy() ** 2
    assert errors == pytest.approx(matrix.diagonal())


def test_limits_of_a_partial_area_need_cases_below_the_rate():
    rng = np.random.default_rng(5)
    sick = np.arange(60) < 30
    ratings = 1.5 * sick + rng.normal(size=(2, 4, 60)) + rng.normal(size=60)
    rows = [
        (reader, case, modality, int(sick[case]), ratings[modality, reader, case])
        for modality, reader, case in np.ndindex(ratings.shape)
    ]
    frame = pd.DataFrame(rows, columns=list(FRAME_COLUMNS))
    few = partial_auc(frame, 0.1)
    assert few.modality(0).low is not None  # as programs in use have it
    assert few.for_decisions().modality(0).low is None
    assert "0.1 has 3 of 30" in few.for_decisions().modality(0).undefined_reason
    assert "0.1 has 3 of 30" in few.for_decisions().per_reader["undefined_reason"][0]
    assert few.for_decisions().difference(0, 1).undefined_reason is None
    enough = partial_auc(frame, 0.2).for_decisions()
    found, bias = enough.modality(0), enough._cells.bias.reshape(2, -1)[0].mean()
    assert bias > 0  # few cases below the rate: it looks better than it is
    assert enough.guarded(0).estimate == pytest.approx(found.estimate - bias)
    assert found.low < enough.guarded(0).estimate < found.high
    assert found.estimate == partial_auc(frame, 0.2).modality(0).estimate
    both = enough.guarded(0, 1)
    assert both.estimate + both.bias == pytest.approx(enough.difference(0, 1).estimate)
    fixed = partial_auc(frame, 0.1, random="readers").for_decisions()
    assert fixed.modality(0).low is not None


def _frame_of_marks(cases):
    """Return rows of marks: of each case its lesions' ratings, then false marks."""
    rows = []
    for (modality, reader), (case, sick, lesions, marks) in itertools.product(
        itertools.product(("new", "old"), range(READERS)), cases
    ):
        rng = np.random.default_rng([case, reader, modality == "old"])
        shift = rng.integers(-1, 2)
        for number, rating in enumerate(lesions):
            value = "" if rating is None else rating + shift
            rows.append((reader, case, modality, sick, f"L{number}", value))
        of_case = (reader, case, modality, sick)
        rows += [(*of_case, "", rating + shift) for rating in marks]
        if not sick and not marks:
            rows.append((*of_case, "", ""))
    names = ["reader", "case", "modality", "truth", "lesion", "rating"]
    return pd.DataFrame(rows, columns=names)


MARKS = _frame_of_marks(
    [
        (1, 1, [8, None], [3]),
        (2, 1, [6], []),
        (3, 1, [7, 4, 9], [2]),
        (4, 1, [5], [6, 1]),
        (5, 0, [], [4, 2]),
        (6, 0, [], []),
        (7, 0, [], [6]),
        (8, 0, [], [5]),
    ]
)


def _figure_of_merit(rows):
    """Chakraborty's: the mean over lesions and cases without disease."""
    number = rows["rating"].where(rows["rating"] != "", -math.inf).astype(float)
    rows = rows.assign(number=number)
    lesions = rows[(rows["truth"] == 1) & (rows["lesion"] != "")]["number"]
    highest = rows[rows["truth"] == 0].groupby("case")["number"].max()
    wins = [
        float(x > y) + 0.5 * float(x == y)
        for x, y in itertools.product(lesions, highest)
    ]
    return np.mean(wins)


def test_froc_area_is_the_figure_of_merit_of_the_jackknife():
    study = froc_area(MARKS)
    of_cell = dict(list(MARKS.groupby(["modality", "reader"])))
    values = np.array([_figure_of_merit(rows) for rows in of_cell.values()])
    assert study.per_reader["estimate"].to_numpy() == pytest.approx(values)

    cases = MARKS["case"].unique()
    left_out = [
        [_figure_of_merit(rows[rows["case"] != case]) for case in cases]
        for rows in of_cell.values()
    ]
    matrix = np.cov(left_out, bias=True) * (len(cases) - 1)
    assert study.covariances.error_variance == pytest.approx(matrix.diagonal().mean())
    cov2 = _mean_kind(matrix, same_modality=True, same_reader=False)
    assert study.covariances.cov2 == pytest.approx(cov2)
    assert study.difference("new", "old").p_value is not None
    assert study.metric == "froc_area"
    assert study.n_cases == len(cases)


def test_lroc_area_counts_rightly_marked_cases_only():
    located = np.random.default_rng(1).integers(0, 2, len(FRAME))
    frame = FRAME.assign(located=located)
    study = lroc_area(frame)
    at = located.reshape(RATINGS.shape)
    for row, (cell, place) in enumerate(
        zip(RATINGS.reshape(-1, CASES), at.reshape(-1, CASES), strict=True)
    ):
        wins = [
            place[x] * ((cell[x] > cell[y]) + 0.5 * (cell[x] == cell[y]))
            for x in np.flatnonzero(TRUTH)
            for y in np.flatnonzero(~TRUTH)
        ]
        estimate = study.per_reader["estimate"][row]
        assert estimate == pytest.approx(np.mean(wins))
    # Where all are marked rightly it is the AUC, with its errors.
    everywhere = lroc_area(FRAME.assign(located=1)).difference("new", "old")
    assert everywhere == multireader_accuracy(FRAME).difference("new", "old")
    missing = frame.assign(rating=frame["rating"].where(frame["case"] != 3))
    assert lroc_area(missing).n_cases == CASES - 1


@pytest.mark.parametrize(
    ("figure", "change", "message"),
    [
        (lroc_area, {}, "the column located"),
        (lroc_area, {"located": 2}, "0 or 1, got"),
        (froc_area, {"lesion": None, "rating": "high"}, "numbers"),
        (froc_area, {"lesion": "L1"}, "without disease has no lesion"),
        (froc_area, {}, "the column lesion"),
        (partial_auc, {"truth": 2}, "0 or 1"),
    ],
)
def test_marks_that_cannot_be_used(figure, change, message):
    with pytest.raises(InputError, match=message):
        figure(FRAME.assign(**change))


def test_more_that_cannot_be_used():
    twice = pd.concat([MARKS, MARKS[MARKS["lesion"] == "L0"]])
    with pytest.raises(InputError, match="one row of a reader"):
        froc_area(twice)
    with pytest.raises(InputError, match="the column rating"):
        froc_area(MARKS.drop(columns="rating"))
    with pytest.raises(InputError, match="at most 1"):
        partial_auc(FRAME, 20)
    assert "no diseased" in partial_auc(FRAME[FRAME["truth"] == 0]).undefined_reason
    alone = froc_area(MARKS[MARKS["truth"] == 1])
    assert alone.undefined_reason


def _logarithm(ratings, sign):
    called = ratings >= 3
    sensitivity = called[..., :DISEASED].mean()
    specificity = 1 - called[..., DISEASED:].mean()
    if sign == "positive":
        return math.log(sensitivity / (1 - specificity))
    return math.log((1 - sensitivity) / specificity)


@pytest.mark.parametrize("sign", ["positive", "negative"])
def test_likelihood_ratios_have_the_error_of_the_delta_method(sign):
    found = likelihood_ratios(FRAME, 3)
    one = getattr(found, sign)("new")
    called = (RATINGS >= 3)[0].astype(float)
    sick, well = called[:, :DISEASED], called[:, DISEASED:]
    slopes = {
        "positive": (1 / sick.mean(), -1 / well.mean()),
        "negative": (-1 / (1 - sick.mean()), 1 / (1 - well.mean())),
    }[sign]
    values = slopes[0] * sick.mean(axis=1) + slopes[1] * well.mean(axis=1)
    matrix = slopes[0] ** 2 * np.cov(sick) / DISEASED
    matrix += slopes[1] ** 2 * np.cov(well) / OTHERS
    cov2 = max(matrix[~np.eye(READERS, dtype=bool)].mean(), 0)
    variance = values.var(ddof=1) / READERS + cov2
    df = (READERS - 1) * (variance * READERS / values.var(ddof=1)) ** 2
    half = stats.t.ppf(0.975, df) * math.sqrt(variance)

    log = _logarithm(RATINGS[0], sign)
    assert one.estimate == pytest.approx(math.exp(log))
    assert one.low == pytest.approx(math.exp(log - half))
    assert one.high == pytest.approx(math.exp(log + half))
    ratio = found.ratio("new", "old", sign)
    expected = math.exp(log - _logarithm(RATINGS[1], sign))
    assert ratio.estimate == pytest.approx(expected)
    turned = found.ratio("old", "new", sign)
    assert (turned.low, turned.p_value) == pytest.approx(
        (1 / ratio.high, ratio.p_value)
    )
    assert list(found.to_frame()["sign"]) == ["positive", "negative"] * 2


def test_likelihood_ratios_that_are_not_defined_have_a_reason():
    perfect = _frame(np.broadcast_to(1.0 + 4 * TRUTH, RATINGS.shape))
    found = likelihood_ratios(perfect, 3)
    assert "0 or infinite" in found.positive("new").undefined_reason
    assert "0 or infinite" in found.ratio("new", "old").undefined_reason
    one = np.stack([np.broadcast_to(1.0 + 4 * TRUTH, RATINGS.shape[1:]), RATINGS[1]])
    half = likelihood_ratios(_frame(one), 3)  # the other modality is not touched
    assert half.positive("new").estimate is None
    assert half.positive("old") == likelihood_ratios(FRAME, 3).positive("old")
    sick = likelihood_ratios(FRAME[FRAME["truth"] == 1], 3)
    assert "both classes" in sick.negative("new").undefined_reason
    alone = likelihood_ratios(FRAME[FRAME["reader"] == 2], 3).positive("old")
    assert alone.df == math.inf
    with pytest.raises(InputError, match="one of new, old"):
        found.positive("other")
    with pytest.raises(InputError, match="must differ"):
        found.ratio("new", "new")


@pytest.mark.parametrize("of", ["sensitivity", "specificity", "percent_correct"])
def test_each_reader_has_an_exact_test(of):
    rows = mcnemar_by_reader(FRAME, ("new", "old"), 3, of)
    kept = {"sensitivity": TRUTH, "specificity": ~TRUTH}.get(of, TRUTH | True)
    right = ((RATINGS >= 3) == TRUTH)[..., kept]
    first = (right[0] & ~right[1]).sum(axis=1)
    second = (~right[0] & right[1]).sum(axis=1)

    assert rows["n"].tolist() == [kept.sum()] * READERS
    assert rows["first_only"].tolist() == first.tolist()
    assert rows["second_only"].tolist() == second.tolist()
    for row, b, c in zip(rows.to_dict("records"), first, second, strict=True):
        if b + c == 0:
            assert math.isnan(row["p_value"]) or row["p_value"] is None
            assert row["undefined_reason"]
        else:
            expected = stats.binomtest(int(b), int(b + c)).pvalue
            assert row["p_value"] == pytest.approx(expected)


def test_readers_who_cannot_be_tested_have_a_reason():
    apart = FRAME[(FRAME["modality"] == "new") == (FRAME["case"] % 2 == 0)]
    rows = mcnemar_by_reader(apart, ("new", "old"), 3)
    assert set(rows["undefined_reason"]) == {"no case was read under both modalities"}
    with pytest.raises(InputError, match="two of new, old"):
        mcnemar_by_reader(FRAME, ("new", "newer"), 3)
    with pytest.raises(InputError, match="Calls must be of"):
        mcnemar_by_reader(FRAME, ("new", "old"), 3, "auc")


def test_one_reader_has_the_jackknife_where_nothing_else_is_known():
    alone = partial_auc(FRAME[FRAME["reader"] == 0])
    assert (alone.covariance, alone.random) == ("jackknife", "cases")
    assert alone.variance_components is None


def test_partly_paired_cases_have_an_unbiased_error_of_their_own():
    # Of 24 cases 12 are read under both modalities, 6 under one only.
    rng, n = np.random.default_rng(12), 300
    truth = np.arange(24) % 2 == 0
    case = np.arange(24)
    held = np.stack([case < 18, (case < 12) | (case >= 18)])
    population = Population(STRUCTURES["alike"], (0.8, 0.8), steps=False)
    differences, variances = [], []
    for _ in range(n):
        drawn = population.draw(rng, READERS, 12, 12)
        ratings = np.empty_like(drawn)
        ratings[..., truth], ratings[..., ~truth] = drawn[..., :12], drawn[..., 12:]
        ratings = np.where(held[:, None], ratings, np.nan)
        study = _study(ratings, truth)
        found = study._analysis.difference(0, 1)
        means = study._analysis.means
        differences.append(means[0] - means[1])
        variances.append(found.variance)

    # The mean of estimated variances is the variance of the estimates.
    error = np.var(differences) * math.sqrt(2 / n)
    assert np.mean(variances) == pytest.approx(np.var(differences), abs=3 * error)
    assert study._analysis.difference(0, 1).variance != pytest.approx(
        study._analysis.modality(0).variance + study._analysis.modality(1).variance
    )


def _study(ratings, truth):
    from analysis.accuracy.scores import Scores
    from analysis.accuracy.study import accuracy_of

    scores = Scores(ratings, truth, ("new", "old"), tuple(range(READERS)))
    return accuracy_of(scores, "auc", "u_statistics")
