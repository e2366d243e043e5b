"""A panel by commands: its readings, its adjudication, the truth of the next study."""

import csv
import json
from pathlib import Path

import pytest

from reader_study.building.sealing import unseal
from reader_study.building.study import open_study
from reader_study.cli import main
from reader_study.formats.asking.panel import panel_agreement
from tests.reader_study.material import PASSPHRASE

NEXT = """
[study]
title = "A reader study against the panel"
questionnaire = "panel.json"
[design]
arms = ["reference imaging"]
[readers]
number = 2
[analysis]
rating = "Q1"
threshold = 1
truth_positive = [1]
turing_question = ""
acceptability_questions = []
ordinal_questions = ["Q2"]
"""
PHRASE = "--passphrase-file phrase"
OF_PANEL = f"--key PANEL.key {PHRASE} --cases cases.csv"
OF_ROUND = f"--key ROUND.key {PHRASE}"
TRUTH = (
    f"truth --from-panel PANEL --key PANEL.key {PHRASE} --cases cases.csv "
    "--out truth.csv --by Eve --adjudication ROUND --adjudication-key ROUND.key"
)


def rows_of(path):
    with Path(path).open(newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run a command, check its status, and return what it prints."""
    monkeypatch.chdir(tmp_path)
    Path("phrase").write_text(PASSPHRASE)

    def ran(words, status=0):
        assert main(words.split()) == status, words
        out, err = capsys.readouterr()
        return out + err

    return ran


def read_panel(run, shown):
    """Build and lock a panel and prepare its adjudication; return the open cases."""
    run("init --template panel --demo")
    text = Path("study.toml").read_text()
    said = f"show_readings = {str(shown).lower()}"
    Path("study.toml").write_text(text.replace("show_readings = false", said))
    assert "for 3 readers and 1 in res" in run(
        f"build study.toml --out PANEL {OF_PANEL}"
    )
    text = run("disagreements PANEL --by Eve", 2)
    assert "read after magic-study lock, this study is built" in text
    assert text.count("\n") == 1
    run(f"simulate PANEL --key PANEL.key {PHRASE}")
    run("lock PANEL --by Eve")
    text = run("disagreements PANEL --by Eve")
    assert "bot-" not in text
    run(f"disagreements PANEL {OF_PANEL} --by Eve --out round.toml")
    return len(text.splitlines()) - 1


def adjudicate(run, n_open, shown):
    """Read the round: of these cases alone, under other names, by one reader."""
    run(f"build round.toml --cases round.csv --out ROUND {OF_ROUND}")
    run(f"audit ROUND {OF_ROUND}")
    run(f"simulate ROUND {OF_ROUND} --seed 2")
    panel, decided = open_study(Path("PANEL")), open_study(Path("ROUND"))
    assert len(decided.manifest.presentations) == n_open > 0
    assert len(decided.manifest.slots) == 1
    names = [{p.pseudo_id for p in s.manifest.presentations} for s in (panel, decided)]
    assert not names[0] & names[1]
    told = decided.manifest.panel_readings
    assert len(told) == (n_open if shown else 0)
    assert all("bot" not in text and "Present: " in text for text in told.values())
    assert "this study is open" in run(TRUTH, 2)
    run("lock ROUND --by Eve")


def answers_by_case(run, folder):
    """Answers to Q1 by case, taken from export and key."""
    run(f"export {folder} --out {folder}.csv --by Eve")
    key = unseal(Path(f"{folder}.key"), [PASSPHRASE])
    shown = open_study(Path(folder)).manifest.presentations
    case_of = {p.pseudo_id: key.cells[p.token].case for p in shown}
    found = {}
    for row in rows_of(f"{folder}.csv"):
        found.setdefault(case_of[row["pseudo_id"]], []).append(row["Q1"])
    return found


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("shown", [False, True])
def test_from_the_template_to_the_study_that_reads_against_it(shown, run):
    n_open = read_panel(run, shown)
    adjudicate(run, n_open, shown)
    assert f"{n_open} by one adjudicator, 0 unresolved" in run(TRUTH)

    record = json.loads(Path("truth.json").read_text())
    by_panel, by_one = (answers_by_case(run, name) for name in ("PANEL", "ROUND"))
    assert {c for c, of in by_panel.items() if len(set(of)) > 1} == set(by_one)
    agreement = panel_agreement([*by_panel.values()])
    assert record["agreement"]["krippendorff_alpha_nominal"] == agreement.alpha
    wanted = {case: given[0] for case, given in (by_panel | by_one).items()}
    rows = rows_of("truth.csv")
    assert {row["case"]: row["truth"] for row in rows} == wanted
    assert {row["truth_source"] for row in rows} == {record["source"]}
    assert record["source"].startswith("SIMULATED panel ")
    assert (
        record["panel"]["protocol_sha256"] == open_study(Path("PANEL")).protocol.sha256
    )
    for folder in ("PANEL", "ROUND"):
        assert "entries verified" in run(f"verify {folder}")

    Path("next.toml").write_text(NEXT)
    of_next = f"--key NEXT.key {PHRASE}"
    run(f"build next.toml --cases truth.csv --out NEXT {of_next}")
    run(f"simulate NEXT {of_next} --auc 0.9")
    run("lock NEXT --by Eve")
    people = "--name Eve --name Max --reason done"
    run(f"unblind NEXT {of_next} {people} --out RESULT")
    read = rows_of("RESULT/responses.csv")
    assert {row["case"]: row["truth"] for row in read} == wanted
