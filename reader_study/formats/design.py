"""The design of a study as data: what is read, by whom, when; table `[design]`.

Nothing here needs cases or chance; `reader_study.design` draws from it. Or a table says
who reads what, a row each: reader, session, position, case, method.
"""

import csv
import dataclasses
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from reader_study.formats import checking
from reader_study.formats.delimited import csv_text
from reader_study.formats.showing import display as displays

Pairing = Literal["paired", "partly paired", "unpaired"]
Allocation = Literal["crossed", "split-plot", "subsets", "table"]
Spread = Literal["balanced", "by chance", "by case", "by method"]
Order = Literal["shared", "per_reader"]
Confounding = Literal["session", "reader group", "position"]

MOST_ARMS = 8
MOST_SESSIONS = 20
_Days = Annotated[checking.Number, Field(ge=0)]
_OF_TABLES = ("spread", "order", "repeat")
_IN_EVERY_STUDY = frozenset(
    {
        "bin", "commitment", "database", "group", "image", "images", "json", "length",
        "manifest", "name", "nonce", "orders", "panels", "png", "presentations",
        "pseudo", "questionnaire", "reader", "schema", "slots", "study", "token",
        "training", "trial", "volume", "volumes",
    }
)  # fmt: skip
_NO_STRATA = frozenset(
    {
        "reader", "trial", "session", "repeat", "position", "pseudo_id", "case",
        "method", "image", "shown", "volume", "truth", "truth_source", "note",
        "revision", "opened_at", "submitted_at", "seconds", "active_seconds", "seen",
        "simulated", "reconstructed",
    }
)  # fmt: skip
_ONLY_WITH = {
    "groups": "split-plot",
    "shared_cases": "split-plot",
    "cases_per_reader": "subsets",
    "table": "table",
}


