"""The four commands as one program: help that leads on, errors alike, versions."""

import json
import re
from importlib import import_module
from importlib.metadata import requires, version

import pytest
import typer.main

from analysis.cli import main as analyze
from analysis.commands import doctor
from tests.command_reference import COMMANDS


def helps():
    """Each command but groups' own, and what its help says."""
    for program, module in COMMANDS.items():
        group = typer.main.get_command(import_module(module).app)
        for name, command in group.commands.items():
            yield f"{program} {name}", command.epilog or ""


HELPS = dict(helps())


@pytest.mark.parametrize("command", HELPS)
def test_each_help_names_a_neighbour(command):
    named = [
        f"{program} {name}"
        for program in COMMANDS
        for name in re.findall(rf"{program} ([a-z]+)", HELPS[command])
    ]

    assert named, "its help names no other command"
    assert set(named) <= set(HELPS)
    assert command not in named


MISTAKES = {
    "no such command": dict.fromkeys(COMMANDS, "nonsense"),
    "no such option": {
        "magic-model": "phantom --nonsense 3 --out o",
        "magic-study": "build --nonsense 3",
        "magic-analyze": "report --nonsense 3",
        "magic-app": "read --nonsense 3",
    },
    "something left out": {
        "magic-model": "phantom",
        "magic-study": "build",
        "magic-analyze": "report",
        "magic-app": "read",
    },
    "no number": {
        "magic-model": "phantom --patients x --out o",
        "magic-study": "simulate STUDY --seed x",
        "magic-analyze": "report a.csv --confidence-level x",
        "magic-app": "read STUDY --port x",
    },
    "nothing there": {
        "magic-model": "import nowhere --layout dicom --out o",
        "magic-study": "build nowhere.toml --cases c.csv --out S --key K",
        "magic-analyze": "report nowhere.csv --out o",
        "magic-app": "monitor nowhere",
    },
    "a file of another kind": {
        "magic-model": "generate --checkpoint junk --input junk --out o",
        "magic-study": "build junk --cases junk --out S --key K",
        "magic-analyze": "report junk --out o",
        "magic-app": "read junk",
    },
}


@pytest.mark.parametrize(
    ("mistake", "program"),
    [(mistake, program) for mistake in MISTAKES for program in COMMANDS],
)
def test_one_mistake_has_one_form(mistake, program, capsys, tmp_path, monkeypatch):
    """One sentence after the program's name, status 2, nothing left behind."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "junk").write_text("a,b\n1,2\n")
    main = import_module(COMMANDS[program]).main

    assert main(MISTAKES[mistake][program].split()) == 2
    printed = capsys.readouterr()

    assert not printed.out
    *progress, said = filter(None, printed.err.splitlines())
    assert re.match(rf"{program}: \S", said)
    assert all(line.startswith("  reading ") for line in progress)
    assert [path.name for path in tmp_path.iterdir()] == ["junk"]


def test_the_help_prints_it(capsys):
    assert analyze(["report", "--help"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "Next: magic-analyze dossier and deposit." in printed


def test_doctor_lists_what_was_asked_for(capsys, monkeypatch):
    monkeypatch.setattr(doctor.shutil, "which", lambda name: name == "Rscript")

    assert analyze(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)

    assert found["magic-ctp"] == version("magic-ctp")
    assert found["numpy"] == version("numpy")
    assert (found["Rscript"], found["quarto"]) == ("found", "not found")
    plain = {
        re.match(r"[\w.-]+", line)[0]
        for line in requires("magic-ctp")
        if ";" not in line
    }
    assert plain <= set(found)
    assert {"pytest", "ruff", "sphinx"}.isdisjoint(found)


def test_doctor_says_what_is_missing(capsys, monkeypatch):
    asked = ["numpy>=2", 'nowhere-to-be-had>=1; extra == "model"']
    monkeypatch.setattr(doctor.metadata, "requires", lambda _: asked)

    assert analyze(["doctor"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["nowhere-to-be-had", "not", "installed", "[model]"] in rows
