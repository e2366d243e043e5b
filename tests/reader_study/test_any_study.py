"""Studies of other designs than the template, from the build to the report."""

import csv
import io
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reader_study.building.builder import build_study
from reader_study.building.demo import TEMPLATES
from reader_study.building.sealing import unseal
from reader_study.building.study import open_study
from reader_study.cli import main as study_command
from reader_study.design.study_plan import check_draw
from reader_study.formats.plan import plan_beside, plan_json
from reader_study.rehearsal.bots import SimulationPlan
from reader_study.rehearsal.simulation import SimulatedClock, simulate
from reader_study.running import lifecycle
from reader_study.running.study_store import open_study_store
from reader_study.running.unblinding import UnblindRequest, unblind
from tests.reader_study.material import PASSPHRASE, montage, request

START = """
[study]
title = "Any study"
[readers]
number = {n}
washout_days = 14
"""

DESIGNS = {
    "three arms": (
        3,
        """
[cases]
mild = 3
severe = 3
[design]
arms = ["real", "GAN", "diffusion"]
sessions = 3
strata = ["severity"]
washout_days = [7, 21]
max_run = 2
min_distance = 1
""",
    ),
    "unpaired": (
        4,
        """
[design]
arms = ["real", "GAN"]
pairing = "unpaired"
strata = ["site"]
""",
    ),
    "repeats": (
        2,
        """
[design]
arms = ["real"]
repeat = 3
min_gap = 2
strata = ["site"]
""",
    ),
    "subsets": (
        4,
        """
[design]
arms = ["real", "GAN"]
allocation = "subsets"
cases_per_reader = 4
sessions = 2
repeat = 2
""",
    ),
    "aided": (
        2,
        """
[design]
arms = ["real", "GAN"]
display = "aided"
""",
    ),
    "split-plot": (
        4,
        """
[design]
arms = ["real", "GAN", "diffusion"]
allocation = "split-plot"
groups = 2
shared_cases = 2
min_gap = 1
""",
    ),
}


OF_SEVERAL = ("preference", "afc", "ranking")
"""Templates of displays of several pictures, whose report has a test of its own."""


