import hashlib
import os
import shutil

import pytest
from sqlalchemy import create_engine, text

from app.room import open_room
from reader_study.reading.acknowledgements import Confirmation, acknowledge
from reader_study.running.access import sign_in
from tests.app.deployment.running import Process
from tests.app.material import admit, build, open_study_of
from tests.reader_study import conftest as of_the_study

postgres = of_the_study.postgres


@pytest.fixture
def database(postgres):
    """A database of its own for each test, on a real server."""
    name = f"t{os.urandom(6).hex()}"
    engine = create_engine(
        postgres.replace("postgresql:", "postgresql+psycopg:"),
        isolation_level="AUTOCOMMIT",
    )
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield postgres.replace("/postgres?", f"/{name}?")
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture(scope="session")
def built_study(tmp_path_factory):
    return build(tmp_path_factory.mktemp("deployed"), size=(300, 200))


@pytest.fixture
def ready(built_study, tmp_path, database):
    """The open study's room on PostgreSQL, with a code for each reader."""
    folder = tmp_path / "STUDY"
    shutil.copytree(built_study, folder)
    room = open_room(folder, database)
    codes = admit(room)
    open_study_of(room)
    yield room, codes
    room.store.close()


@pytest.fixture
def processes(ready, database, tmp_path):
    """Two processes of one study, which share a database and a secret."""
    room, _ = ready
    started = [
        Process(room.study.folder, database, "--secret-file", str(tmp_path / "secret"))
        for _ in range(2)
    ]
    for process in started:
        process.start()
    for process in started:
        process.wait()
    yield started
    for process in started:
        process.stop()


@pytest.fixture
def context(browser):
    context = browser.new_context(
        viewport={"width": 1366, "height": 768}, ignore_https_errors=True
    )
    yield context
    context.close()


@pytest.fixture
def anna_secret(ready):
    """What Anna's browser keeps, past instructions and display check."""
    room, codes = ready
    secret = sign_in(room.store, "anna", codes["anna"], clock=room.clock).secret
    for kind, version in (
        (Confirmation.INSTRUCTIONS, room.study.manifest.protocol_sha256),
        (Confirmation.DISPLAY, hashlib.sha256(secret.encode()).hexdigest()[:16]),
    ):
        acknowledge(room.store, "anna", kind, version, clock=room.clock)
    return secret
