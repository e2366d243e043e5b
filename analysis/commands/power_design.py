"""`magic-analyze power --design`: how many readers, how many cases."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.commands.design_figure import design_figure
from analysis.commands.design_request import DesignRequest
from analysis.commands.design_tables import (
    NAMES,
    table_of_designs,
    table_of_needed,
    text_of_needed,
)
from analysis.errors import user_input
from analysis.power.normal import check_power
from analysis.power.simulation_grid import DesignGrid, design_grid
from analysis.report.figures import house_style, save_figure
from analysis.report.folder import complete_or_untouched


def design_power(
    request: DesignRequest,
    out: Path | None,
    *,
    jobs: int,
    as_json: bool,
    progress: Callable[[str], None],
) -> str:
    """Compute power and precision of every design, and write them where asked to."""
    with user_input():
        check_power(request.power)
        if jobs == 0:
            msg = "Jobs must be 1 or more, or -1 for all processors, got 0"
            raise ValueError(msg)
        grid = design_grid(
            request.assumptions(),
            request.sizes(),
            repetitions=request.repetitions,
            seed=request.seed,
            jobs=jobs,
            progress=progress,
        )
    designs = table_of_designs(grid)
    needed = table_of_needed(grid, request.readers, request.power)
    content = json.dumps(_json(request, grid, needed, designs), indent=1)
    if out:
        with complete_or_untouched(out) as staging, house_style():
            (staging / "design.json").write_text(content + "\n", encoding="utf-8")
            designs.to_csv(staging / "designs.csv", index=False)
            needed.to_csv(staging / "needed.csv", index=False)
            figure = design_figure(grid, NAMES, request.power)
            save_figure(figure, staging, "design")
    return content if as_json else _describe(request, grid, needed, out)


def _json(
    request: DesignRequest,
    grid: DesignGrid,
    needed: pd.DataFrame,
    designs: pd.DataFrame,
) -> dict[str, object]:
    return {
        "asked": asdict(request),
        "models": {name: asdict(model) for name, model in grid.models.items()},
        "designs": [_finite(row) for row in designs.to_dict("records")],
        "needed": needed.to_dict("records"),
    }


def _finite(row: Mapping[Any, Any]) -> dict[str, object]:
    return {
        str(name): None if isinstance(value, float) and math.isnan(value) else value
        for name, value in row.items()
    }


def _describe(
    request: DesignRequest, grid: DesignGrid, needed: pd.DataFrame, out: Path | None
) -> str:
    head = (
        f"Power {request.power:.0%} with the crossed interval, alpha "
        f"{request.alpha:g} two-sided; {request.repetitions} simulated studies of each "
        f"design, seed {request.seed}"
    )
    note = (
        "Cases by formula: 'none' where no number of cases gives the power with so few "
        "readers.\nCases simulated: the fewest of those asked for, - where none does."
    )
    parts = [head, *text_of_needed(grid, needed, max(request.cases)), note]
    parts += [f"Figure: {out / 'design.png'}"] if out else []
    return "\n\n".join(parts)
