"""A demonstration: a small study of drawn pictures that one reader may enter."""

import csv
import os
import shutil
import tempfile
import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from app.accounts import READER
from app.configuration import STUDY, StrPath, as_path
from app.room import DEMONSTRATIONS, Room, open_room
from reader_study.building.builder import BuildRequest, build_study
from reader_study.clock import SystemClock
from reader_study.errors import StudyError
from reader_study.running.access import AccessError, issue_code
from reader_study.running.lifecycle import open_for_reading
from reader_study.running.registry import Profile, add_reader

_Pixels = NDArray[np.uint8]

_COLUMNS = ("NCCT", "CBV", "CBF", "MTT", "TTP")
_UNITS = ("HU", "mL/100g", "mL/100g/min", "s", "s")
_TOPS = (80, 4, 60, 12, 25)  # of the colour bars
_TILE, _ROWS, _HEADER = 256, 4, 72  # of the form that the viewer knows
# Share of the hemisphere: core and tissue at risk.
_LESION = {"none": (0.0, 0.0), "mild_moderate": (0.12, 0.5), "severe": (0.4, 0.6)}
# Of normal tissue, of the tissue at risk and of the core, as shares of the scale.
_VALUES = {
    "CBV": (0.6, 0.62, 0.12),
    "CBF": (0.62, 0.3, 0.06),
    "MTT": (0.3, 0.75, 0.9),
    "TTP": (0.35, 0.75, 0.9),
}

GUEST = "guest"
"""Name of the demonstration's reader."""

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

_MAKING = threading.Lock()
_MADE: list[Path] = []  # folders of this process's own demonstration


def make_demo(folder: StrPath) -> None:
    """Draw pictures, build a study of them and open it for one reader.

    Args:
        folder: New folder, which holds STUDY and KEY afterwards.

    Raises:
        StudyError: If something is there already, or cannot be written.
        TypeError: If `folder` is no path.
    """
    folder = as_path(folder, "folder")
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
    profile = Profile(GUEST, "demonstration", 0)
    add_reader(room.study, room.store, profile, by=_BY, clock=clock)
    open_for_reading(room.study, room.store, by=_BY, clock=clock)
    room.store.close()


def new_code(study: StrPath) -> str:
    """Return a code that lets the demonstration's reader in once.

    Raises:
        StudyError: If the study is no demonstration.
    """
    room = open_room(study)
    try:
        return issue_code(room.store, GUEST, by=_BY, clock=SystemClock())
    finally:
        room.store.close()


def serve_demo() -> None:
    """Make a demonstration that lasts as long as this process, and serve that.

    Does nothing if a study is served already.

    Raises:
        StudyError: If it cannot be written.
    """
    with _MAKING:
        if os.environ.get(STUDY):
            return
        folder = Path(tempfile.mkdtemp(prefix="magic-app-demo-"))
        _MADE.append(folder)
        make_demo(folder)
        DEMONSTRATIONS.add(folder / "STUDY")
        os.environ[STUDY] = str(folder / "STUDY")


def remove_demo() -> None:
    """Remove what `serve_demo` has made."""
    while _MADE:
        shutil.rmtree(_MADE.pop(), ignore_errors=True)


def let_guest_in(room: Room) -> str:
    """Return the secret of a new session of the demonstration's reader.

    Raises:
        AccessError: If the room's study is no demonstration of this process.
    """
    if not room.is_demonstration:
        msg = "Guests are let into a demonstration only"
        raise AccessError(msg)
    code = issue_code(room.store, GUEST, by=_BY, clock=room.clock)
    return READER.sign_in(room, GUEST, code)


