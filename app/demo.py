"""A demonstration: a small study of drawn pictures that one reader may enter."""

import csv
from pathlib import Path

import numpy as np
from PIL import Image

from app.demo_pictures import draw_montage
from app.room import open_room
from reader_study.building.builder import BuildRequest, build_study
from reader_study.clock import SystemClock
from reader_study.errors import StudyError
from reader_study.running.access import issue_code
from reader_study.running.lifecycle import open_for_reading
from reader_study.running.registry import Profile, add_reader

READER = "guest"
SEVERITIES = ("none", "mild_moderate", "severe")
_BY = "demonstration"
_PASSPHRASE = "for demonstration only"  # noqa: S105
_PROTOCOL = """\
# A demonstration: nothing in it is secret, nobody is examined.
[study]
title = "Demonstration with drawn pictures"
questionnaire = "paper"
[methods]
reference = "RAPID"
test = "MAGIC"
[cases]
none = 2
mild_moderate = 2
severe = 2
[design]
allocation = "balanced"
order = "per_reader"
max_run = 3
min_distance = 1
[readers]
number = 1
roles = []
washout_days = 0
corrections = true
closing = true
instructions = \"\"\"
You will see drawn pictures, one at a time: non-contrast CT and four perfusion maps,
four slices each. Answer all questions to a picture before you go on. No patient is
shown, and nothing that you answer is used.\"\"\"
[training]
cases = "training.csv"
skippable = true
"""
_FEEDBACK: dict[str, dict[str, tuple[int | str, str]]] = {
    "none": {
        "Q3": (1, "All four maps are even on both sides: no deficit."),
        "Q4": ("", "There is no right answer here: it is your own confidence."),
    },
    "severe": {
        "Q2B": (1, "Flow is low on one side, yet the map is free of motion."),
        "Q3": (3, "Volume is lost in most of the tissue that is late: a large core."),
    },
}
"""By severity and question the answer expected, if there is one, and what is said."""


def make_demo(folder: Path) -> None:
    """Draw pictures, build a study of them and open it for one reader.

    Args:
        folder: New folder, which holds STUDY and KEY afterwards.

    Raises:
        StudyError: If something is there already, or cannot be written.
    """
    try:
        (folder / "montages").mkdir(parents=True, exist_ok=True)
        (folder / "study.toml").write_text(_PROTOCOL, encoding="utf-8")
        rng = np.random.default_rng(7)
        _write_cases(folder, rng)
        _write_training(folder, rng)
    except OSError as error:
        msg = f"{error.filename or folder}: cannot be written ({error.strerror})"
        raise StudyError(msg) from error
    build_study(
        BuildRequest(
            protocol=folder / "study.toml",
            cases=folder / "cases.csv",
            out=folder / "STUDY",
            key=folder / "KEY",
            passphrases=(_PASSPHRASE,),
        )
    )
    room = open_room(folder / "STUDY")
    clock = SystemClock()
    profile = Profile(READER, "demonstration", 0)
    add_reader(room.study, room.store, profile, by=_BY, clock=clock)
    open_for_reading(room.study, room.store, by=_BY, clock=clock)
    room.store.close()


def new_code(study: Path) -> str:
    """Give a code that lets the demonstration's reader in once.

    Raises:
        StudyError: If the study is no demonstration.
    """
    room = open_room(study)
    try:
        return issue_code(room.store, READER, by=_BY, clock=SystemClock())
    finally:
        room.store.close()


def _write_cases(folder: Path, rng: np.random.Generator) -> None:
    with (folder / "cases.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["case", "severity", "reference_image", "test_image"])
        for number in range(6):
            severity = SEVERITIES[number % 3]
            images = [f"montages/drawn{number}_{i}.png" for i in range(2)]
            for image in images:
                Image.fromarray(draw_montage(severity, rng)).save(folder / image)
            writer.writerow([f"drawn-{number}", severity, *images])


def _write_training(folder: Path, rng: np.random.Generator) -> None:
    questions = sorted({name for told in _FEEDBACK.values() for name in told})
    columns = [c for name in questions for c in (name, f"{name}_feedback")]
    with (folder / "training.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["case", "image", *columns])
        for severity, told in _FEEDBACK.items():
            image = f"montages/practice_{severity}.png"
            Image.fromarray(draw_montage(severity, rng)).save(folder / image)
            cells = [cell for name in questions for cell in told.get(name, ("", ""))]
            writer.writerow([f"practice-{severity}", image, *cells])
