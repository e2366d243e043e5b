import hashlib
import os
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from reader_study.building.study import Study
from reader_study.design.truth import Truth, TruthCell, commitment
from reader_study.formats.manifest import Manifest, Presentation, Slot
from reader_study.formats.protocol import Protocol
from reader_study.formats.questionnaire import paper_questionnaire
from reader_study.rehearsal.simulation import SimulatedClock
from reader_study.running.lifecycle import open_for_reading
from reader_study.running.registry import Profile, add_reader
from reader_study.running.study_store import open_study_store
from tests.programs import leave_out

N_CASES = 4
START = datetime(2026, 3, 1, 9, tzinfo=UTC)
GOOD = {"Q1": 1, "Q2A": 1, "Q2B": 1, "Q2C": 1, "Q2D": 1, "Q3": 2, "Q4": 4}


def make_truth(n_cases=N_CASES):
    """Case i by one method in trial 1 and by the other in trial 2, two groups."""
    cells = {}
    for group in "ab":
        for trial in (1, 2):
            for case in range(n_cases):
                rapid = (case + trial + (group == "b")) % 2
                cells[f"t{group}{trial}{case}"] = TruthCell(
                    f"patient-{case}", "RAPID" if rapid else "MAGIC", "severe"
                )
    return Truth("study-1", "ab" * 32, cells)


def make_study(folder, truth, n_readers=2, **settings):
    """A built study without images worth looking at."""
    (folder / "images").mkdir(parents=True)
    protocol = Protocol(
        title="A tiny study",
        per_severity={"severe": len(truth.cells) // 4},
        n_readers=n_readers,
        min_distance=0,
        **settings,
    )
    presentations = []
    for token in truth.cells:
        content = f"picture {token}".encode()
        (folder / "images" / f"{token}.png").write_bytes(content)
        presentations.append(
            Presentation(
                token=token,
                group=token[1],
                trial=int(token[2]),
                pseudo_id=f"P{hashlib.sha256(token.encode()).hexdigest()[:6]}",
                image=f"{token}.png",
                sha256=hashlib.sha256(content).hexdigest(),
                length=len(content),
            )
        )
    slots = []
    for n in range(n_readers):
        group = "ab"[n % 2]
        orders = {
            trial: tuple(
                p.token for p in presentations if (p.group, p.trial) == (group, trial)
            )
            for trial in (1, 2)
        }
        slots.append(Slot(f"reader-{n + 1}", group, orders))
    questionnaire = paper_questionnaire()
    manifest = Manifest(
        schema=1,
        study_id=truth.study_id,
        protocol_sha256=protocol.sha256,
        questionnaire_sha256=questionnaire.sha256,
        commitment=commitment(truth),
        nonce="00",
        presentations=tuple(presentations),
        slots=tuple(slots),
    )
    return Study(folder, protocol, questionnaire, manifest)


@pytest.fixture
def truth():
    return make_truth()


@pytest.fixture
def study(tmp_path, truth):
    return make_study(tmp_path / "STUDY", truth)


@pytest.fixture
def clock():
    return SimulatedClock(START)


@pytest.fixture(scope="session")
def postgres():
    """URL of a server: MAGIC_TEST_POSTGRES_URL, or Debian's, started for the tests."""
    given = os.environ.get("MAGIC_TEST_POSTGRES_URL")
    if given:
        yield given
        return
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        leave_out("no PostgreSQL server; set MAGIC_TEST_POSTGRES_URL")
    bin_folder = programs[-1].parent
    folder = Path(tempfile.mkdtemp(prefix="magic-pg-"))
    as_postgres = []
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
        as_postgres = ["runuser", "-u", "postgres", "--"]

    def run(name, *arguments):
        command = [
            *as_postgres,
            str(bin_folder / name),
            "-D",
            str(folder / "data"),
        ]
        subprocess.run(
            [*command, *arguments], check=True, capture_output=True, cwd=folder
        )

    try:
        run("initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync")
        options = (
            f"-c listen_addresses='' -k {folder} -c fsync=off -c max_connections=120"
        )
        run("pg_ctl", "-w", "-o", options, "-l", str(folder / "log"), "start")
        yield f"postgresql://postgres@/postgres?host={folder}"
        run("pg_ctl", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def url(request, tmp_path):
    """A database of its own for each test, on both."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'study.sqlite'}"
        return
    server = request.getfixturevalue("postgres")
    name = f"t{os.urandom(6).hex()}"
    engine = create_engine(
        server.replace("postgresql:", "postgresql+psycopg:"),
        isolation_level="AUTOCOMMIT",
    )
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield server.replace("/postgres?", f"/{name}?")
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture
def store(study, url, clock):
    store = open_study_store(study, url, clock=clock)
    yield store
    store.close()


@pytest.fixture
def open_study_now(study, store, clock):
    """Two readers are there and may begin."""
    for name in ("anna", "ben"):
        profile = Profile(name, "neuroradiology", 12)
        add_reader(study, store, profile, by="coordinator", clock=clock)
    open_for_reading(study, store, by="coordinator", clock=clock)
    return study
