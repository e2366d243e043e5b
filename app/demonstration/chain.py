"""The demonstration's steps, from patients to report, each run by the programs.

What is there, and newer than what it was made from, is not made again. Two cohorts, so
that nothing is shown to readers that was trained on.
"""

import csv
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from app.configuration import StrPath
from reader_study.errors import StudyError

Say = Callable[[str], None]

MODULES = {
    "magic-analyze": "analysis",
    "magic-model": "magic_model",
    "magic-study": "reader_study",
}
"""Where each program is: run by this Python, whichever folders the shell searches."""

PASSPHRASE = "MAGIC_STUDY_PASSPHRASE"  # noqa: S105
_NO_SECRET = "four words that anybody may know"  # noqa: S105
"""A rehearsal's key guards nothing; a real passphrase is typed, not written down."""

_PER_DISTANCE = 4  # cases for each trial between two of one case


@dataclass(frozen=True, kw_only=True)
class Demonstration:
    """What is made, and where.

    The fields are the options of `magic-app demo`, with the help that it prints.
    """

    out: Annotated[Path, typer.Option(help="Folder of all that is made.")] = Path(
        "demo"
    )
    trained_on: Annotated[int, typer.Option(min=4, help="Digital patients.")] = 12
    cases: Annotated[
        str, typer.Option(help="Patients shown: none, mild or moderate, severe.")
    ] = "7,6,7"
    exact: Annotated[
        bool, typer.Option("--exact", help="Smooth maps, not measured from series.")
    ] = False
    sample: Annotated[
        Path | None, typer.Option(help="Folder of the paper's sample, in their place.")
    ] = None
    jobs: Annotated[int, typer.Option(help="Patients at a time; 0: all cores.")] = 0
    reading: Annotated[
        bool, typer.Option("--reading", help="Make a study to read oneself instead.")
    ] = False

    @property
    def shown(self) -> Path:
        """Folder of the patients whose maps readers see."""
        return self.out / ("patients" if self.sample else "cases")

    @property
    def at_a_time(self) -> str:
        """How many patients are worked on at the same time."""
        return str(self.jobs or os.cpu_count() or 1)


@dataclass(frozen=True)
class Step:
    """One step, and the file by which it is known to be done.

    Attributes:
        title: What a person is told.
        makes: Written last.
        needs: What it is made from.
        work: Makes it; takes what to say its lines with.
    """

    title: str
    makes: Path
    needs: tuple[Path, ...]
    work: Callable[[], None]

    @property
    def is_done(self) -> bool:
        """Whether the file is there, and newer than all that it is made from."""
        if not self.makes.exists():
            return False
        made = self.makes.stat().st_mtime_ns
        return all(
            need.exists() and need.stat().st_mtime_ns <= made for need in self.needs
        )


def run_demonstration(demonstration: Demonstration, say: Say) -> str:
    """Make what is missing of the demonstration.

    Args:
        demonstration: What is made, and where.
        say: Told the title of each step before it begins.

    Returns:
        Where to look.

    Raises:
        StudyError: If a step fails; its program has said why.
    """
    steps = list(steps_of(demonstration))
    wanted = steps
    if demonstration.reading:
        built = [step.makes.name for step in steps].index("built")
        wanted = [*steps[: built + 1], own_reading(demonstration)]
    for number, step in enumerate(wanted, 1):
        if not step.is_done:
            of_all = f"{number}/{len(steps)} " if step in steps else ""
            say(f"\n== {of_all}{step.title}")
            step.work()
    if demonstration.reading:
        return f"Read it: magic-app read {demonstration.out / 'reading' / 'STUDY'}"
    return _where_to_look(demonstration)


def steps_of(d: Demonstration) -> Iterator[Step]:
    """Yield the steps in their order."""
    yield from _patients_and_network(d)
    yield from _pictures(d)
    yield from _study(d)
    yield from _results(d)


