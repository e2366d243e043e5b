"""The answers of a large study analysed, for `benchmarks.scale`."""

import csv
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from analysis.multireader import Bootstrap, Pairs, clustered_kappa

RESAMPLES = 1_000


def measure_report(responses: Path, out: Path) -> dict[str, str]:
    """Time `magic-analyze report` as a command, with its memory."""
    program = Path(sys.executable).with_name("magic-analyze")
    command = [program, "report", responses, "--out", out]
    start = time.perf_counter()
    with out.with_suffix(".log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(out.with_suffix(".log").read_text(encoding="utf-8"))
    cpu = used.ru_utime + used.ru_stime
    size = (out / "report.html").stat().st_size / 1e6
    return {
        "magic-analyze report": f"{wall:.1f} s ({cpu:.1f} s CPU)",
        "its largest memory": f"{used.ru_maxrss / 2**20:.2f} GiB",
        "report.html": f"{size:.1f} MB",
    }


def measure_intervals(responses: Path) -> dict[str, str]:
    """Time the intervals of kappa of all questions, one after another."""
    asked = responses.with_name("questionnaire.json").read_text(encoding="utf-8")
    with responses.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    studies = [
        _pairs(rows, question["id"], [code["code"] for code in question["scale"]])
        for question in json.loads(asked)["questions"]
    ]
    start = time.process_time()
    for pairs in studies:
        clustered_kappa(pairs).confidence_interval()
    crossed = time.process_time() - start
    many = Bootstrap(RESAMPLES)
    start = time.process_time()
    for pairs in studies:
        clustered_kappa(pairs, "pigeonhole", bootstrap=many).confidence_interval()
    resampled = time.process_time() - start
    n = f"all {len(studies)} questions"
    return {
        f"crossed interval, {n}": f"{crossed:.2f} s CPU",
        f"{RESAMPLES:,} pigeonhole resamples, {n}": f"{resampled:.2f} s CPU",
    }


def _pairs(rows: list[dict[str, str]], question: str, scale: list[int]) -> Pairs:
    found: dict[tuple[str, str], dict[str, int]] = {}
    for row in rows:
        if row[question]:
            pair = found.setdefault((row["reader"], row["case"]), {})
            pair[row["method"]] = int(row[question])
    whole = [(*who, p["RAPID"], p["MAGIC"]) for who, p in found.items() if len(p) == 2]
    return Pairs.from_labels(*zip(*whole, strict=True), scale)
