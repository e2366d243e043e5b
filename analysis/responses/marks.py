"""Marks beside lesions: from marks.csv and a file of lesions to LROC and FROC tables.

A mark hits a lesion if it lies in the lesion's circle or box; of a mark that is a box
its middle counts, of several lesions that it lies in the one whose middle is nearest.
"""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from analysis.errors import as_path
from analysis.responses.ratings import RatingsFile
from reader_study.formats.asking import marks as marks_file
from reader_study.formats.checking import FormatError, clipped
from reader_study.formats.delimited import TRUE, unguarded
from reader_study.formats.tabular import read_table

LESION_COLUMNS = (
    "case", "lesion", "x", "y", "radius", "width", "height", "slice", "last_slice",
)  # fmt: skip
"""Columns of a file of lesions. `x` and `y` are the middle of a circle with a radius,
or the left upper corner of a box with width and height, in pixels of the picture."""

_MARKS_NEEDED = ("reader", "case", "method", "mark", "x", "y")
_NO_MARK = "0"


@dataclass(frozen=True)
class Lesion:
    """One place of a lesion; a lesion may have several, as in panels of a montage.

    Attributes:
        case: Whose it is.
        name: Of the lesion in its case.
        x: Middle of a circle, or left side of a box, in pixels.
        y: Middle of a circle, or upper side of a box, in pixels.
        radius: Of a circle, in pixels; None of a box.
        width: Of a box, in pixels.
        height: Of a box, in pixels.
        slices: First and last slice of a stack in which it lies there, from 1; None for
            any.
    """

    case: str
    name: str
    x: float
    y: float
    radius: float | None = None
    width: float = 0.0
    height: float = 0.0
    slices: tuple[int, int] | None = None

    @property
    def middle(self) -> tuple[float, float]:
        """Middle of the place, in pixels."""
        return self.x + self.width / 2, self.y + self.height / 2

    def holds(self, at: tuple[float, float], slice_: int | None) -> bool:
        """Whether a place on a picture lies in it; its edge belongs to it."""
        if self.slices and not (
            slice_ is not None and self.slices[0] <= slice_ <= self.slices[1]
        ):
            return False
        if self.radius is not None:
            return math.dist(at, self.middle) <= self.radius
        left, up = at[0] - self.x, at[1] - self.y
        return 0 <= left <= self.width and 0 <= up <= self.height


class _Mark(NamedTuple):
    """A row of marks.csv with a mark."""

    line: int
    at: tuple[float, float]
    slice: int | None
    label: str
    confidence: float | None


_Key = tuple[str, str, str]
"""Reader, case, method."""


def read_marks(
    path: str | Path, lesions: str | Path, *, question: str = "", label: str = ""
) -> RatingsFile:
    """Read marks and the lesions that they should hit.

    A reading is rated by the highest confidence of its marks, by one less than any
    where nothing was marked. Of the result `columns` have `located` besides, 1 where
    that mark is at a lesion, as `analysis.accuracy.lroc_area` takes it.

    Args:
        path: marks.csv, as `magic-study unblind` writes it.
        lesions: CSV or a workbook with the columns `case, lesion, x, y` and `radius`,
            or `width` and `height`; of a stack also `slice` and `last_slice`. Each case
            is there: one without a lesion with one row whose other cells are empty.
        question: Whose marks; may be left out where only one has any.
        label: Marks of this label alone count; empty: all do.

    Raises:
        FormatError: If a file cannot be read, a cell is wrong, a case has no row in the
            file of lesions, marks have no confidence, or several questions have marks.
            Faults are named with their lines.
    """
    file, truth = as_path("Marks", path), as_path("Lesions", lesions)
    places = read_lesions(truth)
    found, simulated = _readings(file, question)
    unknown = dict.fromkeys(case for _, case, _ in found if case not in places)
    if unknown:
        msg = (
            f"{truth}: every case of the marks must have a row, of one without lesions "
            f"with empty cells; missing {', '.join(list(unknown)[:10])}"
        )
        raise FormatError([msg])
    kept = {
        key: [mark for mark in of if label in {"", mark.label}]
        for key, of in found.items()
    }
    if label and not any(kept.values()):
        msg = f"{file}: label must be that of some mark, got {label}"
        raise FormatError([msg])
    sure = [mark.confidence for of in kept.values() for mark in of]
    lowest = min((c for c in sure if c is not None), default=1.0) - 1
    hits = {key: _hit(of, places[key[1]]) for key, of in kept.items()}
    n_hits = sum(bool(name) for of in hits.values() for _, name in of)
    return RatingsFile(
        columns=_of_readings(hits, places, lowest),
        positive=("with a lesion",),
        negative=("without",),
        assumed=(f"{n_hits} of {len(sure)} marks lie in a lesion's circle or box",),
        provenance="simulated" if simulated else "study",
        marks=_of_lesions(hits, places),
    )