def own_reading(d: Demonstration) -> Step:
    """Return the step that builds a study for oneself: one reader, no washout."""
    place = d.out / "reading"

    def work() -> None:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        protocol = (d.out / "study" / "study.toml").read_text(encoding="utf-8")
        own = with_values(protocol, {"number": "1", "washout_days": "0"})
        (place / "study.toml").write_text(own, encoding="utf-8")
        study = place / "STUDY"
        cases, key = d.out / "montages" / "cases.csv", place / "study.key"
        run("magic-study", "build", place / "study.toml", "--cases", cases,
            "--out", study, "--key", key, "--jobs", d.at_a_time)  # fmt: skip
        run("magic-study", "reader", "add", study, "you", "--specialty",
            "neuroradiologist", "--years", "0", "--by", "demo", quiet=True)  # fmt: skip
        run("magic-study", "open", study, "--by", "demo")
        (place / "open").touch()

    needs = (d.out / "montages" / "cases.csv", d.out / "study" / "built")
    return Step(f"A study to read oneself: {place}", place / "open", needs, work)


def _patients_and_network(d: Demonstration) -> Iterator[Step]:
    patients, cases, network = d.out / "patients", d.out / "cases", d.out / "network"
    exact = ("--exact",) if d.exact else ()
    jobs = ("--jobs", d.at_a_time)
    if d.sample:  # the authors' montages: few patients, so those trained on are shown
        yield Step(
            f"The patients of {d.sample}: {patients}", patients / "cohort.csv", (),
            partial(run, "magic-model", "import", d.sample, "--layout", "magic-sample",
                    *jobs, "--out", patients),
        )  # fmt: skip
    else:
        yield Step(
            f"Digital patients to train on: {patients}", patients / "cohort.csv", (),
            partial(run, "magic-model", "phantom", *exact, "--patients",
                    str(d.trained_on), "--seed", "1", *jobs, "--out", patients),
        )  # fmt: skip

    # An epoch of so few patients is short; as many steps need more of them.
    epochs = ("--epochs", "120") if d.sample else ()

    def train() -> None:
        run("magic-model", "train", "--recipe", "realistic", "--cohort", patients,
            *epochs, *jobs, "--out", network)  # fmt: skip
        (network / "done").touch()

    needs = (patients / "cohort.csv",)
    yield Step(f"Train a small network: {network}", network / "done", needs, train)
    if not d.sample:
        yield Step(
            f"Digital patients to show: {cases}", cases / "cohort.csv", (),
            partial(run, "magic-model", "phantom", *exact, "--severities", d.cases,
                    "--seed", "2", *jobs, "--out", cases),
        )  # fmt: skip


def _pictures(d: Demonstration) -> Iterator[Step]:
    network, generated, montages = (
        d.out / name for name in ("network", "generated", "montages")
    )
    yield Step(
        f"Generate perfusion maps from non-contrast CT: {generated}",
        generated / "generated.csv", (network / "done", d.shown / "cohort.csv"),
        partial(run, "magic-model", "generate", "--checkpoint", network, "--input",
                d.shown, "--out", generated),
    )  # fmt: skip
    yield Step(
        f"Draw two montages per patient: {montages}",
        montages / "cases.csv", (generated / "generated.csv",),
        partial(run, "magic-model", "montage", "--cohort", d.shown, "--generated",
                generated, "--split", "all", "--slices", "5", "--out", montages),
    )  # fmt: skip


def _study(d: Demonstration) -> Iterator[Step]:
    place, result = d.out / "study", d.out / "unblinded"
    study, key, protocol = place / "STUDY", place / "study.key", place / "study.toml"
    registered = place / "preregistration.md"
    cases = d.out / "montages" / "cases.csv"

    def build() -> None:
        """Build it whole or not at all; one that the key does not fit is made anew."""
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        template = place / "template.toml"
        run("magic-study", "init", template, quiet=True)
        text = template.read_text(encoding="utf-8")
        protocol.write_text(fitted(text, cases, d), encoding="utf-8")
        run("magic-study", "preregister", protocol, "--out", registered, quiet=True)
        run("magic-study", "build", protocol, "--cases", cases, "--out", study,
            "--key", key, "--jobs", d.at_a_time)  # fmt: skip
        (place / "built").touch()

    def read() -> None:
        shutil.rmtree(result, ignore_errors=True)
        for left in (*study.glob("study.sqlite*"), study / "lock.json"):
            left.unlink(missing_ok=True)
        run("magic-study", "simulate", study, "--key", key, "--kappa", "0.5",
            "--missing", "0.01", *_accuracy(protocol))  # fmt: skip
        run("magic-study", "lock", study, "--by", "demo")
        run("magic-study", "unblind", study, "--key", key, "--name", "keeper",
            "--name", "witness", "--reason", "end of the demonstration",
            "--out", result)  # fmt: skip
        shutil.copy(registered, result)

    yield Step(
        f"Build and audit a blinded study in two trials: {study}",
        place / "built", (cases,), build,
    )  # fmt: skip
    yield Step(
        f"Seven simulated readers read it; lock; unblind: {result}",
        result / "responses.csv", (place / "built",), read,
    )  # fmt: skip


