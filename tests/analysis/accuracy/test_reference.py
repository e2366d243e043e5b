"""Accuracy against the values of two R programs on ten data sets, where they are there.

Left out: what the file marks as rounding noise. Deviations: single modalities of
U-statistics have intervals cut off at 0 and 1, where iMRMC's are not, and None where it
divides 0 by 0 (`DEVIATIONS`). For sensitivity and specificity the reference is iMRMC's
jointD, which weighs ratings equally as its AUC does; conditionalD, which weighs
conditional means, gives other estimates where ratings are missing (sim06_missing).
"""

import json
import math
from pathlib import Path

import pytest

from analysis.accuracy import multireader_accuracy

REFERENCE = Path(__file__).parents[4] / "shared/reference/mrmc_reference.json"
pytestmark = pytest.mark.skipif(not REFERENCE.exists(), reason="no reference values")

METRIC = {"auc": "auc", "sens": "sensitivity", "spec": "specificity"}
RANDOM = {"none": "readers_and_cases", "reader": "cases", "case": "readers"}
NO_TRUTH = ("agree4", "loa_imrmc_example")


def _studies():
    """Return the frame, threshold and results of each set, nested variants included."""
    found = {}
    for entry in json.loads(REFERENCE.read_text())["datasets"]:
        if entry["id"] in NO_TRUTH:
            continue
        columns = entry["data"]["columns"]
        frame = dict(
            zip(columns, zip(*entry["data"]["rows"], strict=True), strict=True)
        )
        threshold = _threshold(entry["call_rule"])
        called = [rating >= threshold for rating in frame["rating"]]
        assert called == [bool(call) for call in frame["call"]]
        results = entry["results"]
        found[entry["id"]] = (frame, threshold, results)
        for variant, by in (("readers", "reader"), ("modalities", "modality")):
            if f"nested_in_{variant}" in results:
                pairs = zip(frame["case"], frame[by], strict=True)
                cases = [f"{case}.{name}" for case, name in pairs]
                nested = frame | {"case": cases}
                own = results[f"nested_in_{variant}"]
                found[f"{entry['id']} in {variant}"] = (nested, threshold, own)
    return found


def _threshold(rule):
    return float(rule.split(">=")[1].split()[0])


@pytest.fixture(scope="module")
def studies():
    return _studies()


class Comparison:
    """Counts what was compared and keeps what differs."""

    def __init__(self):
        self.n, self.wrong = 0, []

    def same(self, where, ours, theirs, absolute=1e-12):
        if theirs is None or isinstance(theirs, dict):
            return
        self.n += 1
        expected = math.inf if theirs == "Infinity" else theirs
        if ours is None or ours != pytest.approx(expected, rel=1e-9, abs=absolute):
            self.wrong.append((*where, ours, theirs))


def _noise(result):
    return " ".join(result.get("rounding_noise_do_not_compare", []))


def _compare_anova(check, where, found, result):
    values, noise = result["values"], _noise(result)
    if values.get("error"):
        return
    for name, theirs in values.get("covariance_parameters", {}).items():
        check.same((*where, name), getattr(found.covariances, name), theirs)
    components = found.variance_components
    named = {"reader": "reader", "modality:reader": "reader_modality"}
    for name, own in named.items():
        theirs = values.get("variance_components", {}).get(name)
        ours = getattr(components, own, None)
        if components is not None:
            check.same((*where, name), ours, theirs)
    rows = found.per_reader.to_dict("records")
    per_reader = {(row["modality"], row["reader"]): row for row in rows}
    for modality, reader, theirs in _rows(
        values["per_reader"], "modality", "reader", "estimate"
    ):
        ours = per_reader[modality, reader]["estimate"]
        check.same((*where, "reader", modality, reader), ours, theirs)
    _compare_equality(check, where, found, values, noise)
    _compare_differences(check, where, found, values, noise)
    _compare_means(check, where, found, values, noise)
    if "reader_means" in values:
        _compare_readers(check, where, per_reader, values["reader_means"])


