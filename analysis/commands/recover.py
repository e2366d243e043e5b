"""`magic-analyze recover`: all tables that fit what is printed of one."""

import json
from dataclasses import dataclass
from pathlib import Path

from analysis.agreement import cohen_kappa
from analysis.errors import InputError, user_input
from analysis.recovery.enumeration import feasible_tables
from analysis.recovery.margins import KnownMargins
from analysis.recovery.readers import tables_by_reader
from analysis.report.formatting import format_coefficient
from analysis.responses.counts import ReaderTotals, read_reader_totals
from analysis.tables import ContingencyTable


@dataclass(frozen=True)
class Known:
    """What the user knows of the table; totals or a file of counts by reader."""

    rows: list[int] | None
    columns: list[int] | None
    n_agree: int
    kappa_interval: tuple[str, str] | None
    by_reader: Path | None
    confidence_level: float


def recover(known: Known, *, as_json: bool) -> str:
    """List the tables, and how each splits among the readers where they are known."""
    totals = read_reader_totals(known.by_reader) if known.by_reader else None
    margins = _margins(known, totals)
    with user_input():
        tables = list(
            feasible_tables(
                margins.rows,
                margins.columns,
                margins.n_agree,
                kappa_interval=known.kappa_interval,
                confidence_level=known.confidence_level,
            )
        )
    found = [(table, _split(table, totals)) for table in tables]
    if totals:
        found = [(table, split) for table, split in found if split is not None]
    if as_json:
        return json.dumps([table.counts.tolist() for table, _ in found])
    return _describe(found, totals)


def _margins(known: Known, totals: ReaderTotals | None) -> KnownMargins:
    rows, columns = known.rows, known.columns
    if totals:
        rows = rows or totals.reference.sum(axis=0).tolist()
        columns = columns or totals.test.sum(axis=0).tolist()
    if rows is None or columns is None:
        msg = "Give --rows and --columns, or --by-reader with the counts of each reader"
        raise InputError(msg)
    with user_input():
        return KnownMargins.of(rows, columns, known.n_agree)


def _split(
    table: ContingencyTable, totals: ReaderTotals | None
) -> list[ContingencyTable] | None:
    if totals is None:
        return None
    with user_input():
        return tables_by_reader(table, totals.reference, totals.test)


def _describe(
    found: list[tuple[ContingencyTable, list[ContingencyTable] | None]],
    totals: ReaderTotals | None,
) -> str:
    count = f"{len(found)} table{'' if len(found) == 1 else 's'}"
    lines = [
        f"{count} fit{'s' if len(found) == 1 else ''}" if found else "No table fits"
    ]
    for number, (table, split) in enumerate(found, 1):
        kappa = format_coefficient(cohen_kappa(table))
        lines.append(f"{number:4}  {table.counts.tolist()}  kappa {kappa}")
        if totals and split:
            lines.append("      one way to split it among the readers:")
            pairs = zip(totals.readers, split, strict=True)
            lines += [f"        {name}: {t.counts.tolist()}" for name, t in pairs]
    return "\n".join(lines)
