"""Marks on a picture: points and boxes as they are stored, and as marks.csv has them.

The answer to a question of type `marks` is a text: a JSON list of marks in the order in
which they were placed, empty where the reader said that there is nothing to mark.
Places are pixels of the original picture (of a stack: columns and rows of the slice)
from its upper left corner, so that the first pixel lies from 0 to 1; enlarging the
picture on the screen changes nothing in them.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from reader_study.formats.delimited import csv_text, guarded

FILE_NAME = "marks.csv"

Shape = Literal["point", "box"]

COLUMNS = (
    "reader", "case", "method", "trial", "question", "mark", "shape", "x", "y", "slice",
    "width", "height", "panel", "x_mm", "y_mm", "z_mm", "label", "confidence",
    "revision", "simulated",
)  # fmt: skip
"""Columns of marks.csv. A reading in which nothing was marked has one row, whose `mark`
is 0."""

MOST_MARKS = 100
"""Marks in one answer, at most, whatever a question allows."""

_FURTHEST = 1e5  # pixels; and mm
_ROUNDING = 0.02  # pixels: places are kept to a hundredth
_LONGEST = 500  # characters of one mark
_LONGEST_PANEL = 100
_KEYS = (
    "picture", "panel", "slice", "x", "y", "width", "height", "mm", "label",
    "confidence",
)  # fmt: skip


@dataclass(frozen=True)
class Mark:
    """A point or a box on a picture.

    Attributes:
        x: Pixels from the left side of the picture; of a box, of its left side.
        y: Pixels from the upper side; of a box, of its upper side.
        width: Of a box, in pixels; None of a point.
        height: Of a box, in pixels; None of a point.
        picture: Which of several pictures shown at once, from 1; None of one.
        panel: Which panel of a stack it was placed in; empty of a montage.
        slice: Slice of a stack, from 1; None of a montage.
        mm: Where the point, or the middle of the box, is in the patient, in mm, where
            the picture says so.
        label: One of the question's labels; empty where none was given.
        confidence: How sure the reader is of it; None where nothing was given.
    """

    x: float
    y: float
    width: float | None = None
    height: float | None = None
    picture: int | None = None
    panel: str = ""
    slice: int | None = None
    mm: tuple[float, float, float] | None = None
    label: str = ""
    confidence: int | None = None

    @property
    def shape(self) -> Shape:
        """What was drawn."""
        return "point" if self.width is None else "box"

    def to_dict(self) -> dict[str, Any]:
        """Return the content as plain values; what is not known is left out."""
        found = {name: getattr(self, name) for name in _KEYS}
        if self.mm is not None:
            found["mm"] = list(self.mm)
        return {name: v for name, v in found.items() if v is not None and v != ""}


@dataclass(frozen=True)
class Rules:
    """What a question says of its marks.

    Attributes:
        shapes: What may be drawn.
        labels: What each mark may be called; empty if it is called nothing.
        confidence: Least and greatest, whole numbers; None if nobody asks.
        at_most: Number of marks.
    """

    shapes: tuple[Shape, ...]
    labels: tuple[str, ...]
    confidence: tuple[int, int] | None
    at_most: int

    def stored(self, given: object) -> str | None:
        """Return marks in the one form in which they are stored; None if not valid.

        A mark that still lacks its label or its confidence is taken: it is worth
        keeping in a draft. `lacking` says what it needs to be an answer.
        """
        marks = self.parsed(given)
        return None if marks is None else text_of(marks)

    def parsed(self, given: object) -> tuple[Mark, ...] | None:
        """Return the marks of a text, None if it holds none of this question's."""
        marks = marks_of(given)
        if marks is None or len(marks) > self.at_most:
            return None
        return marks if all(map(self._allows, marks)) else None

    def lacking(self, given: object) -> str:
        """Return what marks still need; empty if they are complete."""
        marks = self.parsed(given) or ()
        if self.labels and not all(mark.label for mark in marks):
            return "needs a label for each mark"
        if self.confidence and any(mark.confidence is None for mark in marks):
            return "needs a confidence for each mark"
        return ""

    def _allows(self, mark: Mark) -> bool:
        low, high = self.confidence or (1, 0)
        sure = mark.confidence is None or low <= mark.confidence <= high
        named = not mark.label or mark.label in self.labels
        return sure and named and mark.shape in self.shapes


