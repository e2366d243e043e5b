"""All benchmarks, one after another, and a page of what they printed.

    python -m benchmarks.run_all
    python -m benchmarks.run_all --only agreement commands   (prints, writes no page)

Each runs in a process of its own with a limit of time. What needs a GPU, R, Chromium or
PostgreSQL and does not find it is left out by the script, which says so.
"""

import argparse
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.listed import BENCHMARKS, Benchmark
from benchmarks.run_page import Run, here, page, present

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks-run.md"


_GRACE = 30  # seconds between asking a script to end and ending it


def main(argv: Sequence[str] | None = None) -> int:
    """Run them, print, write the page; status 1 if one did not end well."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    names = [benchmark.name for benchmark in BENCHMARKS]
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME")
    parser.add_argument("--out", type=Path, help="page to write")
    given = parser.parse_args(argv)
    chosen = [b for b in BENCHMARKS if not given.only or b.name in given.only]
    print("\n".join(f"{what:14}{found}" for what, found in here().items()))
    runs = []
    for n, benchmark in enumerate(chosen, 1):
        print(f"\n== {n}/{len(chosen)} {benchmark.name}: {benchmark.times}", flush=True)
        runs.append(run(benchmark))
        print(f"{runs[-1].printed}\n-- {runs[-1].outcome}, {runs[-1].seconds:.0f} s")
    out = given.out or (None if given.only else PAGE)
    if out:
        out.write_text(
            page(runs, f"{datetime.now(UTC):%Y-%m-%d}", present()), encoding="utf-8"
        )
        print(f"\nWritten: {out}")
    return int(any(done.outcome != "done" for done in runs))


def run(benchmark: Benchmark) -> Run:
    """Run a benchmark in a process of its own, within its limit."""
    start = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, *benchmark.words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        printed, _ = process.communicate(timeout=60 * benchmark.minutes)
        status = process.returncode
        outcome = "done" if status == 0 else f"failed with status {status}"
    except subprocess.TimeoutExpired:
        printed = _stop(process)
        outcome = f"stopped after {benchmark.minutes:g} minutes"
    seconds = time.monotonic() - start
    return Run(benchmark, outcome, seconds, _impersonal(printed.strip()))


def _stop(process: subprocess.Popen[str]) -> str:
    """End it with all that it started, and give what it had printed."""
    # An interrupted script still stops the servers that it started.
    for sign in (signal.SIGINT, signal.SIGKILL):
        with suppress(subprocess.TimeoutExpired, ProcessLookupError):
            os.killpg(process.pid, sign)
            return process.communicate(timeout=_GRACE)[0]
    return process.communicate()[0]


def _impersonal(text: str) -> str:
    """Take out where this ran."""
    for told, instead in ((str(ROOT), "."), (str(Path.home()), "~")):
        text = text.replace(told, instead)
    name = platform.node()
    return text.replace(name, "this machine") if len(name) > 3 else text


if __name__ == "__main__":
    sys.exit(main())
