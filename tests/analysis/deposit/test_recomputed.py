"""R computes the headline again, with packages of others."""

import csv
import re
import subprocess

import pytest

import analysis
from analysis.deposit import Described, write_deposit
from analysis.published import reconstructed_responses_path
from tests.analysis.deposit.conftest import write_study
from tests.programs import find_program

ABOUT = Described("A study", "CC0-1.0")
PRIMARIES = {
    "agreement": {"question": "Q3", "measure": "agreement"},
    "kappa": {"question": "Q3", "measure": "kappa"},
    "linear": {"question": "Q3", "measure": "weighted_kappa", "weights": "linear"},
    "quadratic": {"question": "Q4", "measure": "weighted_kappa"},
    "ac1": {"question": "Q2A", "measure": "ac1"},
    "acceptability": {"question": "Q2B", "measure": "acceptability"},
    "turing": {"question": "Q1", "measure": "turing"},
    "shift": {"question": "Q3", "measure": "shift"},
    "auc": {"question": "Q4", "measure": "auc"},
    "sensitivity": {"question": "Q4", "measure": "sensitivity"},
    "specificity": {"question": "Q4", "measure": "specificity"},
}


def deposit_of(path, out):
    write_deposit(analysis.read_study(path), out, ABOUT)
    return out / "analysis"


def run(script):
    program = find_program("Rscript", "r-base-core, with r-cran-vcd, r-cran-psych")
    return subprocess.run(
        [program, script], capture_output=True, text=True, check=False
    )


def compared(folder):
    with (folder / "recomputed.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_r_finds_the_fourteen_figures_of_table_one(tmp_path):
    folder = deposit_of(reconstructed_responses_path(), tmp_path / "d")
    done = run(folder / "analysis.R")
    assert done.returncode == 0, done.stdout + done.stderr
    rows = compared(folder)
    figures = [r for r in rows if r["figure"] in {"agreement", "kappa"}]
    assert len(figures) == 14
    assert all(row["equal"] == "yes" for row in figures)
    of_q1 = {r["figure"]: float(r["r"]) for r in rows if r["question"] == "Q1"}
    assert round(100 * of_q1["agreement"], 2) == 80.71  # as the paper prints it
    assert round(of_q1["kappa"], 3) == 0.285


@pytest.mark.slow
@pytest.mark.parametrize("name", PRIMARIES)
def test_r_finds_the_primary_endpoint(tmp_path, name):
    path = write_study(
        tmp_path / "in",
        primary=PRIMARIES[name],
        incomplete_pairs="disagree" if name == "agreement" else "exclude",
        rating="Q4",
        threshold=3,
    )
    folder = deposit_of(path, tmp_path / "d")
    done = run(folder / "analysis.R")
    assert done.returncode == 0, done.stdout + done.stderr
    last = compared(folder)[-1]
    assert last["figure"] == f"primary_{PRIMARIES[name]['measure']}"
    assert last["equal"] == "yes"
    limits = re.search(
        r"program (-?[\d.]+) to (-?[\d.]+), bootstrap (-?[\d.]+) to (-?[\d.]+)",
        done.stdout,
    )
    if limits:  # near, by another way
        low, high, drawn_low, drawn_high = map(float, limits.groups())
        width = high - low
        assert abs(drawn_low - low) < 0.5 * width
        assert abs(drawn_high - high) < 0.5 * width


@pytest.mark.slow
def test_the_blocks_of_the_document_do_the_same(study, tmp_path):
    write_deposit(study, tmp_path / "d", ABOUT)
    folder = tmp_path / "d" / "analysis"
    blocks = re.findall(
        r"```\{r\}\n(.*?)```", (folder / "analysis.qmd").read_text(), re.DOTALL
    )
    assert len(blocks) == 5
    (folder / "blocks.R").write_text("\n".join(blocks))
    done = run(folder / "blocks.R")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "figures are equal" in done.stdout


@pytest.mark.slow
def test_r_says_where_a_figure_differs(study, tmp_path):
    write_deposit(study, tmp_path / "d", ABOUT)
    expected = tmp_path / "d" / "analysis" / "expected.csv"
    text = expected.read_text()
    line = next(line for line in text.splitlines() if line.startswith("Q2C,kappa,"))
    expected.write_text(text.replace(line, "Q2C,kappa,0.5"))
    done = run(tmp_path / "d" / "analysis" / "analysis.R")
    assert done.returncode == 1
    wrong = [r for r in compared(expected.parent) if r["equal"] == "NO"]
    assert [(r["question"], r["figure"]) for r in wrong] == [("Q2C", "kappa")]


def test_the_script_takes_any_name_and_title(study, tmp_path):
    write_deposit(study, tmp_path / "d", ABOUT)
    script = (tmp_path / "d" / "analysis" / "analysis.R").read_text()
    assert script.startswith("# A study of two lines\n#\n")
    assert 'reference <- "RAPID"' in script
    assert '  `Q1` = c("1", "0"),' in script
    document = (tmp_path / "d" / "analysis" / "analysis.qmd").read_text()
    assert document.startswith('---\ntitle: "A study of two lines"\nformat: html\n')
    assert document.count("```") == 10