@dataclass(frozen=True)
class Grid:
    """The picture that marks are said to lie on: what it has room for.

    Attributes:
        columns: Width of one picture in pixels.
        rows: Height in pixels.
        pictures: How many are shown at once.
        slices: Of a stack; 0 of a montage.
        panels: Names of a stack's panels.
        affine: Of a stack, the 16 numbers of the 4 x 4 matrix, row by row, from column,
            row and slice to mm in the patient; middles of voxels are whole numbers.
    """

    columns: float
    rows: float
    pictures: int = 1
    slices: int = 0
    panels: tuple[str, ...] = ()
    affine: tuple[float, ...] = ()

    def fault(self, mark: Mark) -> str:
        """Return what a mark must be and is not; empty if it can have been drawn here.

        A browser draws no other ones, but anything may come over the wire.

        Examples:
            >>> Grid(900, 700).fault(Mark(899.5, 20))
            ''
            >>> Grid(900, 700).fault(Mark(950, 20))
            'must lie within the picture, 900 x 700 pixels, got x 950, y 20'
        """
        right, below = mark.x + (mark.width or 0), mark.y + (mark.height or 0)
        if max(right - self.columns, below - self.rows) > _ROUNDING:
            size = f", {mark.width:g} x {mark.height:g}" if mark.width else ""
            return (
                f"must lie within the picture, {self.columns:g} x {self.rows:g} "
                f"pixels, got x {mark.x:g}, y {mark.y:g}{size}"
            )
        for what, given, most in (
            ("picture", mark.picture, self.pictures if self.pictures > 1 else 0),
            ("slice", mark.slice, self.slices),
        ):
            if (given is not None) != bool(most) or (given or 0) > most:
                wanted = f"one of {most}" if most else "left out"
                return f"must have its {what}, {wanted}, got {given or 'none'}"
        if self.slices:
            return self._fault_in_patient(mark)
        if mark.mm is not None or mark.panel:
            return "must have no panel and no mm, since the picture has none"
        return ""

    def placed(self, mark: Mark) -> Mark:
        """Return a mark of which only `x` and `y` are meant, as one drawn here is."""
        x = min(mark.x, self.columns - (mark.width or 0))
        y = min(mark.y, self.rows - (mark.height or 0))
        here = replace(mark, x=x, y=y, picture=1 if self.pictures > 1 else None)
        if not self.slices:
            return here
        here = replace(here, panel=self.panels[0], slice=1)
        first, second, third = (round(one, 2) for one in self._mm(here))
        return replace(here, mm=(first, second, third))

    def _fault_in_patient(self, mark: Mark) -> str:
        if mark.panel not in self.panels:
            return f"must be in one of {', '.join(self.panels)}, got {mark.panel!r:.40}"
        wanted = self._mm(mark)
        if mark.mm is None or any(
            # A pixel is rounded twice, and then multiplied.
            abs(a - b) > _ROUNDING * (1 + abs(row[0]) + abs(row[1]))
            for a, b, row in zip(mark.mm, wanted, self._matrix(), strict=True)
        ):
            there = ", ".join(f"{one:.2f}" for one in wanted)
            got = ", ".join(f"{one:g}" for one in mark.mm or ()) or "none"
            return f"must be at {there} mm in the patient, got {got}"
        return ""

    def _mm(self, mark: Mark) -> tuple[float, ...]:
        """Return where the middle of a mark is in the patient, in mm."""
        column = mark.x + (mark.width or 0) / 2 - 0.5
        row = mark.y + (mark.height or 0) / 2 - 0.5
        at = (column, row, (mark.slice or 1) - 1, 1)
        return tuple(
            sum(n * of for n, of in zip(one, at, strict=True)) for one in self._matrix()
        )

    def _matrix(self) -> list[tuple[float, ...]]:
        return [self.affine[4 * n : 4 * n + 4] for n in range(3)]


def marks_of(given: object) -> tuple[Mark, ...] | None:
    """Return the marks that a text holds; None if it holds anything else.

    Examples:
        >>> marks_of('[{"x": 3.5, "y": 2, "label": "core"}]')[0].label
        'core'
        >>> marks_of("[]"), marks_of("none")
        ((), None)
    """
    if not isinstance(given, str) or len(given) > MOST_MARKS * _LONGEST:
        return None
    try:
        content = json.loads(given)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, list) or len(content) > MOST_MARKS:
        return None
    marks = [_mark_of(entry) for entry in content]
    found = tuple(mark for mark in marks if mark is not None)
    return found if len(found) == len(content) else None


