"""`magic-analyze power`: power, pairs needed and detectable kappa of a study."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from analysis.commands.text import text_of_frame
from analysis.errors import InputError, user_input
from analysis.power import PowerFigures, PowerTest, StudySize, power_overview
from analysis.power.normal import check_power
from analysis.published import load_published, published_pairs, recover_all
from analysis.report.figures import house_style, power_figure, save_figure
from analysis.report.folder import complete_or_untouched
from analysis.report.html import power_table
from analysis.responses.counts import read_counts
from analysis.tables import ContingencyTable


@dataclass(frozen=True)
class PowerRequest:
    """What the user asks."""

    kappa: float
    null: float
    alpha: float
    wanted: float
    readers: int
    cases: int
    icc: float
    counts: Path | None


def power_of_pairs(
    given: Mapping[str, Any],
    icc: float,
    counts: Path | None,
    out: Path | None,
    *,
    as_json: bool,
) -> str:
    """Fill in what was not given, and compute power.

    Args:
        given: Options by name; readers and cases as tuples of one number.
        icc: Correlation within a case.
        counts: Table of counts, or None for the paper's.
        out: Folder for results.
        as_json: Whether to give JSON.
    """
    request = PowerRequest(
        kappa=given.get("kappa", 0.35),
        null=given.get("null", 0.0),
        alpha=given.get("alpha", 0.05),
        wanted=given.get("power", 0.8),
        readers=given.get("readers", (7,))[0],
        cases=given.get("cases", (20,))[0],
        icc=icc,
        counts=counts,
    )
    return power(request, out, as_json=as_json)


def power(request: PowerRequest, out: Path | None, *, as_json: bool) -> str:
    """Compute power under every formulation, and write figures where asked to."""
    with user_input():
        size = StudySize(request.readers, request.cases, request.icc)
        test = PowerTest(request.kappa, request.null, request.alpha)
        check_power(request.wanted)
    tables = _tables(request.counts)
    figures = {
        name: power_overview(
            table.row_totals, table.column_totals, size, test, request.wanted
        )
        for name, table in tables.items()
    }
    refused = {name: rows[0].refused for name, rows in figures.items()}
    if request.counts and all(refused.values()):
        raise InputError("; ".join(filter(None, refused.values())))
    content = json.dumps(_json(request, figures), indent=1, allow_nan=False)
    if out:
        with complete_or_untouched(out) as staging, house_style():
            (staging / "power.json").write_text(content + "\n", encoding="utf-8")
            figure = power_figure(tables, size, test, request.wanted)
            save_figure(figure, staging, "power")
    return content if as_json else _describe(size, test, figures, out)


def _tables(counts: Path | None) -> dict[str, ContingencyTable]:
    """Margins of the user's table, else those of the paper's seven questions."""
    if counts:
        table = read_counts(counts)
        if table.n == 0:
            msg = f"{counts} holds no pairs"
            raise InputError(msg)
        return {counts.stem: table}
    published = load_published()
    pairs = published_pairs(published, recover_all(published))
    return {of_question.question.id: of_question.table for of_question in pairs}


def _json(
    request: PowerRequest, figures: Mapping[str, list[PowerFigures]]
) -> dict[str, object]:
    asked = {
        key: value
        for key, value in asdict(request).items()
        if not isinstance(value, Path)
    }
    return {
        "asked": asked,
        "figures": {
            name: [
                {
                    key: None
                    if isinstance(value, float) and not math.isfinite(value)
                    else value
                    for key, value in asdict(row).items()
                }
                for row in rows
            ]
            for name, rows in figures.items()
        },
    }


def _describe(
    size: StudySize,
    test: PowerTest,
    figures: Mapping[str, list[PowerFigures]],
    out: Path | None,
) -> str:
    head = (
        f"Kappa {test.kappa:g} against {test.null:g}, alpha {test.alpha:g} two-sided; "
        f"{size.readers} readers x {size.cases} cases = {size.pairs} pairs"
    )
    if size.icc:
        head += (
            f", intraclass correlation {size.icc:g}: worth "
            f"{size.effective_pairs:.1f} independent pairs"
        )
    parts = [head]
    for name, rows in figures.items():
        body = rows[0].refused or text_of_frame(power_table(rows))
        parts.append(f"{name}\n{body}")
    parts += [f"Figure: {out / 'power.png'}"] if out else []
    return "\n\n".join(parts)
