"""A study of any size, built and answered, for `benchmarks.scale`."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from PIL import Image

from reader_study.building.builder import BuildRequest
from reader_study.building.study import Study
from reader_study.design.truth import Truth
from reader_study.formats.protocol import template
from reader_study.reading import recording
from reader_study.reading.reading_session import ReadingSession
from reader_study.rehearsal.bots import SimulationPlan, draw_answers
from reader_study.rehearsal.simulation import SimulatedClock, reasons_of
from reader_study.running.lifecycle import open_for_reading
from reader_study.running.registry import Profile, add_reader
from reader_study.store.readings import Opened
from reader_study.store.store import Store

PASSPHRASE = "four words of no meaning"  # noqa: S105 - guards a drawn study
PICTURE = (96, 96, 3)
_BY = "benchmark"

Answers = Mapping[str, int]


def prepare_build(folder: Path, n_readers: int, n_cases: int) -> BuildRequest:
    """Write small drawn pictures, cases.csv and a protocol, in the paper's shares."""
    rng = np.random.default_rng(0)
    n_none, n_severe = round(0.35 * n_cases), round(0.35 * n_cases)
    counts = {
        "none": n_none,
        "mild_moderate": n_cases - n_none - n_severe,
        "severe": n_severe,
    }
    with (folder / "cases.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["case", "severity", "reference_image", "test_image"])
        severities = [name for name, n in counts.items() for _ in range(n)]
        for number, severity in enumerate(severities):
            names = [f"{method}-{number}.png" for method in ("reference", "test")]
            for name in names:
                pixels = rng.integers(0, 256, PICTURE, dtype=np.uint8)
                Image.fromarray(pixels).save(folder / name)
            writer.writerow([f"case-{number}", severity, *names])
    protocol = template().replace("number = 7", f"number = {n_readers}")
    for name, n in counts.items():
        shipped = 6 if name == "mild_moderate" else 7
        protocol = protocol.replace(f"\n{name} = {shipped}", f"\n{name} = {n}")
    (folder / "study.toml").write_text(protocol, encoding="utf-8")
    return _request(folder)


_ARMS = ("real", "GAN", "diffusion")
_SPLIT_PLOT = """
[study]
title = "Three arms, split-plot"
[readers]
number = {readers}
washout_days = 28
[design]
arms = ["real", "GAN", "diffusion"]
sessions = 3
allocation = "split-plot"
groups = {groups}
shared_cases = {shared}
strata = ["severity"]
max_run = 3
min_distance = 3
"""


def prepare_split_plot(folder: Path, n_readers: int, n_cases: int) -> BuildRequest:
    """Write pictures of three arms, and a design of four groups that share cases.

    Every group has its own cases and shares a tenth of all with the others; readers
    see each of their cases under all three arms, an arm a session.
    """
    rng = np.random.default_rng(0)
    with (folder / "cases.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["case", "method", "image", "severity"])
        for number in range(n_cases):
            severity = ("none", "mild_moderate", "severe")[number % 3]
            for arm in _ARMS:
                name = f"{arm}-{number}.png"
                pixels = rng.integers(0, 256, PICTURE, dtype=np.uint8)
                Image.fromarray(pixels).save(folder / name)
                writer.writerow([f"case-{number}", arm, name, severity])
    text = _SPLIT_PLOT.format(readers=n_readers, groups=4, shared=n_cases // 10)
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return _request(folder)


@dataclass(frozen=True)
class Room:
    """A study with its store, its readers' answers and a clock that is moved.

    Attributes:
        study: As built.
        store: Its store.
        clock: Of the server.
        answers: By reader and token.
    """

    study: Study
    store: Store
    clock: SimulatedClock
    answers: Mapping[tuple[str, str], Answers]

    @property
    def readers(self) -> list[str]:
        """Names of the readers, in the order of their places."""
        return [slot.name for slot in self.study.manifest.slots]

    def open(self) -> None:
        """Enter all readers and let them begin."""
        for name in self.readers:
            profile = Profile(name, "neuroradiologist", 1, slot=name)
            add_reader(self.study, self.store, profile, by=_BY, clock=self.clock)
        open_for_reading(self.study, self.store, by=_BY, clock=self.clock)

    def session(self, reader: str) -> ReadingSession:
        """Give the session of a reader."""
        return ReadingSession(self.study, self.store, reader, clock=self.clock)

    def reasons(self, answers: Answers) -> dict[str, str]:
        """Give explanations to the answers that need one."""
        return reasons_of(self.study.questionnaire, answers)

    def fill(self, reader: str, trial: int, *, first: int, left: int) -> None:
        """Answer a trial in one transaction, as many single ones would have.

        Args:
            reader: Whose.
            trial: Which.
            first: Readings at its beginning that are answered already.
            left: Readings at its end to leave out; if there are any, it is not signed.
        """
        slot = next(s for s in self.study.manifest.slots if s.name == reader)
        order = slot.orders[trial]
        with self.store.writing(self.clock) as t:
            for n, token in enumerate(order, 1):
                if not first < n <= len(order) - left:
                    continue
                recording.record_opening(t, reader, trial, token, n)
                answers = self.answers[reader, token]
                given = recording.Given.of(answers, self.reasons(answers))
                opened = Opened(reader, trial, token, n, t.now)
                recording.record_response(t, opened, given, 1, simulated=False)
            if not left:
                recording.record_signature(t, reader, trial, len(order))


def new_room(study: Study, store: Store, truth: Truth) -> Room:
    """Draw what every reader answers to every picture, with a kappa of 0.6."""
    names = [slot.name for slot in study.manifest.slots]
    cases = sorted({cell.case for cell in truth.cells.values()})
    rng = np.random.default_rng(1)
    shape = (len(names), len(cases))
    codes = draw_answers(study.questionnaire, SimulationPlan(), shape, rng=rng)
    place = {case: n for n, case in enumerate(cases)}
    answers = {}
    for token, cell in truth.cells.items():
        method = int(cell.method == study.protocol.test)
        for row, name in enumerate(names):
            answers[name, token] = {
                question: int(drawn[row, place[cell.case], method])
                for question, drawn in codes.items()
            }
    clock = SimulatedClock(datetime.now(UTC))
    return Room(study, store, clock, answers)


def _request(folder: Path) -> BuildRequest:
    return BuildRequest(
        protocol=folder / "study.toml",
        cases=folder / "cases.csv",
        out=folder / "STUDY",
        key=folder / "KEY",
        passphrases=(PASSPHRASE,),
    )
