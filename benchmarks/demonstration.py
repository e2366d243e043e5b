"""How often a rehearsed study says what is not so: the demonstration with many seeds.

    python -m benchmarks.demonstration
    python -m benchmarks.demonstration --seeds 10

Builds the study of `make demo` once, with pictures of noise, and lets bots without any
bias between the methods read it under many seeds; each is locked, unblinded and
reported. The plan is the template's, once as it stands, whose claims are true of such
bots, and once with claims of a difference in their place, which are all false. Prints
how many reports make a claim, and how many sentences outside the plan say that methods
or readers differ. Last, bots that diagnose as in `make demo`, with a truth and a plan
of accuracy: how many reports have intervals that hold the planted AUCs.
"""

import argparse
import csv
import os
import re
import tempfile
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path
from shutil import copytree

import numpy as np
from PIL import Image

import analysis
import reader_study
from analysis.report.results import StudyResults
from analysis.report.results_json import results_json
from reader_study.formats.protocol import template

SEEDS, ALLOWED = 50, 6  # 95 % of samples of 50 at 5 % have at most 6
PASSPHRASE = "a rehearsal guards nothing"  # noqa: S105
FALSE = {
    'claim = "estimate"}': 'claim = "differs"}',
    'measure = "kappa", ': 'measure = "shift", ',
    'claim = "non_inferior"': 'claim = "differs"',
    'claim = "equivalent"': 'claim = "differs"',
}
SEVERITIES = ("none",) * 7 + ("mild_moderate",) * 6 + ("severe",) * 7
SAYS_MORE = re.compile(r"\b(differs?|shifts|shifted|shown)\b")


AUCS = {"reference": 0.88, "test": 0.84}
OFF = re.compile(r"(?m)^# (?=(rating|truth_positive|threshold|accuracy_margin) = )")
"""Before settings of accuracy in the template."""


def build(folder: Path, protocol: str) -> None:
    """Build STUDY and its key from pictures that show nothing; truth is severity."""
    rng = np.random.default_rng(5)
    folder.mkdir()
    with (folder / "cases.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        columns = ("case", "severity", "reference_image", "test_image", "truth")
        writer.writerow(columns)
        for n, severity in enumerate(SEVERITIES):
            images = [f"{n}_{method}.png" for method in ("a", "b")]
            for image in images:
                pixels = rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / image)
            writer.writerow([f"patient-{n:02}", severity, *images, severity])
    (folder / "study.toml").write_text(protocol)
    reader_study.build(
        folder / "study.toml",
        cases=folder / "cases.csv",
        out=folder / "STUDY",
        key=folder / "study.key",
        passphrase=PASSPHRASE,
    )


def report(folder: Path, seed: int) -> tuple[bool, list[str]]:
    """Return whether a report claims anything, and its other sentences that do."""
    results = _rehearsed(folder, seed)
    return _claims(results), _more(results)


def holds(folder: Path, seed: int) -> dict[str, bool]:
    """Return whether the intervals of a report hold the planted AUCs, by method."""
    results = _rehearsed(folder, seed, auc=AUCS["reference"], auc_test=AUCS["test"])
    auc = next(s for s in results.sections if s.id == "accuracy").content["auc"]
    planted = AUCS | {"difference": AUCS["test"] - AUCS["reference"]}
    return {
        name: auc[name]["low"] <= value <= auc[name]["high"]
        for name, value in planted.items()
    }


def _rehearsed(folder: Path, seed: int, **planted: float) -> StudyResults:
    """Return what a report says of a study that bots have read."""
    with tempfile.TemporaryDirectory() as place:
        copytree(folder / "STUDY", Path(place) / "STUDY")
        with reader_study.open_study(Path(place) / "STUDY") as study:
            study.simulate(
                folder / "study.key",
                passphrase=PASSPHRASE,
                seed=seed,
                kappa=0.5,
                missing=0.01,
                **planted,
            )
            study.lock(by="demo")
            study.unblind(
                folder / "study.key",
                passphrase=PASSPHRASE,
                names=("keeper", "witness"),
                reason="end of the demonstration",
                out=Path(place) / "unblinded",
            )
        read = analysis.read_study(Path(place) / "unblinded" / "responses.csv")
        if not isinstance(read, analysis.Study):
            msg = f"must have two methods, got {read!r}"
            raise TypeError(msg)
        return read.results


def _claims(results: StudyResults) -> bool:
    inference = results_json(results)["inference"]
    answers = [inference["primary"]["result"], *inference["family"]["endpoints"]]
    return any(answer["decision"] == "shown" for answer in answers)


def _more(results: StudyResults) -> list[str]:
    sections = [s for s in results.sections if s.id != "recovery"]
    found = [sentence for section in sections for sentence in section.findings]
    return [sentence for sentence in found if SAYS_MORE.search(sentence)]


def main() -> None:
    """Print how many reports claim what."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--only-accuracy", action="store_true")
    given = parser.parse_args()
    seeds = int(given.seeds)
    false = template()
    for old, new in FALSE.items():
        if old not in false:
            raise LookupError(old)
        false = false.replace(old, new)
    workers = os.cpu_count() or 1
    plans = {"as planned": template(), "differences": false}
    if given.only_accuracy:
        plans = {}
    with tempfile.TemporaryDirectory() as place, ProcessPoolExecutor(workers) as pool:
        for name, protocol in plans.items():
            folder = Path(place) / name
            build(folder, protocol)
            found = list(pool.map(report, repeat(folder), range(1, seeds + 1)))
            claims = sum(claimed for claimed, _ in found)
            print(f"{name:14}{claims:4} of {seeds} reports claim something")
            for sentence in sorted({s for _, more in found for s in more}):
                print(f"  outside the plan: {sentence}")
        folder = Path(place) / "accuracy"
        build(folder, OFF.sub("", template()))
        held = list(pool.map(holds, repeat(folder), range(1, seeds + 1)))
        for name in held[0]:
            number = sum(one[name] for one in held)
            print(
                f"AUC, {name:10}{number:3} of {seeds} intervals hold what was planted"
            )
    print(f"\nOf claims of differences at most {ALLOWED} of {SEEDS} are wanted.")


if __name__ == "__main__":
    main()
