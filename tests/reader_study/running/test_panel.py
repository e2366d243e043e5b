"""A panel of three readers on six cases, its adjudication, and what follows."""

import csv
import hashlib
import json
import tomllib
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from sqlite3 import connect

import pytest

from reader_study.building.from_panel import (
    adjudication_files,
    cases_with_truth,
    write_files,
)
from reader_study.building.study import Study
from reader_study.design.truth import Truth, TruthCell, commitment
from reader_study.errors import StudyError
from reader_study.formats.asking.question import Question
from reader_study.formats.manifest import Manifest, Presentation, Slot
from reader_study.formats.protocol import parse_protocol
from reader_study.formats.questionnaire import Questionnaire
from reader_study.reading.reading_session import ReadingSession
from reader_study.rehearsal.simulation import SimulatedClock
from reader_study.running.export import export_masked
from reader_study.running.lifecycle import lock, open_for_reading
from reader_study.running.panel import Round, panel_truth, read_panel, require_known
from reader_study.running.registry import Profile, add_reader, exclude_reader
from reader_study.running.study_store import open_study_store
from reader_study.running.withdrawal import withdraw_case

START = datetime(2026, 3, 1, 9, tzinfo=UTC)
Q1 = Question.of("Q1", "Is it there?", (0, 1, 2), ("no", "yes", "?"))
ASKED = Questionnaire(
    "A finding",
    "1",
    (Q1,),
)
TEXT = """
[study]
title = "A panel"
questionnaire = "own.json"
[design]
arms = ["MRI"]
[readers]
number = {n}
instructions = "Read \\"alone\\"."
[panel]
question = "Q1"
rule = "{rule}"
{more}
"""
READ = {
    "anna": (1, 1, 0, 1, 0, 2), "ben": (1, 1, 0, 0, 1, 2), "carl": (1, 0, 0, 2, 0, 2),
}  # fmt: skip
"""Codes of cases a to f: a majority decides all but d; all agree on a, c and f."""


def rows_of(path):
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))


def write_montages(folder, names):
    lines = ["case,method,image,site"]
    (folder / "montages").mkdir()
    for name in names:
        (folder / "montages" / f"{name}.png").write_bytes(name.encode())
        lines.append(f"{name},MRI,montages/{name}.png,A")
    (folder / "cases.csv").write_text("\n".join(lines) + "\n")
    return folder / "cases.csv"


def make_panel(folder, cases, n=3, rule="majority", more="", study_id="panel-1"):
    """A study as if it was built, and the content of its key."""
    (folder / "images").mkdir(parents=True)
    text = TEXT.format(n=n, rule=rule, more=more)
    (folder / "study.toml").write_text(text)
    protocol = parse_protocol(text, "study.toml")
    cells = {f"t{place}": TruthCell(c, "MRI", "") for place, c in enumerate(cases)}
    sources = [{"case": c, "method": "MRI", "sha256": c} for c in cases]
    truth = Truth(study_id, "ab" * 32, cells, {"sources": sources})
    shown = []
    for token in cells:
        (folder / "images" / f"{token}.png").write_bytes(b"picture")
        name = f"{study_id[0].upper()}-{token}"
        sha256 = hashlib.sha256(b"picture").hexdigest()
        shown.append(Presentation(token, "g", 1, name, f"{token}.png", sha256, 7))
    slots = tuple(Slot(f"reader-{i + 1}", "g", {1: (*cells,)}) for i in range(n))
    manifest = Manifest(
        schema=1,
        study_id=study_id,
        protocol_sha256=protocol.sha256,
        questionnaire_sha256=ASKED.sha256,
        commitment=commitment(truth),
        nonce="00",
        presentations=tuple(shown),
        slots=slots,
    )
    return Study(folder, protocol, ASKED, manifest), truth


def read_all(study, store, clock, given):
    """Readers answer; what is None they decline."""
    for name in given:
        add_reader(study, store, Profile(name, "x", 1), by="Eve", clock=clock)
    open_for_reading(study, store, by="Eve", clock=clock)
    for name, codes in given.items():
        session = ReadingSession(study, store, name, clock=clock)
        answers = dict(zip(study.manifest.orders("reader-1", 1), codes, strict=True))
        while (reading := session.next_reading()) is not None:
            code = answers[reading.token]
            if code is None:
                session.decline(reading.token, "too blurred")
            else:
                session.submit(reading.token, {"Q1": code}, {})
        session.sign(1)


def in_folder(folder, stores, name, cases, given=READ, *, locked=True, **settings):
    """A study that was read and locked, its store, and the content of its key."""
    clock = SimulatedClock(START)
    study, truth = make_panel(folder / name, cases, len(given), **settings)
    store = open_study_store(study, clock=clock)
    stores.callback(store.close)
    read_all(study, store, clock, given)
    if locked:
        lock(study, store, by="Eve", clock=clock)
    return study, store, truth


@pytest.fixture
def make(tmp_path):
    with ExitStack() as stores:
        yield partial(in_folder, tmp_path, stores)


@pytest.fixture(scope="module")
def decided(tmp_path_factory):
    with ExitStack() as stores:
        yield adjudicated(partial(in_folder, tmp_path_factory.mktemp("adj"), stores))


