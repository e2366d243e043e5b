"""Tables of `magic-analyze power --design`: all designs, and how many it takes."""

from collections.abc import Sequence

import pandas as pd

from analysis.commands.text import text_of_frame
from analysis.power.design import MEASURES, Measure
from analysis.power.simulation_grid import DesignGrid

NAMES = {
    "kappa": "Kappa above the null value",
    "agreement": "Agreement above that of the null kappa",
    "non_inferiority": "Non-inferiority in acceptable answers",
}


def table_of_designs(grid: DesignGrid) -> pd.DataFrame:
    """One row for each design and measure."""
    return pd.DataFrame(
        [
            {
                "measure": result.measure,
                "readers": result.size.readers,
                "cases": result.size.cases,
                "power_formula": result.formula_power,
                "power_simulated": result.power,
                "power_simulation_error": result.power_error,
                "width_formula": result.formula_width,
                "width_simulated": result.width,
                "coverage_simulated": result.coverage,
                "studies": result.tally.studies,
                "studies_without_interval": result.tally.undefined,
            }
            for result in grid.results
        ]
    )


def table_of_needed(
    grid: DesignGrid, readers: Sequence[int], wanted: float
) -> pd.DataFrame:
    """Cases needed with each number of readers; empty where none suffice."""
    return pd.DataFrame(
        [
            {
                "measure": measure,
                "readers": n,
                "cases_formula": grid.models[measure].cases_needed(n, wanted),
                "cases_simulated": grid.cases_needed(measure, n, wanted),
            }
            for measure in MEASURES
            for n in sorted(set(readers))
        ],
        dtype=object,
    )


def text_of_needed(grid: DesignGrid, needed: pd.DataFrame, cases: int) -> list[str]:
    """Give a table of each measure, with power and width at a number of cases."""
    parts = []
    for measure in MEASURES:
        model = grid.models[measure]
        head = (
            f"{NAMES[measure]}: {model.true:.3g} against {model.null:.3g}; correlation "
            f"within patient {model.patient:.3g}, within reader {model.reader:.3g}"
        )
        rows = needed[needed["measure"] == measure]
        frame = pd.DataFrame(
            {
                "Readers": rows["readers"],
                "Cases by formula": rows["cases_formula"].map(_or_none),
                "Cases simulated": rows["cases_simulated"].map(_or_dash),
                f"Power at {cases}": _at(grid, measure, cases, "power", "{:.1%}"),
                f"Width at {cases}": _at(grid, measure, cases, "width", "{:.3f}"),
            }
        )
        parts.append(f"{head}\n{text_of_frame(frame)}")
    return parts


def _or_none(cases: int | None) -> str:
    return "none" if cases is None else str(cases)


def _or_dash(cases: int | None) -> str:
    return "-" if cases is None else str(cases)


def _at(
    grid: DesignGrid, measure: Measure, cases: int, what: str, form: str
) -> list[str]:
    return [
        form.format(getattr(result, what))
        for result in grid.of(measure)
        if result.size.cases == cases
    ]
