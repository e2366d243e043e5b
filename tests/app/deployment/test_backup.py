"""The scripts that copy studies, with a drill, and that put a copy back.

What does not verify is no copy; what is put back touches no other study.
"""

import os
import re
import shutil
import stat
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from app.deployment import Deployment, filled_in, write_deployment
from app.room import open_room
from reader_study.building.study import open_study
from reader_study.running.access import issue_code
from reader_study.running.study_store import schema_of
from tests.app.material import PROTOCOL, TITLE, admit, build, open_study_of


@pytest.fixture
def script(tmp_path):
    """Write a script for studies and their database, and run it."""

    def run(studies, database, *words, name="magic-app-backup"):
        one, *more = studies if isinstance(studies, list) else [studies]
        deployment = Deployment(
            host="reading.example.org",
            study=str(one),
            more=[str(other) for other in more],
            database=database,
        )
        path = tmp_path / name
        programs = Path(sys.executable).parent
        content = filled_in(deployment)[name]
        content = content.replace("/opt/reading-room/bin", str(programs))
        path.write_text(content)
        return subprocess.run(
            ["sh", path, *map(str, words)],  # noqa: S607
            check=False,
            capture_output=True,
            text=True,
        )

    return run


@pytest.fixture
def studied(built_study, tmp_path):
    """A study on SQLite with a few answers, and its store open as in a room."""
    folder = tmp_path / "server" / "STUDY"
    shutil.copytree(built_study, folder)
    room = open_room(folder, None)
    admit(room)
    open_study_of(room)
    yield room
    room.store.close()


def sums_hold(copy):
    done = subprocess.run(
        ["sha256sum", "--quiet", "--check", "SHA256SUMS"],  # noqa: S607
        cwd=copy,
        check=False,
    )
    return done.returncode == 0


@pytest.mark.slow
def test_a_copy_is_made_while_the_room_is_open_and_replaces_it(
    studied, script, tmp_path
):
    server = studied.study.folder
    done = script(server, "", tmp_path / "copies")
    assert done.returncode == 0, done.stderr
    copy = Path(done.stdout.splitlines()[-1])
    assert sums_hold(copy)
    assert stat.S_IMODE((copy / "study.sqlite").stat().st_mode) == 0o600
    before = log_of(server / "study.sqlite")
    assert before
    studied.store.close()
    shutil.rmtree(server)  # the fire
    shutil.copytree(copy / "STUDY", server)
    shutil.copy(copy / "study.sqlite", server / "study.sqlite")
    assert log_of(server / "study.sqlite") == before
    room = open_room(server, None)
    assert room.study.manifest == studied.study.manifest
    room.store.close()


