import json

import pytest

from reader_study.errors import StudyError
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


def test_a_folder_that_cannot_be_written_is_left_as_it_is(tmp_path):
    note_database(tmp_path / "nowhere", "sqlite:////elsewhere/study.sqlite")
    assert not (tmp_path / "nowhere").exists()
