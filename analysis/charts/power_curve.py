"""Power against pairs, against how alike pairs are, and against cases of a design."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes

from analysis.charts.style import DASHES, EMPHASIS, GUIDE, LINES

_MARKERS = "osD^vP*"


class DesignCurve(NamedTuple):
    """What is drawn for one number of readers.

    Attributes:
        cases: Numbers of cases.
        formula: Value by formula at each.
        simulated: Value by simulation at each.
    """

    cases: Sequence[int]
    formula: Sequence[float]
    simulated: Sequence[float]


def power_against_cases(
    curves: Mapping[int, DesignCurve], ax: Axes, *, wanted: float
) -> Axes:
    """Draw power: lines by formula, marks by simulation.

    Args:
        curves: By number of readers.
        ax: Axes to draw on.
        wanted: Power wanted, drawn as a line.
    """
    ax.axhline(wanted, color=GUIDE, linewidth=0.7)
    _draw(curves, ax)
    ax.set(ylim=(0, 1.02), ylabel="Power")
    return ax


def width_against_cases(curves: Mapping[int, DesignCurve], ax: Axes) -> Axes:
    """Draw the width of the interval: lines by formula, marks by simulation.

    Args:
        curves: By number of readers.
        ax: Axes to draw on.
    """
    _draw(curves, ax)
    ax.set(ylabel="Width of the interval")
    ax.set_ylim(bottom=0)
    return ax


def _draw(curves: Mapping[int, DesignCurve], ax: Axes) -> None:
    for index, (readers, curve) in enumerate(curves.items()):
        color = LINES[index % len(LINES)]
        dashes: str | tuple[int, tuple[int, ...]] = DASHES[index % len(DASHES)]
        ax.plot(
            curve.cases, curve.formula, color=color, linestyle=dashes, linewidth=1.2
        )
        ax.plot(
            curve.cases,
            curve.simulated,
            _MARKERS[index % len(_MARKERS)],
            color=color,
            markersize=4,
            label=f"{readers} readers",
        )
    ax.set_xlabel("Cases")
    ax.grid(linewidth=0.4, color="#e8e8e8")
    ax.set_axisbelow(True)


Power = Callable[[float], float]
"""From a number of pairs to the power."""


def power_against_pairs(
    curves: Mapping[str, Power],
    ax: Axes,
    *,
    n_pairs: Sequence[float],
    marked: Mapping[float, str],
    wanted: float = 0.8,
) -> Axes:
    """Draw power against the number of independent pairs.

    Args:
        curves: Power of each question.
        ax: Axes to draw on.
        n_pairs: Where to compute it.
        marked: Numbers of pairs to point out, with their label.
        wanted: Power wanted, drawn as a line.
    """
    for name, style in _styled(curves):
        values = [curves[name](n) for n in n_pairs]
        ax.plot(n_pairs, values, label=name, **style)
    for n, label in marked.items():
        ax.axvline(n, color=EMPHASIS, linewidth=0.7, linestyle=":")
        ax.annotate(
            label,
            (n, 0.02),
            xytext=(3, 0),
            textcoords="offset points",
            fontsize=6.5,
            color=EMPHASIS,
        )
    ax.set_xlabel("Independent pairs of readings")
    return _finish(ax, wanted, (0, max(n_pairs)))


def power_against_icc(
    curves: Mapping[str, Power],
    ax: Axes,
    *,
    readers: int,
    cases: int,
    wanted: float = 0.8,
) -> Axes:
    """Draw power of readers x cases against the intraclass correlation in a case.

    Args:
        curves: Power of each question against the number of independent pairs.
        ax: Axes to draw on.
        readers: Pairs per case.
        cases: Number of cases.
        wanted: Power wanted, drawn as a line.
    """
    correlations = [step / 100 for step in range(101)]
    pairs = [readers * cases / (1 + (readers - 1) * icc) for icc in correlations]
    for name, style in _styled(curves):
        ax.plot(correlations, [curves[name](n) for n in pairs], label=name, **style)
    ax.set_xlabel(f"Intraclass correlation within a case ({readers} x {cases})")
    return _finish(ax, wanted, (0, 1))


def _styled(curves: Mapping[str, Power]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (
            name,
            {
                "color": LINES[index % len(LINES)],
                "linestyle": DASHES[index % len(DASHES)],
                "linewidth": 1.3,
            },
        )
        for index, name in enumerate(curves)
    ]


def _finish(ax: Axes, wanted: float, limits: tuple[float, float]) -> Axes:
    ax.axhline(wanted, color=GUIDE, linewidth=0.7)
    ax.set(xlim=limits, ylim=(0, 1.01), ylabel="Power")
    ax.grid(linewidth=0.4, color="#e8e8e8")
    ax.set_axisbelow(True)
    return ax
