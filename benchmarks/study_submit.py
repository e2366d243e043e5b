"""Answers in: submit with many writers at once, and verify of a long log.

python -m benchmarks.study_submit
"""

import multiprocessing
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from sqlalchemy import create_engine, text

from reader_study.building.study import Study
from reader_study.clock import SystemClock
from reader_study.formats.manifest import Manifest, Presentation, Slot
from reader_study.formats.protocol import Protocol
from reader_study.formats.questionnaire import paper_questionnaire
from reader_study.reading.reading_session import ReadingSession
from reader_study.running.lifecycle import open_for_reading
from reader_study.running.registry import Profile, add_reader
from reader_study.running.study_store import open_study_store
from reader_study.store.readings import find_responses
from reader_study.store.store import Store
from reader_study.store.verifying import verify

ANSWERS = {"Q1": 1, "Q2A": 1, "Q2B": 1, "Q2C": 1, "Q2D": 1, "Q3": 2, "Q4": 4}
N_READINGS = 20
N_ENTRIES = 100_000
PAUSE = 1.0  # seconds on average; a reader takes a minute


def make_study(folder: Path, n_readers: int) -> Study:
    """Make a study with one trial of 20 readings for each reader."""
    (folder / "images").mkdir(parents=True)
    (folder / "images" / "one.png").write_bytes(b"-")
    protocol = Protocol(
        title="Benchmark", per_severity={"severe": N_READINGS}, n_readers=n_readers
    )
    tokens = [f"token-{n}" for n in range(N_READINGS)]
    presentations = tuple(
        Presentation(token, "a", 1, f"P{token}", f"{token}.png", "0" * 64, 1)
        for token in tokens
    )
    slots = tuple(
        Slot(f"reader-{n}", "a", {1: tuple(tokens)}) for n in range(n_readers)
    )
    questionnaire = paper_questionnaire()
    hashes = (protocol.sha256, questionnaire.sha256)
    manifest = Manifest(1, "benchmark", *hashes, "0", "0", presentations, slots)
    return Study(folder, protocol, questionnaire, manifest)


class _Unchecked(Study):
    """Pictures are not what is timed here."""

    def damage(self) -> None:
        """Find nothing to check."""


def prepare(folder: Path, url: str, n_readers: int) -> Study:
    """Open a study for some readers."""
    made = make_study(folder, n_readers)
    study = _Unchecked(made.folder, made.protocol, made.questionnaire, made.manifest)
    store = open_study_store(study, url)
    for n in range(n_readers):
        profile = Profile(f"reader-{n}", "radiology", 1)
        add_reader(study, store, profile, by="benchmark", clock=SystemClock())
    open_for_reading(study, store, by="benchmark", clock=SystemClock())
    store.close()
    return study


def read(study: Study, url: str, reader: str, pause: float) -> list[float]:
    """Read a trial in a process of its own and give the seconds of each submit."""
    store = open_study_store(study, url)
    session = ReadingSession(study, store, reader)
    rng = np.random.default_rng(int(reader.rpartition("-")[2]))
    seconds = []
    while (reading := session.next_reading()) is not None:
        time.sleep(pause * float(rng.uniform(0, 2)))
        start = time.perf_counter()
        session.submit(reading.token, ANSWERS, {})
        seconds.append(time.perf_counter() - start)
    store.close()
    return seconds


def measure(name: str, root: Path, url: str, n_writers: int, pause: float) -> None:
    """Let readers submit at once, count what was kept, and print."""
    study = prepare(root / f"{name}-{n_writers}-{pause}", url, n_writers)
    tasks = [(study, url, f"reader-{n}", pause) for n in range(n_writers)]
    start = time.perf_counter()
    with multiprocessing.get_context("spawn").Pool(n_writers) as pool:
        seconds = [s for found in pool.starmap(read, tasks) for s in found]
    elapsed = time.perf_counter() - start
    store = open_study_store(study, url)
    with store.reading() as connection:
        kept = len(find_responses(connection))
        faults = len(verify(connection).faults)
    store.close()
    p50, p99 = 1000 * np.quantile(seconds, [0.5, 0.99])
    pace = f"pause {pause:.0f} s" if pause else "no pause "
    print(
        f"{name:<12}{n_writers:>3} writers, {pace}  p50 {p50:7.1f} ms  "
        f"p99 {p99:8.1f} ms  {kept}/{n_writers * N_READINGS} kept, {faults} faults, "
        f"{elapsed:.0f} s in all"
    )


def measure_verify(root: Path) -> None:
    """Verify a log of 100,000 entries and print."""
    store: Store = open_study_store(
        make_study(root / "long", 1), f"sqlite:///{root / 'long.sqlite'}"
    )
    with store.writing(SystemClock()) as t:
        for n in range(N_ENTRIES - 1):
            t.log("reading.opened", "reader-1", {"token": f"token-{n}", "trial": 1})
    start = time.perf_counter()
    with store.reading() as connection:
        found = verify(connection)
    elapsed = time.perf_counter() - start
    store.close()
    faults = len(found.faults)
    print(f"verify      {found.head.n} entries, {faults} faults: {elapsed:.1f} s")


@contextmanager
def postgresql(root: Path) -> Iterator[str | None]:
    """Start Debian's server, if it is there, and give a URL without database."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="magic-pg-", dir=root.parent))
    prefix = []
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
        prefix = [shutil.which("runuser") or "runuser", "-u", "postgres", "--"]

    def run(name: str, *arguments: str) -> None:
        command = [*prefix, str(programs[-1] / name), "-D", str(folder / "data")]
        subprocess.run(
            [*command, *arguments], check=True, capture_output=True, cwd=folder
        )

    run("initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8")
    options = f"-c listen_addresses='' -k {folder} -c max_connections=200"
    run("pg_ctl", "-w", "-o", options, "-l", str(folder / "log"), "start")
    try:
        yield f"postgresql+psycopg://postgres@/{{}}?host={folder}"
    finally:
        run("pg_ctl", "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def new_database(server: str, name: str) -> str:
    """Make a database on the server and give its URL."""
    engine = create_engine(server.format("postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.format(name)


def main() -> None:
    """Measure everything and print it."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        with postgresql(root) as server:
            for n_writers in (8, 50):
                for pause in (PAUSE, 0.0):
                    url = f"sqlite:///{root / f'{n_writers}-{pause}.sqlite'}"
                    measure("sqlite", root, url, n_writers, pause)
                    if server:
                        url = new_database(server, f"b{n_writers}_{int(pause)}")
                        measure("postgresql", root, url, n_writers, pause)
        measure_verify(root)


if __name__ == "__main__":
    main()
