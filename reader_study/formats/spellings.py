"""responses.csv as others spell it, in the words of its format.

Columns and methods without regard to case and blanks, labels instead of codes, `2,0`
for 2, `NA` for an empty cell: `in_our_words` rewrites a table accordingly and says in
sentences what it took for what. What it does not know it leaves for the check.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from reader_study.formats.asking.question import SEPARATOR
from reader_study.formats.delimited import unguarded
from reader_study.formats.questionnaire import Question, Questionnaire
from reader_study.formats.tabular import Row, Table

_NUMBERS = frozenset({"trial", "position", "repeat", "session"})
_COLUMNS = frozenset(
    {
        "reader", "case", "method", "severity", "truth", "truth_source", "simulated",
        "reconstructed", *_NUMBERS,
    }
)  # fmt: skip
_NOTHING = frozenset({"na", "n/a", "#n/a", "nan", "-", "."})
"""How others write an empty cell, in lower case."""

_MOST_TWINS = 10


def in_our_words(
    table: Table, questionnaire: Questionnaire, methods: Sequence[str] = ()
) -> Table:
    """Return a table of readings with the columns, codes and methods of its format.

    Args:
        table: Header and rows, as found.
        questionnaire: What was asked.
        methods: Names of the methods, as far as they are known.
    """
    header, *rows = table.rows
    given = [" ".join(cell.split()) for cell in header.cells]
    names = column_names(given, questionnaire)
    cells = _Cells(questionnaire, methods)
    found = [Row(row.line, cells.of(names, row.cells)) for row in rows]
    renamed = [
        f"{there!r} as {here}"
        for there, here in zip(given, names, strict=True)
        if there != here
    ]
    said = [f"columns are read by another spelling: {', '.join(renamed)}"]
    return Table(
        [Row(header.line, names), *found],
        (
            *table.assumed,
            *(said if renamed else []),
            *cells.sentences(),
            *twins(names, found),
        ),
    )


def column_names(given: Sequence[str], questionnaire: Questionnaire) -> list[str]:
    """Return the names of columns in the words of the format, as far as it has them.

    A name counts without regard to case and blanks, a blank also as `_`, and a question
    by its text, unless that leaves a choice.
    """
    exact = {
        *questionnaire.ids,
        *(question.reason_column for question in questionnaire),
        *_COLUMNS,
    }
    alike: dict[str, set[str]] = {}
    for name in exact:
        alike.setdefault(_plain(name), set()).add(name)
    for question in questionnaire:
        alike.setdefault(_plain(question.text), set()).add(question.id)

    def here(name: str) -> str:
        if name in exact:
            return name
        with_bars = "_".join(name.split())
        meant = alike.get(_plain(name), set()) | alike.get(_plain(with_bars), set())
        return min(meant) if len(meant) == 1 else name

    return [here(name) for name in given]


def is_nothing(text: str) -> bool:
    """Return whether a cell is empty, or says that it is."""
    return not text or text.lower() in _NOTHING


def is_no_name(text: str) -> bool:
    """Return whether a cell names nobody; `NA` may be the initials of a reader."""
    return is_nothing(text) and text.lower() != "na"


def whole_number(text: str) -> int | None:
    """Return a whole number in any form: `2`, `2.00`, `2,0`, `+2`; else None.

    Examples:
        >>> whole_number("2,0"), whole_number("-1.00"), whole_number("2.5")
        (2, -1, None)
    """
    found = re.fullmatch(r"([+\-\u2212]?)([0-9]+)(?:[.,]0*)?", text)
    if not found:
        return None
    size = int(found[2])
    return size if found[1] in {"", "+"} else -size


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


class _Cells:
    """Rewrites cells and counts what it took for what."""

    def __init__(self, questionnaire: Questionnaire, methods: Sequence[str]) -> None:
        self.questions = {question.id: question for question in questionnaire}
        self.reasons = {question.reason_column for question in questionnaire}
        self.methods = methods
        self.labelled: Counter[str] = Counter()
        self.recased: Counter[str] = Counter()
        self.commas: Counter[str] = Counter()
        self.nothing: Counter[str] = Counter()
        self.renamed: Counter[str] = Counter()
        self._found: dict[tuple[str, str], str] = {}  # nothing to count
        self._answers: dict[tuple[str, str], tuple[str, str]] = {}

    def of(self, names: Sequence[str], cells: Sequence[str]) -> list[str]:
        if len(cells) != len(names):
            return list(cells)
        found = self._found
        return [
            found[of] if (of := (name, cell)) in found else self._new(name, cell)
            for name, cell in zip(names, cells, strict=True)
        ]

    def _new(self, name: str, cell: str) -> str:
        """Rewrite a cell; remember it if there is nothing to count."""
        text = unguarded(cell).strip()
        here = self._cell(name, text)
        if here == text and (name in self.questions or name in _COLUMNS):
            self._found[name, cell] = here
        return here

    def _cell(self, name: str, text: str) -> str:
        if text and name in self.questions:
            return self._answered(self.questions[name], text)
        if name == "method":
            return self._method(text)
        if text and self._says_nothing(name, text):
            self.nothing[text] += 1
            return ""
        return self._number(text) if name in _NUMBERS else text

    def _says_nothing(self, name: str, text: str) -> bool:
        if name in {"reader", "case"}:
            return is_no_name(text)
        return (name in _COLUMNS or name in self.reasons) and is_nothing(text)

    def _answered(self, question: Question, text: str) -> str:
        if (question.id, text) not in self._answers:
            self._answers[question.id, text] = answer(question, text)
        code, how = self._answers[question.id, text]
        if how == "label":
            self.labelled[question.id] += 1
        elif how == "case":
            self.recased[question.id] += 1
        elif how == "nothing":
            self.nothing[text] += 1
        elif how == "number" and "," in text:
            self.commas[text] += 1
        return code

    def _method(self, text: str) -> str:
        alike = [name for name in self.methods if _plain(name) == _plain(text)]
        if text in self.methods or len(alike) != 1:
            return text
        self.renamed[f"{text!r} as {alike[0]}"] += 1
        return alike[0]

    def _number(self, text: str) -> str:
        number = whole_number(text)
        if number is None:
            return text
        if "," in text:
            self.commas[text] += 1
        return str(number)

    def sentences(self) -> Iterator[str]:
        if self.renamed:
            yield f"methods are read by another spelling: {', '.join(self.renamed)}"
        if self.labelled:
            names = ", ".join(self.labelled)
            yield f"labels are read as the codes that the questionnaire gives: {names}"
        if self.recased:
            yield f"codes are read without regard to case: {', '.join(self.recased)}"
        if self.commas:
            yield f"a comma is read as a decimal comma: {', '.join(self.commas)}"
        if self.nothing:
            cells = sum(self.nothing.values())
            spelled = ", ".join(self.nothing)
            yield f"{cells} cell{'s' * (cells > 1)} read as empty: {spelled}"


def answer(question: Question, text: str) -> tuple[str, str]:
    """Return the answer that a cell holds, as text, and how it was told.

    A code counts before a label, and both before a word for nothing; how it was told is
    `code`, `number`, `case`, `label`, `nothing`, or `unknown` with the text as it was.
    """
    if question.on_scale:
        return _on_scale(question, text)
    if question.parse(text) is not None:
        return text, "code"
    if question.textual or is_nothing(text):
        return (text, "unknown") if question.textual else ("", "nothing")
    if question.numeric:
        with_point = text.replace(",", ".")
        fits = question.parse(with_point) is not None
        return (with_point, "number") if fits else (text, "unknown")
    parts = [_on_scale(question, part.strip()) for part in text.split(SEPARATOR)]
    told = {how for _, how in parts} - {"code"}
    joined = SEPARATOR.join(code for code, _ in parts)
    if question.parse(joined) is None:
        return text, "unknown"
    return joined, told.pop() if len(told) == 1 else "label"


def _on_scale(question: Question, text: str) -> tuple[str, str]:
    codes = [str(code) for code in question.codes]
    if text in codes:
        return text, "code"
    number = whole_number(text)
    if number is not None and str(number) in codes:
        grouped = text.replace(",", "")  # 1,000 may be one thousand
        ambiguous = grouped != text and grouped in codes
        return (text, "unknown") if ambiguous else (str(number), "number")
    for how, meanings in (("case", codes), ("label", question.labels)):
        alike = [
            code
            for code, meaning in zip(codes, meanings, strict=True)
            if _words(meaning) == _words(text)
        ]
        if len(alike) == 1:
            return alike[0], how
    return ("", "nothing") if is_nothing(text) else (text, "unknown")


def _words(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


# -- Names that may be one


def twins(
    names: Sequence[str],
    rows: Sequence[Row],
    columns: Sequence[str] = ("reader", "case", "method"),
) -> Iterator[str]:
    """Find names that differ by case, blanks or zeros only, and say so."""
    for column in columns:
        if names.count(column) != 1:
            continue
        place = names.index(column)
        lines: dict[str, int] = {}
        for row in rows:
            if len(row.cells) == len(names) and row.cells[place]:
                lines.setdefault(row.cells[place], row.line)
        yield from _told(column, _alike(lines), lines)


def _alike(names: Iterable[str]) -> list[list[str]]:
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(_core(name), []).append(name)
    return [group for group in groups.values() if len(group) > 1]


def _told(
    column: str, groups: Sequence[Sequence[str]], lines: dict[str, int]
) -> Iterator[str]:
    for group in groups[:_MOST_TWINS]:
        named = " and ".join(f"{name!r} (line {lines[name]})" for name in group)
        yield f"{column}s {named} are taken as {len(group)}; if one, write them alike"
    if len(groups) > _MOST_TWINS:
        yield f"{len(groups) - _MOST_TWINS} more such names of {column}s"


def _core(name: str) -> str:
    """Return a name without what tells twins apart.

    Examples:
        >>> _core("P01") == _core("p 1"), _core("1-12") == _core("11-2")
        (True, False)
    """
    text = unicodedata.normalize("NFKC", name).casefold()
    number = whole_number(text)
    if number is not None:
        return str(number)
    text = re.sub(r"(?<=\d)[\s_-]+(?=\d)", ";", text)
    text = re.sub(r"[\s_-]", "", text)
    return re.sub(r"(?<![\d.,])0+(?=\d)", "", text)