def draw_montage(severity: str, rng: np.random.Generator) -> _Pixels:
    """Draw a montage: one column of slices for the NCCT and for each perfusion map.

    Args:
        severity: `none`, `mild_moderate` or `severe`.
        rng: Source of all chance.

    Returns:
        `(1096, 1280, 3)` RGB.

    Raises:
        ValueError: If `severity` is another.
    """
    if severity not in SEVERITIES:
        msg = f"severity must be one of {', '.join(SEVERITIES)}, got {severity!r}"
        raise ValueError(msg)
    side = -1 if rng.random() < 0.5 else 1
    rows = [_slice_row(severity, side, 1 - 0.09 * abs(i - 1), rng) for i in range(4)]
    body = np.concatenate(rows)
    canvas = Image.new("RGB", (body.shape[1], _HEADER + body.shape[0]))
    canvas.paste(Image.fromarray(body), (0, _HEADER))
    _write_legends(canvas)
    return np.asarray(canvas)


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


def _slice_row(
    severity: str, side: int, size: float, rng: np.random.Generator
) -> _Pixels:
    y, x = np.mgrid[-1 : 1 : _TILE * 1j, -1 : 1 : _TILE * 1j] / size
    radius = np.hypot(x / 0.68, y / 0.86)
    brain = radius < 0.9
    ventricle = np.hypot((np.abs(x) - 0.12) / 0.07, (y + 0.02) / 0.26) < 1
    wobble = _smooth_noise(rng, 8) * 0.25
    distance = np.hypot((x - side * 0.36) / 0.34, (y + 0.05) / 0.5) + wobble
    distance = np.maximum(distance, 0)  # else a head without a lesion had a dot
    core, risk = (np.sqrt(share) for share in _LESION[severity])
    zone = (distance < risk).astype(int) + (distance < core)
    zone[x * side < 0.04] = 0
    ncct = 0.45 + 0.05 * _smooth_noise(rng, 40) - 0.06 * (zone == 2)
    ncct[ventricle] = 0.1
    ncct[~brain] = 0.0
    ncct[(radius >= 0.9) & (radius < 1)] = 1.0
    tiles = [np.repeat(_bytes(ncct)[..., None], 3, axis=2)]
    for name in _COLUMNS[1:]:
        grain = 0.16 * _smooth_noise(rng, 24) + 0.06 * _smooth_noise(rng, 64)
        value = np.asarray(_VALUES[name])[zone] + grain
        value[ventricle] *= 0.25
        tiles.append(_coloured(value, brain))
    return np.concatenate(tiles, axis=1)


def _smooth_noise(rng: np.random.Generator, cells: int) -> NDArray[np.float64]:
    coarse = Image.fromarray(rng.uniform(-1, 1, (cells, cells)).astype(np.float32))
    return np.asarray(
        coarse.resize((_TILE, _TILE), Image.Resampling.BICUBIC), np.float64
    )


def _coloured(value: NDArray[np.float64], brain: NDArray[np.bool_]) -> _Pixels:
    v = np.clip(value, 0, 1)
    # Black, blue, green, yellow, red at equal steps.
    steps = np.linspace(0, 1, 5)
    channels = ((0, 0, 0, 1, 1), (0, 0, 0.8, 0.9, 0), (0, 1, 0.2, 0, 0))
    colours = np.stack([np.interp(v, steps, channel) for channel in channels], axis=-1)
    colours[~brain] = 0
    return _bytes(colours)


def _bytes(share: NDArray[np.float64]) -> _Pixels:
    return np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)


def _write_legends(canvas: Image.Image) -> None:
    pen = ImageDraw.Draw(canvas)
    large, small = ImageFont.load_default(20), ImageFont.load_default(14)
    grey = "#d8d8d8"
    ramp = np.tile(np.linspace(0, 1, 200), (12, 1))
    for column, (name, unit, top) in enumerate(
        zip(_COLUMNS, _UNITS, _TOPS, strict=True)
    ):
        left = column * _TILE
        middle = left + _TILE / 2
        pen.text((middle, 18), name, grey, large, anchor="mm")
        bar = (
            _coloured(ramp, np.full(ramp.shape, fill_value=True))
            if column
            else np.repeat(_bytes(ramp)[..., None], 3, axis=2)
        )
        canvas.paste(Image.fromarray(bar), (left + 28, 34))
        pen.text((left + 28, 59), "0", grey, small, anchor="lm")
        pen.text((middle, 59), unit, grey, small, anchor="mm")
        pen.text((left + 228, 59), str(top), grey, small, anchor="rm")