@pytest.fixture(scope="module")
def panel(tmp_path_factory):
    with ExitStack() as stores:
        more = "show_readings = true"
        folder = tmp_path_factory.mktemp("panel")
        yield in_folder(folder, stores, "PANEL", "abcdef", more=more)


OF_PANEL = 'adjudicates = "panel-1"\nshow_readings = true'


def adjudicated(make, name="ADJ", cases="d", code=1, **settings):
    more = settings.pop("more", OF_PANEL)
    given = {settings.pop("reader", "max"): (code,) * len(cases)}
    return make(name, cases, given, more=more, study_id="adj-1", **settings)


def round_of(study, store, truth, **accepted):
    return Round(read_panel(study, store, **accepted), truth)


def test_readings_are_hidden_until_the_lock(make, clock, tmp_path):
    study, store, _ = make("PANEL", "abcdef", locked=False)
    with pytest.raises(StudyError, match="read after magic-study lock, this study is"):
        read_panel(study, store)
    with pytest.raises(StudyError, match="exported after magic-study lock"):
        export_masked(study, store, tmp_path / "x.csv", by="Eve", clock=clock)
    assert not (tmp_path / "x.csv").exists()
    lock(study, store, by="Eve", clock=clock)
    assert len(read_panel(study, store).cases) == 6
    assert export_masked(study, store, tmp_path / "x.csv", by="Eve", clock=clock) == 18


def test_disagreements_name_no_reader_unless_asked(panel):
    study, store, _ = panel
    found = read_panel(study, store)

    assert [case.pseudo_id for case in found.open] == ["P-t3"]
    assert "6 cases, 3 unanimous, 2 by majority, 1 to be adj" in found.to_text()
    assert "P-t3  no: 1; yes: 1; ?: 1" in found.to_text()
    assert not any(name in found.to_text() for name in READ)
    assert "P-t3  anna 1, ben 0, carl 2" in found.to_text(named=True)


def test_missing_readings_are_refused_or_accepted_by_name(make):
    given = {**READ, "carl": (1, None, None, 2, 0, 2)}
    study, store, _ = make("PANEL", "abcdef", given)
    with pytest.raises(StudyError, match=r"got 2 readings less, of P-t1, P-t2: --acc"):
        read_panel(study, store)
    with pytest.raises(StudyError, match=r"got 1 reading less, of P-t2"):
        read_panel(study, store, accept_missing=["P-t1"])
    found = read_panel(study, store, accept_missing=["P-t1", "P-t2"])

    assert {c.pseudo_id: c.decided for c in found.cases}["P-t1"] == "majority"
    with pytest.raises(StudyError, match="must be a pseudo-ID of the panel, got 'b'"):
        require_known(["b"], [study])


def test_who_was_excluded_and_what_was_withdrawn_do_not_count(make, clock):
    study, store, truth = make("PANEL", "abcdef", locked=False)
    exclude_reader(store, "carl", reason="r", by="Eve", clock=clock)
    withdraw_case(study, store, ["P-t4"], reason="r", by="Eve", clock=clock)
    lock(study, store, by="Eve", clock=clock)
    found = read_panel(study, store)

    assert (found.readers, found.n_planned) == (("anna", "ben"), 3)
    assert "Panel of 2 readers of 3 planned" in found.to_text()
    assert [case.pseudo_id for case in found.open] == ["P-t3"]
    made = panel_truth([Round(found, truth)])
    assert made.withdrawn == ["e"]
    assert "e" not in made.decided


def test_a_panel_of_one_is_none(make, clock):
    study, store, _ = make("PANEL", "abcdef", locked=False)
    for name in ("carl", "ben"):
        exclude_reader(store, name, reason="r", by="Eve", clock=clock)
    lock(study, store, by="Eve", clock=clock)
    with pytest.raises(StudyError, match="must have two readers or more who were not"):
        read_panel(study, store)


def test_data_that_were_changed_after_the_lock_are_refused(make):
    study, store, _ = make("PANEL", "ab", {"anna": (1, 1), "ben": (1, 1)})
    store.close()
    with connect(study.folder / "study.sqlite") as changed:
        names = changed.execute("select name from sqlite_master where type = 'trigger'")
        for (name,) in names.fetchall():
            changed.execute(f"drop trigger {name}")
        changed.execute(
            """update responses set answers = '{"Q1":0}' where reader = 'ben'"""
        )
    changed.close()
    with pytest.raises(StudyError, match=r"must be as they were locked: .*responses"):
        read_panel(study, store)


def test_another_study_is_no_panel(open_study_now, store):
    with pytest.raises(StudyError, match=r"must be a panel, with a table \[panel\]"):
        read_panel(open_study_now, store)