@checking.record(kw_only=True)
class StudyDesign:
    """What is read, by whom and when; once constructed, free of contradictions.

    Whether given cases and readers can fill it is known when it is drawn.
    """

    arms: Annotated[
        tuple[checking.Filled, ...], Field(min_length=1, max_length=MOST_ARMS)
    ]
    """Methods, 1 to 8; the first is the reference."""

    pairing: Pairing = "paired"
    """`paired`: every case has a picture of every arm; `partly paired`: of one or more;
    `unpaired`: of exactly one."""

    display: displays.Display = "one picture"
    """What a reader sees at a time. `side by side`: two pictures of a case; `choice`:
    several, the reference among them; `ranking`: several, to be put in order; `aided`:
    by the first arm, and once that is answered, by the second."""

    pictures: checking.Count = 0
    """Pictures of a choice or a ranking; 0: as many as there are arms."""

    sessions: Annotated[checking.Positive, Field(le=MOST_SESSIONS)] = 1
    """Number of sessions; `trial` of a reading is its session."""

    washout_days: tuple[_Days, ...] = ()
    """Least days before session 2, 3 and so on; empty: `washout_days` of `[readers]`
    before each."""

    spread: Spread = "balanced"
    """Which picture comes in which session. `balanced`: those of a case in different
    ones as far as they go, each arm equally often in each, and groups of readers who
    see them in turn; `by chance`: drawn for each case by itself, the same for all;
    `by case`: those of a case together; `by method`: one arm a session."""

    allocation: Allocation = "crossed"
    """Who reads which case. `crossed`: everybody all; `split-plot`: groups of readers
    have their own; `subsets`: every reader has so many; `table`: as a file says."""

    groups: checking.Positive = 1
    """Groups of readers, of a split-plot design."""

    shared_cases: checking.Count = 0
    """Cases that all groups of a split-plot design read; the others are parted."""

    cases_per_reader: checking.Count = 0
    """Cases of a reader, where readers have subsets; each is read about as often."""

    repeat: checking.Count = 0
    """Cases of which a reader reads one picture a second time."""

    strata: tuple[checking.Filled, ...] = ()
    """Columns of cases.csv whose values are spread evenly, like the arms."""

    order: Order = "per_reader"
    """Whether readers of the same pictures share their order."""

    max_run: checking.Count = 0
    """Longest run of pictures of one arm; 0: left to chance."""

    min_distance: checking.Count = 0
    """Smallest difference between the positions of a case in one session and in the
    next in which it is shown; 0: any."""

    min_gap: checking.Count = 0
    """Pictures at least between two of the same case in one session."""

    table: checking.Text = ""
    """The file beside the protocol that says who reads what, where allocation is
    `table`: reader, session, position, case, method."""

    accept_confounding: tuple[Confounding, ...] = ()
    """What may be confounded with the method; anything else is refused."""

    def __post_init__(self) -> None:
        for key, why in self._faults():
            raise checking.Invalid(why, key)

    @property
    def reference(self) -> str:
        """The arm that others are compared with."""
        return self.arms[0]

    @cached_property
    def units(self) -> dict[str, tuple[str, ...]]:
        """What is drawn as one thing: the methods that it shows, by its name."""
        return displays.units_of(self.arms, self.display, self.at_once)

    @property
    def at_once(self) -> int:
        """Number of pictures that a reader sees at once."""
        return displays.pictures_of(self.display, len(self.arms), self.pictures)

    @property
    def is_counterbalanced(self) -> bool:
        """Whether groups of readers see the pictures of a case in turn."""
        return self.sessions > 1 and self.spread in {"balanced", "by case"}

    @property
    def repeats_later(self) -> bool:
        """Whether a second reading comes in another session than the first."""
        return self.sessions > 1 and self.spread in {"balanced", "by chance"}

    def given(self) -> dict[str, Any]:
        """Return what differs from its default, as hashes cover it."""
        content = asdict(self)
        return {
            f.name: content[f.name]
            for f in dataclasses.fields(self)
            if content[f.name] != f.default
        }

    def _faults(self) -> Iterator[tuple[str, str]]:
        names = [arm.casefold() for arm in self.arms]
        twice = [a for a, n in zip(self.arms, names, strict=True) if names.count(n) > 1]
        if twice:
            yield "arms", f"must differ from one another, got {twice[0]!r} twice"
        own = [a for a, n in zip(self.arms, names, strict=True) if n in _IN_EVERY_STUDY]
        if own:
            why = "must not be words of every study's files, in which audits look for"
            yield "arms", f"{why} them, got {own[0]!r}"
        if len(set(self.strata)) != len(self.strata):
            yield "strata", "must name each column once"
        for name in self.strata:
            if name in _NO_STRATA or not name.isprintable():
                yield "strata", f"must be columns about the case, got {name!r}"
        yield from self._faults_of_display()
        yield from self._faults_of_one_arm()
        yield from self._faults_of_sessions()
        yield from self._faults_of_allocation()
        yield from self._faults_of_repeats()

    def _faults_of_display(self) -> Iterator[tuple[str, str]]:
        display = self.display
        if self.pictures and display not in displays.SEVERAL:
            yield "pictures", f"must be left out with {display!r}, got {self.pictures}"
        if display == "one picture":
            return
        if len(self.arms) < 2:
            yield "display", f"must be 'one picture' with one arm, got {display!r}"
            return
        for key, value in (("allocation", "table"), ("spread", "by method")):
            if getattr(self, key) == value:
                yield key, f"must not be {value!r} with display {display!r}"
        if self.max_run and self._is_of_one_unit:
            why = "must be 0 where every display shows the same arms"
            yield "max_run", f"{why}, got {self.max_run}"
        if display == "aided":
            yield from self._faults_of_two_steps()
        else:
            yield from self._faults_of_several()

    def _faults_of_two_steps(self) -> Iterator[tuple[str, str]]:
        if len(self.arms) > 2:
            why = "must be two, without and with the aid, with display 'aided'"
            yield "arms", f"{why}, got {len(self.arms)}"
        if self.pairing != "paired":
            why = "must be 'paired' with display 'aided'"
            yield "pairing", f"{why}, got {self.pairing!r}"

    def _faults_of_several(self) -> Iterator[tuple[str, str]]:
        marked = [arm for arm in self.arms if {"|", ">"} & {*arm}]
        marked += [arm for arm in self.arms if arm.casefold() == displays.TIE]
        if marked:
            why = "must not be 'none' nor hold | or >, which tables of displays use"
            yield "arms", f"{why}, got {marked[0]!r}"
        fault = displays.number_fault(self.display, len(self.arms), self.pictures)
        if fault:
            yield "pictures", fault
        if self.pairing == "unpaired":
            why = "must be 'paired' or 'partly paired', for the pictures shown at once "
            yield "pairing", f"{why}are of one case, got 'unpaired'"

    @property
    def _is_of_one_unit(self) -> bool:
        return self.display == "aided" or self.at_once == len(self.arms)

    def _faults_of_one_arm(self) -> Iterator[tuple[str, str]]:
        if len(self.arms) > 1:
            return
        if self.pairing != "paired":
            yield "pairing", f"must be left out with one arm, got {self.pairing!r}"
        if self.max_run:
            yield "max_run", f"must be 0 with one arm, got {self.max_run}"
        if self.spread == "by method":
            yield "spread", "must have two arms or more to be 'by method', got one"

    def _faults_of_sessions(self) -> Iterator[tuple[str, str]]:
        pauses, n = self.sessions - 1, len(self.washout_days)
        if n not in {0, pauses}:
            why = f"must be a number for each pause between sessions, {pauses}, got {n}"
            yield "washout_days", why
        if self.sessions == 1:
            if self.spread != "balanced":
                yield (
                    "spread",
                    f"must be left out with one session, got {self.spread!r}",
                )
            if self.min_distance:
                yield (
                    "min_distance",
                    "must be 0 with one session, where min_gap keeps the pictures of a "
                    f"case apart, got {self.min_distance}",
                )
        if self.spread == "by method":
            if self.sessions != len(self.arms):
                yield (
                    "sessions",
                    "must be as many as arms where spread is 'by method', "
                    f"{len(self.arms)}, got {self.sessions}",
                )
            if "session" not in self.accept_confounding:
                yield "spread", confounding_text("session", "'balanced' parts them")

    def _faults_of_allocation(self) -> Iterator[tuple[str, str]]:
        for key, kind in _ONLY_WITH.items():
            default = 1 if key == "groups" else type(getattr(self, key))()
            if getattr(self, key) != default and self.allocation != kind:
                yield (
                    key,
                    f"must be left out unless allocation is {kind!r}, got "
                    f"{self.allocation!r}",
                )
        needed = {"split-plot": "groups", "subsets": "cases_per_reader"}
        least = {"groups": 2, "cases_per_reader": 1}
        key = needed.get(self.allocation, "")
        if key and getattr(self, key) < least[key]:
            got = getattr(self, key)
            yield (
                key,
                f"must be {least[key]} or more with allocation {self.allocation!r}, "
                f"got {got}",
            )
        if self.allocation == "subsets" and self.order == "shared":
            why = "must be 'per_reader' with allocation 'subsets', got 'shared'"
            yield "order", why
        if self.allocation == "table":
            yield from self._faults_of_tables()

    def _faults_of_tables(self) -> Iterator[tuple[str, str]]:
        if not self.table:
            yield "table", "must name a file with allocation 'table', got nothing"
        defaults = {f.name: f.default for f in dataclasses.fields(self)}
        for key in _OF_TABLES:
            if getattr(self, key) != defaults[key]:
                yield key, "must be left out with allocation 'table', which says it"

    def _faults_of_repeats(self) -> Iterator[tuple[str, str]]:
        if self.repeat and not self.repeats_later and not self.min_gap:
            yield (
                "min_gap",
                "must be 1 or more where a picture is read twice in one session, "
                f"got {self.min_gap}",
            )


