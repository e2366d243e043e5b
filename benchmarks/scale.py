"""A study larger than the paper's: built, answered, verified, unblinded, analysed.

    python -m benchmarks.scale
    python -m benchmarks.scale --readers 100 --cases 500   (100,000 readings)
    python -m benchmarks.scale --readers 100 --cases 500 --split-plot   (three arms)

Pictures are small, since their number is what is looked at. All but the first and last
readings are written a trial at a time, by the functions that write each single one;
these few are read, submitted and timed as a reader's page does.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import numpy as np

from benchmarks.scale_analysis import measure_intervals, measure_report
from benchmarks.scale_study import (
    PASSPHRASE,
    Room,
    new_room,
    prepare_build,
    prepare_split_plot,
)
from benchmarks.study_submit import new_database, postgresql
from reader_study.building.builder import build_study
from reader_study.building.sealing import unseal
from reader_study.building.study import Study, open_study
from reader_study.design.truth import Truth
from reader_study.running.export import masked_csv
from reader_study.running.lifecycle import lock
from reader_study.running.status import read_status
from reader_study.running.study_store import open_study_store
from reader_study.running.unblinding import UnblindRequest, unblind
from reader_study.store.readings import find_responses
from reader_study.store.verifying import verify

N_TIMED = 20
_WASHOUT_DAYS = 29

T = TypeVar("T")


def timed(label: str, work: Callable[[], T]) -> T:
    """Do a piece of work, and print how long it took."""
    start, cpu = time.perf_counter(), time.process_time()
    done = work()
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    print(f"{label:44} {wall:9.2f} s ({cpu:.2f} s CPU)", flush=True)
    return done


def show(found: dict[str, str]) -> None:
    """Print what was found, a line each."""
    for label, text in found.items():
        print(f"{label:44} {text:>11}", flush=True)


def submit_some(room: Room, reader: str, label: str) -> None:
    """Read as a page does, and print how long the next reading and a submit take."""
    session = room.session(reader)
    costs = []
    for _ in range(N_TIMED):
        start = np.array([time.perf_counter(), time.process_time()])
        reading = session.next_reading()
        shown = np.array([time.perf_counter(), time.process_time()])
        if reading is None:
            break
        answers = room.answers[reader, reading.token]
        session.submit(reading.token, answers, room.reasons(answers))
        stored = np.array([time.perf_counter(), time.process_time()])
        costs.append(1000 * np.concatenate([shown - start, stored - shown]))
    n, n_cpu, s, s_cpu = np.median(costs, axis=0)
    print(f"{label}: next {n:.1f} ms ({n_cpu:.1f} CPU)", end="")
    print(f", submit {s:.1f} ms ({s_cpu:.1f} CPU), medians", flush=True)


def fill(room: Room) -> None:
    """Let everybody read everything but the last readings of the last reader."""
    first_reader, last_reader = room.readers[0], room.readers[-1]
    for trial in sorted(room.study.manifest.slots[0].orders):
        if trial > 1:
            room.clock.advance(days=_WASHOUT_DAYS)
        for name in room.readers:
            first = N_TIMED if (trial, name) == (1, first_reader) else 0
            left = N_TIMED if (trial, name) == (2, last_reader) else 0
            room.fill(name, trial, first=first, left=left)


def measure_store(
    study: Study, truth: Truth, url: str | None, request: UnblindRequest
) -> None:
    """Answer the whole study in one database, and write what unblinding gives."""
    room = new_room(study, open_study_store(study, url), truth)
    timed(f"add {len(room.readers)} readers, open", room.open)
    submit_some(room, room.readers[0], "in the empty store")
    timed("all readings but the last, in bulk", lambda: fill(room))
    submit_some(room, room.readers[-1], "in the full store")
    room.session(room.readers[-1]).sign(2)
    with room.store.reading() as connection:
        timed("status", lambda: read_status(study, connection))
        found = timed("verify", lambda: verify(connection))
        if found.faults:
            raise SystemExit("; ".join(found.faults))
        kept = find_responses(connection)
        timed("export, masked", lambda: masked_csv(study, kept))
    timed("lock", lambda: lock(study, room.store, by="one", clock=room.clock))
    work = timed(
        "unblind", lambda: unblind(study, room.store, request, clock=room.clock)
    )
    print(f"{'kept':44} {len(kept):9,} readings, {found.head.n:,} entries in the log")
    room.store.close()
    for name, content in work.files.items():
        (request.key.parent / name).write_text(content, encoding="utf-8")


def measure_design(n_readers: int, n_cases: int) -> None:
    """Build and audit a split-plot design of three arms, and open it."""
    with tempfile.TemporaryDirectory() as name:
        build = prepare_split_plot(Path(name), n_readers, n_cases)
        built = timed("build, audit, seal", lambda: build_study(build))
        if built.audit.leaks:
            raise SystemExit("; ".join(built.audit.leaks))
        print(f"{'pictures':44} {built.audit.n_files:9,}")
        study = timed("open, all hashes", lambda: open_study(build.out))
        orders = [o for s in study.manifest.slots for o in s.orders.values()]
        print(f"{'readings':44} {sum(map(len, orders)):9,}")


def measure_study(n_readers: int, n_cases: int, *, sqlite: bool) -> None:
    """Build, read, verify, unblind and analyse a study of the paper's design."""
    n_readings = 2 * n_readers * n_cases
    print(f"{n_readers} readers x {n_cases} cases: {n_readings:,} readings")
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        root = Path(name)
        server = None if sqlite else stack.enter_context(postgresql(root))
        build = prepare_build(root, n_readers, n_cases)
        built = timed("build, audit, seal", lambda: build_study(build))
        print(f"{'pictures':44} {built.audit.n_files:9,}")
        study = timed("open, all hashes", lambda: open_study(build.out))
        truth = unseal(build.key, [PASSPHRASE])
        request = UnblindRequest(build.key, [PASSPHRASE], "one", "two", "benchmark")
        print("\nSQLite")
        measure_store(study, truth, None, request)
        size = (build.out / "study.sqlite").stat().st_size / 1e6
        print(f"{'database':44} {size:9.1f} MB")
        if server:
            print("\nPostgreSQL")
            measure_store(study, truth, new_database(server, "scale"), request)
        else:
            print("\nPostgreSQL takes no part: not here, or left out.")
        print("\nAnalysis")
        show(measure_intervals(root / "responses.csv"))
        show(measure_report(root / "responses.csv", root / "report"))


def main(argv: Sequence[str] | None = None) -> None:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--readers", type=int, default=10)
    parser.add_argument("--cases", type=int, default=50)
    parser.add_argument("--sqlite", action="store_true", help="leave PostgreSQL out")
    parser.add_argument(
        "--split-plot",
        action="store_true",
        help="build and audit three arms in four groups, and no more",
    )
    given = parser.parse_args(argv)
    if given.split_plot:
        print(f"{given.readers} readers x {given.cases} cases x 3 arms, split-plot")
        measure_design(given.readers, given.cases)
        return
    measure_study(given.readers, given.cases, sqlite=given.sqlite)


if __name__ == "__main__":
    main()