def _compare_means(check, where, found, values, noise):
    names = {
        "Estimate": "estimate",
        "StdErr": "standard_error",
        "df": "df",
        "CI.Lower": "low",
        "CI.Upper": "high",
    }
    means = values["test_means"]
    for at, modality in enumerate(means["modality"]):
        ours = found.modality(modality)
        for theirs, name in names.items():
            if theirs in means and (
                name == "estimate" or f"of {modality} (" not in noise
            ):
                check.same(
                    (*where, modality, name), getattr(ours, name), means[theirs][at]
                )


def _compare_readers(check, where, per_reader, table):
    columns = ("modality", "reader", "StdErr", "CI.Lower", "CI.Upper")
    for modality, reader, *theirs in _rows(table, *columns):
        ours = per_reader[modality, reader]
        for name, value in zip(("standard_error", "low", "high"), theirs, strict=True):
            rounding = value is not None and theirs[0] < 1e-7  # unbiased: 1e-8, not 0
            absolute = 1e-7 if rounding else 1e-12
            check.same((*where, modality, reader, name), ours[name], value, absolute)


def _rows(table, *columns):
    return zip(*(table[column] for column in columns), strict=True)


def _compare_equality(check, where, found, values, noise):
    ours, theirs = found.equality, values["test_equality"]
    if "Denominator" not in noise:
        rounding = "rounding of 0" in noise
        statistic = theirs.get("F", theirs.get("X2"))
        if not rounding:
            check.same((*where, "statistic"), ours.statistic, statistic)
        p_value = theirs["p_upper_tail"]
        check.same((*where, "p"), ours.p_value, p_value, 1e-6 if rounding else 1e-12)
        check.same((*where, "df2"), ours.df2, theirs.get("df2"))


def _compare_differences(check, where, found, values, noise):
    theirs = values["test_diffs"]
    names = {
        "Estimate": "estimate",
        "StdErr": "standard_error",
        "df": "df",
        "CI.Lower": "low",
        "CI.Upper": "high",
        "p-value": "p_value",
    }
    skipped = ()
    if "test_diffs (StdErr" in noise:
        skipped = ("StdErr", "df", "CI.Lower", "CI.Upper", "p-value")
    elif "test_diffs (z" in noise:
        skipped = ("p-value",)
    for at, comparison in enumerate(theirs["Comparison"]):
        first, second = comparison.split(" - ")
        ours = found.difference(first, second)
        for column, name in names.items():
            if column in theirs and column not in skipped:
                rounding = column == "p-value" and "rounding of 0" in noise
                check.same(
                    (*where, comparison, name),
                    getattr(ours, name),
                    theirs[column][at],
                    1e-6 if rounding else 1e-12,
                )
    if "noninferiority" not in noise:
        _compare_margins(check, where, found, values)
    if "reader_test_diffs" in values and found.equality.df1 == 1:
        names = (first, second)
        _compare_reader_differences(check, where, found, values, names)


def _compare_margins(check, where, found, values):
    for test in values.get("noninferiority", {}).get("tests", []):
        ours = found.non_inferiority(test["new"], test["reference"], test["margin"])
        check.same((*where, "ni p"), ours.p_value, test["p_one_sided"])
        check.same((*where, "ni low"), ours.low, test["lower_97.5_one_sided"])


def _compare_reader_differences(check, where, found, values, modalities):
    columns = ("Reader", "Estimate", "StdErr", "p-value")
    for reader, *rest in _rows(values["reader_test_diffs"], *columns):
        ours = found.reader_difference(reader, *modalities)
        for name, value in zip(
            ("estimate", "standard_error", "p_value"), rest, strict=True
        ):
            if not (name == "p_value" and ours.undefined_reason):
                check.same((*where, reader, name), getattr(ours, name), value)


