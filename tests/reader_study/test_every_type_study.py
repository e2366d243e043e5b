"""Whole studies with a question of every type, from the build to the report."""

import csv
import json
import subprocess
from pathlib import Path

import pytest

import analysis
from analysis.deposit import Described, write_deposit
from reader_study.cli import main
from reader_study.formats.delimited import unguarded
from tests.programs import find_program
from tests.reader_study.every_type import EVERY_TYPE
from tests.reader_study.material import PASSPHRASE
from tests.reader_study.test_any_study import page_of, write_long

ARMS = {"one picture": 2, "side by side": 2, "ranking": 3}
OF_DISPLAY = {
    "side by side": {"type": "which", "pictures": 2, "tie": "No difference"},
    "ranking": {"type": "rank", "pictures": 3},
}
STUDY = """
[study]
title = "Every type"
questionnaire = "every.json"
[design]
arms = [{arms}]
display = "{display}"
[readers]
number = 3
[analysis]
turing_question = ""
acceptability_questions = []
ordinal_questions = ["grade"]
"""


def write_study(folder, display):
    names = ("real", "GAN", "diffusion")[: ARMS[display]]
    write_long(folder, names)
    arms = ", ".join(f'"{name}"' for name in names)
    (folder / "study.toml").write_text(STUDY.format(arms=arms, display=display))
    asked = dict(EVERY_TYPE)
    if display in OF_DISPLAY:
        more = {"id": "order", "text": "Which is better?", **OF_DISPLAY[display]}
        asked["questions"] = [*asked["questions"], more]
    (folder / "every.json").write_text(json.dumps(asked))
    return names


def run_all(planted="--corrected 0.1 --missing 0.2"):
    """Go through the study by commands."""
    Path("phrase").write_text(PASSPHRASE)
    key = "--key KEY --passphrase-file phrase"
    for words in (
        f"build study.toml --cases cases.csv --out STUDY {key}",
        f"audit STUDY {key}",
        f"simulate STUDY {key} {planted}",
        "status STUDY",
        "lock STUDY --by Eve",
        "export STUDY --out masked.csv --by Eve",
        f"unblind STUDY {key} --name Eve --name Max --reason done --out RESULT",
        "verify STUDY --draw KEY --passphrase-file phrase",
    ):
        assert main(words.split()) == 0, words


def assert_valid(row):
    """Every question that is shown is answered as its type says, no other is."""
    if not row["grade"]:  # declined
        assert not any(row[question["id"]] for question in EVERY_TYPE["questions"])
        return
    assert row["lesion"] in {"0", "1"}
    assert row["grade"] in {"1", "2", "3"}
    found = row["lesion"] == "1"
    assert (bool(row["sites"]), bool(row["volume"])) == (found, found)
    sites = {*unguarded(row["sites"]).split("|")}
    assert sites <= {"1", "2", "-1", ""}
    assert bool(row["sites_reason"]) == ("-1" in sites)
    assert float(row["volume"] or 0) * 2 in range(121)
    assert int(row["sure"]) in range(101)
    assert bool(row["why"]) == (int(row["sure"]) <= 50)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("display", ARMS)
def test_a_question_of_every_type_from_the_build_to_the_report(
    display, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    names = write_study(tmp_path, display)
    run_all()
    with Path("RESULT/responses.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))

    assert len(rows) == 3 * 8 * (len(names) if display == "one picture" else 1)
    for row in rows:
        assert_valid(row)
        if display != "one picture" and row["grade"]:
            given = {*row["order"].replace(" > ", "|").split("|")}
            assert given <= {*names, "none"}
            assert given
    answered = [row for row in rows if row["grade"]]
    assert 0 < len(answered) < len(rows)
    for shown in ("sites", "volume", "why"):  # of some readings each, and not of others
        assert {bool(row[shown]) for row in answered} == {True, False}
    assert json.loads(Path("RESULT/questionnaire.json").read_text())["schema"] == 2
    page = page_of(tmp_path / "RESULT")
    assert all(name in page for name in names)
    results = json.loads(Path("RESULT/report/results.json").read_text())
    if display == "one picture":
        assert {"lesion", "grade"} <= set(results["questions"])
        assert "volume" in page


RATED = """rating = "sure"
threshold = 60
truth_positive = ["1"]
primary = {question = "sure", measure = "auc", claim = "differs"}
"""


def recomputed_by_r(responses, out):
    """The last figure that others' packages find in what is deposited."""
    about = Described("Every type", "CC0-1.0")
    write_deposit(analysis.read_study(responses), out, about)
    program = find_program("Rscript", "r-base-core, with r-cran-vcd, r-cran-psych")
    script = out / "analysis" / "analysis.R"
    subprocess.run([program, script], capture_output=True, check=True)
    with (script.parent / "recomputed.csv").open() as file:
        return list(csv.DictReader(file))[-1]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("arms", [2, 3])
def test_a_line_rates_with_the_accuracy_that_was_planted(
    arms, tmp_path, monkeypatch, capsys
):
    """From the plan to the page in front: bots put their marks where the AUC says."""
    monkeypatch.chdir(tmp_path)
    names = ("real", "GAN", "diffusion")[:arms]
    write_long(tmp_path, names, n_cases=32)
    lines = Path("cases.csv").read_text().splitlines()
    with_truth = [f"{lines[0]},truth"]
    with_truth += [f"{x},{int(x.split(',')[0][-1]) % 2}" for x in lines[1:]]
    Path("cases.csv").write_text("\n".join(with_truth) + "\n")
    quoted = ", ".join(f'"{name}"' for name in names)
    protocol = STUDY.format(arms=quoted, display="one picture") + RATED
    Path("study.toml").write_text(protocol)
    Path("every.json").write_text(json.dumps(EVERY_TYPE))
    run_all("--auc 0.95 --auc-test 0.7")
    assert "planted AUC of real: 0.950" in capsys.readouterr().out

    page = page_of(tmp_path / "RESULT")
    found = json.loads(Path("RESULT/report/results.json").read_text())["inference"]
    (primary, *others) = found["primary"].get("results") or [found["primary"]["result"]]
    assert len(others) == arms - 2
    assert primary["decision"] in {"shown", "not shown"}
    assert primary["estimate"] == pytest.approx(-0.25, abs=0.15)
    assert "Rating: sure, higher if more surely diseased" in page
    assert "from 60 on a reading calls disease" in page
    if arms == 2:
        last = recomputed_by_r(Path("RESULT/responses.csv").resolve(), tmp_path / "d")
        assert last["figure"] == "primary_auc"
        assert last["equal"] == "yes"


def test_a_threshold_beyond_the_line_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_study(tmp_path, "one picture")
    rated = RATED.replace("60", "160")
    Path("study.toml").write_text(Path("study.toml").read_text() + rated)
    words = "preview study.toml --cases cases.csv"
    assert main(words.split()) == 2
    said = "threshold must be above 0, the lowest rating, and at most 100, the highest"
    assert said in " ".join(capsys.readouterr().err.split())
