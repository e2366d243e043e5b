"""Which readers agree with which, under each method."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from analysis.arrays import FloatArray
from analysis.charts.style import AGREEMENT, PARTIAL
from analysis.questions.between_readers import method_ratings
from analysis.questions.reader_matrix import reader_kappas
from analysis.report import formatting, section

ID = "reader_matrix"
TITLE = "Reader by reader"
MOST_IN_A_TABLE = 12
MOST_IN_A_FIGURE = 40
_NONE = "#dadada"
_PANELS_PER_ROW = 4
_LONGEST = 12  # letters of a name in the figure
_SHADES = LinearSegmentedColormap.from_list(
    "agreement", ["#ffffff", *reversed(PARTIAL), AGREEMENT], N=40
)


@dataclass(frozen=True, eq=False)
class _Matrix:
    """Kappa of each two readers, `(readers, readers)`, NaN where there is none.

    Attributes:
        reference: Under the reference method.
        test: Under the test method.
    """

    reference: FloatArray
    test: FloatArray

    @property
    def both(self) -> FloatArray:
        """Reference method below the diagonal, test method above it."""
        return np.asarray(np.tril(self.reference, -1) + np.triu(self.test, 1))


def reader_matrix_section(context: section.ReportContext) -> section.Section | None:
    """Return kappa of each two readers under each method."""
    readers = context.responses.readers
    if len(readers) < 2:
        return None
    if context.provenance == "reconstructed":
        return section.Section(ID, TITLE, refused=section.ARBITRARY_CASES)
    found = {
        question.id: _matrix(context, question.id)
        for question in context.responses.questionnaire
    }
    names = (context.responses.reference, context.responses.test)
    findings = tuple(_finding(name, of, names, readers) for name, of in found.items())
    drawn = len(readers) <= MOST_IN_A_FIGURE
    return section.Section(
        ID,
        TITLE,
        findings=findings if drawn else (*findings, _too_many(len(readers))),
        tables=_tables(found, readers, names),
        pictures=_pictures(found, readers, names) if drawn else (),
        methods=(
            "Cohen's kappa {cohen} of each two readers is descriptive, on the cases "
            "that both answered; it has no interval.",
        ),
        references=("cohen",),
        content={
            "readers": list(readers) if drawn else None,
            **{name: _json(of, whole=drawn) for name, of in found.items()},
        },
    )


def _matrix(context: section.ReportContext, question: str) -> _Matrix:
    ratings = method_ratings(context.responses, question)
    return _Matrix(
        reader_kappas(ratings.reference, ratings.k),
        reader_kappas(ratings.test, ratings.k),
    )


def _too_many(n_readers: int) -> str:
    return (
        f"With {n_readers} readers the matrices are neither printed nor drawn: they "
        f"are for {MOST_IN_A_FIGURE} readers at most."
    )


def _finding(
    name: str, found: _Matrix, methods: tuple[str, str], readers: list[str]
) -> str:
    parts = []
    for method, kappas in zip(methods, (found.reference, found.test), strict=True):
        upper = kappas[np.triu_indices(len(kappas), 1)]
        known = upper[np.isfinite(upper)]
        if not len(known):
            parts.append(f"{method}: undefined for each two readers")
            continue
        low, middle, high = (
            formatting.format_estimate(value, 2)
            for value in np.quantile(known, (0, 0.5, 1))
        )
        least = readers[int(np.nanargmin(_means(kappas)))]
        parts.append(
            f"{method}: median {middle}, {low} to {high}, lowest on average for {least}"
        )
    return f"Kappa of two readers, {name}; {'; '.join(parts)}."


def _means(kappas: FloatArray) -> FloatArray:
    """Mean kappa of each reader with the others; NaN where there is none."""
    known = np.isfinite(kappas)
    sums = np.where(known, kappas, 0.0).sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray(sums / known.sum(axis=1))


def _tables(
    found: Mapping[str, _Matrix], readers: list[str], methods: tuple[str, str]
) -> tuple[section.Table, ...]:
    if len(readers) > MOST_IN_A_TABLE:
        return ()
    return tuple(
        section.Table(
            f"reader_matrix_{place}",
            f"{name}: Cohen's kappa of each two readers, below the diagonal under "
            f"{methods[0]}, above it under {methods[1]}",
            _frame(of.both, readers),
        )
        for place, (name, of) in enumerate(found.items(), 1)
    )


def _frame(both: FloatArray, readers: list[str]) -> pd.DataFrame:
    names = [formatting.neutralise(reader) for reader in readers]
    rows = []
    for place, name in enumerate(names):
        cells = [formatting.format_estimate(value, 2) for value in both[place]]
        cells[place] = ""
        rows.append([name, *cells])
    frame = pd.DataFrame(rows)
    frame.columns = pd.Index(["Reader", *names])
    return frame


def _pictures(
    found: Mapping[str, _Matrix], readers: list[str], methods: tuple[str, str]
) -> tuple[section.Picture, ...]:
    return (
        section.Picture(
            "reader_matrix",
            partial(_figure, found, readers),
            "Kappa of each two readers as shades, one panel a question",
            "Cohen's kappa of each two readers, from white (0 or less) to dark (1): "
            f"below the diagonal under {methods[0]}, above it under {methods[1]}. "
            "Grey: the diagonal, and where kappa is undefined, as if both always gave "
            "one answer.",
        ),
    )


def _figure(found: Mapping[str, _Matrix], readers: list[str]) -> Figure:
    n_rows = -(-len(found) // _PANELS_PER_ROW)
    figure = Figure(figsize=(7.2, 0.3 + 1.9 * n_rows), layout="compressed")
    grid = figure.subplots(n_rows, _PANELS_PER_ROW, squeeze=False).ravel()
    for place, (ax, (name, of)) in enumerate(zip(grid, found.items(), strict=False)):
        shades = _panel(ax, of.both)
        ax.set_title(name)
        _name(ax.yaxis, [] if place % _PANELS_PER_ROW else readers)
        _name(ax.xaxis, readers if place + _PANELS_PER_ROW >= len(found) else [])
        ax.tick_params("x", rotation=90)
    for ax in grid[len(found) :]:
        ax.axis("off")
    figure.colorbar(
        shades, ax=grid.tolist(), shrink=0.6, ticks=(0, 0.5, 1), label="Cohen's kappa"
    )
    return figure


def _panel(ax: Axes, both: FloatArray) -> AxesImage:
    shown = both.copy()
    np.fill_diagonal(shown, np.nan)
    ax.set_facecolor(_NONE)
    return ax.imshow(np.ma.masked_invalid(shown), vmin=0, vmax=1, cmap=_SHADES)


def _name(axis: Axis, readers: list[str]) -> None:
    """Write readers at their rows or columns, long names by their ends."""
    names = readers if len(readers) <= MOST_IN_A_TABLE else []
    short = [n if len(n) <= _LONGEST else f"\u2026{n[1 - _LONGEST :]}" for n in names]
    axis.set_ticks(range(len(short)), short, fontsize=6)
    axis.set_tick_params(length=0)


def _json(found: _Matrix, *, whole: bool) -> formatting.Json:
    methods = {"reference": found.reference, "test": found.test}
    content: formatting.Json = {}
    for method, kappas in methods.items():
        upper = kappas[np.triu_indices(len(kappas), 1)]
        known = upper[np.isfinite(upper)]
        content[method] = {
            "median": formatting.number(float(np.median(known)))
            if len(known)
            else None,
            "lowest": formatting.number(float(known.min())) if len(known) else None,
            "highest": formatting.number(float(known.max())) if len(known) else None,
            "undefined": len(upper) - len(known),
        }
        if whole:
            content[method]["kappa"] = [
                [formatting.number(value) for value in row] for row in kappas.tolist()
            ]
    return content
