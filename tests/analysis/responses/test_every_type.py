"""A study with a question of every type, from its file to the parts of a report."""

import csv
import json
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import analysis
from analysis.deposit import codebook, odm, redcap
from analysis.deposit.readings import deposited
from analysis.report.frames import to_latex
from analysis.report.section import ReportContext
from analysis.report.sections import numbers
from analysis.responses import scales
from reader_study.formats.checking import FormatError, parse_json
from reader_study.formats.delimited import csv_text, guarded
from reader_study.formats.questionnaire import questionnaire_of
from reader_study.formats.responses import read_responses
from tests.reader_study.every_type import EVERY_TYPE

ASKED = questionnaire_of(parse_json(json.dumps(EVERY_TYPE), "own.json"))
EVIL = r"=cmd | \input{x} & 50 % of a_b <b>"
READERS, CASES, METHODS = ("ann", "ben", "cem"), tuple("vwxyz"), ("RAPID", "MAGIC")
HEADER = ["reader", "case", "method", *ASKED.ids, "sites_reason"]


def answered(reader, case, method, rng):
    lesion = case != "v"
    sure = int(rng.integers(0, 101))
    row = {"lesion": int(lesion), "grade": int(rng.integers(1, 4)), "sure": sure}
    if lesion:
        row["sites"] = "1|-1" if method == "MAGIC" else "2"
        row["volume"] = float(rng.integers(0, 121)) / 2
        row["sites_reason"] = "near the falx" if method == "MAGIC" else ""
    if sure <= 50:
        row["why"] = guarded(EVIL)
    return row | {"reader": reader, "case": case, "method": method}


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(7)
    return [answered(r, c, m, rng) for r in READERS for c in CASES for m in METHODS]


@pytest.fixture(scope="module")
def study(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("every-type")
    (folder / "responses.csv").write_text(csv_text(HEADER, rows))
    (folder / "questionnaire.json").write_text(ASKED.to_json())
    return analysis.read_study(folder / "responses.csv")


def matrix(rows, name, method):
    """Cases by readers, NaN where nothing was asked."""
    found = {(r["case"], r["reader"]): r.get(name, np.nan) for r in rows
             if r["method"] == method}  # fmt: skip
    return np.array([[found[c, r] for r in READERS] for c in CASES], dtype=float)


@pytest.fixture(scope="module")
def found(study):
    asked = {q.id: q for q in study.responses.questionnaire}
    readings = study.responses.readings
    return {
        name: numbers.numbers.numbers_of(readings, asked[name], METHODS, [METHODS])
        for name in ("volume", "sure")
    }


def test_answers_are_read_as_they_were_given(study, rows):
    for reading, row in zip(study.responses.readings, rows, strict=True):
        given = {name: row[name] for name in ASKED.ids if name in row}
        given |= {"why": EVIL} if "why" in row else {}
        assert reading.answers == given


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"volume": "2.3"}, "volume must be a number from 0 to 60 in steps of 0.5 or"),
        ({"sites": "1|7"}, "sites must be one or more of 1, 2, -1, with | between"),
        ({"lesion": 0}, "sites must be empty, for it is not asked after these answers"),
    ],
)
def test_a_cell_that_no_reader_could_have_given_is_named(
    rows, tmp_path, change, message
):
    path = tmp_path / "responses.csv"
    path.write_text(csv_text(HEADER, [*rows[:5], rows[5] | change, *rows[6:]]))

    with pytest.raises(FormatError, match=r"line 7: ") as raised:
        read_responses(path, ASKED, reference="RAPID", test="MAGIC")
    assert message in str(raised.value)


def test_tables_hold_codes_and_each_of_several_as_yes_and_no(study):
    assert study.questions == ("lesion", "grade", "sites_1", "sites_2", "sites_-1")
    table = study.pairs("sites_1").table
    assert table.counts.tolist() == [[0, 0], [12, 0]]  # no under RAPID, yes under MAGIC
    assert study.pairs("sites_2").table.counts.tolist() == [[0, 12], [0, 0]]


def test_an_ordered_scale_is_ordinal_without_being_planned(study):
    plan = scales.with_ordered(study.plan, study.responses.questionnaire)

    assert plan.ordinal_questions == (*study.plan.ordinal_questions, "grade")
    assert scales.with_ordered(plan, study.responses.questionnaire) is plan


def test_a_study_of_numbers_and_texts_alone_has_no_table(study):
    alone = EVERY_TYPE | {"questions": EVERY_TYPE["questions"][-1:]}
    asked = questionnaire_of(parse_json(json.dumps(alone), "own.json"))

    with pytest.raises(FormatError, match="one or more questions with codes, got num"):
        scales.scales_of(asked)


def test_means_and_differences_are_those_of_the_numbers(found, rows):
    for name, of in found.items():
        reference, test = (matrix(rows, name, method) for method in METHODS)
        assert of.by_method["RAPID"].mean.estimate == pytest.approx(
            np.nanmean(reference)
        )
        assert of.by_method["MAGIC"].standard_deviation == pytest.approx(
            np.nanstd(test, ddof=1)
        )
        assert of.by_method["RAPID"].quartiles[1] == np.nanmedian(reference)
        (pair,) = of.compared
        assert pair.difference.estimate == pytest.approx(np.nanmean(test - reference))
        assert pair.difference.variance == "crossed"


