# ruff: noqa: E501 - a table of messages
"""Truth of the cases: sealed with the key, in no file that anyone else sees."""

import csv
import json
import re
import shutil
from dataclasses import replace

import pytest

from reader_study import api
from reader_study.blinding_audit.audit import audit_study
from reader_study.blinding_audit.standard import standard_cues, standard_text
from reader_study.building.builder import build_study
from reader_study.building.cases_file import read_cases
from reader_study.building.sealing import unseal
from reader_study.building.study import open_study
from reader_study.design.study_plan import check_draw
from reader_study.errors import StudyError
from reader_study.formats.plan import plan_beside
from reader_study.formats.protocol import template
from reader_study.formats.questionnaire import paper_questionnaire
from reader_study.formats.rating import rated
from reader_study.formats.responses import read_responses
from tests.reader_study.material import PASSPHRASE, request, write_cases, written_forms

SOURCE = "quorum-of-adjudicators"
VALUES = {"none": "halcyon", "mild_moderate": "umbratile", "severe": "umbratile"}
PLAN = (
    'rating = "Q3 > 1 by Q4"\ntruth_positive = ["umbratile"]\naccuracy_margin = 0.1\n'
)
COUNTS = {"none": 3, "mild_moderate": 2, "severe": 3}


def with_truth(path, values=VALUES, unknown=(), source=SOURCE):
    """Add the columns truth and truth_source to cases.csv."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        truth = "" if row["case"] in unknown else values[row["severity"]]
        row |= {"truth": truth, "truth_source": source}
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def protocol(plan=PLAN):
    """The template with few cases, two readers and a plan of accuracy."""
    text = template().replace("min_distance = 3", "min_distance = 1")
    for severity, n in {"none": 7, "mild_moderate": 6, "severe": 7}.items():
        text = text.replace(f"{severity} = {n}", f"{severity} = {COUNTS[severity]}")
    text = text.replace("number = 7", "number = 2").replace("closing = true", "")
    return text.replace("[analysis] ", f"[analysis]\n{plan}#", 1)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A study with truth, of which one case has none, read by bots and locked."""
    folder = tmp_path_factory.mktemp("truth")
    write_cases(folder, COUNTS, spare=0)
    with_truth(folder / "cases.csv", unknown=("patient-000",))
    found = build_study(request(folder, protocol()))
    with api.open_study(folder / "STUDY") as study:
        done = study.simulate(
            folder / "KEY", passphrase=PASSPHRASE, seed=3, auc=0.9, auc_test=0.8
        )
        study.export(folder / "masked.csv", by="anna")
        study.lock(by="anna")
    return folder, found, done


def unblinded(folder, out):
    with api.open_study(folder / "STUDY") as study:
        study.unblind(
            folder / "KEY",
            passphrase=PASSPHRASE,
            names=["anna", "ben"],
            reason="the end",
            out=out,
        )
    return out


def test_the_key_holds_it_and_nothing_else_does(built):
    folder, found, _ = built
    truth = unseal(folder / "KEY", [PASSPHRASE])

    assert truth.standard["patient-001"] == {"truth": "halcyon", "truth_source": SOURCE}
    assert len(truth.standard) == 7
    assert "patient-000" not in truth.standard
    assert found.without_truth == (
        "1 case of 8 has no truth and will not count in accuracy: patient-000."
    )
    seen = [p for p in (folder / "STUDY").rglob("*") if p.is_file()]
    seen += [folder / "masked.csv", folder / "KEY"]
    assert {p.name for p in seen} >= {"manifest.json", "study.sqlite", "lock.json"}
    for path in seen:
        content = path.name.encode() + path.read_bytes()
        words = ["halcyon", "umbratile", SOURCE, "truth_source", "reference_standard"]
        if path.name == "study.toml":  # the plan says which values are diseased
            words.remove("umbratile")
        for word in words:
            for form in written_forms(word):
                assert form not in content, (path.name, word)


def test_the_nonce_draws_the_study_with_truth_as_well(built):
    folder, *_ = built
    truth = unseal(folder / "KEY", [PASSPHRASE])
    with api.open_study(folder / "STUDY") as study:
        check_draw(study.manifest, truth, study.protocol)


