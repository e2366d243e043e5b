"""responses.csv: one row per reading, written once here and read once here."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reader_study.formats.checking import FormatError
from reader_study.formats.delimited import TRUE, csv_text
from reader_study.formats.questionnaire import Answer, Question, Questionnaire
from reader_study.formats.spellings import in_our_words
from reader_study.formats.tabular import Row, read_table
from reader_study.formats.wide.long import hint

FILE_NAME = "responses.csv"
REQUIRED = ("reader", "case", "method")

ONE_METHOD = "all readings"
"""Name of the method in a file without column `method`."""

REPEAT = "repeat"
"""Column that says which reading of the same picture by the same reader this is."""

SHOWN = "shown"
"""Column that lists the methods of several pictures at once, from the left; `method` is
empty then."""

OCCASION = (REPEAT, "session", "trial")
"""Columns that tell readings of one reader, case and method apart; the first that is
filled does."""

_UNBLINDED = ("case", "method", "severity")
_TRUTH = ("truth", "truth_source")
_OWN = frozenset(
    {
        *REQUIRED, *_UNBLINDED, *_TRUTH, *OCCASION, "position", "pseudo_id", "note",
        "revision", "opened_at", "submitted_at", "seconds", "active_seconds",
        "simulated", "reconstructed", "seen", SHOWN,
    }
)  # fmt: skip
_LOOKS_LIKE_A_QUESTION = re.compile(r"Q\d+[A-Za-z]?(_reason)?")

_Located = tuple[int, str]
"""A line of the file and what to say about it."""


@dataclass(frozen=True)
class Reading:
    """What one reader answered to one case under one method.

    Attributes:
        line: Line of responses.csv.
        reader: Name of the reader.
        case: Name of the case.
        method: Method that made the picture.
        answers: Answer per question id; a question not answered is left out.
        reasons: Explanation per question id, where one was given.
        trial: 1 or 2, None where the file does not tell.
        position: Place in the order of presentation of the trial, from 1, or None.
        severity: Class of the case, or None.
        truth: What the reference standard says of the case, or None.
        truth_source: What that standard is, or None.
        occasion: What tells this reading from others of the same reader, case and
            method: the cell of column `repeat`, else `session`, else `trial`; may be
            empty.
        columns: What other columns say of the case or the reader, such as the site;
            empty cells are left out.
    """

    line: int
    reader: str
    case: str
    method: str
    answers: Mapping[str, Answer]
    reasons: Mapping[str, str] = field(default_factory=dict)
    trial: int | None = None
    position: int | None = None
    severity: str | None = None
    occasion: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    truth: str | None = None
    truth_source: str | None = None

    def column(self, name: str) -> str | None:
        """Return what a column says of the case or the reader, None if nothing."""
        wanted = name.strip().casefold()
        if wanted in {"severity", *_TRUTH}:
            own: str | None = getattr(self, wanted)
            return own
        found = (text for key, text in self.columns.items() if key.casefold() == wanted)
        return next(found, None)


@dataclass(frozen=True)
class Responses:
    """All readings of a study, checked.

    Attributes:
        readings: In the order of the file.
        questionnaire: What was asked.
        reference: Name of the reference method.
        test: Name of the test method.
        notes: What is incomplete but no fault: readings without a partner, missing
            reasons; each with its line.
        simulated: Some readings are a rehearsal's.
        reconstructed: Some readings were reconstructed from published tables.
        repeats: Second and later readings of a reader, case and method, which are not
            among `readings`; in the order in which they were made.
        assumed: How the file was understood where it is not as its format says: its
            encoding, spellings, labels instead of codes, names that may be one.
    """

    readings: Sequence[Reading]
    questionnaire: Questionnaire
    reference: str
    test: str
    notes: Sequence[str] = ()
    simulated: bool = False
    reconstructed: bool = False
    repeats: Sequence[Reading] = ()
    assumed: Sequence[str] = ()

    @property
    def readers(self) -> list[str]:
        """Readers in the order of their first reading."""
        return list(dict.fromkeys(reading.reader for reading in self.readings))

    def __repr__(self) -> str:
        """Return a summary, not the readings."""
        cases = len({reading.case for reading in self.readings})
        return (
            f"Responses({len(self.readings)} readings, {len(self.readers)} readers, "
            f"{cases} cases, {self.reference} and {self.test})"
        )


def responses_text(
    questionnaire: Questionnaire,
    rows: Iterable[Mapping[str, object]],
    *,
    masked: bool = False,
    viewed: bool = False,
    truth: bool = False,
    about: Sequence[str] = (),
) -> str:
    """Return the text of responses.csv.

    Args:
        questionnaire: What was asked.
        rows: Cells by column; texts are guarded against spreadsheets already.
        masked: Without what the pictures are: case, method and severity.
        viewed: With what was on screen, where readers scroll through stacks.
        truth: With the truth of the cases and its source, unless masked.
        about: Further columns about the readings and cases; `repeat` of them stands
            beside the trial, `shown` beside the method.
    """
    ids = questionnaire.ids
    # Numbers and texts ask for no explanation.
    reasons = (q.reason_column for q in questionnaire if q.scale)
    again = tuple(name for name in about if name == REPEAT)
    last = (
        *(_TRUTH if truth and not masked else ()),
        *(name for name in about if name not in {REPEAT, SHOWN}),
    )
    beside = tuple(name for name in about if name == SHOWN)
    unblinded = (*_UNBLINDED[:2], *beside, *_UNBLINDED[2:])
    header = [
        "reader", "trial", *again, "position", "pseudo_id",
        *(() if masked else unblinded),
        *ids, *reasons, "note", "revision", "opened_at",
        "submitted_at", "seconds", "active_seconds", *(("seen",) if viewed else ()),
        *last, "simulated",
    ]  # fmt: skip
    return csv_text(header, rows)


def read_responses(
    path: str | Path, questionnaire: Questionnaire, *, reference: str, test: str
) -> Responses:
    """Read responses.csv and check every line of it.

    Args:
        path: The file; see docs/file-formats.md.
        questionnaire: What was asked.
        reference: Name of the reference method in column `method`.
        test: Name of the test method.

    Raises:
        FormatError: If it cannot be read, or anything makes the readings ambiguous:
            headers, codes that are not on the scale, methods, repeated readings that
            nothing tells apart. It names all faults.
    """
    _must_differ(reference, test)
    found = parsed(path, questionnaire, (reference, test))
    return compared(found, questionnaire, reference=reference, test=test)


@dataclass(frozen=True)
class Parsed:
    """What responses.csv holds, before anything is compared.

    Attributes:
        first: The first reading of each reader, case and method, in the order of the
            file.
        repeats: Second and later ones, in the order in which they were made.
        flags: Which of `simulated` and `reconstructed` some readings are.
        assumed: As in `Responses`.
    """

    first: Sequence[Reading]
    repeats: Sequence[Reading]
    flags: frozenset[str]
    assumed: Sequence[str] = ()


def parsed(
    path: str | Path,
    questionnaire: Questionnaire,
    methods: tuple[str, str] | None = None,
    known: Sequence[str] = (),
) -> Parsed:
    """Read responses.csv and check every line of it.

    Args:
        path: The file.
        questionnaire: What was asked.
        methods: The only methods that there may be; None for any, and then column
            `method` may be missing, so that all readings are `ONE_METHOD`.
        known: Methods that may be spelled in another way.

    Raises:
        FormatError: As `read_responses`.
    """
    given = read_table(path)
    table = in_our_words(given, questionnaire, methods or known)
    header, *rows = table.rows
    names = header.cells
    required = REQUIRED if methods else REQUIRED[:-1]
    faults = _header_faults(names, questionnaire, required)
    if faults:
        wide = hint(path, given, questionnaire)
        faults = [wide] if wide else faults
        raise FormatError([f"{path} line {header.line}: {fault}" for fault in faults])
    if not rows:
        raise FormatError([f"{path} has a header but no readings"])
    parser = _Parser(questionnaire, names, methods)
    readings = [parser.reading(row) for row in rows]
    kept = [reading for reading in readings if reading is not None]
    found = sorted([*parser.faults, *_repeated(kept)])
    if found:
        raise FormatError([f"{path} line {line}: {fault}" for line, fault in found])
    first, repeats = _in_turn(kept)
    return Parsed(first, repeats, frozenset(parser.flags), table.assumed)


def compared(
    found: Parsed, questionnaire: Questionnaire, *, reference: str, test: str
) -> Responses:
    """Return the readings under two methods; those under others are left out.

    Raises:
        FormatError: If both are the same.
    """
    _must_differ(reference, test)
    methods = (reference, test)
    first = [reading for reading in found.first if reading.method in methods]
    left_out = Counter(r.method for r in found.first if r.method not in methods)
    notes = sorted(
        [
            *_missing_partners(first, reference, test),
            *missing_reasons(first, questionnaire),
        ]
    )
    return Responses(
        readings=first,
        questionnaire=questionnaire,
        reference=reference,
        test=test,
        notes=[
            *(f"{name}: readings left out, {n}" for name, n in left_out.items()),
            *(f"line {line}: {note}" for line, note in notes),
        ],
        simulated="simulated" in found.flags,
        reconstructed="reconstructed" in found.flags,
        repeats=[reading for reading in found.repeats if reading.method in methods],
        assumed=found.assumed,
    )


def _must_differ(reference: str, test: str) -> None:
    if reference == test:
        msg = f"Reference and test method must differ, both are {reference}"
        raise FormatError([msg])


def _header_faults(
    names: Sequence[str], questionnaire: Questionnaire, required: Sequence[str]
) -> list[str]:
    needed = [*required, *questionnaire.ids]
    faults = [f"column {name} is missing" for name in needed if name not in names]
    if len(faults) == len(needed):
        return [f"a header is missing; it must name {', '.join(needed)}"]
    repeated = sorted({name for name in names if names.count(name) > 1})
    faults += [f"column {name or '(without a name)'} stands twice" for name in repeated]
    known = {
        *questionnaire.ids,
        *(question.reason_column for question in questionnaire),
    }
    faults += [
        f"column {name} is not a question of the questionnaire"
        for name in names
        if _LOOKS_LIKE_A_QUESTION.fullmatch(name) and name not in known
    ]
    return faults


class _Parser:
    """Turns rows into readings and collects what is wrong with them."""

    def __init__(
        self,
        questionnaire: Questionnaire,
        names: list[str],
        methods: tuple[str, str] | None,
    ) -> None:
        self.questionnaire = questionnaire
        self.names = names
        self.methods = methods
        known = {*_OWN, *questionnaire.ids}
        known |= {question.reason_column for question in questionnaire}
        self.others = [name for name in names if name not in known]
        self.conditional = any(question.shown_if for question in questionnaire)
        self.faults: list[_Located] = []
        self.flags: set[str] = set()

    def reading(self, row: Row) -> Reading | None:
        if len(row.cells) != len(self.names):
            msg = f"has {len(row.cells)} cells, the header has {len(self.names)}"
            self.faults.append((row.line, msg))
            return None
        cells = {"method": ONE_METHOD} | dict(zip(self.names, row.cells, strict=True))
        for column in ("reader", "case"):
            if not cells[column]:
                self.faults.append((row.line, f"{column} is empty"))
        self._check_method(row.line, cells["method"])
        for flag in ("simulated", "reconstructed"):
            if cells.get(flag, "").lower() in TRUE:
                self.flags.add(flag)
        return self._answered(row.line, cells)

    def _check_method(self, line: int, method: str) -> None:
        if self.methods is None and not method:
            self.faults.append((line, "method is empty"))
        if self.methods is not None and method not in self.methods:
            expected = " or ".join(self.methods)
            msg = f"method must be {expected}, got {method!r}"
            self.faults.append((line, msg))

    def _answered(self, line: int, cells: dict[str, str]) -> Reading:
        answers: dict[str, Answer] = {}
        reasons: dict[str, str] = {}
        for question in self.questionnaire:
            code = self._code(line, question, cells[question.id])
            if code is not None:
                answers[question.id] = code
            if cells.get(question.reason_column):
                reasons[question.id] = cells[question.reason_column]
        self._check_shown(line, answers)
        return Reading(
            line,
            cells["reader"],
            cells["case"],
            cells["method"],
            answers,
            reasons,
            trial=self._whole_number(line, "trial", cells),
            position=self._whole_number(line, "position", cells),
            severity=cells.get("severity") or None,
            occasion=_occasion(cells),
            columns={name: cells[name] for name in self.others if cells[name]},
            truth=cells.get("truth") or None,
            truth_source=cells.get("truth_source") or None,
        )

    def _check_shown(self, line: int, answers: Mapping[str, Answer]) -> None:
        if not self.conditional:
            return
        shown = {question.id for question in self.questionnaire.shown(answers)}
        for name in answers:
            if name not in shown:
                msg = f"{name} must be empty, for it is not asked after these answers"
                self.faults.append((line, msg))

    def _whole_number(
        self, line: int, column: str, cells: Mapping[str, str]
    ) -> int | None:
        cell = cells.get(column, "")
        number = _positive(cell)
        if cell and number is None:
            msg = f"{column} must be a whole number of 1 or more or empty, got {cell!r}"
            self.faults.append((line, msg))
        return number

    def _code(self, line: int, question: Question, cell: str) -> Answer | None:
        if not cell:
            return None
        code = question.parse(cell)
        if code is None:
            msg = f"{question.id} must be {question.must_be} or empty, got {cell!r}"
            self.faults.append((line, msg))
        return code


def _positive(cell: str) -> int | None:
    """Return the whole number of 1 or more that a cell holds, else None."""
    text = cell.strip().removesuffix(".0")
    return int(text) or None if text.isascii() and text.isdigit() else None


def _occasion(cells: Mapping[str, str]) -> str:
    """Return what tells a reading from another of the same reader, case and method."""
    return next(filter(None, (cells.get(name) for name in OCCASION)), "")


def _repeated(readings: Sequence[Reading]) -> Iterator[_Located]:
    """Find readings of the same reader, case and method that nothing tells apart."""
    first: dict[tuple[str, str, str, str], int] = {}
    for reading in readings:
        key = (*_key(reading), reading.occasion)
        if key in first:
            under = f" under {reading.method}" if reading.method != ONE_METHOD else ""
            yield (
                reading.line,
                f"reader {reading.reader} has read case {reading.case}{under} before, "
                f"on line {first[key]}; if it was read again on purpose, a column "
                "repeat must say which reading this is (1, 2)",
            )
        first.setdefault(key, reading.line)


def _in_turn(readings: Sequence[Reading]) -> tuple[list[Reading], list[Reading]]:
    """Divide readings into the first of each reader, case and method, and later ones.

    Occasions that are numbers come in their order, others as they first occur in the
    file; a reading without one is the first.
    """
    names = dict.fromkeys(reading.occasion for reading in readings)
    occurs = {name: place for place, name in enumerate(names)}

    def turn(reading: Reading) -> tuple[bool, int, int]:
        number = _positive(reading.occasion)
        return bool(reading.occasion), number or 0, occurs[reading.occasion]

    first: dict[tuple[str, str, str], Reading] = {}
    for reading in sorted(readings, key=turn):
        first.setdefault(_key(reading), reading)
    lines = {reading.line for reading in first.values()}
    later = (reading for reading in readings if reading.line not in lines)
    return [r for r in readings if r.line in lines], sorted(later, key=turn)


def _key(reading: Reading) -> tuple[str, str, str]:
    return reading.reader, reading.case, reading.method


def _missing_partners(
    readings: Sequence[Reading], reference: str, test: str
) -> Iterator[_Located]:
    """Find readings whose case the reader did not read under the other method."""
    read = {(reading.reader, reading.case, reading.method) for reading in readings}
    other = {reference: test, test: reference}
    for reading in readings:
        partner = other[reading.method]
        if (reading.reader, reading.case, partner) not in read:
            yield (
                reading.line,
                f"reader {reading.reader} has not read case {reading.case} "
                f"under {partner}",
            )


def missing_reasons(
    readings: Sequence[Reading], questionnaire: Questionnaire
) -> Iterator[_Located]:
    """Find answers that ask for an explanation and have none."""
    for reading in readings:
        for question in questionnaire:
            if not question.reason_codes or question.id in reading.reasons:
                continue
            chosen = question.chosen(reading.answers.get(question.id))
            for label in [c.label for c in chosen if c.requires_reason]:
                yield reading.line, f"{question.id} is {label} without a reason"
