"""Many readers at the pace of people: two processes of the room, one PostgreSQL.

python -m benchmarks.app_crowd [--readers 500] [--pace 1] [--processes 2]
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from app.room import Room
from benchmarks.app_study import Server, let_in, make_study, reader_name
from benchmarks.app_wire import Reader
from benchmarks.study_submit import new_database, postgresql
from reader_study.store.readings import find_responses
from reader_study.store.verifying import verify

SECONDS_PER_READING = 60.0
"""What a person takes for a picture."""

N_CASES = 4
N_READ = 2
"""Readings of each reader; all begin within one reading's time of one another."""

_QUESTIONS = 7


async def read(
    url: str, cookies: dict[str, str], pause: float, seed: int
) -> list[float]:
    """Read as a person would, and give the seconds from each save to the next case."""
    rng = np.random.default_rng(seed)
    await asyncio.sleep(float(rng.uniform(0, 8 * pause)))
    reader = await Reader.join(url, cookies)
    seconds = []
    for _ in range(N_READ):
        for n_answered in range(1, _QUESTIONS + 1):
            await asyncio.sleep(pause * float(rng.uniform(0.5, 1.5)))
            await reader.answer(n_answered)
        await asyncio.sleep(pause * float(rng.uniform(0.5, 1.5)))
        seconds.append(await reader.save())
    await reader.leave()
    return seconds


async def crowd(
    servers: Sequence[Server], cookies: Sequence[dict[str, str]], pace: float
) -> tuple[list[float], int]:
    """Let all read at once; give the seconds, and how many readers met a fault."""
    pause = SECONDS_PER_READING / pace / (_QUESTIONS + 1)
    reading = [
        read(servers[n % len(servers)].url, cookie, pause, n)
        for n, cookie in enumerate(cookies)
    ]
    found = await asyncio.gather(*reading, return_exceptions=True)
    good = [one for one in found if isinstance(one, list)]
    return [s for one in good for s in one], len(found) - len(good)


def measure(room: Room, servers: Sequence[Server], n_readers: int, pace: float) -> None:
    """Let readers in, let them read, count what was kept, and print."""
    cookies = [let_in(room, reader_name(n)) for n in range(n_readers)]
    before = [server.usage().cpu for server in servers]
    start, load = time.perf_counter(), os.getloadavg()[0]
    seconds, faults = asyncio.run(crowd(servers, cookies, pace))
    elapsed = time.perf_counter() - start
    used = [s.usage().cpu - b for s, b in zip(servers, before, strict=True)]
    with room.store.reading() as connection:
        kept = len(find_responses(connection))
        damage = len(verify(connection).faults)
    median, p95 = np.quantile(seconds, [0.5, 0.95]) if seconds else (np.nan, np.nan)
    busy = ", ".join(f"{cpu / elapsed:.0%}" for cpu in used)
    memory = ", ".join(f"{server.usage().mebibytes:.0f}" for server in servers)
    largest = max(seconds, default=np.nan)
    for line in (
        f"{n_readers} readers at {pace:g} times a person's pace, PostgreSQL and "
        f"{len(servers)} processes of the room on {os.cpu_count()} cores",
        f"save to next case: median {median:.2f} s, p95 {p95:.2f} s, largest "
        f"{largest:.2f} s; aim: p95 under 1 s",
        f"{kept} of {n_readers * N_READ} readings stored; {faults} readers met a "
        f"fault, the log has {damage}",
        f"processes busy {busy} of one core, {memory} MiB; {elapsed:.0f} s",
        f"load of the machine when it began, by others: {load:.1f}",
    ):
        print(line, flush=True)


def main(argv: Sequence[str] | None = None) -> None:
    """Serve a study by several processes and let a crowd read it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=500)
    parser.add_argument("--pace", type=float, default=1.0)
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        root = Path(name)
        server = stack.enter_context(postgresql(root))
        if server is None:
            print("There is no PostgreSQL on this machine.")
            return
        url = new_database(server, "crowd").replace("+psycopg", "")
        room = make_study(root, N_CASES, given.readers, database=url)
        stack.callback(room.store.close)
        servers = []
        for _ in range(given.processes):
            servers.append(Server(root / "STUDY", database=url))
            stack.callback(servers[-1].stop)
        measure(room, servers, given.readers, given.pace)


if __name__ == "__main__":
    main()
