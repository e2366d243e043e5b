"""How long `magic-analyze report` takes, and in how much memory.

A study of 7 readers and 20 cases, as the paper's, and one of 100 readers and 500 cases,
with the paper's questions: `python -m benchmarks.report_speed`. The readings are drawn
here; which answers they hold matters little to the time. On a machine that others use,
`--against CHECKOUT` sets the first beside the same report by another checkout of this
project, in turns of one run.
"""

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from analysis.arrays import FloatArray, IntArray

# Columns and codes are those of the paper's questionnaire (Figure S.3).
CODES: dict[str, tuple[int, ...]] = {
    "Q1": (1, 0),
    "Q2A": (1, 0, -1),
    "Q2B": (1, 0, -1),
    "Q2C": (1, 0, -1),
    "Q2D": (1, 0, -1),
    "Q3": (1, 2, 3, 4),
    "Q4": (1, 2, 3, 4, 5),
}
SHARES: dict[str, tuple[float, ...]] = {
    "Q1": (0.8, 0.2),
    "Q2A": (0.9, 0.06, 0.04),
    "Q2B": (0.9, 0.06, 0.04),
    "Q2C": (0.7, 0.1, 0.2),
    "Q2D": (0.8, 0.1, 0.1),
    "Q3": (0.3, 0.3, 0.2, 0.2),
    "Q4": (0.05, 0.1, 0.25, 0.4, 0.2),
}
METHODS = ("RAPID", "MAGIC")
HERE = Path(__file__).resolve().parents[1]
LIMITS = {(7, 20): (8.0, 2.0), (100, 500): (120.0, 2.0)}
"""Seconds (of CPU, of the clock) and GiB that are promised."""


def write_readings(path: Path, readers: int, cases: int, seed: int = 1) -> None:
    """Write a responses.csv of so many readers and cases under two methods."""
    rng = np.random.default_rng(seed)
    answers = {question: _answers(rng, readers, cases, question) for question in CODES}
    severity = np.array(["none", "mild_moderate", "severe"])[rng.integers(0, 3, cases)]
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["reader", "case", "method", "trial", "severity", *CODES])
        for reader in range(readers):
            for case in range(cases):
                for place, method in enumerate(METHODS):
                    codes = [of[place, reader, case] for of in answers.values()]
                    trial = 1 + (place + case + reader) % 2
                    who = [f"reader-{reader + 1:03d}", f"case-{case + 1:04d}"]
                    table.writerow([*who, method, trial, severity[case], *codes])


def _answers(
    rng: np.random.Generator, readers: int, cases: int, question: str
) -> IntArray:
    """Draw `(methods, readers, cases)` codes that share patients and readers."""
    shape = (len(METHODS), readers, cases)
    latent: FloatArray = 0.7 * rng.normal(size=(1, 1, cases))
    latent = latent + 0.3 * rng.normal(size=(1, readers, 1))
    latent = latent + 0.65 * rng.normal(size=shape)
    below = np.quantile(latent, np.cumsum(SHARES[question])[:-1])
    return np.array(CODES[question])[np.searchsorted(below, latent)]


def measure(
    readers: int, cases: int, jobs: int, code: Path = HERE
) -> tuple[float, float, float]:
    """Return seconds of the clock, seconds of CPU and GiB of one report.

    Args:
        readers: How many.
        cases: How many.
        jobs: Processors.
        code: The checkout that makes it.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_readings(folder / "responses.csv", readers, cases)
        words = ["report", str(folder / "responses.csv"), "--out", str(folder / "out")]
        command = [sys.executable, "-m", "analysis", *words]
        command += ["--jobs", str(jobs)] if jobs > 1 else []
        return timed(command, folder / "log", code)


def timed(
    command: list[str], log: Path, code: Path = HERE
) -> tuple[float, float, float]:
    """Run a command; see `measure`. Memory is that of its largest process."""
    start = time.perf_counter()
    its = os.environ | {"PYTHONPATH": str(code)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env=its, cwd=code
        )
        _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(log.read_text(encoding="utf-8"))
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 2**20


def compare(other: Path, turns: int = 5) -> None:
    """Print CPU seconds of 7 x 20 by this checkout and by another, in turns."""
    seconds = np.array([
        [measure(7, 20, 1, code)[1] for code in (HERE, other.resolve())]
        for _ in range(turns)
    ])  # fmt: skip
    for own, theirs in seconds:
        print(f"{own:6.1f} s CPU, the other checkout {theirs:6.1f}")
    own, theirs = np.median(seconds, axis=0)
    print(f"medians {own:.1f} and {theirs:.1f}: {own / theirs:.2f} of it")


def main() -> None:
    """Measure both studies, or one of a size of one's own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int)
    parser.add_argument("--cases", type=int)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--against", type=Path, metavar="CHECKOUT")
    given = parser.parse_args()
    if given.against:
        compare(given.against)
        return
    own = given.readers and given.cases
    sizes = [(given.readers, given.cases)] if own else list(LIMITS)
    print(f"{'readers x cases':<18}{'wall, s':>9}{'CPU, s':>9}{'GiB':>7}  promised")
    for readers, cases in sizes:
        jobs = given.jobs if readers * cases > 1000 else 1
        wall, cpu, memory = measure(readers, cases, jobs)
        promised = ""
        if (readers, cases) in LIMITS:
            seconds, most = LIMITS[readers, cases]
            promised = f"{seconds:g} s{' CPU' if jobs == 1 else ''}, {most:g} GiB"
        size = f"{readers} x {cases}"
        print(f"{size:<18}{wall:>9.1f}{cpu:>9.1f}{memory:>7.2f}  {promised}")


if __name__ == "__main__":
    main()
