import json

import pytest

from reader_study.errors import StudyError
from reader_study.running import study_store
from reader_study.running.study_store import NOTE, note_database, open_study_store


def test_a_database_elsewhere_must_be_named_from_then_on(study, url, clock):
    open_study_store(study, url, clock=clock).close()
    with pytest.raises(StudyError, match="must be named by --database; it is "):
        open_study_store(study, clock=clock)
    assert not (study.folder / "study.sqlite").exists()
    open_study_store(study, url, clock=clock).close()


def test_the_studys_own_database_is_not_noted(study, clock):
    open_study_store(study, clock=clock).close()
    open_study_store(study, study.database_url, clock=clock).close()
    open_study_store(study, clock=clock).close()
    assert not (study.folder / NOTE).exists()


def test_the_note_has_no_password_and_the_first_one_stays(tmp_path):
    for host in ("db.example", "other.example"):
        note_database(tmp_path, f"postgresql://eve:secret@{host}/study")
    content = json.loads((tmp_path / NOTE).read_text())

    assert content == {
        "kind": "postgresql",
        "host": "db.example",
        "name": "study",
        "user": "eve",
    }


def test_a_note_that_cannot_be_written_is_an_error(tmp_path):
    with pytest.raises(StudyError, match="must note where the database is, got No su"):
        note_database(tmp_path / "nowhere", "sqlite:////elsewhere/study.sqlite")
    assert not (tmp_path / "nowhere").exists()


def test_nothing_is_entered_in_a_database_that_cannot_be_noted(
    study, url, clock, monkeypatch
):
    def refuse(*_):
        raise StudyError("not written")  # noqa: EM101

    monkeypatch.setattr(study_store, "note_database", refuse)
    for _ in range(2):
        with pytest.raises(StudyError, match="not written"):
            open_study_store(study, url, clock=clock)
    monkeypatch.undo()
    open_study_store(study, url, clock=clock).close()


def test_an_empty_database_is_no_second_one(study, url, clock, tmp_path):
    open_study_store(study, url, clock=clock).close()
    typed = f"sqlite:///{tmp_path / 'studdy.sqlite'}"
    with pytest.raises(StudyError, match=r"in which the study was begun.*is empty"):
        open_study_store(study, typed, clock=clock)
    with pytest.raises(StudyError, match="must be named by --database"):
        open_study_store(study, clock=clock)
