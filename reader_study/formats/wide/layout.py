"""What the columns of a wide table stand for: questions, methods, readers, cases."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

from reader_study.formats.checking import FormatError
from reader_study.formats.delimited import unguarded
from reader_study.formats.questionnaire import Question, Questionnaire
from reader_study.formats.spellings import answer, column_names, is_nothing
from reader_study.formats.tabular import Row, Table

ROLES = ("reader", "case", "method")
CARRIED = (
    "trial", "position", "repeat", "session", "severity", "truth", "truth_source",
    "simulated", "reconstructed",
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
class Column:
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

    columns: list[Column]
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
            for name in (*ROLES, *CARRIED)
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

    def _columns(self, free: Sequence[int], in_columns: list[str]) -> list[Column]:
        parts = {place: self._asked(place, in_columns) for place in free}
        known = {place: part for place, part in parts.items() if part is not None}
        rests = {place: rest for place, (_, _, rest) in known.items()}
        roles = self._roles(rests, in_columns)
        return [
            Column(place, self.given[place], name, is_reason, roles[place])
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
            rest = cut_out(given, asked.id)
            if rest is not None:
                of_reason = cut_out(rest, "reason")
                if of_reason is not None:
                    return asked.id, True, of_reason
                holds = self._holds_answers(place, asked)
                return (asked.id, False, rest) if holds else None
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
                without = cut_out(rest, method)
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
            pairs = {(cut_out(rest, word), word) for rest in rests for word in found}
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


def cut_out(name: str, word: str) -> str | None:
    """Return a name without a word at its start, its end or within; None if not there.

    Examples:
        >>> (
        ...     cut_out("Q1_RAPID", "rapid"),
        ...     cut_out("Q1 (new)", "new"),
        ...     cut_out("Q12", "Q1"),
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
