"""`make demo`, the chain that newcomers run first, with a few patients."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.dossier.checklists import NAMES, checklist
from tests.pages import ROOT, blocks

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
STEPS = [f"{n}/10" for n in range(1, 11)]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Where the demonstration lies, what runs it, and what it printed."""
    out = tmp_path_factory.mktemp("made") / "demo"
    few = ["TRAINED_ON=6", "CASES=2,2,2", f"OUT={out}"]
    # This environment, instead of one that is made.
    here = [f"BIN={Path(sys.executable).parent}", f"STAMP={ROOT / 'pyproject.toml'}"]

    def make(target):
        call = ["make", "--no-print-directory", target, *few, *here]
        # An outer make tells its own variables to those that it starts.
        env = {
            n: v for n, v in os.environ.items() if not n.startswith(("MAKE", "MFLAGS"))
        }
        done = subprocess.run(
            call, cwd=ROOT, env=env, check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        steps = [line for line in done.stdout.splitlines() if line.startswith("== ")]
        return done.stdout, [line.split()[1] for line in steps]

    text, steps = make("demo")
    assert sorted(steps, key=STEPS.index) == STEPS
    return out, make, text


def test_it_ends_with_where_to_look(made):
    out, _, text = made
    shown = text.partition("Look at:\n")[2].splitlines()[:5]

    assert [(Path(line.split()[0])).exists() for line in shown] == [True] * 5
    assert (out / "report" / "results.json").exists()


def test_the_dossier_lists_every_item_and_answers_the_registered_text(made):
    out, *_ = made
    page = (out / "dossier" / "dossier.html").read_text()

    for name in NAMES:
        rows = (out / "dossier" / f"{name}.csv").read_text().splitlines()
        assert len(rows) == checklist(name).n_rows + 1
    assert "names the protocol of this study" in page
    assert "Recipe realistic" in page


def test_a_second_run_makes_what_is_missing_and_no_more(made):
    out, make, _ = made

    assert make("demo")[1] == []
    shutil.rmtree(out / "report")
    assert make("demo")[1] == ["8/10", "10/10"]


def test_its_study_is_ready_to_be_read(made):
    out, make, _ = made
    make("reading")

    assert (out / "reading" / "STUDY" / "manifest.json").exists()


def test_the_python_of_the_readme_runs_on_its_files(made):
    out, *_ = made
    (code,) = blocks(ROOT / "README.md", "python")
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    call = [sys.executable, "-c", code]

    done = subprocess.run(
        call, cwd=out.parent, env=env, check=False, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    assert (out.parent / "out" / "report.html").exists()
