from dataclasses import replace

import numpy as np
import pytest

from analysis.multireader import Coefficient, with_clustered_error
from analysis.questions.subgroups import subgroup_difference, subgroups_by
from analysis.report.section import ReportContext
from analysis.report.sections.subgroups import subgroups_section
from analysis.responses.pairing import paired_readings
from tests.analysis.report.conftest import PLAN

KAPPA = Coefficient.kappa()


@pytest.fixture(scope="module")
def with_columns(responses):
    """Readings with columns about the case, the reader, and neither."""
    return replace(
        responses,
        readings=[
            replace(
                r,
                columns={
                    "Site": "A" if int(r.case[-2:]) % 2 else "B",
                    "experience": "junior" if r.reader < "R4" else "senior",
                    "mood": str(r.line % 3),
                    "age": r.case,
                },
            )
            for r in responses.readings
        ],
    )


def made(responses, *subgroups):
    context = ReportContext(responses, replace(PLAN, subgroups=subgroups), [], 0.95)
    return subgroups_section(context)


def pairs_of(responses, name):
    asked = next(q for q in responses.questionnaire if q.id == name)
    return paired_readings(responses, asked)


def inside_of(pairs, unit, names):
    if unit == "case":
        return np.array([pairs.cases[place] in names for place in pairs.case])
    return np.array([pairs.readers[place] in names for place in pairs.reader])


def test_a_subgroup_is_analysed_as_a_study_of_its_own(with_columns):
    found = made(with_columns, "site").content["site"]
    assert (found["unit"], found["values"]) == ("case", ["A", "B"])
    pairs = pairs_of(with_columns, "Q3")
    odd = {f"case-{n:02d}" for n in range(1, 21, 2)}
    alone = with_clustered_error(
        pairs.subset(inside_of(pairs, "case", odd)), KAPPA, "crossed"
    )
    entry = found["questions"]["Q3"]["subgroups"]["A"]["cohen_kappa"]
    assert entry["estimate"] == alone.estimate
    assert entry["low"] == alone.confidence_interval().low


@pytest.mark.parametrize("column", ["Site", "experience"])
def test_the_difference_is_that_of_the_two_estimates(with_columns, column):
    found = made(with_columns, column).content[column]["questions"]["Q4"]
    first, second = found["subgroups"].values()
    ((label, difference),) = found["differences"].items()
    assert label == " minus ".join(found["subgroups"])
    for name, of in difference.items():
        assert of["estimate"] == pytest.approx(
            first[name]["estimate"] - second[name]["estimate"]
        )
        assert of["low"] < of["estimate"] < of["high"]


def test_without_common_readers_the_variances_add_up(with_columns):
    pairs = pairs_of(with_columns, "Q3")
    inside = inside_of(pairs, "case", {f"case-{n:02d}" for n in range(1, 6)})
    found = subgroup_difference(pairs, inside, KAPPA, variance="patient")
    sides = [
        with_clustered_error(pairs.subset(kept), KAPPA, "patient")
        for kept in (inside, ~inside)
    ]
    variances = [side.standard_error**2 for side in sides]
    assert found.standard_error**2 == pytest.approx(sum(variances))
    welch = sum(variances) ** 2 / (variances[0] ** 2 / 4 + variances[1] ** 2 / 14)
    assert found.df <= welch * 1.3
    assert found.df < 19


def test_a_planted_difference_is_found_and_named(with_columns):
    """Of site B, all answer alike; of site A, at random."""
    rng = np.random.default_rng(3)
    readings = [
        replace(r, answers={**r.answers, "Q1": int(rng.integers(0, 2))})
        if r.columns["Site"] == "A"
        else replace(r, answers={**r.answers, "Q1": int(r.case[-2:]) // 2 % 2})
        for r in with_columns.readings
    ]
    # One slip, for kappa 1 has no error.
    readings[40] = replace(readings[40], answers={**readings[40].answers, "Q1": 1})
    readings[42] = replace(readings[42], answers={**readings[42].answers, "Q1": 0})
    section = made(replace(with_columns, readings=readings), "site")
    assert "site, patients: A 10, B 10. " in section.findings[1]
    assert "leave out 0: Q1 (A minus B)" in section.findings[1]


def test_several_subgroups_are_each_set_against_all_others(with_columns):
    section = made(with_columns, "severity")
    labels = section.tables[1].frame["Difference"].unique().tolist()
    assert labels == [
        "none minus all others",
        "mild_moderate minus all others",
        "severe minus all others",
    ]
    assert "(exploratory)" in section.tables[0].caption
    assert section.title == "Subgroups (exploratory)"


def test_columns_that_make_no_subgroups_are_said(with_columns):
    section = made(with_columns, "mood", "age", "scanner")
    assert section.tables == ()
    assert section.findings[1:] == (
        "mood: it must be the same in all readings of a case, or in all of a reader.",
        "age: subgroups must be 2 to 8, got 20 values.",
        "scanner: no reading has a value: responses.csv has no such column, or it is "
        "empty.",
    )
    assert section.content["left_out"].keys() == {"mood", "age", "scanner"}


def test_readings_without_a_value_are_left_out(with_columns):
    readings = [
        replace(r, columns={}) if r.case == "case-01" else r
        for r in with_columns.readings
    ]
    groups = subgroups_by(readings, "SITE")
    assert "case-01" not in groups.value_of
    frame = made(replace(with_columns, readings=readings), "Site").tables[0].frame
    assert set(frame["Patients"]) == {"9", "10"}


def test_a_subgroup_of_one_has_no_difference(with_columns):
    pairs = pairs_of(with_columns, "Q3")
    inside = inside_of(pairs, "case", {"case-01"})
    found = subgroup_difference(pairs, inside, Coefficient.agreement())
    assert found.undefined_reason == "a subgroup has fewer than two patients"
    assert np.isnan(found.confidence_interval().low)


def test_no_plan_no_section(with_columns):
    assert made(with_columns) is None
    assert made(replace(with_columns, reconstructed=True), "Site").refused