def write_long(folder, arms, *, unpaired=False, n_cases=8):
    """Write cases.csv with a row for each case and method."""
    rng = np.random.default_rng(1)
    (folder / "montages").mkdir(parents=True)
    with (folder / "cases.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["case", "method", "image", "severity", "site"])
        for n in range(n_cases):
            shown = (arms[n % len(arms)],) if unpaired else arms
            for m, arm in enumerate(shown):
                image = f"montages/{n:03}_{m}.png"
                Image.fromarray(montage(rng)).save(folder / image)
                of_case = [("mild", "severe")[n % 2], "AB"[n % 4 > 1]]
                writer.writerow([f"patient-{n:03}", arm, image, *of_case])


def build(folder, name):
    n, design = DESIGNS[name]
    arms = ("real", "GAN", "diffusion")
    arms = tuple(arm for arm in arms if f'"{arm}"' in design)
    write_long(folder, arms, unpaired=name == "unpaired")
    built = build_study(request(folder, START.format(n=n) + design))
    truth = unseal(folder / "KEY", [PASSPHRASE])
    study = open_study(folder / "STUDY")
    check_draw(study.manifest, truth, study.protocol)
    return built, study, truth


def seen_by(study, truth, slot):
    """Case and method of what a reader sees, by trial."""
    return {
        trial: [(truth.cells[t].case, truth.cells[t].method) for t in order]
        for trial, order in study.manifest.slot(slot).orders.items()
    }


def unblinded(folder, study, truth):
    clock = SimulatedClock(datetime(2026, 3, 1, 9, tzinfo=UTC))
    store = open_study_store(study, clock=clock)
    simulate(
        study, store, truth, SimulationPlan(), rng=np.random.default_rng(1), clock=clock
    )
    lifecycle.lock(study, store, by="Eve", clock=clock)
    wanted = UnblindRequest(folder / "KEY", (PASSPHRASE,), "Eve", "Max", "all signed")
    files = unblind(study, store, wanted, clock=clock).files
    store.close()
    return files, list(csv.DictReader(io.StringIO(files["responses.csv"])))


def test_three_arms_in_three_sessions_are_built_and_sealed(tmp_path):
    built, study, truth = build(tmp_path, "three arms")

    assert built.audit.leaks == ()
    assert {cue.name for cue in built.audit.cues} >= {
        "position of GAN",
        "margin of real",
    }
    for slot in ("reader-1", "reader-2", "reader-3"):
        seen = seen_by(study, truth, slot)
        for shown in seen.values():
            assert Counter(m for _, m in shown) == {"real": 2, "GAN": 2, "diffusion": 2}
        everything = [one for shown in seen.values() for one in shown]
        assert len(everything) == len(set(everything)) == 18
    assert study.protocol.least_washout == study.protocol.washout_before(2) == 7
    sealed = json.loads(plan_json(study.protocol, "x", simulated=False, planted=None))
    assert sealed["washout_days"] == 7
    assert study.protocol.washout_before(3) == 21


@pytest.mark.slow
def test_late_readers_take_places_that_were_sealed_with_the_others(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    write_long(tmp_path, ("real", "GAN", "diffusion"))
    n, design = DESIGNS["three arms"]
    Path("study.toml").write_text(START.format(n=n) + "reserve = 2\n" + design)
    Path("phrase").write_text(PASSPHRASE)
    key = "--key KEY --passphrase-file phrase"
    assert (
        study_command(f"build study.toml --cases cases.csv --out STUDY {key}".split())
        == 0
    )
    assert "pictures for 3 readers and 2 in reserve" in capsys.readouterr().out
    assert study_command(["preview", "STUDY"]) == 0
    assert capsys.readouterr().out.count("in reserve") == 2
    truth, study = (
        unseal(tmp_path / "KEY", [PASSPHRASE]),
        open_study(tmp_path / "STUDY"),
    )
    check_draw(study.manifest, truth, study.protocol)
    files, rows = unblinded(tmp_path, study, truth)

    assert {row["reader"] for row in rows} == {"bot-1", "bot-2", "bot-3"}
    report(tmp_path, files, rows)


@pytest.mark.slow
@pytest.mark.parametrize("name", DESIGNS)
def test_a_study_goes_from_its_build_to_its_report(name, tmp_path):
    _, study, truth = build(tmp_path, name)
    files, rows = unblinded(tmp_path, study, truth)

    n_readings = sum(
        len(order) for s in study.manifest.slots for order in s.orders.values()
    )
    assert len(rows) == n_readings
    by_token = {
        study.manifest.presentation(t).pseudo_id: c for t, c in truth.cells.items()
    }
    for row in rows:
        cell = by_token[row["pseudo_id"]]
        assert (row["case"], row["method"]) == (cell.case, cell.method)
    twice = Counter((r["reader"], r["case"], r["method"]) for r in rows)
    repeated = sum(n == 2 for n in twice.values())
    assert repeated == study.protocol.n_readers * study.protocol.design.repeat
    if repeated:
        assert Counter(r["repeat"] for r in rows)["2"] == repeated
    if "site" in study.protocol.design.strata:
        assert {r["site"] for r in rows} == {"A", "B"}
    report(tmp_path, files, rows)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", [n for n in TEMPLATES[1:] if n not in OF_SEVERAL])
def test_a_template_goes_from_init_to_the_report_by_commands(
    name, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    Path("phrase").write_text(PASSPHRASE)
    key = "--key KEY --passphrase-file phrase"
    for words in (
        f"init --template {name} --demo",
        f"build study.toml --cases cases.csv --out STUDY {key}",
        f"audit STUDY {key}",
        f"simulate STUDY {key} --kappa 0.6",
        "status STUDY",
        "lock STUDY --by Eve",
        f"unblind STUDY {key} --name Eve --name Max --reason done --out RESULT",
        "verify STUDY --draw KEY --passphrase-file phrase",
    ):
        assert study_command(words.split()) == 0, words
    printed = capsys.readouterr().out
    assert "The draw holds" in printed
    assert "LEAK" not in printed
    protocol = open_study(Path("STUDY")).protocol
    with Path("RESULT/responses.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["method"] for row in rows} == set(protocol.methods)
    page = page_of(tmp_path / "RESULT")
    assert all(method in page for method in protocol.methods)
    assert "days between the trials: bot" not in page  # they keep to the design
    sealed = json.loads(Path("RESULT/plan.json").read_text())
    assert sealed["design"] == json.loads(json.dumps(protocol.design.given()))
    assert plan_beside("RESULT/responses.csv").seal == "holds"


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", OF_SEVERAL)
def test_a_template_of_displays_goes_from_init_to_the_report(
    name, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    Path("phrase").write_text(PASSPHRASE)
    key = "--key KEY --passphrase-file phrase"
    planted = "--correct 0.9" if name == "afc" else "--preferred 0.8"
    for words in (
        f"init --template {name} --demo",
        "preview study.toml --cases cases.csv",
        f"build study.toml --cases cases.csv --out STUDY {key}",
        f"audit STUDY {key}",
        f"simulate STUDY {key} {planted}",
        "lock STUDY --by Eve",
        f"unblind STUDY {key} --name Eve --name Max --reason done --out RESULT",
        "verify STUDY --draw KEY --passphrase-file phrase",
    ):
        assert study_command(words.split()) == 0, words
    printed = capsys.readouterr().out
    assert "shown side by side, each method as often" in printed
    assert "LEAK" not in printed
    protocol = open_study(Path("STUDY")).protocol
    with Path("RESULT/responses.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["method"] for row in rows} == {""}
    for row in rows:
        shown = row["shown"].split(" | ")
        assert set(row["Q1"].split(" > ")) <= set(shown) <= set(protocol.methods)
        assert len(shown) == protocol.design.at_once
    plan = plan_beside("RESULT/responses.csv")
    assert (plan.seal, plan.display) == ("holds", protocol.design.display)
    page = page_of(tmp_path / "RESULT")
    assert all(method in page for method in protocol.methods[:1])
    found = json.loads((tmp_path / "RESULT/report/results.json").read_text())
    assert found["display"] == protocol.design.display


def report(folder, files, rows):
    """A report can be written of what was unblinded."""
    for file, text in files.items():
        (folder / file).write_text(text)
    page = page_of(folder)
    assert all(method in page for method in {row["method"] for row in rows})


def page_of(folder):
    from analysis.cli import main as analyze

    out = folder / "report"
    words = ["report", folder / "responses.csv", "--out", out]
    assert analyze([str(word) for word in words]) == 0
    return (out / "report.html").read_text()
