import csv
import json
import re
import shutil
import sys
from pathlib import Path

import pytest

from analysis.cli import main as analyze
from reader_study.cli import main

sys.path.insert(0, str(Path(__file__).parents[1]))
from material import PASSPHRASE, request, write_cases

from reader_study.building.builder import build_study

sys.path.pop(0)
BY = ("--by", "Eve")
LINE = re.compile(r"^(Q\w+) +(\S+) +(\S+)$", re.MULTILINE)


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("built")
    write_cases(folder)
    build_study(request(folder, jobs=1))
    (folder / "passphrase.txt").write_text(PASSPHRASE + "\n")
    return folder


@pytest.fixture
def place(built, tmp_path):
    shutil.copytree(built, tmp_path / "place")
    return tmp_path / "place"


@pytest.fixture
def run(place, capsys):
    """Run a command on the study; give its status and what it printed."""

    def run(command, *arguments):
        words = command.split()
        status = main([*words, str(place / "STUDY"), *map(str, arguments)])
        out, err = capsys.readouterr()
        return status, out + err

    return run


def with_key(place):
    return "--key", place / "KEY", "--passphrase-file", place / "passphrase.txt"


def unblinding(place):
    names = ("--name", "Eve", "--name", "Max", "--reason", "all done")
    return (*with_key(place), *names, "--out", place / "RESULT")


@pytest.mark.slow
def test_from_simulated_answers_to_a_report(place, run):
    """Planted agreement lies inside the intervals that the analysis reports.

    At 99.9 %, for of fourteen intervals at 95 % one or the other misses by chance.
    """
    status, text = run("simulate", *with_key(place), "--kappa", "0.5", "--seed", "3")
    assert status == 0, text
    planted = {
        name: (float(agreement), float(kappa))
        for name, agreement, kappa in LINE.findall(text)
    }
    assert len(planted) == 7
    assert "SIMULATED" in run("status")[1]
    assert run("lock", *BY)[0] == 0
    status, text = run("verify")
    assert status == 0
    assert "1 anchors fit" in text
    status, text = run("unblind", *unblinding(place))
    assert status == 0, text

    result = place / "RESULT"
    with (result / "responses.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 7 * 40
    assert {row["simulated"] for row in rows} == {"true"}
    report = ["report", str(result / "responses.csv"), "--out", str(place / "report")]
    report += ["--confidence-level", "0.999"]
    assert analyze(report) == 0
    found = json.loads((place / "report" / "results.json").read_text())["questions"]
    for name, (agreement, kappa) in planted.items():
        of_agreement = found[name]["percent_agreement"]
        of_kappa = found[name]["cohen_kappa"]
        assert of_agreement["low"] <= agreement <= of_agreement["high"]
        assert of_kappa["low"] <= kappa <= of_kappa["high"]


@pytest.mark.slow
def test_readers_are_added_listed_and_revoked(run):
    profile = ("--specialty", "neuroradiologist", "--years", "12")
    status, text = run("reader add", "anna", *profile, *BY)

    assert status == 0, text
    assert re.search(r"Code for anna: (\w{4}-){3}\w{4}", text)
    assert "neuroradiologist, 12 years" in run("reader list")[1]
    assert "Code for anna" in run("reader code", "anna", *BY)[1]
    assert "2 codes of anna are worthless" in run("reader revoke", "anna", *BY)[1]
    new = ("--new", "ben", *profile, "--reason", "ill", *BY)
    assert "ben has reader-1" in run("reader replace", "anna", *new)[1]
    assert "ben is excluded" in run("reader exclude", "ben", "--reason", "x", *BY)[1]
    assert "(in place of anna): x" in run("reader list")[1]


def test_no_readers_yet(run):
    assert run("reader list") == (0, "No readers yet\n")
    status, text = run("status")
    assert status == 0
    assert "Cannot be opened: 7 readers must be there, got 0" in text
    assert json.loads(run("status", "--json")[1])["problems"]
    status, text = run("open", *BY)
    assert (status, text.count("\n")) == (2, 1)
    assert "7 readers must be there, got 0" in text


@pytest.mark.slow
def test_the_course_of_a_study(place, run):
    change = ("--change", "one reader", "--reason", "pilot", *BY)
    settings = ("--set", "n_readers=1", "--set", "corrections=false")
    assert run("amend", *change, *settings)[0] == 0
    profile = ("--specialty", "neuroradiologist", "--years", "12")
    run("reader add", "anna", *profile, *BY)
    assert "commitment to the key" in run("open", *BY)[1]
    early = ("anna", "--reason", "leaves", *BY, "--second", "Max")
    assert "Recorded as a deviation" in run("early", *early)[1]
    status, text = run("lock", *BY)
    assert status == 2
    assert "anna has not signed trial 1" in text
    assert run("export", "--out", place / "masked.csv", *BY)[0] == 0
    status, text = run("export", "--out", place / "masked.csv", *BY)
    assert (status, "exists already" in text) == (2, True)
    assert "Locked: 0 answers" in run("lock", *BY, "--incomplete", "pilot")[1]
    assert (place / "STUDY" / "lock.json").exists()
    assert "anchors fit" in run("verify", "--anchor", place / "STUDY" / "lock.json")[1]


@pytest.mark.parametrize("setting", ["washout_days", "washout_days=soon", "x=[1]"])
def test_settings_that_are_none(run, setting):
    change = ("--change", "c", "--reason", "r", *BY)
    status, text = run("amend", *change, "--set", setting)

    assert status == 2
    assert "A setting must be such as washout_days=14" in text


def test_tampering_is_found_by_verify(place, run):
    import sqlite3

    run("reader list")
    database = sqlite3.connect(place / "STUDY" / "study.sqlite")
    database.execute("DROP TRIGGER milestones_keep_update")
    database.execute("UPDATE milestones SET recorded_at = '2020'")
    database.commit()
    database.close()
    status, text = run("verify")

    assert status == 1
    assert "milestones [1]: changed since entry 1 of the log\n1 faults" in text


@pytest.mark.slow
def test_unblinding_is_refused_with_the_reason(place, run, tmp_path):
    given = unblinding(place)
    assert "must be locked before unblinding" in run("unblind", *given)[1]
    one = (*with_key(place), "--name", "Eve", "--reason", "r", "--out", tmp_path / "o")
    assert "Two people must be named, got 1" in run("unblind", *one)[1]
    inside = (*given[:-1], place / "STUDY" / "RESULT")
    assert "must lie outside of" in run("unblind", *inside)[1]
    full = (*given[:-1], place)
    assert "must be a new folder or an empty one" in run("unblind", *full)[1]
    (place / "passphrase.txt").write_text("not the passphrase\n")
    assert "does not open this key" in run("unblind", *given)[1]
    (place / "passphrase.txt").write_text("\n")
    assert "must hold a passphrase, got none" in run("unblind", *given)[1]
    (place / "passphrase.txt").unlink()
    assert "cannot be read" in run("unblind", *given)[1]


def test_an_anchor_must_be_one(place, run):
    (place / "anchor.json").write_text('{"head": {}}')

    status, text = run("verify", "--anchor", place / "anchor.json")
    assert status == 2
    assert "must be a receipt or a lock record" in text