def text_of(marks: Iterable[Mark]) -> str:
    """Return marks as they are stored: canonical, so that equal marks are equal texts.

    Examples:
        >>> text_of([Mark(3, 2.25, confidence=4)])
        '[{"x":3,"y":2.25,"confidence":4}]'
    """
    content = [mark.to_dict() for mark in marks]
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def words_of(marks: Sequence[Mark]) -> str:
    """Return marks in few words that need no language: how many, and what they are.

    Examples:
        >>> words_of([Mark(1, 1, label="core", confidence=4), Mark(2, 2)])
        '2: core (4), (2, 2)'
        >>> words_of([])
        '0'
    """
    said = []
    for mark in marks:
        sure = "" if mark.confidence is None else f" ({mark.confidence})"
        said.append(f"{mark.label}{sure}".strip() or f"({mark.x:g}, {mark.y:g})")
    return f"{len(marks)}: {', '.join(said)}" if said else "0"


def rows_of(
    about: Mapping[str, object], question: str, given: object, shown: Sequence[str] = ()
) -> list[dict[str, object]]:
    """Return the rows of marks.csv for one answer.

    Args:
        about: Cells that are the same in all of them, such as `reader`; of several
            pictures without `method`.
        question: Id of the question.
        given: The answer.
        shown: Methods of several pictures shown at once, from the left; each on which
            nothing was marked has a row that says so.
    """
    marks = marks_of(given) or ()
    rows = []
    for number, mark in enumerate(marks, 1):
        row = {**about, "question": question, "mark": number} | _cells_of(mark)
        place = (mark.picture or 1) - 1
        if place < len(shown):
            row["method"] = guarded(shown[place])
        rows.append(row)
    marked = {row.get("method") for row in rows}
    empty = {**about, "question": question, "mark": 0}
    if not shown:
        return rows or [empty]
    without = [guarded(name) for name in shown if guarded(name) not in marked]
    return [*rows, *(empty | {"method": name} for name in without)]


def marks_text(rows: Iterable[Mapping[str, object]]) -> str:
    """Return the text of marks.csv."""
    return csv_text(COLUMNS, rows)


def _cells_of(mark: Mark) -> dict[str, object]:
    cells = {**mark.to_dict(), "shape": mark.shape}
    cells |= dict(zip(("x_mm", "y_mm", "z_mm"), cells.pop("mm", ()), strict=False))
    cells.pop("picture", None)
    texts = {name: guarded(str(cells[name])) for name in ("panel", "label")
             if name in cells}  # fmt: skip
    return cells | texts


def _mark_of(entry: object) -> Mark | None:
    """Return the mark of an entry of the list; None if it is none."""
    if not isinstance(entry, dict) or not {"x", "y"} <= entry.keys() <= {*_KEYS}:
        return None
    parts = {name: _PARTS[name](value) for name, value in entry.items()}
    if None in parts.values() or ("width" in parts) != ("height" in parts):
        return None
    return Mark(**parts)


def _place(value: object) -> float | None:
    return _number(value, 0.0)


def _length(value: object) -> float | None:
    return _number(value, 0.01)


def _number(value: object, low: float) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not low <= value <= _FURTHEST:  # so is what is no number
        return None
    rounded = round(float(value), 2)
    return int(rounded) if rounded.is_integer() else rounded


def _count(value: object) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 1 <= value <= _FURTHEST else None  # type: ignore[operator, return-value]


def _sure(value: object) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and abs(value) <= _FURTHEST else None  # type: ignore[arg-type, return-value]


def _position(value: object) -> tuple[float, ...] | None:
    if not isinstance(value, list | tuple) or len(value) != 3:
        return None
    found = [_number(one, -_FURTHEST) for one in value]
    return None if None in found else tuple(one for one in found if one is not None)


def _label(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _panel(value: object) -> str | None:
    plain = isinstance(value, str) and value.isprintable()
    return value if plain and 0 < len(value) <= _LONGEST_PANEL else None  # type: ignore[arg-type, return-value]


_PARTS: Mapping[str, Any] = {
    "picture": _count, "panel": _panel, "slice": _count, "x": _place, "y": _place,
    "width": _length, "height": _length, "mm": _position, "label": _label,
    "confidence": _sure,
}  # fmt: skip
