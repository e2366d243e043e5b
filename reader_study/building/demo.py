"""A protocol to begin with, and drawn pictures that a study can be tried with."""

import csv
import io
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from reader_study.building.cases_file import COLUMNS, LONG
from reader_study.errors import StudyError
from reader_study.formats.protocol import Protocol, parse_protocol, template

MAGIC = "magic"
TEMPLATES = (
    MAGIC, "turing", "three-arms", "inter-rater", "preference", "afc", "ranking",
    "aided", "grading", "panel",
)  # fmt: skip
"""Names of the protocols to begin with."""

CASES = "cases.csv"
_FOLDER = "templates"
_N_CASES = 8
_VALUES = ("mild", "severe")
_TRUTHS = ("present", "absent")
_SIDE = 96


def write_template(path: Path, name: str, *, demo: bool = False) -> list[Path]:
    """Write a commented protocol, its questionnaire, and pictures if they are wanted.

    Args:
        path: New file of the protocol; all else comes beside it.
        name: One of `TEMPLATES`.
        demo: Whether to draw pictures and a cases.csv of them: they show nothing, and
            all arms are drawn alike.

    Returns:
        What was written; of pictures the table of cases alone.

    Raises:
        StudyError: If there is no such template, or a file is there already.
    """
    if name not in TEMPLATES:
        msg = f"template must be one of {', '.join(TEMPLATES)}, got {name!r:.40}"
        raise StudyError(msg)
    texts = dict(_texts(path, name))
    if demo:
        protocol = parse_protocol(texts[path], str(path))
        rows = list(_cases(protocol))
        texts[path.with_name(CASES)] = _table(rows)
    for file in texts:
        if file.exists():
            msg = f"{file} exists already and is not written over"
            raise StudyError(msg)
    try:
        for file, text in texts.items():
            with file.open("x", encoding="utf-8", newline="") as opened:
                opened.write(text)
        if demo:
            _draw(path.parent, rows)
    except OSError as error:
        msg = f"{error.filename or path}: cannot be written ({error.strerror})"
        raise StudyError(msg) from error
    return list(texts)


def _texts(path: Path, name: str) -> Iterator[tuple[Path, str]]:
    if name == MAGIC:
        yield path, template()
        return
    folder = files("reader_study").joinpath(_FOLDER)
    yield path, folder.joinpath(f"{name}.toml").read_text("utf-8")
    questionnaire = folder.joinpath(f"{name}.json").read_text("utf-8")
    yield path.with_name(f"{name}.json"), questionnaire


_Row = dict[str, str]


def _cases(protocol: Protocol) -> Iterator[_Row]:
    """Yield the rows of cases.csv, in the form that the design asks for."""
    if protocol.layout is None:
        names = [s for s, n in protocol.per_severity.items() for _ in range(n + 1)]
        for number, severity in enumerate(names, 1):
            images = [f"montages/drawn-{number}-{m}.png" for m in (1, 2)]
            cells = (f"drawn-{number}", severity, *images)
            yield dict(zip(COLUMNS, cells, strict=True))
        return
    design = protocol.design
    n_cases = _N_CASES * (2 if "rating" in protocol.analysis else 1)
    unpaired = design.pairing == "unpaired"
    for number in range(n_cases * (len(design.arms) if unpaired else 1)):
        shown = design.arms
        if unpaired:
            shown = (design.arms[number % len(design.arms)],)
        of_case = dict.fromkeys(design.strata, _VALUES[number // 2 % 2])
        if "rating" in protocol.analysis:
            of_case |= {"truth": _TRUTHS[number % 2], "truth_source": "drawn"}
        for arm in shown:
            place = design.arms.index(arm) + 1
            image = f"montages/drawn-{number + 1}-{place}.png"
            cells = (f"drawn-{number + 1}", arm, image)
            yield dict(zip(LONG, cells, strict=True)) | of_case


def _table(rows: list[_Row]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _draw(folder: Path, rows: list[_Row]) -> None:
    rng = np.random.default_rng(32)
    (folder / "montages").mkdir(exist_ok=True)
    for row in rows:
        for column in ("image", "reference_image", "test_image"):
            if column in row:
                Image.fromarray(_picture(rng)).save(folder / row[column])


def _picture(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw grain in an oval on black, of no meaning and alike for all arms."""
    y, x = np.mgrid[-1 : 1 : _SIDE * 1j, -1 : 1 : _SIDE * 1j]
    grain = rng.normal(110, 25, (_SIDE // 4, _SIDE // 4))
    smooth = grain.repeat(4, axis=0).repeat(4, axis=1) + rng.normal(0, 6, y.shape)
    inside = (x / 0.75) ** 2 + (y / 0.9) ** 2 < 1
    grey = np.where(inside, smooth.clip(30, 255), 0).astype(np.uint8)
    return np.repeat(grey[:, :, np.newaxis], 3, axis=2)