def test_unblinding_delivers_it_in_the_form_that_is_read(built, tmp_path):
    folder, _, done = built
    out = unblinded(folder, tmp_path / "out")

    text = (out / "responses.csv").read_text()
    header = text.splitlines()[0].split(",")
    assert header[4:8] == ["case", "method", "severity", "Q1"]
    assert header[-3:] == ["truth", "truth_source", "simulated"]
    readings = read_responses(
        out / "responses.csv", paper_questionnaire(), reference="RAPID", test="MAGIC"
    ).readings
    assert {r.truth for r in readings if r.case == "patient-000"} == {None}
    assert {(r.truth, r.truth_source) for r in readings if r.severity == "severe"} == {
        ("umbratile", SOURCE)
    }
    plan = plan_beside(out / "responses.csv")
    ratings = rated(readings, paper_questionnaire(), plan)
    assert plan.seal == "holds"
    assert plan.planted_auc == {"reference": 0.9, "test": 0.8}
    assert done.auc == {"RAPID": 0.9, "MAGIC": 0.8}
    assert "planted AUC of MAGIC: 0.800" in done.to_text()
    assert ratings.n_cases == (5, 2)
    assert ratings.notes == (
        "1 case without a truth left out, with 4 readings: patient-000",
    )
    assert json.loads((out / "plan.json").read_text())["analysis"]["truth_positive"]


def test_the_audit_says_how_the_diseased_lie_and_what_might_tell_them(built):
    folder, found, _ = built
    told = found.audit.to_text()

    assert (
        "Truth is known of 7 of 8 cases, 5 diseased and 2 not. Diseased shown:" in told
    )
    assert re.search(r"group-1, trial 1: \d by RAPID, \d by MAGIC", told)
    names = [cue.name for cue in found.audit.cues if cue.tells == "the truth"]
    assert names == [
        "position of the diseased",
        "file name of the diseased",
        "pseudo-ID of the diseased",
        "order of creation of the diseased",
        "padding of the diseased",
    ]
    assert audit_study(folder / "STUDY").standard == ""


def test_the_audit_finds_truth_in_a_file_and_in_the_order(built, tmp_path):
    folder, *_ = built
    truth = unseal(folder / "KEY", [PASSPHRASE])
    copy = shutil.copytree(folder / "STUDY", tmp_path / "STUDY")
    (copy / "notes.json").write_text('{"title": "Halcyon"}')

    assert audit_study(copy, truth).leaks == (
        "words: notes.json holds the name of a case, a source or a method, or a truth",
    )

    place = copy / "manifest.json"
    told = json.loads(place.read_text())
    for slot in told["slots"]:
        for trial, order in slot["orders"].items():
            slot["orders"][trial] = sorted(
                order, key=lambda token: truth.cells[token].severity == "none"
            )
    place.write_text(json.dumps(told))
    opened = open_study(copy)
    cue = next(standard_cues(opened.manifest, (), truth, opened.protocol))
    assert (cue.value, cue.tells) == (1.0, "the truth")
    unplanned = replace(opened.protocol, analysis={})
    said = standard_text(opened.manifest, truth, unplanned)
    assert said.endswith("the plan does not say which values are diseased.")
    assert not list(standard_cues(opened.manifest, (), truth, unplanned))


@pytest.mark.parametrize(
    ("values", "plan", "message"),
    [
        ({"none": ""} | dict.fromkeys(("mild_moderate", "severe"), ""), PLAN, "cases.csv must have a column truth where the plan names a rating, got nothing in it"),
        (dict.fromkeys(VALUES, "umbratile"), PLAN, "Cases must be diseased and not diseased where the plan names a rating, got 8 of 8 diseased: truth is umbratile"),
        (dict.fromkeys(VALUES, "-"), PLAN, "cases.csv must have a column truth"),
        (dict.fromkeys(VALUES, "halcyon"), PLAN, "got 0 of 8 diseased: truth is halcyon"),
        ({"none": "a", "mild_moderate": "b", "severe": "c"}, PLAN.replace('truth_positive = ["umbratile"]', ""), "truth_positive must say which values of truth are diseased where truth has the 3 values"),
        ({"none": "a\x07"} | dict.fromkeys(("mild_moderate", "severe"), "b"), PLAN, "line 2: truth must be one line, got 'a\\x07'"),
    ],
)  # fmt: skip
def test_a_truth_that_cannot_be_used_is_refused_in_a_sentence(
    tmp_path, values, plan, message
):
    write_cases(tmp_path, COUNTS, spare=0)
    with_truth(tmp_path / "cases.csv", values)

    with pytest.raises(StudyError) as error:
        build_study(request(tmp_path, protocol(plan)))

    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "STUDY").exists()


def test_a_table_without_truth_is_read_as_before(tmp_path):
    cases = read_cases(write_cases(tmp_path, {"none": 2}, spare=0))

    assert [case.truth for case in cases.values()] == ["", ""]
