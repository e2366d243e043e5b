"""The reading room as readers meet it: how soon, how many at once, and for how long.

python -m benchmarks.app [--quick]
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import app_browser
from benchmarks.app_study import Server, let_in, make_study, reader_name
from benchmarks.app_wire import Reader
from reader_study.store.readings import find_responses

SECONDS_PER_READING = 60.0
"""What a person takes for a picture."""


@dataclass(frozen=True)
class Size:
    """How much is measured.

    Attributes:
        n_cases: Of a trial.
        n_sessions: Readers at once without a browser, in the crowd.
        n_crowded: Readings of each of them.
        pace: How many times as fast as a person they read.
        n_long: Readings over which the memory is watched, in whole trials.
    """

    n_cases: int
    n_sessions: int
    n_crowded: int
    pace: float
    n_long: int


FULL = Size(n_cases=20, n_sessions=50, n_crowded=2, pace=1.0, n_long=1000)
QUICK = Size(n_cases=4, n_sessions=8, n_crowded=2, pace=20.0, n_long=16)
N_BROWSERS = 7


class Bench:
    """One study, one server, and the readers that have not been used yet."""

    def __init__(self, root: Path, size: Size) -> None:
        n_long = -(-size.n_long // size.n_cases)
        n_readers = 1 + N_BROWSERS + size.n_sessions + n_long
        self.size = size
        self.room = make_study(root, size.n_cases, n_readers)
        self.server = Server(root / "STUDY")
        self._names = iter(range(n_readers))

    def new_reader(self) -> dict[str, str]:
        """Sign the next reader in and give the cookie."""
        return let_in(self.room, reader_name(next(self._names)))

    def n_stored(self) -> int:
        """Count the responses in the store."""
        with self.room.store.reading() as connection:
            return len(find_responses(connection))

    async def one_browser(self) -> None:
        """Time the first page, and a reader alone."""
        async with app_browser.chromium() as browser:
            url = self.server.url
            seconds = [await app_browser.first_page(browser, url) for _ in range(3)]
            _print("first page, aim 3 s", seconds)
            before = self.server.usage().cpu
            n = min(12, self.size.n_cases - 1)
            seconds = await app_browser.read(browser, url, self.new_reader(), n)
            cpu = (self.server.usage().cpu - before) / n
            _print("submit to next case painted, aim 0.5 s", seconds)
            print(f"{'':44}server's CPU time {cpu:.2f} s a case, answers included")

    async def seven_browsers(self) -> None:
        """Let seven readers read at once, browsers and server on this machine."""
        n = min(4, self.size.n_cases - 1)
        before = self.n_stored()
        async with app_browser.chromium() as browser:
            reading = [
                app_browser.read(browser, self.server.url, self.new_reader(), n)
                for _ in range(N_BROWSERS)
            ]
            found = await asyncio.gather(*reading)
        _print("the same, 7 browsers on this machine", [s for f in found for s in f])
        kept = self.n_stored() - before
        print(f"{'':44}{kept} of {N_BROWSERS * n} readings stored, no error")

    async def crowd(self) -> None:
        """Let many readers without a browser read at the pace of people, or faster."""
        size, rng = self.size, np.random.default_rng(1)
        pause = SECONDS_PER_READING / size.pace / 8  # before 7 answers and the save
        before, start = self.server.usage().cpu, time.perf_counter()

        async def read(cookies: dict[str, str]) -> list[float]:
            await asyncio.sleep(rng.uniform(0, 8 * pause))
            reader = await Reader.join(self.server.url, cookies)
            seconds = []
            for _ in range(min(size.n_crowded, size.n_cases)):
                for n_answered in range(1, 8):
                    await asyncio.sleep(pause * rng.uniform(0.5, 1.5))
                    await reader.answer(n_answered)
                await asyncio.sleep(pause * rng.uniform(0.5, 1.5))
                seconds.append(await reader.save())
            await reader.leave()
            return seconds

        cookies = [self.new_reader() for _ in range(size.n_sessions)]
        found = await asyncio.gather(*map(read, cookies))
        used = self.server.usage().cpu - before
        share = used / (time.perf_counter() - start)
        name = f"{size.n_sessions} sessions at {size.pace:.0f} times a person's pace"
        _print(name, [s for f in found for s in f])
        print(f"{'':44}aim: p95 under 1 s; server busy {share:.0%} of one core")

    async def long_run(self) -> None:
        """Read many cases one after the other and watch the server's memory.

        Streamlit keeps what it knows of every field of a page until the page has been
        left for an hour, or 128 others have since. So the memory rises with pages, not
        with time; pictures come and go, so the least of a page is what it holds.
        """
        size, before = self.size, self.server.usage().cpu
        held = []
        for _ in range(-(-size.n_long // size.n_cases)):
            reader = await Reader.join(self.server.url, self.new_reader())
            points = []
            for _ in range(size.n_cases):
                await reader.answer(7)
                await reader.save()
                points.append(self.server.usage().mebibytes)
            await reader.leave()
            held.append(min(points))
        n_read = size.n_cases * len(held)
        cpu = (self.server.usage().cpu - before) / n_read
        per_page = np.polyfit(np.arange(len(held)), held, 1)[0]
        print(
            f"{'memory of the server':44}"
            f"{held[0]:.0f} MiB on the first page, {held[-1]:.0f} MiB after {n_read} "
            f"cases on {len(held)} pages;\n{'':44}{per_page:.2f} MiB a page of "
            f"{size.n_cases} cases, at most 128 pages; CPU time {cpu:.2f} s a case"
        )


def main(argv: Sequence[str] | None = None) -> None:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run")
    size = QUICK if parser.parse_args(argv).quick else FULL
    with tempfile.TemporaryDirectory() as root:
        bench = Bench(Path(root), size)
        try:
            for part in (
                bench.one_browser,
                bench.seven_browsers,
                bench.crowd,
                bench.long_run,
            ):
                asyncio.run(part())
        finally:
            bench.server.stop()
            bench.room.store.close()


def _print(name: str, seconds: Sequence[float]) -> None:
    median, p95 = np.quantile(seconds, [0.5, 0.95])
    print(
        f"{name:44}median {median:.2f} s, p95 {p95:.2f} s, largest "
        f"{max(seconds):.2f} s ({len(seconds)})",
        flush=True,
    )


if __name__ == "__main__":
    main()