def test_obuchowski_rockette(studies):
    check = Comparison()
    for study, (frame, threshold, results) in studies.items():
        for key, result in results["mrmcaov"].items():
            metric, covariance, fixed = key.split("|")
            found = multireader_accuracy(
                frame,
                METRIC[metric],
                covariance=covariance.lower(),
                random=RANDOM[fixed.removeprefix("fixed_")],
                threshold=None if metric == "auc" else threshold,
            )
            _compare_anova(check, (study, key), found, result)
    assert not check.wrong, (len(check.wrong), check.n, check.wrong[:20])
    assert check.n > 4000


def test_u_statistics_of_the_auc(studies):
    check = Comparison()
    for study, (frame, _, results) in studies.items():
        imrmc = results["imrmc_auc"]
        tables = [imrmc["values"]] if "Ustat" in imrmc["values"] else []
        fallback = imrmc.get("fallback", {}).get("single_modality", {})
        tables += [single["values"] for single in fallback.values()]
        found = multireader_accuracy(frame, method="u_statistics")
        for table in tables:
            rows = table["Ustat"]
            for at in range(len(rows["NR"])):
                row = {name: column[at] for name, column in rows.items()}
                _compare_u(check, study, found, row)
    assert not check.wrong, (len(check.wrong), check.n, check.wrong[:20])
    assert check.n > 150


def _compare_u(check, study, found, row):
    first, second = row["modalityID.1"], row["modalityID.2"]
    where = (study, first, second)
    single = first == second
    ours = found.modality(first) if single else found.difference(first, second)
    variance = row["covAUC"] if single else row["varAUC1minusAUC2"]
    estimate = row["AUC.1"] if single else row["AUC1minusAUC2"]
    check.same((*where, "estimate"), ours.estimate, estimate)
    if variance < 1e-14:  # 0, or negative where iMRMC has no interval either
        assert ours.undefined_reason
        return
    check.same((*where, "variance"), ours.standard_error**2, variance)
    df, p_value = row["dfBDG" if single else "dfBDG.diff"], row["pValueBDG"]
    check.same((*where, "df"), ours.df, df)
    check.same((*where, "p"), ours.p_value, p_value)
    low, high = row["botCIBDG"], row["topCIBDG"]
    check.same((*where, "low"), ours.low, max(0, low) if single else low)
    check.same((*where, "high"), ours.high, min(1, high) if single else high)


def test_u_statistics_of_sensitivity_and_specificity(studies):
    check = Comparison()
    for study, (frame, threshold, results) in studies.items():
        for metric in ("sens", "spec"):
            found = multireader_accuracy(
                frame, METRIC[metric], "u_statistics", threshold=threshold
            )
            for key, result in results.get(f"imrmc_{metric}", {}).items():
                kind, names = key.split(": ")
                if kind == "uStat11.jointD":
                    first, second = names.split(" minus ")
                    three = (
                        found.modality(first),
                        found.modality(second),
                        found.difference(first, second),
                    )
                    for ours, name in zip(three, ("A", "B", "AminusB"), strict=True):
                        where, values = (study, key, name), result["values"]
                        check.same(where, ours.estimate, values["mean"][name])
                        variance = values["var"][name]
                        if abs(variance) < 1e-14 or variance < 0:
                            assert ours.undefined_reason
                        else:
                            check.same(where, ours.standard_error**2, variance)
    assert not check.wrong, (len(check.wrong), check.n, check.wrong[:20])
    assert check.n > 80


def test_readers_nested_in_modalities(studies):
    frame, _, results = studies["VanDyke"]
    theirs = results["readers_nested_in_modalities"]["own_corrected"]
    pairs = zip(frame["modality"], frame["reader"], strict=True)
    nested = frame | {"reader": [f"{one}_{other}" for one, other in pairs]}
    found = multireader_accuracy(nested)
    difference = found.difference("treatment1", "treatment2")
    ours = (
        found.covariances.cov2,
        found.covariances.cov3,
        found.equality.statistic,
        found.equality.df2,
        found.equality.p_value,
        difference.standard_error,
        difference.p_value,
    )
    names = ("cov2", "cov3", "F", "df2", "p", "StdErr_difference", "p")
    assert ours == pytest.approx([theirs[name] for name in names], rel=1e-9)
