"""The shell completes commands and options of the four programs."""

import sys

import pytest

from tests.test_release import MAIN

OFFERED = {
    "magic-analyze": ("rep", {"report", "reproduce"}),
    "magic-app": ("mon", {"monitor"}),
    "magic-model": ("generate --che", {"--checkpoint"}),
    "magic-study": ("unb", {"unblind"}),
}


@pytest.mark.parametrize("program", MAIN)
def test_a_word_begun_is_completed(program, monkeypatch, capsys):
    begun, expected = OFFERED[program]
    monkeypatch.setattr(sys, "argv", [program])
    monkeypatch.setenv("COMP_WORDS", f"{program} {begun}")
    monkeypatch.setenv("COMP_CWORD", str(len(begun.split())))
    name = program.replace("-", "_").upper()
    monkeypatch.setenv(f"_{name}_COMPLETE", "complete_bash")

    with pytest.raises(SystemExit) as ended:
        MAIN[program]()

    assert ended.value.code == 0
    assert expected <= set(capsys.readouterr().out.split())


@pytest.mark.parametrize("program", MAIN)
def test_a_program_says_how_to_install_it(program, capsys):
    assert MAIN[program](["--help"]) == 0
    assert "--install-completion" in capsys.readouterr().out
