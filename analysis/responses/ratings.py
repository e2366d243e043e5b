"""Ratings beside the truth, in files of any program.

`read_ratings` takes a table with a row a rating (CSV or a workbook, spelled as
responses.csv may be) and the input format of iMRMC (.imrmc), and gives the columns that
`analysis.multireader_accuracy` takes.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from analysis.errors import as_path
from reader_study.formats.checking import FormatError, clipped
from reader_study.formats.delimited import TRUE, unguarded
from reader_study.formats.rating import Rating, diseased_values, is_positive
from reader_study.formats.spellings import is_no_name, is_nothing, twins
from reader_study.formats.tabular import Row, Table, decoded, read_table

if TYPE_CHECKING:
    import pandas as pd

_ALSO = {
    "reader": ("readerid",),
    "case": ("caseid",),
    "modality": ("method", "modalityid", "treatment"),
    "truth": (),
    "rating": ("score",),
}
"""Names of the columns in other programs, in lower case and without blanks."""

_FLAGS: tuple[Literal["reconstructed", "simulated"], ...]
_FLAGS = ("reconstructed", "simulated")
"""Columns that mark ratings of no reader."""

_TRUTH_READERS = frozenset({"truth", "-1"})
"""Readers whose ratings are the truth, as iMRMC has it."""

_BEGIN = "BEGIN DATA:"
_COUNT = re.compile(r"\s*(N0|N1|NR|NM)\s*:\s*(.*?)\s*", re.IGNORECASE)
_MOST_NAMED = 10


class _Entry(NamedTuple):
    """A row of a file, cells as text; empty where it has none."""

    line: int
    reader: str
    case: str
    modality: str
    truth: str
    rating: str


@dataclass(frozen=True)
class RatingsFile:
    """Ratings beside the truth, and how the file was understood.

    Attributes:
        columns: `reader`, `case`, `modality`, `truth` (1 diseased, 0 not) and `rating`,
            all as long: what `analysis.multireader_accuracy` takes.
        positive: Values of truth that are diseased, as the file spells them.
        negative: Those that are not.
        assumed: What had to be assumed, a sentence each.
        marks: Of marks beside lesions, what `analysis.accuracy.froc_area` takes: a row
            for each lesion, marked or not, and for each false mark on a case without.
        provenance: Whether some ratings are a rehearsal's, or were reconstructed, as
            columns of these names say.
    """

    columns: Mapping[str, Sequence[object]]
    positive: tuple[str, ...]
    negative: tuple[str, ...]
    assumed: tuple[str, ...] = ()
    provenance: Literal["study", "simulated", "reconstructed"] = "study"
    marks: Mapping[str, Sequence[object]] = field(default_factory=dict)

    @property
    def frame(self) -> "pd.DataFrame":
        """Return the columns as a data frame."""
        import pandas as pd

        return pd.DataFrame(self.columns)

    @property
    def n_cases(self) -> tuple[int, int]:
        """Return the cases that somebody rated: diseased, and not."""
        of = (self.columns[name] for name in ("case", "truth", "rating"))
        rows = zip(*of, strict=True)
        truth = {case: t for case, t, rating in rows if rating is not None}
        diseased = sum(value == 1 for value in truth.values())
        return diseased, len(truth) - diseased


def read_ratings(
    path: str | Path, *, rating: str = "rating", truth_positive: Collection[str] = ()
) -> RatingsFile:
    """Read ratings beside the truth.

    Args:
        path: CSV or a workbook with the columns `reader`, `case`, `modality` (or
            `method`), `truth` and `rating`, or a file of iMRMC (.imrmc). The truth of a
            case may stand in each of its rows, or in one.
        rating: Column of the ratings, such as `Q4` of a responses.csv.
        truth_positive: Values of truth that are diseased; two that say it themselves,
            such as 0 and 1 or no and yes, need none.

    Raises:
        FormatError: If it cannot be read, a column is missing, a case has no truth or
            two, nothing tells which values of truth are diseased, a rating is no
            number, or one was given twice. All faults are named, each with its line.
    """
    file = as_path("Ratings", path)
    if _is_imrmc(file):
        entries, assumed = _of_imrmc(file)
        return _checked(file, entries, truth_positive, assumed)
    table = read_table(file)
    entries, assumed = _of_table(file, table, rating)
    found = _checked(file, entries, truth_positive, assumed)
    return replace(found, provenance=_provenance(table))


def _fault(path: Path, line: int, why: str) -> str:
    return f"{path} line {line}: {why}"


# -- Tables


def _provenance(table: Table) -> Literal["study", "simulated", "reconstructed"]:
    """Return what a column of a table says of where ratings come from."""
    header, *rows = table.rows
    plain = [_plain(name) for name in header.cells]
    for flag in _FLAGS:
        places = [place for place, name in enumerate(plain) if name == flag]
        if any(row.cells[p].strip().lower() in TRUE for row in rows for p in places):
            return flag
    return "study"


def _of_table(path: Path, table: Table, rating: str) -> tuple[list[_Entry], list[str]]:
    """Return the rows of a table with a header."""
    header, *rows = table.rows
    places, said = _places(path, header, rating)
    if not rows:
        raise FormatError([f"{path} has a header but no ratings"])
    width = len(header.cells)
    faults = [
        _fault(path, row.line, f"has {len(row.cells)} cells, the header has {width}")
        for row in rows
        if len(row.cells) != width
    ]
    if faults:
        raise FormatError(faults)
    empty: Counter[str] = Counter()
    entries = [_entry(row, places, empty) for row in rows]
    if empty:
        n = sum(empty.values())
        said.append(f"{n} cell{'s' * (n > 1)} read as empty: {', '.join(empty)}")
    if "truth" not in places:
        entries = [_of_truth(entry) for entry in entries]
    return entries, [*table.assumed, *said]


def _places(path: Path, header: Row, rating: str) -> tuple[dict[str, int], list[str]]:
    """Return where each column is, and what was taken for it by another name.

    Raises:
        FormatError: If one is not there, or there twice.
    """
    given = [" ".join(cell.split()) for cell in header.cells]
    plain = [_plain(name) for name in given]
    places: dict[str, int] = {}
    faults, renamed = [], []
    for column, others in _ALSO.items():
        asked = rating if column == "rating" else column
        names = (asked, *others) if asked == column else (asked,)
        name = next((n for n in names if _plain(n) in plain), None)
        if name is None:
            if column != "truth":
                also = " or method" if column == "modality" else ""
                faults.append(f"column {asked}{also} is missing")
        elif plain.count(_plain(name)) > 1:
            faults.append(f"column {name} stands twice")
        else:
            places[column] = plain.index(_plain(name))
            there = given[places[column]]
            if there not in {column, asked, "method"}:
                renamed.append(f"{there!r} as {asked}")
    if not faults and "truth" not in places:
        faults = [] if _has_truth_rows(plain) else ["column truth is missing"]
    if faults:
        had = ", ".join(given)
        msg = f"{'; '.join(faults)}; the header names {had}"
        raise FormatError([_fault(path, header.line, msg)])
    said = [f"columns are read by another name: {', '.join(renamed)}"]
    return places, said if renamed else []


def _has_truth_rows(plain: Sequence[str]) -> bool:
    """Return whether a table without a column of truth is one of iMRMC's, by its names.

    There the truth is what the reader `truth` rated.
    """
    return {"readerid", "caseid", "modalityid", "score"} <= set(plain)


def _entry(row: Row, places: Mapping[str, int], empty: Counter[str]) -> _Entry:
    cells = dict.fromkeys(_ALSO, "")
    for column, place in places.items():
        text = unguarded(row.cells[place]).strip()
        nothing = is_nothing if column in {"truth", "rating"} else is_no_name
        if text and nothing(text):
            empty[text] += 1
            text = ""
        cells[column] = text
    return _Entry(row.line, **cells)


def _plain(name: str) -> str:
    text = unicodedata.normalize("NFKC", name).casefold()
    return "".join(text.replace("_", " ").split())


# -- The input format of iMRMC


def _is_imrmc(path: Path) -> bool:
    """Return whether a file is iMRMC's, by its name or by what it holds."""
    if path.suffix.lower() == ".imrmc":
        return True
    return path.is_file() and _BEGIN.encode() in path.read_bytes()


