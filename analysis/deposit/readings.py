"""The readings of a study as one plain table, without who the readers are."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from analysis.api import ArmsStudy, Study
from reader_study.formats import rating
from reader_study.formats.checking import FormatError
from reader_study.formats.delimited import csv_text, guarded
from reader_study.formats.questionnaire import Questionnaire
from reader_study.formats.responses import Reading

FIXED = ("record", "reader", "case", "method", "reading", "trial", "position")
_OF_CASE = ("severity", "truth", "truth_source")

Row = Mapping[str, object]


@dataclass(frozen=True, eq=False)
class Deposited:
    """Readings that may leave the house.

    Attributes:
        questionnaire: What was asked.
        columns: Of the table, in their order.
        rows: One for each reading, in the order of the file; repeats after the others.
        simulated: Some readings are a rehearsal's.
        reconstructed: Some readings were reconstructed from published tables.
    """

    questionnaire: Questionnaire
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    simulated: bool
    reconstructed: bool

    @property
    def methods(self) -> tuple[str, ...]:
        """Methods in the order of their first reading."""
        return tuple(dict.fromkeys(str(row["method"]) for row in self.rows))

    def text(self) -> str:
        """Return the table as CSV."""
        return csv_text(self.columns, self.rows)


def deposited(
    study: Study | ArmsStudy, *, texts: bool = False, reader_names: bool = False
) -> Deposited:
    """Return what of a study may leave the house.

    Args:
        study: As it was read.
        texts: With the reasons and texts that readers wrote; such words may name
            somebody.
        reader_names: With the readers' own names, not R1, R2, ... by first reading.
    """
    asked = study.responses.questionnaire
    readings = [*study.responses.readings, *study.responses.repeats]
    names = dict.fromkeys(reading.reader for reading in readings)
    readers = {
        name: name if reader_names else f"R{n}" for n, name in enumerate(names, 1)
    }
    rows = list(_rows(readings, readers, asked, texts=texts))
    filled = {name for row in rows for name, cell in row.items() if cell != ""}
    always = {*FIXED[:5], *(q.id for q in asked if texts or not q.textual)}
    columns = [n for n in rows[0] if n in filled | always]
    return Deposited(
        questionnaire=asked,
        columns=tuple(columns),
        rows=tuple({name: row[name] for name in columns} for row in rows),
        simulated=study.responses.simulated,
        reconstructed=study.responses.reconstructed,
    )


def _rows(
    readings: Sequence[Reading],
    readers: Mapping[str, str],
    asked: Questionnaire,
    *,
    texts: bool,
) -> Iterable[dict[str, object]]:
    others = dict.fromkeys(name for reading in readings for name in reading.columns)
    times: dict[tuple[str, str, str], int] = {}
    for record, reading in enumerate(readings, 1):
        of = (reading.reader, reading.case, reading.method)
        times[of] = times.get(of, 0) + 1
        row: dict[str, object] = {
            "record": record,
            "reader": readers[reading.reader],
            "case": reading.case,
            "method": reading.method,
            "reading": times[of],
            "trial": _cell(reading.trial),
            "position": _cell(reading.position),
        }
        row |= {name: _cell(reading.column(name)) for name in _OF_CASE}
        row |= {name: guarded(reading.columns.get(name, "")) for name in others}
        row |= {
            question.id: _cell(reading.answers.get(question.id))
            for question in asked
            if texts or not question.textual
        }
        if texts:
            row |= {
                question.reason_column: guarded(reading.reasons.get(question.id, ""))
                for question in asked
            }
        yield row


def _cell(value: object) -> object:
    if isinstance(value, str):
        return guarded(value)
    return "" if value is None else value


def ratings_of(
    study: Study | ArmsStudy, deposit: Deposited
) -> tuple[str | None, str | None]:
    """Return ratings beside the truth as CSV, or why there are none.

    Readers are those of the deposit. Where the plan has no rating, both are None.
    """
    if not study.plan.rating:
        return None, None
    first = study.responses.readings
    try:
        found = rating.rated(first, study.responses.questionnaire, study.plan)
    except FormatError as error:
        return None, str(error)
    if found.undefined_reason:
        return None, found.undefined_reason
    names = {
        reading.reader: str(row["reader"])
        for reading, row in zip(first, deposit.rows, strict=False)
    }
    rows = [
        {**dict(zip(rating.COLUMNS, one, strict=True)), "reader": names[str(one[0])]}
        for one in zip(*(found.columns[name] for name in rating.COLUMNS), strict=True)
    ]
    return csv_text(rating.COLUMNS, rows), None
