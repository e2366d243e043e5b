"""`magic-analyze tidy`: wide tables, and files of each method, as responses.csv."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from analysis.commands.shared import text_table
from analysis.errors import InputError

if TYPE_CHECKING:
    from reader_study.formats.wide.long import Long

_SHOWN = 4


def tidy(
    files: Annotated[
        list[Path], typer.Argument(help="One table, or one of each method; CSV, .xlsx.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="responses.csv to be written; without it, only look."),
    ] = None,
    questionnaire: Annotated[
        Path | None,
        typer.Option(help="questionnaire.json; else the one beside the first file."),
    ] = None,
    question: Annotated[
        str | None, typer.Option(help="The question that all columns answer.")
    ] = None,
    methods: Annotated[
        str | None,
        typer.Option(help="As columns name them, or of each file: old,new."),
    ] = None,
    reader_column: Annotated[
        str | None, typer.Option(help="Column with the reader, if not called reader.")
    ] = None,
    case_column: Annotated[
        str | None, typer.Option(help="Column with the case, if not called case.")
    ] = None,
    method_column: Annotated[
        str | None, typer.Option(help="Column with the method, if not called method.")
    ] = None,
    leave_out: Annotated[
        str | None, typer.Option(help="Columns that hold no answers: age,site.")
    ] = None,
) -> None:
    """Show how wide tables are understood, and write one row for each reading.

    Wide are tables with a column for each reader (R1, R2), for each method (Q1_old,
    Q1_new) or both.
    """
    from reader_study.formats.questionnaire import (
        questionnaire_beside,
        read_questionnaire,
    )
    from reader_study.formats.tabular import read_table
    from reader_study.formats.wide.layout import Told
    from reader_study.formats.wide.long import long_of

    if out and out.resolve() in {path.resolve() for path in files}:
        msg = f"--out must be another file than those read, got {out}"
        raise InputError(msg)
    asked = (
        read_questionnaire(questionnaire)
        if questionnaire
        else questionnaire_beside(files[0])
    )
    columns = {"reader": reader_column, "case": case_column, "method": method_column}
    told = Told(
        question=question,
        methods=_listed(methods),
        columns={name: role for role, name in columns.items() if name},
        left_out=_listed(leave_out),
    )
    found = long_of({path: read_table(path) for path in files}, asked, told)
    print(_describe(found))
    if out is None:
        print("Nothing is written; add --out responses.csv if this is right.")
        return
    out.write_text(found.text(), encoding="utf-8", newline="\n")
    print(f"Written: {out}\nNext: {_next(out, found)}")


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def _describe(found: "Long") -> str:
    readers = {row["reader"] for row in found.rows}
    cases = {row["case"] for row in found.rows}
    rows = [[row.get(name, "") for name in found.header] for row in found.rows]
    methods = f", methods {', '.join(found.methods)}" if found.methods else ""
    counts = (
        f"Readings {len(rows)}, readers {len(readers)}, cases {len(cases)}{methods}"
    )
    shown = text_table(rows[:_SHOWN], found.header)
    more = [f"and {len(rows) - _SHOWN} more"] if len(rows) > _SHOWN else []
    return "\n".join([*found.understood, counts, "", shown, *more, ""])


def _next(out: Path, found: "Long") -> str:
    methods = found.methods
    named = f" --reference {methods[0]} --test {methods[1]}" if len(methods) > 1 else ""
    return f"magic-analyze report {out}{named} --out report"
