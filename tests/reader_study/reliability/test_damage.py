"""One byte flipped in each file of a study: nothing is stopped, nothing passed over."""

import csv
import json
import shutil
import sqlite3

import pytest

from reader_study.building.builder import build_study
from reader_study.building.sealing import seal, unseal
from reader_study.cli import main
from tests.reader_study.material import COUNTS, PASSPHRASE, request, write_cases
from tests.reader_study.practising import PRACTISING, write_training

N_PICTURES = 12
BUILT = ("manifest.json", "study.toml", "questionnaire.json")
WORDS = {
    "manifest.json": b'"pseudo_id": "',
    "study.toml": b"washout_days = 2",
    "questionnaire.json": b"Somewhat",
    "training/training.json": b"left side",
    "lock.json": b'"sha256": "',
}


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """A study of three cases and two training cases, read by bots and locked."""
    folder = tmp_path_factory.mktemp("damage")
    write_cases(folder, dict.fromkeys(COUNTS, 1), spare=0)
    write_training(folder)
    build_study(request(folder, PRACTISING, jobs=1))
    truth = unseal(folder / "KEY", [PASSPHRASE])
    (folder / "KEY").unlink()
    seal(truth, folder / "KEY", [PASSPHRASE], work_factor=2)
    (folder / "phrase").write_text(PASSPHRASE + "\n")
    assert main(["simulate", str(folder / "STUDY"), *with_key(folder)]) == 0
    shutil.copytree(folder / "STUDY", folder / "OPEN")
    assert main(["lock", str(folder / "STUDY"), "--by", "Eve"]) == 0
    return folder


def with_key(folder):
    return "--key", str(folder / "KEY"), "--passphrase-file", str(folder / "phrase")


@pytest.fixture
def study(built, tmp_path):
    return shutil.copytree(built / "STUDY", tmp_path / "STUDY")


@pytest.fixture
def run(built, study, capsys):
    """Run a command on the study; give its status and what it printed."""

    def run(command, *arguments):
        capsys.readouterr()
        status = main([*command.split(), str(study), *map(str, arguments)])
        out, err = capsys.readouterr()
        return status, out + err

    return run


@pytest.fixture
def unblind(built, run, tmp_path):
    def unblind(out, *more):
        names = ("--name", "Eve", "--name", "Max", "--reason", "all done")
        return run("unblind", *with_key(built), *names, "--out", tmp_path / out, *more)

    return unblind


def flip(path, at):
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def flip_in(path, word):
    """Flip the first byte after a word."""
    flip(path, path.read_bytes().index(word) + len(word))


def picture(study, n):
    """The n-th picture; those above are of the training."""
    paths = (
        *sorted((study / "images").iterdir()),
        *sorted(study.glob("training/*.png")),
    )
    return paths[n]


