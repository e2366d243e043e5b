import subprocess
import sys
import tomllib

import pytest

from reader_study.cli import main
from tests.reader_study.building.test_builder import SMALL
from tests.reader_study.material import COUNTS, write_cases


@pytest.fixture
def material(tmp_path, monkeypatch):
    """A folder to work in, with three cases, a protocol and a passphrase."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MAGIC_STUDY_PASSPHRASE", raising=False)
    monkeypatch.delenv("MAGIC_STUDY_PASSPHRASE_2", raising=False)
    write_cases(tmp_path, dict.fromkeys(COUNTS, 1), spare=0)
    (tmp_path / "study.toml").write_text(SMALL)
    (tmp_path / "phrase").write_text("a long passphrase\n")
    return tmp_path


BUILD = [
    "build",
    "study.toml",
    "--cases",
    "cases.csv",
    "--out",
    "STUDY",
    "--key",
    "KEY",
]
PHRASE = ["--passphrase-file", "phrase"]


def test_init_writes_a_protocol_and_never_over_one(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    assert main(["init"]) == 0
    assert "study.toml written" in capsys.readouterr().out
    assert "study" in tomllib.loads((tmp_path / "study.toml").read_text())
    assert main(["init"]) == 2
    assert capsys.readouterr().err == (
        "magic-study: study.toml exists already and is not written over\n"
    )
    assert main(["init", "nowhere/study.toml"]) == 2
    assert "nowhere/study.toml: cannot be written" in capsys.readouterr().err


def test_a_study_is_built_and_audited(material, capsys):
    assert main([*BUILD, *PHRASE]) == 0
    printed = capsys.readouterr().out
    assert "Too few cases to tell: nothing was found in 12 pictures" in printed
    assert "STUDY: 12 pictures for 7 readers." in printed
    assert "Commitment " in printed
    assert "opened by its passphrase" in printed

    assert main(["audit", "STUDY"]) == 0
    assert "Without the key" in capsys.readouterr().out
    assert main(["audit", "STUDY", "--key", "KEY", *PHRASE]) == 0
    assert "Picture level" in capsys.readouterr().out


def test_a_leak_shows_in_the_exit_status(material, capsys):
    assert main([*BUILD, *PHRASE]) == 0
    (material / "STUDY" / "images" / "extra.png").write_bytes(b"x")

    assert main(["audit", "STUDY"]) == 1
    assert "extra.png is no picture of the study" in capsys.readouterr().out


@pytest.mark.slow
def test_passphrases_come_from_the_environment(material, monkeypatch, capsys):
    monkeypatch.setenv("MAGIC_STUDY_PASSPHRASE", "a long passphrase")
    monkeypatch.setenv("MAGIC_STUDY_PASSPHRASE_2", "another passphrase")

    assert main(BUILD) == 0
    assert "opened by both passphrases" in capsys.readouterr().out
    assert main(["audit", "STUDY", "--key", "KEY"]) == 0
    assert main(["audit", "STUDY", "--key", "KEY", *PHRASE]) == 2
    assert "by the passphrases of two people, got 1" in capsys.readouterr().err


def typed(monkeypatch, *answers):
    answered = list(answers)
    asked = []

    def prompt(text, **settings):
        asked.append((text, settings.get("confirmation_prompt", False)))
        return answered.pop(0)

    monkeypatch.setattr("reader_study.cli.options.typer.prompt", prompt)
    return asked


@pytest.mark.slow
def test_two_keepers_type_their_passphrases(material, monkeypatch, capsys):
    asked = typed(monkeypatch, "a long passphrase", "another passphrase")

    assert main([*BUILD, "--two-keepers"]) == 0
    assert asked == [
        ("Passphrase of the first keeper", True),
        ("Passphrase of the second keeper", True),
    ]
    typed(monkeypatch, "another passphrase", "a long passphrase")
    assert main(["audit", "STUDY", "--key", "KEY"]) == 0


def test_one_passphrase_is_not_enough_for_two_keepers(material, capsys):
    assert main([*BUILD, *PHRASE, "--two-keepers"]) == 2
    assert "must have a passphrase each, got 1" in capsys.readouterr().err
    assert not (material / "KEY").exists()


def test_one_keeper_types_one_passphrase(material, monkeypatch, capsys):
    asked = typed(monkeypatch, "a long passphrase")

    assert main(BUILD) == 0
    assert asked == [("Passphrase of the key", True)]
    typed(monkeypatch, "a wrong passphrase", "")
    assert main(["audit", "STUDY", "--key", "KEY"]) == 2
    assert "the passphrase does not open this key" in capsys.readouterr().err


def test_giving_up_is_no_fault(material, monkeypatch, capsys):
    def abort(*_, **__):
        from typer import Abort

        raise Abort

    monkeypatch.setattr("reader_study.cli.options.typer.prompt", abort)
    assert main(BUILD) == 2
    assert capsys.readouterr().err == "magic-study: given up\n"


def test_a_wrong_option_is_one_sentence(material, capsys):
    assert main(["build", "study.toml"]) == 2
    assert "magic-study: " in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["reader"], ["coordinator"]])
def test_without_a_command_the_help_is_shown(words, capsys):
    assert main(words) == 0
    assert capsys.readouterr().out.startswith("Usage: ")


@pytest.mark.slow
def test_the_package_runs_like_the_command():
    for words in ([], ["status", "--help"], ["--version"]):
        command = [sys.executable, "-m", "reader_study", *words]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        expected = "magic-study " if words == ["--version"] else "Usage: "
        assert done.stdout.startswith(expected)
    command = [sys.executable, "-m", "reader_study", "status", "nowhere"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_help_loads_nothing_heavy():
    heavy = (
        "{'numpy', 'scipy', 'PIL', 'sqlalchemy', 'cryptography', 'torch', 'pydantic'}"
    )
    code = (
        "import sys; from reader_study.cli import main; main(['--help']); "
        f"sys.exit(len({heavy} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