def test_the_truth_is_that_of_rule_and_adjudication(panel, decided, tmp_path):
    made = panel_truth([round_of(*panel), round_of(*decided)])
    codes = {case: code for case, (code, _) in made.decided.items()}

    assert codes == dict(zip("abcdef", (1, 1, 0, 1, 0, 2), strict=True))
    assert made.counts == {
        "unanimous": 3, "majority": 2, "adjudicated": 1, "unresolved": 0
    }  # fmt: skip
    assert made.source.startswith("panel panel-1 (protocol ")
    assert "3 unanimous, 2 by majority, 1 by one adjudicator, 0 unres" in made.source
    assert made.adjudication["study_id"] == "adj-1"
    assert made.adjudication["adjudicator_was_reader"] is False

    cases = write_montages(tmp_path, "abcx")
    write_files(cases_with_truth(cases, made, tmp_path / "next.csv"))
    rows = rows_of(tmp_path / "next.csv")
    assert [row["truth"] for row in rows] == ["1", "1", "0", ""]
    assert {row["truth_source"] for row in rows} == {made.source, ""}
    record = json.loads((tmp_path / "next.json").read_text())
    assert record["agreement"]["krippendorff_alpha_nominal"] == made.agreement.alpha
    assert record["cases"][3] == {"case": "d", "truth": 1, "decided": "adjudicated"}
    with pytest.raises(StudyError, match=r"next.csv exists already"):
        cases_with_truth(cases, made, tmp_path / "next.csv")
    with pytest.raises(StudyError, match=r"next.csv line 2: truth must be empty"):
        cases_with_truth(tmp_path / "next.csv", made, tmp_path / "more.csv")


def test_without_adjudication_the_rest_is_unresolved(panel):
    made = panel_truth([round_of(*panel)])
    assert (made.unresolved, made.decided["d"]) == (("d",), (None, "unresolved"))
    assert "0 by adjudication, 1 unresolved" in made.source
    assert made.to_dict()["adjudication"] is None


def test_what_the_adjudicator_does_not_answer_stays_unresolved(panel, make):
    left = adjudicated(make, code=None)
    with pytest.raises(StudyError, match=r"All readings of .*ADJ must be there"):
        round_of(*left)
    found = round_of(*left, accept_missing=["A-t0"])
    assert panel_truth([round_of(*panel), found], ["A-t0"]).unresolved == ("d",)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"more": 'adjudicates = "panel-2"'},
            "must adjudicate Q1 of panel panel-1",
        ),
        ({"cases": "dc"}, "Only cases that the panel left open are adjudicated, got c"),
        (
            {"more": 'adjudicates = "panel-1"\nadjudication = "consensus"'},
            "adjudication of the adjudication must be as the panel sealed it",
        ),
    ],
)
def test_adjudications_of_something_else(panel, make, change, message):
    other = adjudicated(make, **change)
    with pytest.raises(StudyError, match=message):
        panel_truth([round_of(*panel), round_of(*other)])


def test_an_adjudication_of_other_pictures_or_of_none(panel, decided):
    study, store, truth = decided
    other = [{"case": "d", "method": "MRI", "sha256": "other"}]
    swapped = Truth("adj-1", truth.salt, truth.cells, {"sources": other})
    with pytest.raises(StudyError, match="must show the picture of the panel"):
        panel_truth([round_of(*panel), round_of(study, store, swapped)])
    with pytest.raises(StudyError, match="must be the panel itself, got its adjud"):
        panel_truth([round_of(study, store, truth)])


def test_that_the_adjudicator_read_before_is_said(panel, make):
    decided = adjudicated(make, reader="Anna")
    made = panel_truth([round_of(*panel), round_of(*decided)])
    assert made.adjudication["adjudicator_was_reader"] is True


def test_the_adjudication_is_of_the_open_cases_and_of_one_reader(panel, tmp_path):
    study, store, truth = panel
    found = round_of(study, store, truth)
    left = {found.case_of(c): found.readings.in_words(c) for c in found.readings.open}
    cases = write_montages(tmp_path, "abcdef")
    files = adjudication_files(study, left, cases, tmp_path / "adj.toml")
    write_files(files)

    assert sorted(p.name for p in files) == ["adj.csv", "adj.json", "adj.toml"]
    (row,) = rows_of(tmp_path / "adj.csv")
    assert row == {
        "case": "d", "method": "MRI", "image": "montages/d.png", "site": "A",
        "panel_readings": "no: 1; yes: 1; ?: 1",
    }  # fmt: skip
    text = (tmp_path / "adj.toml").read_text()
    made = parse_protocol(text, "adj.toml")
    assert (made.n_readers, made.panel.adjudicates) == (1, "panel-1")
    assert made.panel.show_readings
    first, *others = made.instructions.split("\n\n")
    assert first.startswith("The readings of the panel left these cases open. Please")
    assert first.endswith("What the panel answered stands above the questions.")
    assert others == ["What the panel was told:", 'Read "alone".']
    assert tomllib.loads(text)["study"]["questionnaire"] == "adj.json"
    with pytest.raises(StudyError, match=r"adj.toml exists already"):
        adjudication_files(study, left, cases, tmp_path / "adj.toml")
    with pytest.raises(StudyError, match="must lie beside"):
        adjudication_files(study, left, cases, tmp_path / "x" / "adj.toml")
    with pytest.raises(StudyError, match="must be the file of the panel's build"):
        adjudication_files(study, {"z": ""}, cases, tmp_path / "more.toml")