def _of_imrmc(path: Path) -> tuple[list[_Entry], list[str]]:
    """Return the rows below `BEGIN DATA:`, and check the counts above it.

    Raises:
        FormatError: If that line or a cell is missing, or a count is another than that
            of the data.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FormatError([f"{path}: {error.strerror}"]) from error
    text, assumed = decoded(path, data)
    lines = text.splitlines()
    begin = next((n for n, at in enumerate(lines) if _is_begin(at)), None)
    if begin is None:
        msg = f"{path}: a line {_BEGIN} must stand above the ratings, there is none"
        raise FormatError([msg])
    faults: list[str] = []
    entries: list[_Entry] = []
    for number, line in enumerate(lines[begin + 1 :], begin + 2):
        cells = [cell.strip() for cell in line.split(",")]
        if not any(cells):
            continue
        if len(cells) != 4:
            why = f"must be reader,case,modality,score, got {clipped(line.strip())}"
            faults.append(_fault(path, number, why))
            continue
        reader, case, modality, score = cells
        found = _of_truth(_Entry(number, reader, case, modality, "", score))
        if found.truth not in {"", "0", "1"}:
            why = f"truth of case {case} must be 0 or 1, got {clipped(found.truth)}"
            faults.append(_fault(path, number, why))
        missing = not found.truth and is_nothing(score)
        entries.append(found._replace(rating="") if missing else found)
    faults += _wrong_counts(path, lines[:begin], entries)
    if faults:
        raise FormatError(faults)
    return entries, list(assumed)


def _is_begin(line: str) -> bool:
    return " ".join(line.split()).upper().startswith(_BEGIN)


def _of_truth(entry: _Entry) -> _Entry:
    """Return a row of the truth as such, any other as it is."""
    if entry.reader.casefold() not in _TRUTH_READERS:
        return entry
    truth = entry.rating.removesuffix(".0")
    return entry._replace(reader="", modality="", truth=truth, rating="")


def _wrong_counts(
    path: Path, header: Iterable[str], entries: Sequence[_Entry]
) -> Iterator[str]:
    """Find counts of the header that are not those of the data."""
    truth = {entry.case: entry.truth for entry in entries if entry.truth}
    names = {
        "N0": "cases without disease",
        "N1": "cases with disease",
        "NR": "readers",
        "NM": "modalities",
    }
    held = {
        "N0": sum(value == "0" for value in truth.values()),
        "N1": sum(value == "1" for value in truth.values()),
        "NR": len({entry.reader for entry in entries if entry.reader}),
        "NM": len({entry.modality for entry in entries if entry.modality}),
    }
    for number, line in enumerate(header, 1):
        found = _COUNT.fullmatch(line)
        if found:
            name, said = found[1].upper(), found[2]
            if said != str(held[name]):
                why = (
                    f"{name} must be the number of {names[name]} below, {held[name]}, "
                    f"got {clipped(said)}"
                )
                yield _fault(path, number, why)


# -- What both must hold


def _checked(
    path: Path,
    entries: Sequence[_Entry],
    truth_positive: Collection[str],
    assumed: Sequence[str],
) -> RatingsFile:
    """Return the ratings, each with the truth of its case.

    Raises:
        FormatError: As `read_ratings`.
    """
    readings = [e for e in entries if e.reader or e.modality or e.rating or not e.case]
    truth, faults = _truth_by_case(path, entries)
    faults += _nameless(path, readings)
    faults += _without_truth(path, readings, truth)
    faults += _twice(path, readings)
    numbers, wrong, commas = _numbers(path, readings)
    faults += wrong
    if not faults and all(value is None for value in numbers):
        faults.append(f"{path} holds no ratings")
    if faults:
        raise FormatError(faults)
    positive = _positive(path, truth.values(), truth_positive)
    others = dict.fromkeys(v for v in truth.values() if not is_positive(v, positive))
    diseased = {case: int(is_positive(of, positive)) for case, of in truth.items()}
    said = list(assumed)
    if commas:
        spelled = ", ".join(islice(commas, _MOST_NAMED))
        said.append(f"a comma is read as a decimal comma: {spelled}")
    return RatingsFile(
        {
            "reader": [entry.reader for entry in readings],
            "case": [entry.case for entry in readings],
            "modality": [entry.modality for entry in readings],
            "truth": [diseased[entry.case] for entry in readings],
            "rating": numbers,
        },
        positive,
        tuple(others),
        (*said, *_alike(readings)),
    )


def _truth_by_case(
    path: Path, entries: Iterable[_Entry]
) -> tuple[dict[str, str], list[str]]:
    """Return the truth of each case that has one, and where it has two."""
    found: dict[str, _Entry] = {}
    faults: dict[str, str] = {}
    for entry in entries:
        if not (entry.truth and entry.case):
            continue
        known = found.setdefault(entry.case, entry)
        if not is_positive(entry.truth, [known.truth]):
            why = (
                f"truth of case {entry.case} must be one value, got "
                f"{clipped(entry.truth)}, and {clipped(known.truth)} on line "
                f"{known.line}"
            )
            faults.setdefault(entry.case, _fault(path, entry.line, why))
    truth = {case: entry.truth for case, entry in found.items()}
    return truth, list(faults.values())


def _nameless(path: Path, readings: Iterable[_Entry]) -> Iterator[str]:
    for entry in readings:
        for what in ("reader", "case", "modality"):
            if not getattr(entry, what):
                yield _fault(path, entry.line, f"{what} is empty")


def _without_truth(
    path: Path, readings: Iterable[_Entry], truth: Mapping[str, str]
) -> Iterator[str]:
    first: dict[str, int] = {}
    for entry in readings:
        if entry.case and entry.case not in truth:
            first.setdefault(entry.case, entry.line)
    for case, line in first.items():
        yield _fault(path, line, f"truth of case {case} is missing, in all its rows")


def _twice(path: Path, readings: Iterable[_Entry]) -> Iterator[str]:
    first: dict[tuple[str, str, str], int] = {}
    for entry in readings:
        key = (entry.reader, entry.case, entry.modality)
        if all(key) and first.setdefault(key, entry.line) != entry.line:
            why = (
                f"reader {entry.reader} has rated case {entry.case} under "
                f"{entry.modality} before, on line {first[key]}; each once"
            )
            yield _fault(path, entry.line, why)


def _numbers(
    path: Path, readings: Sequence[_Entry]
) -> tuple[list[float | None], list[str], list[str]]:
    """Return the ratings, what is wrong with them, and those with a decimal comma."""
    of_column = Rating("rating", ("rating",))
    numbers: list[float | None] = []
    wrong: list[_Entry] = []
    for entry in readings:
        try:
            numbers.append(of_column.value({"rating": entry.rating or None}))
        except FormatError:
            wrong.append(entry)
    faults = []
    if wrong:
        more = f", and {len(wrong) - 1} more such" if len(wrong) > 1 else ""
        why = f"a rating must be a number or empty, got {clipped(wrong[0].rating)}"
        faults = [_fault(path, wrong[0].line, f"{why}{more}")]
    commas = dict.fromkeys(e.rating for e in readings if "," in e.rating)
    return numbers, faults, list(commas)


def _positive(
    path: Path, truth: Collection[str], truth_positive: Collection[str]
) -> tuple[str, ...]:
    """Return the values of truth that are diseased.

    Raises:
        FormatError: If nothing tells them, or one that is named is the truth of no
            case.
    """
    known = ", ".join(dict.fromkeys(truth))
    for named in truth_positive:
        if not any(is_positive(value, [named]) for value in truth):
            msg = f"{path}: --truth-positive must be of the truth, {known}; got {named}"
            raise FormatError([msg])
    try:
        return diseased_values(truth, truth_positive)
    except FormatError:
        n = len(set(map(str, truth)))
        values = ", ".join(map(repr, islice(dict.fromkeys(truth), _MOST_NAMED)))
        more = ", ..." if n > _MOST_NAMED else ""
        msg = (
            f"{path}: truth has the values {values}{more}; --truth-positive must say "
            "which of them are diseased"
        )
        raise FormatError([msg]) from None


def _alike(readings: Sequence[_Entry]) -> Iterator[str]:
    """Find names that may be one."""
    columns = ("reader", "case", "modality")
    rows = [Row(e.line, [e.reader, e.case, e.modality]) for e in readings]
    for said in twins(columns, rows, columns):
        yield said.replace("modalitys", "modalities")
