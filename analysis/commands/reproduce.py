"""`magic-analyze reproduce`: the paper's figures, printed against computed."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.commands.shared import OutFolder, progress, text_table

if TYPE_CHECKING:
    from analysis.reproduction import Comparison, Reproduction

_HEADER = ("Figure", "Printed", "Computed", "Difference", "Verdict")


def reproduce(out: OutFolder = Path("reproduction")) -> None:
    """Recompute the paper's Table 1, Tables S.1-S.7, Figure S.5 and power claim."""
    from analysis.report.writing import write_report
    from analysis.reproduction import reproduce_paper

    progress("Table 1, Tables S.1 to S.7, power")
    reproduction = reproduce_paper()
    write_report(reproduction.study, out, reproduction=reproduction, progress=progress)
    print(_describe(reproduction, out))


def _describe(reproduction: "Reproduction", out: Path) -> str:
    """Write the comparison as text, reasons below each table."""
    return "\n\n".join(
        [
            _section("Table 1 and the text", reproduction.table_one),
            _section("Printed sums of Tables S.1 to S.5", reproduction.sums),
            _recovered(reproduction),
            _section("Power", reproduction.power),
            _closing(reproduction, out),
        ]
    )


def _closing(reproduction: "Reproduction", out: Path) -> str:
    from analysis.reproduction import REPRODUCED

    rows = [*reproduction.table_one, *reproduction.sums]
    same = sum(row.verdict == REPRODUCED for row in rows)
    return (
        f"{same} of {len(rows)} printed figures and sums reproduced to the last "
        f"printed digit; the others are explained above.\nReport: {out / 'report.html'}"
    )


def _section(heading: str, rows: "Sequence[Comparison]") -> str:
    cells = [
        (row.item, row.printed, row.computed, str(row.difference), row.verdict)
        for row in rows
    ]
    reasons = [f"{row.item}: {row.reason}." for row in rows if _worth_telling(row)]
    return "\n".join([heading, "", text_table(cells, _HEADER), *reasons])


def _worth_telling(row: "Comparison") -> bool:
    is_fraction = row.reason.replace("/", "").isdigit()
    return bool(row.reason) and not is_fraction


def _recovered(reproduction: "Reproduction") -> str:
    rows = [
        (
            table.question.id,
            str(table.n_by_margins),
            str(table.n_by_kappa),
            str(len(table.fitting)),
            str(table.table.counts.tolist()),
        )
        for table in reproduction.recovered
    ]
    header = ("Question", "By totals", "and kappa", "and readers", "Table")
    text = text_table(rows, header)
    return f"Pooled tables that are not printed: how many fit\n\n{text}"