def contents(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*.*g")}


def restored(built, run, *more):
    return run("restore", *with_key(built), *more)


@pytest.mark.parametrize(
    "n",
    [
        0,
        N_PICTURES,
        *(
            pytest.param(n, marks=pytest.mark.slow)
            for n in range(1, N_PICTURES + 2)
            if n != N_PICTURES
        ),
    ],
)
def test_a_damaged_picture_stops_nothing_and_is_made_again(
    built, study, run, unblind, n
):
    path = picture(study, n)
    assert len(list((study / "images").iterdir())) == N_PICTURES
    before = path.read_bytes(), path.stat().st_mtime
    flip(path, len(before[0]) // 2)

    for status, text in (run("status"), unblind("one"), unblind("two")):
        assert status == 0, text
        assert path.name in text
    status, text = run("verify")
    assert status == 1
    assert path.name in text
    status, text = restored(built, run)
    assert (status, "--from MONTAGES restores it" in text) == (1, True)

    status, text = run("pictures restore", *with_key(built), "--from", built)
    assert (status, text) == (0, f"{path.parent.name}/{path.name} restored\n")
    assert (path.read_bytes(), path.stat().st_mtime) == before
    assert run("verify")[0] == 0


def test_a_study_with_a_damaged_picture_is_locked(built, study, run, unblind):
    shutil.rmtree(study)
    shutil.copytree(built / "OPEN", study)
    path = picture(study, 3)
    path.unlink()

    for command in ("lock --by Eve", "reader exclude"):
        arguments = ("bot-1", "--reason", "ill", "--by", "Eve")
        if command == "reader exclude":
            shutil.rmtree(study)
            shutil.copytree(built / "OPEN", study)
            path.unlink()
        words = arguments if "exclude" in command else ("--by", "Eve")
        status, text = run(command.split(" --")[0], *words)
        assert (status, path.name in text) == (0, True), text
    status, text = run("export", "--by", "Eve", "--out", study.parent / "masked.csv")
    assert (status, path.name in text) == (0, True)


@pytest.mark.parametrize("name", BUILT)
def test_a_damaged_small_file_is_named_and_restored_from_the_key(
    built, study, run, unblind, name
):
    before = (study / name).read_bytes()
    flip_in(study / name, WORDS[name])

    for command in ("status", "verify"):
        status, text = run(command)
        assert status == 2
        assert f"magic-study restore {study} --key KEY puts back" in text
        assert name == "manifest.json" or name in text
    assert restored(built, run) == (0, f"{name} restored\n")
    assert (study / name).read_bytes() == before
    assert run("verify")[0] == 0
    assert unblind("one")[0] == 0
    assert restored(built, run) == (0, "Nothing is damaged.\n")


def test_a_damaged_list_of_training_cases_stops_nothing(built, study, run, unblind):
    path = study / "training" / "training.json"
    before = path.read_bytes()
    flip_in(path, WORDS["training/training.json"])

    for status, text in (run("status"), unblind("one"), unblind("two")):
        assert status == 0, text
        assert "training.json was changed" in text
    assert run("verify")[0] == 1
    assert restored(built, run) == (0, "training/training.json restored\n")
    assert path.read_bytes() == before


@pytest.mark.parametrize("damage", ["[", "other"])
def test_a_damaged_lock_record_is_not_passed_over(study, run, unblind, damage):
    path = study / "lock.json"
    if damage == "other":
        flip_in(path, b'"sha256": "')
    else:
        path.write_text(damage)

    assert run("status")[0] == 0
    status, text = run("verify")
    assert status == 1
    assert "lock.json" in text or "not the one that was anchored" in text
    assert unblind("one")[0] == 2
    assert unblind("one", "--accept-damage", "the witness has it")[0] == 0


def change(study, statement):
    """Change the database as a failing disk would, around its triggers."""
    with sqlite3.connect(study / "study.sqlite") as connection:
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    "value", ["replace(answers, '\"Q3\":', '\"Q3\";')", "CAST(x'7bff7d' AS TEXT)"]
)
def test_a_broken_answer_is_named_and_missing_once_accepted(
    built, study, run, unblind, tmp_path, value
):
    where = "reader = 'bot-1' AND trial = 1 AND position = 2"
    change(study, f"UPDATE responses SET answers = {value} WHERE {where}")  # noqa: S608

    status, text = run("verify")
    assert status == 1
    assert "responses ['bot-1', 1, " in text
    status, text = run("status")
    assert (status, "magic-study verify" in text) == (2, True)
    status, text = unblind("one")
    assert (status, "responses ['bot-1', 1, " in text) == (2, True)
    assert "put back the newest copy" in text
    for out in ("two", "three"):
        status, text = unblind(out, "--accept-damage", "the disk failed")
        assert status == 0, text
    told = json.loads((tmp_path / "two" / "unblinding.json").read_text())
    assert told["accepted_damage"]["reason"] == "the disk failed"
    assert "responses ['bot-1', 1, " in told["accepted_damage"]["faults"][0]
    flow = json.loads((tmp_path / "two" / "flow.json").read_text())
    assert [d["kind"] for d in flow["deviations"]] == ["damage_accepted"]
    with (tmp_path / "two" / "responses.csv").open() as file:
        rows = [(r["reader"], r["trial"], r["position"]) for r in csv.DictReader(file)]
    assert len(rows) == 2 * 2 * 3 - 1
    assert ("bot-1", "1", "2") not in rows


def test_one_goes_on_from_a_backup(built, study, run, unblind):
    change(study, "UPDATE responses SET note = 'x' WHERE position = 1")
    assert unblind("one")[0] == 2
    shutil.copyfile(built / "STUDY" / "study.sqlite", study / "study.sqlite")
    assert run("verify")[0] == 0
    assert unblind("one")[0] == 0


def test_a_copy_from_before_the_lock_is_locked_again(built, study, run, unblind):
    shutil.copyfile(built / "OPEN" / "study.sqlite", study / "study.sqlite")
    status, text = run("lock", "--by", "Eve")
    assert (status, "the database is an older copy" in text) == (2, True)
    (study / "lock.json").rename(study.parent / "first-lock.json")
    assert run("lock", "--by", "Eve")[0] == 0
    assert unblind("one")[0] == 0


def test_broken_data_are_locked_with_a_reason_only(built, study, run, unblind):
    shutil.copyfile(built / "OPEN" / "study.sqlite", study / "study.sqlite")
    (study / "lock.json").unlink()
    change(study, "UPDATE responses SET note = 'x' WHERE position = 1")
    accept = ("--accept-damage", "no copy is left")

    status, text = run("lock", "--by", "Eve")
    assert (status, "changed since entry" in text) == (2, True)
    assert run("lock", "--by", "Eve", *accept)[0] == 0
    assert "changed since" in (study / "lock.json").read_text()
    assert unblind("one")[0] == 2
    assert unblind("one", *accept)[0] == 0


@pytest.mark.slow
def test_no_flipped_byte_of_the_database_is_a_traceback_or_another_answer(
    built, study, run, unblind, tmp_path
):
    """Refused, or named, or without effect on what is written."""
    assert unblind("whole")[0] == 0
    whole = (tmp_path / "whole" / "responses.csv").read_bytes()
    size = (built / "STUDY" / "study.sqlite").stat().st_size
    named = size - 20_000  # where the schema lies, with words such as "locked"
    for n, at in enumerate([*range(7, size, size // 25), *range(named, size, 3001)]):
        for path in study.parent.glob("STUDY/study.sqlite*"):
            path.unlink()
        shutil.copyfile(built / "STUDY" / "study.sqlite", study / "study.sqlite")
        flip(study / "study.sqlite", at)
        assert run("status")[0] in {0, 2}, at
        status, text = unblind(str(n))
        assert status in {0, 2}, (at, text)
        if status == 0:
            written = (tmp_path / str(n) / "responses.csv").read_bytes()
            assert written == whole, at