def _results(d: Demonstration) -> Iterator[Step]:
    responses, report = d.out / "unblinded" / "responses.csv", d.out / "report"
    yield Step(
        f"Analyse the readings: {report}", report / "report.html", (responses,),
        partial(run, "magic-analyze", "report", responses, "--out", report),
    )  # fmt: skip
    paper = d.out / "reproduce"
    yield Step(
        f"Recompute the paper's Table 1 and supplements: {paper}",
        paper / "report.html", (),
        partial(run, "magic-analyze", "reproduce", "--out", paper),
    )  # fmt: skip
    dossier, network = d.out / "dossier", d.out / "network"
    yield Step(
        f"Checklists for journal and board: {dossier}", dossier / "dossier.html",
        (report / "report.html", network / "done"),
        partial(run, "magic-analyze", "dossier", responses, "--network", network,
                "--out", dossier),
    )  # fmt: skip


def fitted(template: str, cases: Path, d: Demonstration) -> str:
    """Fit the template's protocol to the cases there are.

    As many cases of a class as there are, and no more distance than so few allow. Of
    digital patients the truth is known, so accuracy is planned, too. Exact maps are
    smoother than what is made here, which sorts pictures by size; that is accepted.
    """
    with cases.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    values = {
        name: str(sum(row["severity"] == name for row in rows))
        for name in ("none", "mild_moderate", "severe")
    }
    values["min_distance"] = str(min(len(rows) // _PER_DISTANCE, 3))
    if d.exact:
        values["accepted_cues"] = '["compressed size"]'
    text = with_values(template, values)
    if rows and "truth" in rows[0]:
        planned = "rating|truth_positive|threshold|accuracy_margin"
        text = re.sub(rf"(?m)^# ({planned}) = ", r"\1 = ", text)
    return text


def with_values(protocol: str, values: Mapping[str, str]) -> str:
    """Return a protocol with other values; comments after them stay.

    Raises:
        StudyError: If it has no such line.
    """
    for name, value in values.items():
        line = re.compile(rf"^{name} = (?:\[\]|\S+)", re.MULTILINE)
        found = line.search(protocol)
        if not found:
            msg = f"The protocol must have a line of {name}, got none"
            raise StudyError(msg)
        start, end = found.span()
        protocol = f"{protocol[:start]}{name} = {value}{protocol[end:]}"
    return protocol


def run(program: str, *words: StrPath, quiet: bool = False) -> None:
    """Run a program of this project.

    Raises:
        StudyError: If it fails, having said why.
    """
    call = [sys.executable, "-m", MODULES[program], *map(str, words)]
    env = {PASSPHRASE: _NO_SECRET, **os.environ}
    sys.stdout.flush()
    said = subprocess.DEVNULL if quiet else None
    status = subprocess.run(call, env=env, stdout=said, check=False).returncode  # noqa: S603
    if status:
        msg = f"{program} {words[0]} ended with status {status}"
        raise StudyError(msg)


def _accuracy(protocol: Path) -> tuple[str, ...]:
    """Say how well the readers diagnose by either method, where that is planned."""
    planned = re.search(r"(?m)^rating = ", protocol.read_text(encoding="utf-8"))
    return ("--auc", "0.88", "--auc-test", "0.84") if planned else ()


def _where_to_look(d: Demonstration) -> str:
    places = {
        d.shown / "report.html": "the patients shown",
        d.out / "montages": "what readers are shown",
        d.out / "report" / "report.html": "the simulated study",
        d.out / "dossier" / "dossier.html": "its checklists, for journal and board",
        d.out / "reproduce" / "report.html": "the paper, recomputed",
    }
    lines = [f"  {place!s:<34} {what}" for place, what in places.items()]
    return "\n".join(["", "Look at:", *lines])
