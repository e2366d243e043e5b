"""A study of an earlier version opens, verifies, locks and unblinds to the same."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

import reader_study
from reader_study.cli import main

OLD_STUDY = Path(__file__).parent / "fixtures" / "old_study"
PASSPHRASE = "four words that anybody may know"  # noqa: S105
SAME = ("responses.csv", "closing.csv", "questionnaire.json", "plan.json", "flow.json")


def content():
    return {
        path: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in OLD_STUDY.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def place(tmp_path):
    """A copy to work on; the fixture itself stays as it is."""
    before = content()
    shutil.copytree(OLD_STUDY, tmp_path / "old", copy_function=shutil.copyfile)
    yield tmp_path / "old"
    assert content() == before


@pytest.fixture
def study(place):
    with reader_study.open_study(str(place / "STUDY")) as opened:
        yield opened


def test_it_opens_with_its_status(study):
    status = study.status()

    assert (status.phase, status.simulated, status.n_deviations) == ("open", True, 0)
    assert [reader.name for reader in status.readers] == ["bot-1", "bot-2", "bot-3"]
    assert [trial.n_submitted for trial in status.trials] == [9] * 6
    assert all(trial.signed_at for trial in status.trials)
    assert status.closing_missing == ()
    assert study.protocol.allocation == "paper"
    assert study.protocol.sha256 == study.manifest.protocol_sha256


def test_its_log_verifies(study):
    found = study.verify()

    assert found.faults == ()
    assert found.head.n == 123
    assert found.head.sha256.startswith("5dee6332")


def test_it_locks_and_unblinds_to_the_same_files(place, study):
    record = study.lock(by="keeper")
    done = study.unblind(
        str(place / "study.key"),
        passphrase=PASSPHRASE,
        names=("keeper", "witness"),
        reason="fixture",
        out=str(place / "again"),
    )

    told = json.loads((OLD_STUDY / "unblinded" / "unblinding.json").read_text())
    assert record["data_sha256"] == told["data_sha256"]
    assert done.record["commitment"] == told["commitment"]
    for name in SAME:
        written = (place / "again" / name).read_bytes()
        assert written == (OLD_STUDY / "unblinded" / name).read_bytes(), name
    assert {path.name for path in (place / "again").iterdir()} == {
        path.name for path in (OLD_STUDY / "unblinded").iterdir()
    }


@pytest.mark.slow
def test_its_draw_can_be_repeated_after_unblinding(place, capsys):
    (place / "phrase").write_text(PASSPHRASE)
    key = place / "study.key"
    phrase = ("--passphrase-file", place / "phrase")

    def run(command, *words):
        status = main([command, str(place / "STUDY"), *map(str, words)])
        out, err = capsys.readouterr()
        return status, out + err

    status, text = run("verify", "--draw", key, *phrase)
    assert status == 2
    assert "can be repeated after unblinding, this study is open" in text
    run("lock", "--by", "keeper")
    assert "this study is locked" in run("verify", "--draw", key, *phrase)[1]
    names = ("--name", "keeper", "--name", "witness", "--reason", "r")
    run("unblind", "--key", key, *names, "--out", place / "out", *phrase)
    status, text = run("verify", "--draw", key, *phrase)
    assert status == 0, text
    assert "The draw holds: protocol and nonce give" in text.splitlines()[-1]
    assert "all 18 pictures" in text
