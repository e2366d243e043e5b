"""A study from `init` to the report, by its commands alone."""

import csv
import io
import json
import re
import shutil
import sqlite3
from contextlib import closing, redirect_stdout
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from analysis.cli import main as analyze
from reader_study.cli import main as study
from reader_study.formats.protocol import template
from tests.reader_study.material import (
    PASSPHRASE,
    paper_text,
    write_cases,
    written_forms,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PROTOCOLS = {"balanced": template(), "paper": paper_text()}
METHODS = {"RAPID": "reference_image", "MAGIC": "test_image"}
PLANTED = re.compile(r"^(Q\w+) +(\S+) +(\S+)$", re.MULTILINE)
FILES_BY_PEOPLE = ("study.toml",)  # names the methods, as the protocol must


def run(command, *words):
    """Run a command that must succeed and give what it printed."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        assert command([str(word) for word in words]) == 0, words
    return printed.getvalue()


@pytest.fixture(scope="module", params=PROTOCOLS)
def built(request, tmp_path_factory):
    """Folder with a study of 20 of 23 cases, built and audited."""
    folder = tmp_path_factory.mktemp(request.param)
    write_cases(folder)
    (folder / "phrase").write_text(PASSPHRASE)
    run(study, "init", folder / "study.toml")
    assert (folder / "study.toml").read_text() == template()
    (folder / "study.toml").write_text(PROTOCOLS[request.param])
    where = ("--cases", folder / "cases.csv", "--out", folder / "STUDY")
    run(study, "build", folder / "study.toml", *where, *key_of(folder))
    assert "No leak" in run(study, "audit", folder / "STUDY", *key_of(folder))
    return folder


def key_of(folder):
    return "--key", folder / "KEY", "--passphrase-file", folder / "phrase"


@dataclass(frozen=True)
class Whole:
    """A study that bots have read, locked, unblinded and reported."""

    folder: Path
    simulated: str
    shown: str
    rows: list[dict[str, str]]

    def results(self):
        return json.loads((self.folder / "report" / "results.json").read_text())


def carry_out(built, folder, *plan):
    shutil.copytree(built, folder)
    place = folder / "STUDY"
    simulated = run(study, "simulate", place, *key_of(folder), *plan)
    run(study, "export", place, "--out", folder / "masked.csv", "--by", "Eve")
    shown = run(study, "status", place) + run(study, "reader", "list", place)
    run(study, "lock", place, "--by", "Eve")
    shown += run(study, "status", place, "--json")
    assert "1 anchors fit" in run(study, "verify", place)
    why = ("--name", "Eve", "--name", "Max", "--reason", "all have signed")
    result = folder / "RESULT"
    run(study, "unblind", place, *key_of(folder), *why, "--out", result)
    run(study, "verify", place)
    report = ("--out", folder / "report", "--confidence-level", "0.999")
    run(analyze, "report", result / "responses.csv", *report)
    with (result / "responses.csv").open(newline="") as file:
        return Whole(folder, simulated, shown, list(csv.DictReader(file)))


@pytest.fixture(scope="module")
def whole(built, tmp_path_factory):
    plan = ("--kappa", 0.5, "--bias", 0.1, "--missing", 0.03, "--corrected", 0.1)
    plan += ("--seed", 1)
    return carry_out(built, tmp_path_factory.mktemp("whole") / "x", *plan)


def test_planted_agreement_lies_inside_the_reported_intervals(whole):
    """At 99.9 %, with answers drawn from one seed (which are missing, the build draws).

    At 95 % one of the fourteen intervals would miss in every other study, though
    nothing is wrong; at 99.9 % one in seventy studies has a miss. Pooling seeds for a
    binomial check would gain little: pairs are independent only nearly, as readers of
    a case are alike. What such wide intervals let through, above all a wrong join of
    answers and methods, the tests below find without any chance.
    """
    planted = PLANTED.findall(whole.simulated)
    questions = whole.results()["questions"]

    assert [name for name, _, _ in planted] == list(questions)
    for name, *values in planted:
        for value, statistic in zip(
            values, ("percent_agreement", "cohen_kappa"), strict=True
        ):
            found = questions[name][statistic]
            assert found["low"] <= float(value) <= found["high"], (name, statistic)
            assert found["low"] > 0


def test_a_report_of_bots_says_so_and_counts_every_reading(whole):
    results = whole.results()
    flow = json.loads((whole.folder / "RESULT" / "flow.json").read_text())

    assert results["provenance"] == "simulated"
    assert {row["simulated"] for row in whole.rows} == {"true"}
    assert len(whole.rows) == 7 * 40
    unanswered = sum(row["Q1"] == "" for row in whole.rows)
    assert unanswered == sum(trial["declined"] for trial in flow["readings"]) > 0
    assert sum(trial["analysed"] for trial in flow["readings"]) == 280 - unanswered
    pairs = results["questions"]["Q1"]
    assert pairs["n_pairs"] + pairs["n_incomplete"] == 140


def test_each_answer_bears_the_case_and_method_of_the_picture_shown(whole):
    """Pixel by pixel, from responses.csv to the montages in cases.csv."""
    with (whole.folder / "cases.csv").open(newline="") as file:
        cases = {row["case"]: row for row in csv.DictReader(file)}
    manifest = json.loads((whole.folder / "STUDY" / "manifest.json").read_text())
    shown = {p["pseudo_id"]: p for p in manifest["presentations"]}

    for row in whole.rows:
        presentation = shown[row["pseudo_id"]]
        image = whole.folder / "STUDY" / "images" / presentation["image"]
        source = whole.folder / cases[row["case"]][METHODS[row["method"]]]
        assert str(presentation["trial"]) == row["trial"]
        assert np.array_equal(pixels(image), pixels(source))
    seen = {(row["reader"], row["case"], row["method"]) for row in whole.rows}
    assert len(seen) == 280


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def test_answers_come_back_to_the_method_they_were_given_to(built, tmp_path):
    """Bots that answer each test picture exactly one step further leave no chance."""
    whole = carry_out(built, tmp_path / "x", "--kappa", 1, "--bias", 1)
    text = (whole.folder / "RESULT" / "questionnaire.json").read_text()
    rows = {(r["reader"], r["case"], r["method"]): r for r in whole.rows}
    readers, cases = ({key[place] for key in rows} for place in (0, 1))

    for question in json.loads(text)["questions"]:
        scale = [str(choice["code"]) for choice in question["scale"]]
        for reader, case in product(readers, cases):
            reference, test = (
                scale.index(rows[reader, case, method][question["id"]])
                for method in METHODS
            )
            assert test == min(reference + 1, len(scale) - 1)


def test_nothing_before_unblinding_names_a_case_a_source_or_a_method(whole):
    """Plain in any case, in hexadecimal, and in base64 at any offset.

    Searched are the names and bytes of all files of the study, every row of its
    database (which the pages of the file may split), and what may be seen before
    unblinding; STUDY is searched after it, when even the record of it is there.
    """
    with (whole.folder / "cases.csv").open(newline="") as file:
        cases = list(csv.DictReader(file))
    sources = [Path(row[image]) for row in cases for image in METHODS.values()]
    words = {row["case"] for row in cases} | {str(whole.folder), "montages/"}
    words |= {text for path in sources for text in (str(path), path.name, path.stem)}
    searched = everything(whole)

    assert len(words) > 23 * 5
    assert {"study.sqlite", "rows", "masked.csv", "shown"} <= set(searched)
    for name, content in searched.items():
        by_people = name in FILES_BY_PEOPLE
        assert not found(words if by_people else words | set(METHODS), content), name
    # The search does find what there is to find.
    result = (whole.folder / "RESULT" / "responses.csv").read_bytes()
    assert found({"patient-001", "patient-002", "patient-003"}, result)
    assert found(set(METHODS), (whole.folder / "STUDY" / "study.toml").read_bytes())


def everything(whole):
    place = whole.folder / "STUDY"
    contents = {
        path.relative_to(place).as_posix(): path.name.encode() + path.read_bytes()
        for path in place.rglob("*")
        if path.is_file()
    }
    with closing(sqlite3.connect(place / "study.sqlite")) as database:
        contents["rows"] = "\n".join(database.iterdump()).encode()
    contents["masked.csv"] = (whole.folder / "masked.csv").read_bytes()
    return contents | {"shown": whole.shown.encode()}


def found(words, content):
    lower = content.lower()
    return [
        word
        for word in words
        if any(form in content for form in written_forms(word))
        or word.lower().encode() in lower
    ]