def read_lesions(path: Path) -> dict[str, tuple[Lesion, ...]]:
    """Read a file of lesions: by case the places of its lesions, none of some.

    Raises:
        FormatError: If it cannot be read or a cell is wrong; with file and line.
    """
    rows = list(_rows(path, LESION_COLUMNS, ("case", "lesion", "x", "y")))
    found: dict[str, list[Lesion]] = {}
    faults = []
    for line, cells in rows:
        try:
            lesion = _lesion(cells)
        except ValueError as error:
            faults.append(f"{path} line {line}: {error}")
            continue
        of = found.setdefault(cells["case"], [])
        if lesion is not None:
            of.append(lesion)
    if faults:
        raise FormatError(faults)
    if not rows:
        raise FormatError([f"{path} has a header but no cases"])
    return {case: tuple(of) for case, of in found.items()}


def _lesion(cells: Mapping[str, str]) -> Lesion | None:
    """Return the place that a row tells; None if it says that a case has no lesion.

    Raises:
        ValueError: If it tells neither.
    """
    if not cells["case"]:
        msg = "case is empty"
        raise ValueError(msg)
    if not any(value for name, value in cells.items() if name != "case"):
        return None
    if not cells["lesion"]:
        msg = f"lesion of case {cells['case']} must have a name, got nothing"
        raise ValueError(msg)
    sizes = {name: _number(cells, name) for name in ("radius", "width", "height")}
    round_ = sizes["radius"] is not None
    box = sizes["width"] is not None and sizes["height"] is not None
    if round_ == box or min(v for v in sizes.values() if v is not None) <= 0:
        msg = "a lesion must have a radius above 0, or width and height above 0"
        raise ValueError(msg)
    x, y = _number(cells, "x"), _number(cells, "y")
    if x is None or y is None:
        msg = f"x and y of lesion {cells['lesion']} must be numbers, got nothing"
        raise ValueError(msg)
    size = (sizes["radius"], sizes["width"] or 0.0, sizes["height"] or 0.0)
    return Lesion(cells["case"], cells["lesion"], x, y, *size, _slices(cells))


def _slices(cells: Mapping[str, str]) -> tuple[int, int] | None:
    first = _number(cells, "slice")
    last = _number(cells, "last_slice")
    if first is None:
        if last is None:
            return None
        msg = "slice must be given beside last_slice, got nothing"
        raise ValueError(msg)
    last = first if last is None else last
    if not (1 <= first <= last and first.is_integer() and last.is_integer()):
        msg = f"slice must be 1 or more and last_slice no less, got {first:g}, {last:g}"
        raise ValueError(msg)
    return int(first), int(last)


def _readings(path: Path, question: str) -> tuple[dict[_Key, list[_Mark]], bool]:
    """Return the marks of each reading, and whether some are a rehearsal's.

    Of several readings by one reader of one case and method the first counts.

    Raises:
        FormatError: If a row cannot be used, or the question is not one of the file's.
    """
    rows = list(_rows(path, marks_file.COLUMNS, _MARKS_NEEDED))
    wanted = _wanted(
        path, dict.fromkeys(cells["question"] for _, cells in rows), question
    )
    rows = [row for row in rows if row[1]["question"] == wanted]
    found: dict[_Key, list[_Mark]] = {}
    trial: dict[_Key, str] = {}
    faults = []
    for line, cells in rows:
        key = (cells["reader"], cells["case"], cells["method"])
        if not all(key):
            faults.append(f"{path} line {line}: reader, case and method must be given")
        elif trial.setdefault(key, cells["trial"]) == cells["trial"]:
            try:
                found.setdefault(key, []).extend(_mark(line, cells))
            except ValueError as error:
                faults.append(f"{path} line {line}: {error}")
    if faults:
        raise FormatError(faults)
    return found, any(cells["simulated"].lower() in TRUE for _, cells in rows)