def log_of(path):
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        tables = connection.execute(
            text("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        ).scalars()
        content = {
            table: connection.execute(text(f"SELECT * FROM {table}")).all()  # noqa: S608
            for table in tables
        }
    engine.dispose()
    return content


@pytest.mark.slow
def test_a_copy_that_does_not_verify_is_none(studied, script, tmp_path):
    path = studied.study.folder / "study.sqlite"
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        forged = text("UPDATE readers SET specialty = 'forged' WHERE name = 'anna'")
        assert connection.execute(forged).rowcount == 1
    engine.dispose()
    done = script(studied.study.folder, "", tmp_path / "copies")
    assert done.returncode == 1
    assert f"magic-app-backup: the copy of {path.parent} does not verify" in done.stderr
    assert list((tmp_path / "copies").iterdir()) == []


@pytest.fixture
def drill(postgres):
    """An empty database for the drill."""
    name = f"t{os.urandom(6).hex()}"
    with connected(postgres) as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield postgres.replace("/postgres?", f"/{name}?")
    with connected(postgres) as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@contextmanager
def connected(url):
    """A connection of its own to a database of PostgreSQL."""
    driver = url.replace("postgresql:", "postgresql+psycopg:")
    engine = create_engine(driver, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


SCHEMAS = text(
    "SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)'"
)


def tables_of(url, schema="public"):
    """All rows of all tables of a schema, by the table's name."""
    with connected(url) as connection:
        names = connection.execute(
            text("SELECT tablename FROM pg_tables WHERE schemaname = :s"), {"s": schema}
        ).scalars()
        return {
            name: connection.execute(
                text(f"SELECT * FROM {schema}.{name} ORDER BY 1, 2")  # noqa: S608
            ).all()
            for name in sorted(names)
            if name != "alembic_version"
        }


@pytest.mark.slow
def test_on_postgresql_the_drill_restores_the_dump(
    ready, database, drill, script, tmp_path
):
    room, _ = ready
    done = script(room.study.folder, database, tmp_path / "copies", drill)
    assert done.returncode == 0, done.stderr
    copy = Path(done.stdout.splitlines()[-1])
    assert sums_hold(copy)
    assert "Not verified" not in done.stdout
    assert tables_of(drill) == {}
    own = script(room.study.folder, database, tmp_path / "copies", database)
    assert "must have a database of its own" in own.stderr


@pytest.fixture(params=["sqlite", "postgresql"])
def two(request, built_study, tmp_path, tmp_path_factory):
    """Two open studies of one server: folders, URL ("" for files), state of each."""
    url = "" if request.param == "sqlite" else request.getfixturevalue("database")
    other = PROTOCOL.replace(TITLE, "Another study")
    built_other = build(tmp_path_factory.mktemp("other"), other, size=(60, 50))
    folders = [tmp_path / "srv" / name for name in ("ONE", "TWO")]
    for source, folder in zip((built_study, built_other), folders, strict=True):
        shutil.copytree(source, folder)
        room = open_room(folder, url or None)
        admit(room)
        open_study_of(room)
        room.store.close()
    schemas = ["public", schema_of(open_study(folders[1]).manifest.study_id)]

    def state(n):
        if url:
            return tables_of(url, schemas[n])
        return log_of(folders[n] / "study.sqlite")

    return folders, url, state


def goes_on(folder, url):
    """Let something happen in a study."""
    room = open_room(folder, url or None)
    issue_code(room.store, "anna", by="coordinator", clock=room.clock)
    room.store.close()


@pytest.mark.slow
def test_each_of_two_studies_is_copied_tried_and_put_back_alone(
    two, script, tmp_path, request
):
    folders, url, state = two
    drills = [request.getfixturevalue("drill")] if url else []
    done = script(folders, url, tmp_path / "copies", *drills)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("entries verified") == 2
    copy = Path(done.stdout.splitlines()[-1])
    assert sums_hold(copy)
    if drills:
        with connected(drills[0]) as connection:
            assert list(connection.execute(SCHEMAS).scalars()) == ["public"]
        assert tables_of(drills[0]) == {}

    at_copy = [state(n) for n in (0, 1)]
    for n in (0, 1):
        for folder in folders:
            goes_on(folder, url)
        latest, other = state(n), state(1 - n)
        assert latest != at_copy[n]
        back = script(folders, url, copy, folders[n], name="magic-app-restore")
        assert back.returncode == 0, back.stderr
        assert "entries verified" in back.stdout
        assert state(n) == at_copy[n]
        assert state(1 - n) == other
        # Nothing is thrown away: what was answered since the copy is there still.
        kept = re.search(r"(?:in the schema|was there is) (\S+?)\.?\n", back.stdout)[1]
        assert (tables_of(url, kept) if url else log_of(kept)) == latest
    for folder in folders:
        goes_on(folder, url)  # and both go on


@pytest.mark.slow
def test_a_lost_server_comes_back_from_a_copy(two, script, tmp_path):
    folders, url, state = two
    done = script(folders, url, tmp_path / "copies")
    assert done.returncode == 0, done.stderr
    copy = Path(done.stdout.splitlines()[-1])
    before = [state(n) for n in (0, 1)]
    for folder in folders:  # the fire
        shutil.rmtree(folder)
    if url:
        with connected(url) as connection:
            for schema in list(connection.execute(SCHEMAS).scalars()):
                connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    for folder in reversed(folders):
        back = script(folders, url, copy, folder, name="magic-app-restore")
        assert back.returncode == 0, back.stderr
    assert [state(n) for n in (0, 1)] == before
    for folder in folders:
        goes_on(folder, url)


@pytest.mark.slow
def test_what_cannot_be_put_back_changes_nothing(two, script, tmp_path):
    folders, url, state = two
    done = script(folders, url, tmp_path / "copies")
    copy = Path(done.stdout.splitlines()[-1])
    before = [state(n) for n in (0, 1)]

    def refused(*words):
        back = script(folders, url, *words, name="magic-app-restore")
        assert back.returncode == 1
        assert [state(n) for n in (0, 1)] == before
        return back.stderr

    assert "the study must be named, one of" in refused(copy)
    assert "the study must be one of" in refused(copy, "/srv/THREE")
    assert "must be a copy of" in refused(tmp_path / "copies", folders[0])
    name = "study.dump" if url else "study.sqlite"
    part = copy / str(folders[1]).strip("/").replace("/", "-")
    content = (part / name).read_bytes()
    (part / name).write_bytes(content[: len(content) // 2])
    assert "is damaged; take another" in refused(copy, folders[1])
    if url:  # also a dump that was cut before its sum was taken
        sums = "find . -type f ! -name SHA256SUMS -exec sha256sum {} + > SHA256SUMS"
        subprocess.run(["sh", "-c", sums], cwd=copy, check=True)  # noqa: S607
        assert "the database is as it was" in refused(copy, folders[1])


@pytest.mark.slow
@pytest.mark.parametrize("two", ["postgresql"], indirect=True)
def test_a_study_that_is_not_in_the_database_has_no_copy(two, script):
    folders, url, _ = two
    third = folders[0].parent / "THREE"
    shutil.copytree(folders[0], third)
    own = open_study(third).manifest.study_id
    manifest = third / "manifest.json"
    manifest.write_text(manifest.read_text().replace(own, "never-begun"))
    done = script([*folders, third], url, third.parent / "copies")
    assert done.returncode == 1
    assert "magic-app-backup: The database must have the study" in done.stderr
    assert list((third.parent / "copies").iterdir()) == []


def test_it_is_written_so_that_it_can_be_run(tmp_path):
    folder = tmp_path / "deployed"
    write_deployment(folder, Deployment(host="a.example.org", study="/srv/study/STUDY"))
    for name in ("magic-app-backup", "magic-app-restore"):
        path = folder / name
        assert os.access(path, os.X_OK)
        assert "studies='/srv/study/STUDY'" in path.read_text()
        checked = subprocess.run(["sh", "-n", path], check=False)  # noqa: S607
        assert checked.returncode == 0
