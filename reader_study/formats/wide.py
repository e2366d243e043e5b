"""Wide tables of readings, and files of each method, as rows of responses.csv.

`long_of` finds out what the columns stand for, `quality_old` for a question and a
method, `R1` for a reader, and says so in a sentence that can be checked before use.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path

from reader_study.formats.checking import FormatError
from reader_study.formats.delimited import csv_text, guarded, unguarded
from reader_study.formats.questionnaire import Question, Questionnaire
from reader_study.formats.spellings import answer, column_names, is_no_name, is_nothing
from reader_study.formats.tabular import Row, Table

ROLES = ("reader", "case", "method")
_CARRIED = (
    "trial", "position", "repeat", "session", "severity", "simulated", "reconstructed",
)  # fmt: skip
_SIGNS = r"\s_.:/()\[\]\-"
_SHOWN = 8


@dataclass(frozen=True)
class Told:
    """What a researcher says about wide tables, as far as they do not say it.

    Attributes:
        question: The question that all columns answer.
        methods: Names of the methods: in the columns, or of each file.
        columns: What a column is, `reader`, `case` or `method`, by its name.
        left_out: Columns that hold no answers.
    """

    question: str | None = None
    methods: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Long:
    """Readings, a row each.

    Attributes:
        header: Columns in the order of responses.csv.
        rows: Cells by column.
        methods: In the order in which they came.
        understood: How each file was read, a sentence each.
    """

    header: list[str]
    rows: list[dict[str, str]]
    methods: list[str]
    understood: list[str]

    def text(self) -> str:
        """Return the text of responses.csv."""
        safe = [
            {
                name: cell if _is_code(cell) else guarded(cell)
                for name, cell in r.items()
            }
            for r in self.rows
        ]
        return csv_text(self.header, safe)


def long_of(
    tables: Mapping[Path, Table], questionnaire: Questionnaire, told: Told
) -> Long:
    """Return the readings of one or more tables.

    Args:
        tables: By their files; of several, each holds the readings of one method unless
            it has a column `method`.
        questionnaire: What was asked.
        told: What the tables do not say.

    Raises:
        FormatError: If it cannot be told what a table holds, or it holds answers that
            are not on the scale or a reading twice; all faults are named.
    """
    readings = _Readings(questionnaire)
    understood: list[str] = []
    for path, given in zip(tables, _methods_of_files(tables, told), strict=True):
        of_file, method = _of_name(path, given, questionnaire, told)
        layout = layout_of(path, tables[path], questionnaire, of_file, method)
        understood += [f"{path.name}: {sentence}" for sentence in tables[path].assumed]
        understood += [f"{path.name}: {sentence}" for sentence in layout.sentences()]
        for row in tables[path].rows[1:]:
            readings.add(path, layout, row)
    if readings.faults:
        raise FormatError(readings.faults)
    rows = [row for row in readings.rows.values() if readings.has_answer(row)]
    if not rows:
        raise FormatError([f"{path}: holds no answers" for path in tables])
    without = len(readings.rows) - len(rows)
    if without:
        understood.append(f"readings without any answer are left out: {without}")
    used = {name for row in rows for name in row}
    unanswered = [name for name in questionnaire.ids if name not in used]
    if unanswered:
        understood.append(f"no answers to {', '.join(unanswered)}")
    header = [n for n in readings.columns() if n in used or n in questionnaire.ids]
    methods = list(dict.fromkeys(row["method"] for row in rows if "method" in row))
    return Long(header, rows, methods, understood)


def hint(path: str | Path, table: Table, questionnaire: Questionnaire) -> str | None:
    """Return what to do with a table that seems wide; None if it does not."""
    try:
        layout = layout_of(Path(path), table, questionnaire, Told(), None)
    except FormatError:
        return None
    if not layout.in_columns:
        return None
    return (
        f"must have a row for each reading, but has {next(layout.sentences())}; "
        f"`magic-analyze tidy {path}` makes such a file"
    )


def _methods_of_files(tables: Mapping[Path, Table], told: Told) -> list[str | None]:
    if len(tables) == 1:
        return [told.methods[0] if len(told.methods) == 1 else None]
    if told.methods and len(told.methods) != len(tables):
        msg = (
            f"There must be a method for each file, got {len(tables)} files and "
            f"{len(told.methods)} methods"
        )
        raise FormatError([msg])
    return list(told.methods) or [path.stem for path in tables]


def _of_name(
    path: Path, method: str | None, questionnaire: Questionnaire, told: Told
) -> tuple[Told, str | None]:
    """Take the question that the name of a file tells, as `Q3_old.csv` does."""
    for question in questionnaire:
        rest = _peeled(path.stem, question.id)
        if rest is not None and told.question is None:
            named = rest if method == path.stem and rest else method
            return replace(told, question=question.id), named
    return told, method


# -- What the columns stand for


@dataclass(frozen=True)
class _Column:
    """A column of answers, or of their reasons."""

    place: int
    name: str
    question: str
    is_reason: bool
    of: Mapping[str, str]


@dataclass(frozen=True)
class Layout:
    """What the columns of a table stand for.

    Attributes:
        columns: Those with answers.
        places: Where reader, case, method and what is carried along stand.
        in_columns: Which of reader, case and method the names of columns tell.
        method: Of the whole file, if it is of one method.
        left_out: Names of the columns that are not used.
    """

    columns: list[_Column]
    places: dict[str, int]
    in_columns: list[str]
    method: str | None
    left_out: list[str]

    def sentences(self) -> Iterator[str]:
        """Say how the table is understood."""
        rows = [name for name in ROLES if name in self.places]
        per = [
            f"{role} ({_listed(dict.fromkeys(c.of[role] for c in self.columns))})"
            for role in self.in_columns
        ]
        asked = _listed(dict.fromkeys(column.question for column in self.columns))
        each = " and ".join(rows) if per else "reading"
        across = f", a column for each {' and '.join(per)}" if per else ""
        said = f"a row for each {each}{across}, answers to {asked}"
        if self.method:
            said += f", all of method {self.method!r}"
        elif "method" not in {*self.places, *self.in_columns}:
            said += ", all of one method, which has no name (--methods NAME gives one)"
        yield said
        if self.left_out:
            yield f"left out: {', '.join(self.left_out)}"


def layout_of(
    path: Path,
    table: Table,
    questionnaire: Questionnaire,
    told: Told,
    method: str | None,
) -> Layout:
    """Find out what the columns of a table stand for.

    Raises:
        FormatError: If that cannot be told; it says what to add.
    """
    finder = _Finder(path, table, questionnaire, told)
    if "method" in finder.places:
        method = None
    return finder.layout(method)


class _Finder:
    def __init__(
        self, path: Path, table: Table, questionnaire: Questionnaire, told: Told
    ) -> None:
        header, *self.rows = table.rows
        self.where = f"{path} line {header.line}"
        self.questionnaire = questionnaire
        self.told = told
        self.given = [" ".join(cell.split()) for cell in header.cells]
        names = column_names(self.given, questionnaire)
        roles = {_plain(name): role for name, role in told.columns.items()}
        self.names = [
            roles.get(_plain(there), here)
            for there, here in zip(self.given, names, strict=True)
        ]
        missing = [n for n in told.columns if _plain(n) not in map(_plain, self.given)]
        if missing:
            msg = f"has no column {missing[0]!r}"
            raise self.fault(msg)
        twice = [role for role in ROLES if self.names.count(role) > 1]
        if twice:
            msg = f"column {twice[0]} stands twice"
            raise self.fault(msg)
        self.places = {
            name: self.names.index(name)
            for name in (*ROLES, *_CARRIED)
            if name in self.names
        }

    def fault(self, sentence: str) -> FormatError:
        return FormatError([f"{self.where}: {sentence}"])

    def layout(self, method: str | None) -> Layout:
        in_columns = [role for role in ROLES if role not in self.places]
        if method is not None:
            in_columns.remove("method")
        if {"reader", "case"} <= {*in_columns}:
            msg = (
                "must have a column case or reader; say which column it is with "
                "--case-column or --reader-column"
            )
            raise self.fault(msg)
        free = [
            place
            for place, name in enumerate(self.given)
            if place not in self.places.values()
            and _plain(name) not in map(_plain, self.told.left_out)
        ]
        columns = self._columns(free, in_columns)
        if not columns and "method" in in_columns and not self.told.methods:
            in_columns.remove("method")  # all readings are of one
            columns = self._columns(free, in_columns)
        if not any(not column.is_reason for column in columns):
            raise self.fault(self._nothing_found(in_columns))
        used = {column.place for column in columns} | {*self.places.values()}
        left_out = [
            name or f"column {place + 1}, which has no name"
            for place, name in enumerate(self.given)
            if place not in used
        ]
        return Layout(columns, self.places, in_columns, method, left_out)

    def _columns(self, free: Sequence[int], in_columns: list[str]) -> list[_Column]:
        parts = {place: self._asked(place, in_columns) for place in free}
        known = {place: part for place, part in parts.items() if part is not None}
        rests = {place: rest for place, (_, _, rest) in known.items()}
        roles = self._roles(rests, in_columns)
        return [
            _Column(place, self.given[place], name, is_reason, roles[place])
            for place, (name, is_reason, _) in known.items()
            if place in roles
        ]

    def _asked(self, place: int, in_columns: list[str]) -> tuple[str, bool, str] | None:
        """Return the question of a column, whether it holds reasons, and the rest."""
        given, name = self.given[place], self.names[place]
        for question in self.questionnaire:
            if name in {question.id, question.reason_column}:
                return question.id, name != question.id, ""
        longest = sorted(self.questionnaire, key=lambda q: len(q.id), reverse=True)
        for asked in longest:
            rest = _peeled(given, asked.id)
            if rest is not None:
                without = _peeled(rest, "reason")
                if without is None and not self._holds_answers(place, asked):
                    return None
                return (
                    asked.id,
                    without is not None,
                    without or rest * (without is None),
                )
        only = self._only_question()
        of_persons = {"reader", "case"} & {*in_columns}
        if only and of_persons and self._holds_answers(place, only):
            return only.id, False, given
        return None

    def _only_question(self) -> Question | None:
        asked = list(self.questionnaire)
        if self.told.question is None:
            return asked[0] if len(asked) == 1 else None
        found = [q for q in asked if _plain(q.id) == _plain(self.told.question)]
        if not found:
            known = ", ".join(self.questionnaire.ids)
            msg = f"Question must be one of {known}, got {self.told.question!r}"
            raise FormatError([msg])
        return found[0]

    def _holds_answers(self, place: int, question: Question) -> bool:
        """Return whether half of the cells or more are answers: others are faults."""
        texts = [unguarded(row.cells[place]).strip() for row in self._full_rows()]
        texts = [text for text in texts if not is_nothing(text)]
        known = [text for text in texts if answer(question, text)[1] != "unknown"]
        return bool(texts) and 2 * len(known) >= len(texts)

    def _full_rows(self) -> list[Row]:
        return [row for row in self.rows if len(row.cells) == len(self.given)]

    def _roles(
        self, rests: Mapping[int, str], in_columns: list[str]
    ) -> dict[int, dict[str, str]]:
        """Return reader, case and method of each column whose name tells them."""
        if "method" not in in_columns:
            other = in_columns[0] if in_columns else None
            return {
                place: {other: rest} if other else {}
                for place, rest in rests.items()
                if bool(rest) == bool(other)
            }
        other = next((role for role in in_columns if role != "method"), None)
        filled = {place: rest for place, rest in rests.items() if rest}
        if other is None:
            return {
                place: {"method": self._method(rest)}
                for place, rest in filled.items()
                if not self.told.methods or self._method(rest) in self.told.methods
            }
        return {
            place: {other: rest, "method": method}
            for place, (rest, method) in self._split(filled).items()
        }

    def _method(self, text: str) -> str:
        alike = [name for name in self.told.methods if _plain(name) == _plain(text)]
        return alike[0] if alike else text

    def _split(self, rests: Mapping[int, str]) -> dict[int, tuple[str, str]]:
        """Split names of a reader, or case, and a method."""
        methods = self.told.methods or self._methods_in(list(rests.values()))
        found = {}
        for place, rest in rests.items():
            for method in sorted(methods, key=len, reverse=True):
                without = _peeled(rest, method)
                if without:
                    found[place] = without, method
                    break
        return found

    def _methods_in(self, rests: Sequence[str]) -> tuple[str, ...]:
        """Return the two words that all columns begin with, or end with."""
        cut = re.compile(rf"[{_SIGNS}]+")
        words = [cut.split(rest) for rest in rests]
        sides = []
        for end in (0, -1):
            found = tuple(dict.fromkeys(parts[end] for parts in words))
            pairs = {(_peeled(rest, word), word) for rest in rests for word in found}
            pairs = {(other, word) for other, word in pairs if other}
            others = {other for other, _ in pairs}
            if pairs and len(found) == 2 and pairs == set(product(others, found)):
                sides.append(found)
        if not sides:
            return ()
        if len(sides) > 1:
            msg = (
                "say with --methods A,B which parts of the columns' names are methods, "
                "or with --methods A the method of the whole file"
            )
            raise self.fault(msg)
        return sides[0]

    def _nothing_found(self, in_columns: list[str]) -> str:
        asked = ", ".join(self.questionnaire.ids)
        if in_columns == ["method"]:
            methods = ", ".join(self.told.methods)
            return f"has no column method and no columns of the methods {methods}"
        if in_columns:
            return (
                f"has no column {' and '.join(in_columns)}, and no column is known by "
                f"its name: say with --question which of {asked} all columns answer, "
                f"or with --{in_columns[0]}-column which column it is"
            )
        return f"has no column of a question; those are {asked}"


def _plain(text: str) -> str:
    return "".join(text.casefold().split())


def _peeled(name: str, word: str) -> str | None:
    """Return a name without a word at its start, its end or within; None if not there.

    Examples:
        >>> (
        ...     _peeled("Q1_RAPID", "rapid"),
        ...     _peeled("Q1 (new)", "new"),
        ...     _peeled("Q12", "Q1"),
        ... )
        ('Q1', 'Q1', None)
    """
    parts = [re.escape(part) for part in re.split(rf"[{_SIGNS}]+", word) if part]
    inner = rf"[{_SIGNS}]+".join(parts)
    found = re.search(
        rf"(?:^|[{_SIGNS}])[{_SIGNS}]*{inner}(?=[{_SIGNS}]|$)", name, re.IGNORECASE
    )
    if not found:
        return None
    before, after = (
        re.sub(rf"^[{_SIGNS}]+|[{_SIGNS}]+$", "", part)
        for part in (name[: found.start()], name[found.end() :])
    )
    return f"{before}_{after}" if before and after else before or after


def _listed(names: Mapping[str, object] | Sequence[str]) -> str:
    shown = list(names)
    more = [f"and {len(shown) - _SHOWN} more"] if len(shown) > _SHOWN else []
    return ", ".join([*shown[:_SHOWN], *more])


# -- The readings


def _is_code(cell: str) -> bool:
    return re.fullmatch(r"-?\d+", cell) is not None


class _Readings:
    """Rows of responses.csv, one for each reading, and what is wrong with them."""

    def __init__(self, questionnaire: Questionnaire) -> None:
        self.questions = {question.id: question for question in questionnaire}
        self.rows: dict[tuple[str, ...], dict[str, str]] = {}
        self.faults: list[str] = []
        self._seen: dict[tuple[object, ...], str] = {}

    def columns(self) -> list[str]:
        reasons = [question.reason_column for question in self.questions.values()]
        return [*ROLES, *_CARRIED, *self.questions, *reasons]

    def has_answer(self, row: Mapping[str, str]) -> bool:
        return any(row.get(name) for name in self.questions)

    def add(self, path: Path, layout: Layout, row: Row) -> None:
        """Add the readings of a row."""
        where = f"{path} line {row.line}"
        width = max([*layout.places.values(), *(c.place for c in layout.columns)]) + 1
        if len(row.cells) < width:
            self.faults.append(f"{where}: has {len(row.cells)} cells, needs {width}")
            return
        texts = [unguarded(cell).strip() for cell in row.cells]
        fixed = {name: texts[place] for name, place in layout.places.items()}
        if layout.method is not None:
            fixed["method"] = layout.method
        empty = [name for name in ROLES if name in fixed and is_no_name(fixed[name])]
        if empty:
            self.faults += [f"{where}: {name} is empty" for name in empty]
            return
        for column in layout.columns:
            self._cell(where, column, {**fixed, **column.of}, texts[column.place])

    def _cell(self, where: str, column: _Column, of: dict[str, str], text: str) -> None:
        key = tuple(of.get(name, "") for name in (*ROLES, "repeat", "session"))
        place = (*key, column.question, column.is_reason)
        if place in self._seen:
            named = " ".join(f"{role} {of[role]}" for role in ROLES if role in of)
            before = self._seen[place]
            self.faults.append(f"{where}: {named} was there before, in {before}")
            return
        self._seen[place] = where
        row = self.rows.setdefault(
            key, {name: cell for name, cell in of.items() if cell}
        )
        question = self.questions[column.question]
        if column.is_reason:
            if not is_nothing(text):
                row[question.reason_column] = text
            return
        code, how = answer(question, text) if text else ("", "nothing")
        if how == "unknown":
            scale = ", ".join(map(str, question.codes))
            self.faults.append(
                f"{where} column {column.name}: {question.id} must be one of {scale} "
                f"or empty, got {text!r}"
            )
        elif code:
            row[question.id] = code