def two_trials(
    reference: str,
    test: str,
    *,
    by_chance: bool,
    order: Order,
    max_run: int,
    min_distance: int,
) -> StudyDesign:
    """Return the design of a study in two trials: two methods, crossed, paired.

    Args:
        reference: Name of the reference method.
        test: Name of the test method.
        by_chance: Whether which comes first is drawn for each case by itself.
        order: Whether readers share their order.
        max_run: Longest run of one method.
        min_distance: Smallest difference of a case's positions.
    """
    return StudyDesign(
        arms=(reference, test),
        sessions=2,
        spread="by chance" if by_chance else "balanced",
        strata=("severity",),
        order=order,
        max_run=max_run,
        min_distance=min_distance,
    )


def confounding_text(what: Confounding, remedy: str) -> str:
    """Return that a design confounds the method with something, and what would do."""
    return (
        f"must not confound the method with the {what}, for no analysis could tell one "
        f"from the other: {remedy}, or accept_confounding = ['{what}'] takes it so"
    )


# -- The same as a table: one row a reading

TABLE_COLUMNS = ("reader", "session", "position", "case", "method")
_NUMBERS = ("session", "position")


class TableRow(NamedTuple):
    """What one reader reads at one place of one session.

    Attributes:
        reader: Name of the reader's place, such as `reader-1`.
        session: Number of the session, from 1.
        position: Place in its order, from 1.
        case: Name of the case.
        method: Method of the picture.
        where: File and line.
    """

    reader: str
    session: int
    position: int
    case: str
    method: str
    where: str = ""

    @property
    def content(self) -> list[str | int]:
        """The row as the key keeps it."""
        return list(self[:5])


