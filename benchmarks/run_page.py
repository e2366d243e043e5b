"""A page of what benchmarks printed, and on what kind of machine."""

import os
import platform
import shlex
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from benchmarks.listed import LEFT_TO_YOU, Benchmark

PACKAGES = (
    *("numpy", "scipy", "pandas", "torch", "onnxruntime", "streamlit", "sqlalchemy"),
    *("statsmodels", "scikit-learn"),
)


@dataclass(frozen=True)
class Run:
    """What a benchmark did.

    Attributes:
        benchmark: Which.
        outcome: `done`, or what went wrong.
        seconds: It took.
        printed: By it, as text.
    """

    benchmark: Benchmark
    outcome: str
    seconds: float
    printed: str


def here() -> dict[str, str]:
    """Say what ran: versions and the kind of machine, nothing that names it."""
    found = {
        "system": f"{platform.system()}, {platform.machine()}, {os.cpu_count()} cores",
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
    }
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def present() -> dict[str, bool]:
    """Say which of the things that a benchmark may use are here."""
    return {
        "GPU": _has_gpu(),
        "R": shutil.which("Rscript") is not None,
        "Chromium": shutil.which("chromium") is not None,
        "PostgreSQL": any(Path("/usr/lib/postgresql").glob("*/bin/initdb")),
    }


def _has_gpu() -> bool:
    if find_spec("torch") is None:
        return False
    import torch

    return torch.cuda.is_available()


def page(runs: Sequence[Run], today: str, there: Mapping[str, bool]) -> str:
    """Give the page of a run as Markdown."""
    parts = [
        "# Benchmarks, one run",
        f"Written by `make bench` on {today}. What each aims at: "
        "[benchmarks](benchmarks.md).",
        "\n".join(_table(("what", "version"), here().items())),
        "\n".join(
            _table(("script", "times", "outcome", "s", "left out"), _rows(runs, there))
        ),
        LEFT_TO_YOU,
    ]
    for done in runs:
        parts.append(f"## {done.benchmark.name}")
        typed = shlex.join(["python", *done.benchmark.words])
        parts.append(f"```text\n{typed}\n\n{done.printed}\n```")
    return "\n\n".join(parts) + "\n"


def _rows(runs: Iterable[Run], there: Mapping[str, bool]) -> Iterator[tuple[str, ...]]:
    for done in runs:
        b = done.benchmark
        left_out = ", ".join(f"no {used}" for used in b.uses if not there[used])
        yield f"`{b.name}`", b.times, done.outcome, f"{done.seconds:.0f}", left_out


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    for row in (head, ["---"] * len(head), *rows):
        yield "| " + " | ".join(row) + " |"
