"""`magic-analyze power --design` as people run it."""

import json

import pytest

from analysis.cli import main

DESIGN = """
readers = [3, 7]
cases = [10, 40]
kappa = 0.7
null = 0.4
shares = [0.3, 0.3, 0.4]
reader_correlation = 0.01
acceptable = 2
repetitions = 60
"""


@pytest.fixture
def design(tmp_path):
    path = tmp_path / "design.toml"
    path.write_text(DESIGN)
    return path


@pytest.mark.slow
def test_a_design_from_a_file(design, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["power", "--design", str(design), "--out", str(out)]) == 0
    printed = capsys.readouterr()
    assert "Kappa above the null value: 0.7 against 0.4" in printed.out
    assert "Non-inferiority in acceptable answers: 0 against -0.1" in printed.out
    assert printed.err.splitlines()[-1] == "  7 readers x 40 cases"
    names = {path.name for path in out.iterdir()}
    pictures = {f"design.{suffix}" for suffix in ("png", "svg", "pdf")}
    assert names == {"design.json", "designs.csv", "needed.csv"} | pictures
    content = json.loads((out / "design.json").read_text())
    assert content["asked"]["acceptable"] == 2
    assert len(content["designs"]) == 12
    assert content["needed"][0]["measure"] == "kappa"
    assert (out / "designs.csv").read_text().count("\n") == 13


def test_options_go_over_the_file(design, capsys):
    arguments = ["power", "--design", str(design), "--readers", "5", "--json"]
    assert main([*arguments, "--shares", "0.4,0.3,0.3"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["asked"]["readers"] == [5]
    assert content["asked"]["shares"] == [0.4, 0.3, 0.3]
    assert content["asked"]["kappa"] == 0.7


def test_several_sizes_ask_for_a_design(capsys):
    arguments = ["--readers", "3,5", "--cases", "12", "--repetitions", "20"]
    assert main(["power", *arguments]) == 0
    assert "20 simulated studies of each design, seed 1" in capsys.readouterr().out


@pytest.mark.slow
def test_one_size_without_a_design_is_as_before(capsys):
    assert main(["power", "--readers", "5", "--cases", "30", "--kappa", "0.5"]) == 0
    assert "5 readers x 30 cases = 150 pairs" in capsys.readouterr().out


WRONG_FILES = {
    "readers = [": "is not TOML",
    "reader = [3]": "unknown reader; known are readers, cases",
    "readers = 3": "readers must be a list of whole numbers, got 3",
    "cases = [10.5]": "cases must be a list of whole numbers, got [10.5]",
    "cases = []": "cases must be a list of whole numbers, got []",
    "kappa = 'high'": "kappa must be a number, got 'high'",
    "seed = true": "seed must be a whole number, got True",
    "family = 1": "family must be a text, got 1",
    "family = 'copula'": "one of exchangeable, latent, got copula",
    "test_shares = [0.2]": "two or more numbers above 0",
}


@pytest.mark.parametrize("content", WRONG_FILES)
def test_a_wrong_file_is_one_sentence(content, tmp_path, capsys):
    path = tmp_path / "design.toml"
    path.write_text(content)
    assert main(["power", "--design", str(path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("magic-analyze: ")
    assert WRONG_FILES[content] in line


WRONG_OPTIONS = {
    "--readers 3,x": "--readers must be whole numbers with commas between, got '3,x'",
    "--shares a": "--shares must be numbers with commas between",
    "--readers 1,3": "2 readers and 2 cases or more, got 1 readers",
    "--margin 0.1 --icc 0.2": "no options of a design",
    "--margin 0.1 --jobs 0": "Jobs must be 1 or more",
    "--margin 0.1 --power 2": "Power must be between 0 and 1",
    "--seed -1": "the seed 0 or more",
    "--shares 0.01,0.99 --kappa 0.3": "Kappa must be above its null value",
    "--design missing.toml": "missing.toml",
}


@pytest.mark.parametrize("options", WRONG_OPTIONS)
def test_a_wrong_option_is_one_sentence(options, capsys):
    assert main(["power", *options.split()]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert WRONG_OPTIONS[options] in line
