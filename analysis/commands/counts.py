"""`magic-analyze table` and `recover`: what printed counts say."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from analysis.commands.shared import AsJson, Level
from analysis.errors import InputError, user_input

if TYPE_CHECKING:
    from analysis.recovery import KnownMargins
    from analysis.responses.counts import ReaderTotals
    from analysis.tables import ContingencyTable


def table(
    counts: Annotated[Path, typer.Argument(help="A square table of counts as CSV.")],
    confidence_level: Level = 0.95,
    as_json: AsJson = False,
) -> None:
    """Print every agreement statistic of one table of counts."""
    from analysis.commands.shared import text_of_frame
    from analysis.intervals import normal_quantile
    from analysis.report.frames import coefficient_table, test_table
    from analysis.report.question import analyse_question
    from analysis.report.results_json import question_json
    from analysis.responses.counts import read_counts
    from analysis.responses.pairing import PairedAnswers
    from reader_study.formats.questionnaire import Question

    with user_input():
        normal_quantile(confidence_level)
    assumed: list[str] = []
    given = read_counts(counts, said=assumed.append)
    labels = tuple(str(category) for category in given.categories)
    question = Question.of("table", "The table given", labels)
    result = analyse_question(PairedAnswers(question, given))
    if as_json:
        content = question_json(result, confidence_level) | {"assumed": assumed}
        print(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False))
        return
    reason = result.kappa.undefined_reason
    parts = [
        *assumed,
        f"{result.table.n} pairs, {result.table.n_agree} agree",
        text_of_frame(coefficient_table(result, confidence_level)),
        text_of_frame(test_table(result)),
        *([f"Kappa: {reason}."] if reason else []),
    ]
    print("\n\n".join(parts))


def recover(
    agree: Annotated[int, typer.Option(help="Number of pairs that agree.")],
    rows: Annotated[str | None, typer.Option(help="Row totals: 113,4,23")] = None,
    columns: Annotated[str | None, typer.Option(help="Column totals.")] = None,
    kappa_ci: Annotated[
        str | None,
        typer.Option(help="Interval of kappa as printed, with its digits: 0.207,0.517"),
    ] = None,
    by_reader: Annotated[
        Path | None,
        typer.Option(help="CSV with the counts of each reader, as table_s2.csv."),
    ] = None,
    confidence_level: Level = 0.95,
    as_json: AsJson = False,
) -> None:
    """List all tables that fit printed totals, agreements and interval of kappa."""
    from analysis.recovery import feasible_tables
    from analysis.responses.counts import read_reader_totals

    printed = (
        _whole_numbers(rows, "--rows") if rows else None,
        _whole_numbers(columns, "--columns") if columns else None,
    )
    interval = _limits(kappa_ci) if kappa_ci else None
    totals = read_reader_totals(by_reader) if by_reader else None
    margins = _margins(*printed, agree, totals)
    with user_input():
        tables = list(
            feasible_tables(
                margins.rows,
                margins.columns,
                margins.n_agree,
                kappa_interval=interval,
                confidence_level=confidence_level,
            )
        )
    found = [(table, _split(table, totals)) for table in tables]
    if totals:
        found = [(table, split) for table, split in found if split is not None]
    if as_json:
        print(json.dumps([table.counts.tolist() for table, _ in found]))
    else:
        print(_describe(found, totals))


def _whole_numbers(text: str, option: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        msg = f"{option} must be whole numbers with commas between, got {text!r}"
        raise InputError(msg) from error


def _limits(text: str) -> tuple[str, str]:
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 2:
        msg = f"--kappa-ci must be two numbers with a comma between, got {text!r}"
        raise InputError(msg)
    return parts[0], parts[1]


def _margins(
    rows: list[int] | None,
    columns: list[int] | None,
    n_agree: int,
    totals: "ReaderTotals | None",
) -> "KnownMargins":
    from analysis.recovery import KnownMargins

    if totals:
        rows = rows or totals.reference.sum(axis=0).tolist()
        columns = columns or totals.test.sum(axis=0).tolist()
    if rows is None or columns is None:
        msg = "Give --rows and --columns, or --by-reader with the counts of each reader"
        raise InputError(msg)
    with user_input():
        return KnownMargins.of(rows, columns, n_agree)


def _split(
    table: "ContingencyTable", totals: "ReaderTotals | None"
) -> "list[ContingencyTable] | None":
    from analysis.recovery import tables_by_reader

    if totals is None:
        return None
    with user_input():
        return tables_by_reader(table, totals.reference, totals.test)


def _describe(
    found: "list[tuple[ContingencyTable, list[ContingencyTable] | None]]",
    totals: "ReaderTotals | None",
) -> str:
    from analysis.agreement import cohen_kappa
    from analysis.report.formatting import format_coefficient

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
