"""Several studies in one database: each with its own tables, turn and chain."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import exc, text

from reader_study.building.study import open_study
from reader_study.errors import StudyError
from reader_study.running import access
from reader_study.running.registry import Profile, add_reader
from reader_study.running.study_store import open_study_store, schema_of
from reader_study.store.milestones import find_milestones
from reader_study.store.store import is_current
from reader_study.store.tables import metadata
from reader_study.store.verifying import verify
from tests.reader_study.conftest import make_study, make_truth

OLD = Path(__file__).parents[1] / "fixtures" / "old_study"


def other_study(folder, study_id="study-2"):
    return make_study(folder, replace(make_truth(), study_id=study_id))


@pytest.fixture
def stores(study, url, clock, tmp_path):
    """Two studies in one database; on SQLite, a file each."""
    other = other_study(tmp_path / "OTHER")
    place = url if url.startswith("postgresql") else f"{url}-other"
    opened = [
        open_study_store(one, where, clock=clock)
        for one, where in ((study, url), (other, place))
    ]
    for one, store in zip((study, other), opened, strict=True):
        add_reader(one, store, Profile("anna", "x", 1), by="eve", clock=clock)
    yield opened
    for store in opened:
        store.close()


def entries(store):
    with store.reading() as connection:
        return verify(connection)


def test_a_code_opens_no_other_study_and_is_counted_there_alone(stores, clock):
    first, second = stores
    code = access.issue_code(first, "anna", by="eve", clock=clock)
    before = entries(first).head
    with pytest.raises(access.AccessError, match="do not fit"):
        access.sign_in(second, "anna", code, clock=clock)
    assert entries(first).head == before
    for _ in range(9):
        with pytest.raises(access.AccessError):
            access.sign_in(second, "anna", code, clock=clock)
    with pytest.raises(access.AccessError, match="Too many attempts"):
        access.sign_in(second, "anna", code, clock=clock)

    secret = access.sign_in(first, "anna", code, clock=clock).secret
    assert access.resume(first, secret, clock=clock) == "anna"
    with pytest.raises(access.AccessError, match="has ended"):
        access.resume(second, secret, clock=clock)


def test_each_study_has_its_own_chain(stores, clock):
    first, second = stores
    for _ in range(3):
        access.issue_code(first, "anna", by="eve", clock=clock)
    found = [entries(store) for store in stores]

    assert [one.faults for one in found] == [(), ()]
    assert found[0].head.n == found[1].head.n + 3
    with second.writing(clock) as t:
        t.connection.execute(text("UPDATE readers SET specialty = 'changed'"))
    assert entries(first).faults == ()
    assert len(entries(second).faults) == 1


def test_a_study_is_found_again_where_it_is(stores, study, url, clock, tmp_path):
    other = other_study(tmp_path / "AGAIN")
    shutil.copy(tmp_path / "OTHER" / "database.json", other.folder)
    place = url if url.startswith("postgresql") else f"{url}-other"
    for one, where in ((study, url), (other, place)):
        store = open_study_store(one, where, clock=clock)
        with store.reading() as connection:
            named = find_milestones(connection)[0].details["study_id"]
        store.close()
        assert named == one.manifest.study_id


def test_a_file_is_of_one_study(study, clock, tmp_path):
    url = f"sqlite:///{tmp_path / 'one.sqlite'}"
    open_study_store(study, url, clock=clock).close()
    with pytest.raises(StudyError, match="database is of study study-1"):
        open_study_store(other_study(tmp_path / "OTHER"), url, clock=clock)


postgresql = [
    pytest.mark.slow,
    pytest.mark.parametrize("url", ["postgresql"], indirect=True),
]


class TestOnPostgreSQL:
    pytestmark = postgresql

    def test_a_lock_stops_the_study_that_is_locked(self, stores, clock):
        first, second = stores
        with second.writing(clock) as t:
            t.connection.execute(
                text("INSERT INTO milestones VALUES (99, 'locked', '{}', '2026-03-01')")
            )
        signed = "INSERT INTO signatures VALUES ('anna', 1, 4, '2026-03-01', 1)"
        with first.writing(clock) as t:
            t.connection.execute(text(signed))
        # Also by a way that does not know of schemas.
        away = signed.replace("signatures", f"{schema_of('study-2')}.signatures")
        with (
            pytest.raises(exc.IntegrityError, match="locked"),
            first.writing(clock) as t,
        ):
            t.connection.execute(text(away))

    def test_the_tables_of_a_study_are_all_in_its_schema(self, stores):
        found = "SELECT table_name FROM information_schema.tables WHERE table_schema=:s"
        _, second = stores
        with second.reading() as connection:
            assert is_current(connection)
            rows = connection.execute(text(found), {"s": schema_of("study-2")})
            assert set(metadata.tables) <= {row.table_name for row in rows}

    def test_studies_do_not_wait_for_one_another(self, stores, clock):
        first, second = stores
        with first.writing(clock) as one, second.writing(clock) as other:
            one.log("a", "eve")
            other.log("b", "eve")
        assert [entries(store).faults for store in stores] == [(), ()]

    def test_a_study_of_an_earlier_version_and_a_new_one(
        self, url, study, clock, tmp_path
    ):
        shutil.copytree(OLD / "STUDY", tmp_path / "OLD")
        for path in (tmp_path / "OLD").glob("study.sqlite*"):
            path.unlink()
        old = open_study(tmp_path / "OLD")
        for one in (study, old):
            open_study_store(one, url, clock=clock).close()
        store = open_study_store(old, url, clock=clock)
        assert entries(store).faults == ()
        assert store.engine.connect().scalar(text("SELECT current_schema()")) == (
            schema_of(old.manifest.study_id)
        )
        store.close()

    def test_a_study_that_has_begun_elsewhere_gets_no_schema(
        self, url, study, clock, tmp_path
    ):
        open_study_store(study, url, clock=clock).close()
        other = other_study(tmp_path / "OTHER")
        away = f"sqlite:///{tmp_path / 'elsewhere.sqlite'}"
        open_study_store(other, away, clock=clock).close()
        with pytest.raises(StudyError, match="in which the study was begun"):
            open_study_store(other, url, clock=clock)
        store = open_study_store(study, url, clock=clock)
        with store.reading() as connection:
            there = connection.scalar(
                text("SELECT to_regnamespace(:s)"), {"s": schema_of("study-2")}
            )
        store.close()
        assert there is None