def _wanted(path: Path, asked: Collection[str], question: str) -> str:
    """Return the question whose marks count.

    Raises:
        FormatError: If it is not one of the file's, or none is named of several.
    """
    if question in asked or (not question and len(asked) == 1):
        return question or next(iter(asked))
    names = ", ".join(asked) or "none"
    got = question or "nothing"
    msg = f"{path}: question must be one of those with marks, {names}; got {got}"
    raise FormatError([msg])


def _mark(line: int, cells: Mapping[str, str]) -> Iterator[_Mark]:
    """Return the mark of a row, or none.

    Raises:
        ValueError: If a cell is wrong.
    """
    if cells["mark"] == _NO_MARK:
        return
    x, y = _number(cells, "x"), _number(cells, "y")
    if x is None or y is None:
        msg = "a mark must have x and y, got nothing"
        raise ValueError(msg)
    sure = _number(cells, "confidence")
    if sure is None:
        msg = "a mark must have a confidence to be rated by, got nothing"
        raise ValueError(msg)
    wide, high = _number(cells, "width") or 0.0, _number(cells, "height") or 0.0
    slice_ = _number(cells, "slice")
    at = (x + wide / 2, y + high / 2)
    on = None if slice_ is None else int(slice_)
    yield _Mark(line, at, on, cells["label"], sure)


def _number(cells: Mapping[str, str], name: str) -> float | None:
    text = cells[name]
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        msg = f"{name} must be a number or empty, got {clipped(text)}"
        raise ValueError(msg)
    return value


def _hit(marks: Iterable[_Mark], lesions: Sequence[Lesion]) -> list[tuple[float, str]]:
    """Return the confidence of each mark and the lesion at which it is, or nothing."""
    found = []
    for mark in marks:
        at = [one for one in lesions if one.holds(mark.at, mark.slice)]
        nearest = min(at, key=lambda one: math.dist(mark.at, one.middle), default=None)
        found.append((mark.confidence or 0.0, nearest.name if nearest else ""))
    return found


def _of_readings(
    hits: Mapping[_Key, Sequence[tuple[float, str]]],
    places: Mapping[str, Sequence[Lesion]],
    lowest: float,
) -> dict[str, list[object]]:
    """Return a row for each reading, rated by its surest mark."""
    rows: list[tuple[object, ...]] = []
    for (reader, case, method), of in hits.items():
        # Of marks that are as sure, one at a lesion counts.
        sure, name = max(
            of, key=lambda one: (one[0], bool(one[1])), default=(lowest, "")
        )
        rows.append(
            (reader, case, method, int(bool(places[case])), sure, int(bool(name)))
        )
    names = ("reader", "case", "modality", "truth", "rating", "located")
    return {name: [row[n] for row in rows] for n, name in enumerate(names)}


def _of_lesions(
    hits: Mapping[_Key, Sequence[tuple[float, str]]],
    places: Mapping[str, Sequence[Lesion]],
) -> dict[str, list[object]]:
    """Return a row for each lesion, and for each false mark on cases without any."""
    rows: list[tuple[object, ...]] = []
    for (reader, case, method), of in hits.items():
        about = (reader, case, method)
        names = dict.fromkeys(lesion.name for lesion in places[case])
        for name in names:
            sure = max((s for s, at in of if at == name), default=None)
            rows.append((*about, 1, name, sure))
        if not names:
            rows += [(*about, 0, "", sure) for sure, _ in of] or [(*about, 0, "", None)]
    columns = ("reader", "case", "modality", "truth", "lesion", "rating")
    return {name: [row[n] for row in rows] for n, name in enumerate(columns)}


def _rows(
    path: Path, columns: Sequence[str], needed: Sequence[str]
) -> Iterator[tuple[int, dict[str, str]]]:
    """Return the rows of a table by line; columns that it lacks are empty.

    Raises:
        FormatError: If it cannot be read, or lacks a column that is needed.
    """
    header, *rows = read_table(path).rows
    names = [cell.strip().lower() for cell in header.cells]
    missing = [name for name in needed if name not in names]
    if missing:
        had = ", ".join(header.cells)
        msg = f"{path} line {header.line}: column {missing[0]} is missing, got {had}"
        raise FormatError([msg])
    empty = dict.fromkeys(columns, "")
    for row in rows:
        cells = zip(
            names, (unguarded(cell).strip() for cell in row.cells), strict=False
        )
        yield row.line, empty | {name: cell for name, cell in cells if name in empty}
