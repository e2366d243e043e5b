"""`magic-analyze power --design`: how many readers, how many cases."""

import json
import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from analysis.charts import power_curve
from analysis.commands.shared import text_of_frame
from analysis.errors import InputError, user_input
from analysis.power.design import MEASURES, DesignAssumptions, DesignSize, Measure
from analysis.power.normal import check_power
from analysis.power.simulation import DesignGrid, design_grid
from analysis.report.figures import house_style, save_figure
from analysis.report.writing import complete_or_untouched


def _design_figure(grid: DesignGrid, names: Mapping[str, str], wanted: float) -> Figure:
    """Draw power and width of all measures against the number of cases."""
    figure = Figure(figsize=(7.5, 4.8), layout="constrained")
    panels = figure.subplots(2, len(MEASURES), sharex=True)
    for column, measure in enumerate(MEASURES):
        above, below = panels[0, column], panels[1, column]
        power_curve.power_against_cases(
            _curves(grid, measure, "power"), above, wanted=wanted
        )
        power_curve.width_against_cases(_curves(grid, measure, "width"), below)
        above.set_title(names[measure], fontsize=7.5)
        above.set_xlabel("")
        if column:
            above.set_ylabel("")
            below.set_ylabel("")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=len(labels),
        frameon=False,
        title="Marks: simulated; lines: by formula",
        title_fontsize=7.5,
    )
    return figure


def _curves(
    grid: DesignGrid, measure: Measure, what: str
) -> dict[int, power_curve.DesignCurve]:
    curves = {}
    for readers in sorted({result.size.readers for result in grid.results}):
        results = grid.of(measure, readers)
        curves[readers] = power_curve.DesignCurve(
            [result.size.cases for result in results],
            [getattr(result, f"formula_{what}") for result in results],
            [getattr(result, what) for result in results],
        )
    return curves


@dataclass(frozen=True, kw_only=True)
class DesignRequest:
    """What the user asks; the names are those of the file and of the options."""

    readers: tuple[int, ...] = (3, 5, 7, 10)
    cases: tuple[int, ...] = (10, 20, 40, 80)
    kappa: float = 0.6
    null: float = 0.4
    shares: tuple[float, ...] = (0.5, 0.5)
    test_shares: tuple[float, ...] | None = None
    patient_correlation: float = 0.3
    reader_correlation: float = 0.05
    family: str = "exchangeable"
    acceptable: int = 1
    margin: float = 0.1
    alpha: float = 0.05
    power: float = 0.8
    repetitions: int = 2000
    seed: int = 1

    def assumptions(self) -> DesignAssumptions:
        """Take what describes the answers."""
        known = {field.name for field in fields(DesignAssumptions)}
        given = {name: value for name, value in asdict(self).items() if name in known}
        return DesignAssumptions(**given)

    def sizes(self) -> list[DesignSize]:
        """All designs, from few readers and cases to many."""
        readers, cases = sorted(set(self.readers)), sorted(set(self.cases))
        return [DesignSize(r, c) for r in readers for c in cases]


def read_request(path: Path | None, options: Mapping[str, Any]) -> DesignRequest:
    """Take a design from a file, and options that were given over it.

    Raises:
        InputError: If the file is no TOML, holds an unknown name or a wrong value.
    """
    request = DesignRequest()
    if path:
        request = replace(request, **_from_file(path))
    return replace(request, **options)


def _from_file(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"{path} is not TOML: {error}"
        raise InputError(msg) from error
    kinds = {field.name: field.default for field in fields(DesignRequest)}
    unknown = sorted(set(content) - set(kinds))
    if unknown:
        msg = f"{path}: unknown {', '.join(unknown)}; known are {', '.join(kinds)}"
        raise InputError(msg)
    return {
        name: _value(path, name, value, kinds[name]) for name, value in content.items()
    }


def _value(path: Path, name: str, value: object, like: object) -> object:
    """Check a value of the file against the default's kind."""
    several = name == "test_shares" or isinstance(like, tuple)
    whole = name in {"readers", "cases"} or isinstance(like, int)
    kind = str if isinstance(like, str) else int if whole else (int, float)
    items = value if several and isinstance(value, list) else [value]
    fits = isinstance(value, list) == several and items
    if not fits or not all(
        isinstance(item, kind) and not isinstance(item, bool) for item in items
    ):
        what = "text" if kind is str else "whole number" if kind is int else "number"
        wanted = f"a list of {what}s" if several else f"a {what}"
        msg = f"{path}: {name} must be {wanted}, got {value!r}"
        raise InputError(msg)
    return tuple(items) if several else value


_NAMES = {
    "kappa": "Kappa above the null value",
    "agreement": "Agreement above that of the null kappa",
    "non_inferiority": "Non-inferiority in acceptable answers",
}


def _table_of_needed(
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


def _text_of_needed(grid: DesignGrid, needed: pd.DataFrame, cases: int) -> list[str]:
    """Return a table of each measure, with power and width at a number of cases."""
    parts = []
    for measure in MEASURES:
        model = grid.models[measure]
        head = (
            f"{_NAMES[measure]}: {model.true:.3g} against {model.null:.3g}; "
            f"correlation within patient {model.patient:.3g}, "
            f"within reader {model.reader:.3g}"
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
    designs = grid.to_frame()
    needed = _table_of_needed(grid, request.readers, request.power)
    content = json.dumps(_json(request, grid, needed, designs), indent=1)
    if out:
        with complete_or_untouched(out) as staging, house_style():
            (staging / "design.json").write_text(content + "\n", encoding="utf-8")
            designs.to_csv(staging / "designs.csv", index=False)
            needed.to_csv(staging / "needed.csv", index=False)
            figure = _design_figure(grid, _NAMES, request.power)
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
    parts = [head, *_text_of_needed(grid, needed, max(request.cases)), note]
    parts += [f"Figure: {out / 'design.png'}"] if out else []
    return "\n\n".join(parts)
