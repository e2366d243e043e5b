"""Docs are true: commands print what is shown, links lead somewhere."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from analysis.cli import main as analyze
from magic_model.cli import main as model
from reader_study.cli import app as study_app
from reader_study.cli import main as study


def sed(arguments):
    """Edit a file, as the reader of a page would."""
    return subprocess.run(["sed", *arguments], check=False).returncode  # noqa: S607


COMMANDS = {
    "magic-analyze": analyze,
    "magic-model": model,
    "magic-study": study,
    "sed": sed,
}
ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
CONSOLE = re.compile(r"```console\n(.*?)```", re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def commands(page):
    """Each command of a page's console blocks, with the lines shown below it."""
    for block in CONSOLE.findall(page.read_text(encoding="utf-8")):
        for part in block.split("$ ")[1:]:
            command, *shown = part.strip().splitlines()
            yield command, shown


def test_pages_are_found():
    assert len(PAGES) > 10
    assert sum(len(list(commands(page))) for page in PAGES) > 8


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "page", [p for p in PAGES if list(commands(p))], ids=lambda page: page.stem
)
def test_commands_run_and_print_what_is_shown(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MAGIC_STUDY_PASSPHRASE", "correct horse battery staple")
    for command, shown in commands(page):
        program, *arguments = shlex.split(command)
        assert COMMANDS[program](arguments) == 0, command
        printed = capsys.readouterr().out
        for line in shown:
            assert line in printed, (command, line)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page):
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


def test_the_readme_names_every_command():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for command in ("reproduce", "report", "table", "recover", "power"):
        assert f"magic-analyze {command}" in readme
    for command in ("phantom", "import"):
        assert f"magic-model {command}" in readme
    for command in registered(study_app):
        assert f"magic-study {command}" in readme


def registered(app):
    """Names of all commands and groups of a program."""
    commands = [c.name or c.callback.__name__ for c in app.registered_commands]
    return commands + [group.name for group in app.registered_groups]