def parse_table(text: str, where: str) -> tuple[TableRow, ...]:
    """Return the rows of a design's table, by reader, session and position.

    Readers come in the order of their first row.

    Args:
        text: In CSV.
        where: Name of the file, which errors begin with.

    Raises:
        FormatError: If a column is missing or a row cannot be used; all are named.
    """
    lines = csv.DictReader(io.StringIO(text, newline=""))
    missing = [name for name in TABLE_COLUMNS if name not in (lines.fieldnames or ())]
    if missing:
        msg = f"{where} line 1: column {missing[0]} is missing"
        raise checking.FormatError([msg])
    rows, faults = [], []
    for cells in lines:
        place = f"{where} line {lines.line_num}"
        given = {name: (cells[name] or "").strip() for name in TABLE_COLUMNS}
        found = [f"{place}: {fault}" for fault in _faults(given)]
        faults += found
        if not found:
            rows.append(_row(given, place))
    if not rows and not faults:
        faults = [f"{where} must have one or more rows, got none"]
    faults += _order_faults(rows)
    if faults:
        raise checking.FormatError(faults)
    return in_order(rows)


def in_order(rows: Iterable[TableRow]) -> tuple[TableRow, ...]:
    """Return rows by reader as they first come, then session and position."""
    given = list(rows)
    readers = {r: n for n, r in enumerate(dict.fromkeys(row.reader for row in given))}
    return tuple(
        sorted(given, key=lambda r: (readers[r.reader], r.session, r.position))
    )


def table_of(content: Iterable[Sequence[str | int]]) -> tuple[TableRow, ...]:
    """Return the rows that a key keeps."""
    return tuple(
        TableRow(str(reader), int(session), int(position), str(case), str(method))
        for reader, session, position, case, method in content
    )


def preview_text(rows: Iterable[Mapping[str, object]]) -> str:
    """Return who sees which pseudo-ID where, as CSV: nothing of what it is."""
    return csv_text(("reader", "session", "position", "pseudo_id"), rows)


def _row(given: Mapping[str, str], where: str) -> TableRow:
    session, position = (int(given[name]) for name in _NUMBERS)
    return TableRow(
        given["reader"], session, position, given["case"], given["method"], where
    )


def _faults(given: Mapping[str, str]) -> Iterator[str]:
    for name, text in given.items():
        whole = text.isascii() and text.isdigit() and int(text) > 0
        if name in _NUMBERS and not whole:
            yield f"{name} must be a whole number of 1 or more, got {text!r:.40}"
        elif not text or not text.isprintable():
            yield f"{name} must be one line and not empty, got {text!r:.40}"


def _order_faults(rows: Sequence[TableRow]) -> list[str]:
    """Find positions of a session that are there twice or not at all."""
    found: dict[tuple[str, int], dict[int, TableRow]] = {}
    faults = []
    for row in rows:
        there = found.setdefault((row.reader, row.session), {})
        if row.position in there:
            faults.append(
                f"{row.where}: position must be there once in session {row.session} "
                f"of {row.reader}, got {row.position} again"
            )
        there[row.position] = row
    for (reader, session), there in found.items():
        gaps = [n for n in range(1, len(there) + 1) if n not in there]
        if gaps:
            faults.append(
                f"{there[max(there)].where}: positions of session {session} of "
                f"{reader} must be 1 to {len(there)}, got none at {gaps[0]}"
            )
    return faults
