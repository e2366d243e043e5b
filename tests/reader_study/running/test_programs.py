"""Which version of the program brought a study to each milestone, and its change."""

from contextlib import closing
from dataclasses import replace

import pytest

from reader_study.formats.flow import StudyFlow, programs_in_words
from reader_study.running.flow import read_flow
from reader_study.running.lifecycle import lock, open_for_reading
from reader_study.running.registry import Profile, add_reader
from reader_study.running.study_store import open_study_store

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