def test_agreement_of_numbers_is_from_the_cases_that_all_have_read(found, rows):
    for name, n in (("volume", 4), ("sure", 5)):
        table = matrix(rows, name, "MAGIC")[-n:]
        icc = found[name].by_method["MAGIC"].between_readers
        expected = analysis.intraclass_correlation(table)
        assert (icc.n, icc.estimate) == (n, expected.estimate)
        (pair,) = found[name].compared
        difference = (table - matrix(rows, name, "RAPID")[-n:]).mean()
        assert pair.n_whole == pair.n_cases == n
        assert pair.limits.mean_difference == pytest.approx(difference)
        limits = pair.limits.limits()
        assert limits.low < difference < limits.high


def test_texts_are_listed_and_never_run_by_spreadsheet_or_latex(study, rows):
    section = numbers.texts_of_study(study.responses)
    (table,) = section.tables
    latex = to_latex(table.frame, table.caption, prose=True)

    assert len(table.frame) == sum("why" in row for row in rows) > 3
    assert set(table.frame["Text"]) == {f"'{EVIL}"}
    assert "\\input{" not in latex
    assert r"50 \% of a\_b" in latex


def test_parts_of_a_report_are_made_of_all_answers(study):
    responses = scales.on_scales(study.responses)
    context = ReportContext(responses, study.plan, [], 0.9, whole=study.responses)

    described, compared = numbers.numbers_section(context).tables
    assert "90 % confidence intervals" in described.caption
    assert [row["Question"] for _, row in compared.frame.iterrows()] == [
        "volume (mL)", "sure",
    ]  # fmt: skip
    assert numbers.texts_section(context).id == "texts"
    assert (
        numbers.numbers_section(ReportContext(responses, study.plan, [], 0.9)) is None
    )


def test_a_study_by_method_has_them_too(study):
    arms = analysis.api.read_arms(study.path)
    tabled = scales.arms_on_scales(arms.responses)

    assert tabled.questionnaire.ids == study.questions == arms.questions
    assert tabled.readings[2].answers["sites_1"] == 0
    assert arms.responses.readings[2].answers["sites"] == "2"
    (described, _) = numbers.numbers_of_study(
        arms.responses, arms.results.context
    ).tables
    assert list(described.frame["Method"]) == ["RAPID", "MAGIC"] * 2


@pytest.mark.slow
def test_a_report_has_numbers_texts_and_reasons(study):
    by_id = {section.id: section for section in study.results.sections}

    assert set(by_id["numbers"].content) == {"volume", "sure"}
    assert by_id["texts"].content["n"] == len(by_id["texts"].tables[0].frame)
    reasons = {(r.question, r.answer, r.reason) for r in study.results.reasons}
    assert reasons == {("sites", "Cortex, Elsewhere", "near the falx")}
    assert [q.pairs.question.id for q in study.results.questions] == [*study.questions]


def test_a_deposit_describes_every_type_and_keeps_texts_back(study):
    held = deposited(study)
    assert "why" not in held.columns
    of = {one.name: one for one in codebook.variables(deposited(study, texts=True))}
    kinds = [of[name].kind for name in ASKED.ids if name in of]
    expected = ["code", "code", "codes", "number", "whole number", "text", "text"]
    assert kinds == expected
    assert of["volume"].limits == "0 to 60 in steps of 0.5 mL"


def test_redcap_knows_boxes_sliders_limits_and_conditions(study):
    held = deposited(study, texts=True)
    fields = {r["Variable / Field Name"]: r for r in
              csv.DictReader(redcap.dictionary_text(held).splitlines())}  # fmt: skip
    records = list(csv.DictReader(redcap.records_text(held).splitlines()))

    types = {name: fields[name]["Field Type"] for name in ASKED.ids if name in fields}
    assert types == {
        "lesion": "radio", "grade": "radio", "sites": "checkbox", "volume": "text",
        "sure": "slider", "why": "text", "remarks": "notes",
    }  # fmt: skip
    assert fields["volume"]["Text Validation Max"] == "60"
    condition = "Branching Logic (Show field only if...)"
    assert fields["sites"][condition] == "([lesion] = '1')"
    assert fields["why"][condition] == "([sure] <= 50)"
    magic = next(r for r in records if r["method"] == "MAGIC" and r["lesion"] == "1")
    assert [magic[f"sites___{code}"] for code in ("1", "2", "_1")] == ["1", "0", "1"]


def test_odm_has_an_item_of_yes_and_no_for_each_of_several(study):
    text = odm.odm_text(deposited(study), "A study", datetime(2026, 3, 1, tzinfo=UTC))
    root = ET.fromstring(text)  # noqa: S314 - written here
    space = f"{{{odm.NAMESPACE}}}"
    defined = {item.get("OID") for item in root.iter(f"{space}ItemDef")}
    used = {item.get("ItemOID") for item in root.iter(f"{space}ItemData")}

    assert {"IT.sites_1", "IT.sites_2", "IT.sites_-1", "IT.volume"} <= used <= defined
    assert "IT.sites" not in defined
