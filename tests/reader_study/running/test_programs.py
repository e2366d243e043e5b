"""Which version of the program brought a study to each milestone, and its change."""

from contextlib import closing
from dataclasses import replace

import pytest

from reader_study.formats.flow import StudyFlow, programs_in_words
from reader_study.running.flow import read_flow
from reader_study.running.lifecycle import lock, open_for_reading
from reader_study.running.registry import Profile, add_reader
from reader_study.running.study_store import note_program, open_study_store
from reader_study.store.verifying import verify

SAID = (
    "Versions of the program: built with 0.1.0, opened with 0.1.0, locked with 0.2.0. "
    "Between opened and locked the program changed from 0.1.0 to 0.2.0."
)


@pytest.fixture
def lived(study, clock, monkeypatch):
    """Return a function that opens a study with one version and locks with another."""

    def live(built):
        of = replace(study, manifest=replace(study.manifest, program=built).sealed())

        def be(name):
            monkeypatch.setattr("reader_study.formats.manifest.version", lambda _: name)

        be("0.1.0")
        with closing(open_study_store(of, clock=clock)) as store:
            for name in ("anna", "ben"):
                add_reader(of, store, Profile(name, "", 1), by="Eve", clock=clock)
            open_for_reading(of, store, by="Eve", clock=clock)
        be("0.2.0")
        with closing(open_study_store(of, clock=clock)) as store:
            lock(of, store, by="Eve", clock=clock, incomplete="an early end")
            with store.reading() as connection:
                return read_flow(of, connection)

    return live


def test_versions_are_told_by_milestone_and_an_upgrade_is_named(lived):
    flow = lived("0.1.0")

    assert flow.status.to_text().splitlines()[-1] == SAID
    assert programs_in_words(flow.to_record().programs) == SAID


def test_a_study_that_was_built_before_versions_were_told_keeps_its_files(lived):
    record = lived("").to_record()

    assert record.programs == ()
    assert "programs" not in record.to_dict()
    assert programs_in_words(StudyFlow().programs) == ""


def test_an_open_study_that_a_later_version_serves_says_so_once(
    study, clock, monkeypatch
):
    of = replace(study, manifest=replace(study.manifest, program="0.1.0").sealed())
    name = "0.1.0"
    monkeypatch.setattr("reader_study.formats.manifest.version", lambda _: name)
    with closing(open_study_store(of, clock=clock)) as store:
        note_program(store, clock=clock)  # which is not open yet
        for reader in ("anna", "ben"):
            add_reader(of, store, Profile(reader, "", 1), by="Eve", clock=clock)
        open_for_reading(of, store, by="Eve", clock=clock)
        note_program(store, clock=clock)
        name = "0.2.0"
        for _ in range(2):
            note_program(store, clock=clock)
        name = "0.3.0"
        note_program(store, clock=clock)
        lock(of, store, by="Eve", clock=clock, incomplete="an early end")
        name = "0.4.0"
        note_program(store, clock=clock)  # whose data nothing changes any more
        with store.reading() as connection:
            told = read_flow(of, connection).status.to_text().splitlines()[-1]
            faults = verify(connection).faults

    assert told == (
        "Versions of the program: built with 0.1.0, opened with 0.1.0, served with "
        "0.2.0, served with 0.3.0, locked with 0.3.0. Between opened and served the "
        "program changed from 0.1.0 to 0.2.0. Between served and served the program "
        "changed from 0.2.0 to 0.3.0."
    )
    assert not faults
