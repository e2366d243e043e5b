"""Power and width of the interval against cases, a line per number of readers."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes

from analysis.charts.style import DASHES, GUIDE, LINES

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
