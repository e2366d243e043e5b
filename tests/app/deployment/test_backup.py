"""The script that copies a study, and its drill: what does not verify is no copy."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from app.deployment import Deployment, filled_in, write_deployment
from app.room import open_room
from tests.app.material import admit, open_study_of


@pytest.fixture
def script(tmp_path):
    """Write the script for a study and its database, and run it."""

    def run(study, database, *words):
        deployment = Deployment(
            host="reading.example.org", study=str(study), database=database
        )
        path = tmp_path / "magic-app-backup"
        programs = Path(sys.executable).parent
        content = filled_in(deployment)["magic-app-backup"]
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
    assert "magic-app-backup: the copy does not verify" in done.stderr
    assert list((tmp_path / "copies").iterdir()) == []


@pytest.mark.slow
def test_on_postgresql_the_drill_restores_the_dump(
    ready, database, postgres, script, tmp_path
):
    room, _ = ready
    name = f"t{os.urandom(6).hex()}"
    engine = create_engine(
        postgres.replace("postgresql:", "postgresql+psycopg:"),
        isolation_level="AUTOCOMMIT",
    )
    drill = postgres.replace("/postgres?", f"/{name}?")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        done = script(room.study.folder, database, tmp_path / "copies", drill)
        assert done.returncode == 0, done.stderr
        copy = Path(done.stdout.splitlines()[-1])
        assert sums_hold(copy)
        assert "Not verified" not in done.stdout
        left = create_engine(drill.replace("postgresql:", "postgresql+psycopg:"))
        with left.connect() as connection:
            tables = text("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
            assert connection.execute(tables).scalar() == 0
        left.dispose()
        own = script(room.study.folder, database, tmp_path / "copies", database)
        assert "must have a database of its own" in own.stderr
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        engine.dispose()


def test_it_is_written_so_that_it_can_be_run(tmp_path):
    folder = tmp_path / "deployed"
    write_deployment(folder, Deployment(host="a.example.org", study="/srv/study/STUDY"))
    path = folder / "magic-app-backup"
    assert os.access(path, os.X_OK)
    assert "study='/srv/study/STUDY'" in path.read_text()
    checked = subprocess.run(["sh", "-n", path], check=False)  # noqa: S607
    assert checked.returncode == 0
