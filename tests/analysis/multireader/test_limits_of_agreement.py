"""Limits of agreement: against iMRMC where it is there, and expected mean squares."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import InputError, limits_of_agreement

REFERENCE = Path(__file__).parents[4] / "shared/reference/mrmc_reference.json"
CALLS = {
    "laWRBM(": ("methods", None),
    "laBRWM(df, modality = 'testA'": ("readers", ("testA",)),
    "laBRWM(df, modality = 'testB'": ("readers", ("testB",)),
    "laWRWM(": ("replicates", None),
    "laBRBM(": ("readers_and_methods", None),
}


@pytest.mark.skipif(not REFERENCE.exists(), reason="no reference values")
def test_limits_are_those_of_imrmc():
    sets = json.loads(REFERENCE.read_text())["datasets"]
    (example,) = [one for one in sets if one["id"] == "loa_imrmc_example"]
    rows = example["data"]["rows"]
    frame = pd.DataFrame(rows, columns=["reader", "case", "method", "score"])
    for start, (between, methods) in CALLS.items():
        found = limits_of_agreement(frame, between, methods)
        results = example["results"]["imrmc"].items()
        (values,) = [v["values"] for call, v in results if call.startswith(start)]
        limits, mean = found.limits(), found.confidence_interval()
        ours = (found.mean_difference, found.variance, found.variance_of_mean,
                limits.low, limits.high, mean.low, mean.high)  # fmt: skip
        expected = values["limits.of.agreement"]
        names = ("meanDiff", "var.1obs", "var.MeanDiff", "la.bot", "la.top",
                 "ci95meanDiff.bot", "ci95meanDiff.top")  # fmt: skip
        assert ours == pytest.approx([expected[name] for name in names], rel=1e-9)
        theirs = [v for v in values["anova"]["var"] if v is not None]
        assert list(found.components.values()) == pytest.approx(
            theirs, rel=1e-9, abs=1e-12
        )


def _scores(seed=3, readers=4, cases=6):
    rng = np.random.default_rng(seed)
    cube = rng.normal(size=(2, readers, cases)) + 2 * rng.normal(size=cases)
    cube += rng.normal(size=(readers, 1))
    cube[1] += 0.5
    return cube


def _frame(cube):
    method, reader, case = (axis.ravel() for axis in np.indices(cube.shape))
    return {
        "reader": reader,
        "case": case,
        "method": np.array(["MAGIC", "RAPID"])[method],
        "score": cube.ravel(),
    }


def test_limits_between_methods_by_their_definition():
    cube = _scores()
    found = limits_of_agreement(_frame(cube))
    d = cube[0] - cube[1]
    r, c = d.shape
    # The sums of squares, written out.
    by_reader = sum(c * (row.mean() - d.mean()) ** 2 for row in d) / (r - 1)
    by_case = sum(r * (column.mean() - d.mean()) ** 2 for column in d.T) / (c - 1)
    error = sum(
        (d[i, j] - d[i].mean() - d[:, j].mean() + d.mean()) ** 2
        for i in range(r)
        for j in range(c)
    ) / ((r - 1) * (c - 1))
    variance = (by_reader - error) / c + (by_case - error) / r + error

    assert found.variance == pytest.approx(variance)
    assert found.mean_difference == pytest.approx(d.mean())
    interval = found.limits()
    assert interval.high - interval.low == pytest.approx(3.919928 * math.sqrt(variance))
    (row,) = found.to_frame().to_dict("records")
    assert (row["low"], row["high"]) == (interval.low, interval.high)


def test_the_first_method_less_the_second():
    frame = _frame(_scores())
    turned = limits_of_agreement(frame, methods=("RAPID", "MAGIC"))
    plain = limits_of_agreement(frame, methods=("MAGIC", "RAPID"))
    assert turned.mean_difference == -plain.mean_difference
    assert turned.limits().low == pytest.approx(-plain.limits().high)


def test_what_is_not_defined_has_its_reason():
    cube = _scores()
    missing = cube.copy()
    missing[0, 1, 2] = np.nan
    found = limits_of_agreement(_frame(missing))
    assert found.mean_difference == pytest.approx(np.nanmean(missing[0] - missing[1]))
    assert "1 scores are missing" in found.undefined_reason
    assert "missing" in found.limits().caution
    one = limits_of_agreement(_frame(cube[:, :1]), "readers", ("MAGIC",))
    assert "two readers" in one.undefined_reason
    # Readers who differ in opposite ways on each case: less alike than chance.
    apart = np.array([[0.0, 1.0], [1.0, 0.0]])
    few = limits_of_agreement(_frame(np.stack([apart, np.zeros((2, 2))])))
    assert few.undefined_reason == "the estimate of the variance is negative"
    assert math.isnan(few.confidence_interval().low)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"score": "high"}, {}, "finite numbers"),
        ({"reader": ""}, {}, "name its reader"),
        ({"case": 1}, {}, "once with a method"),
        ({}, {"between": "readers"}, "take 1 of the methods MAGIC, RAPID"),
        ({}, {"methods": ("MAGIC", "CTP")}, "got MAGIC, CTP"),
        ({}, {"between": "cases"}, "between must be one of"),
    ],
)
def test_scores_that_cannot_be_used(change, options, message):
    frame = pd.DataFrame(_frame(_scores())).assign(**change)
    with pytest.raises(ValueError, match=message):
        limits_of_agreement(frame, **options)


def test_columns_that_cannot_be_used():
    frame = _frame(_scores())
    with pytest.raises(InputError, match="the column score"):
        limits_of_agreement({key: frame[key] for key in ("reader", "case", "method")})
    with pytest.raises(TypeError, match="named columns"):
        limits_of_agreement([1, 2])
    with pytest.raises(InputError, match="as long"):
        limits_of_agreement(frame | {"score": [1.0]})
