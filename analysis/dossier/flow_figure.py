"""The flow of readers, cases and readings through a study, as a figure."""

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from analysis.charts.style import OUTLINE, PARTIAL
from analysis.report import setting
from analysis.report.section import Setting
from reader_study.formats.responses import Reading
from reader_study.formats.showing.shown import ShownReading

_MOST_TRIALS = 4
_WIDTH, _ROW = 7.0, 0.5  # inches: of the figure, and for two lines of a box
_LINE = 0.155  # for each line more
_GAP = 0.34
_LETTERS = 56  # of a line below the heading


@dataclass(frozen=True)
class Box:
    """A box of the figure.

    Attributes:
        lines: What stands in it; the first line is its heading.
        aside: It says what left, so nothing follows it.
    """

    lines: tuple[str, ...]
    aside: bool = False


def flow_rows(context: Setting) -> list[list[Box]]:
    """Return the boxes, row by row from the top.

    Args:
        context: The study.
    """
    return [
        [*_first(context)],
        [*_taken(context)],
        [*_trials(context)],
        [*_analysed(context)],
    ]


def draw_flow(context: Setting) -> Figure:
    """Draw the flow on a figure of its own.

    Args:
        context: The study.
    """
    rows = [row for row in flow_rows(context) if row]
    heights = [max(_height(box) for box in row) for row in rows]
    total = sum(heights) + _GAP * (len(rows) + 1)
    figure = Figure(figsize=(_WIDTH, total))
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set_axis_off()
    ax.set_xlim(0, _WIDTH)
    ax.set_ylim(0, total)
    top, above = total - _GAP, list[float]()
    for row, height in zip(rows, heights, strict=True):
        centres = _row(ax, row, top, height)
        for start, end in _steps(above, row, centres) if above else ():
            ax.annotate(
                "",
                (end, top + 0.03),
                (start, top + _GAP - 0.03),
                arrowprops={"arrowstyle": "-|>", "color": OUTLINE, "linewidth": 0.7},
            )
        above = [x for x, box in zip(centres, row, strict=True) if not box.aside]
        top -= height + _GAP
    return figure


def _first(context: Setting) -> Iterator[Box]:
    plan, flow = context.plan, context.flow
    cases = {one.case: one.severity for one in context.responses.readings}
    planned = f"planned: {plan.n_cases}" if plan.n_cases else ""
    classes = Counter(filter(None, cases.values()))
    of = ", ".join(
        f"{classes[name]} {setting.in_words(name)}"
        for name in setting.in_order(classes)
    )
    yield Box((f"{setting.counted(len(cases), 'case')} read", *_some(planned, of)))
    n = len(flow.readers) or len(context.responses.readers)
    planned = f"planned: {plan.n_readers}" if plan.n_readers else ""
    added = "added" if flow.readers else "in the file"
    yield Box((f"{setting.counted(n, 'reader')} {added}", *_some(planned)))


def _taken(context: Setting) -> Iterator[Box]:
    withdrawn = [
        one for one in context.flow.deviations or () if one.kind == "case_withdrawn"
    ]
    gone = [reader for reader in context.flow.readers if reader.status != "active"]
    if context.flow.readers:
        yield Box((f"{setting.counted(len(withdrawn), 'case')} withdrawn",), aside=True)
    cases = len({one.case for one in context.responses.readings})
    readers = setting.counted(len(context.responses.readers), "reader")
    yield Box((f"{readers} and {setting.counted(cases, 'case')}", "take part"))
    if context.flow.readers:
        why = sorted(Counter(setting.in_words(one.status) for one in gone).items())
        said = ", ".join(f"{n} {status}" for status, n in why)
        left = f"{setting.counted(len(gone), 'reader')} left"
        yield Box((left, *_some(said)), aside=True)


def _trials(context: Setting) -> Iterator[Box]:
    counts = context.flow.counts
    if not counts:
        readings = context.responses.readings
        of = Counter(map(_shown, readings))
        for method, n in list(of.items())[:_MOST_TRIALS]:
            seen = f"{_seen(readings)} {method}"
            yield Box((f"{setting.counted(n, 'reading')}", seen))
        return
    if len(counts) > _MOST_TRIALS:
        total = Counter[str]()
        for of_trial in counts.values():
            total.update(of_trial)
        counts = {f"1 to {len(counts)}": dict(total)}
    for trial, of_trial in counts.items():
        steps = [f"{name} {n}" for name, n in of_trial.items() if name != "analysed"]
        yield Box((f"Trial {trial}", ", ".join(steps[:3]), ", ".join(steps[3:])))


def _shown(reading: Reading | ShownReading) -> str:
    """Return the method that a reader saw, or all of a display, in any order."""
    if isinstance(reading, ShownReading):
        return " | ".join(sorted(reading.shown))
    return reading.method


def _seen(readings: Sequence[Reading | ShownReading]) -> str:
    """Return how a reading goes with what `_shown` names."""
    return "of" if isinstance(readings[0], ShownReading) else "under"


def _answered(reading: Reading | ShownReading) -> frozenset[str]:
    """Return which questions a reader answered, those about the pictures too."""
    orders = reading.orders if isinstance(reading, ShownReading) else {}
    return frozenset((*reading.answers, *orders))


def _analysed(context: Setting) -> Iterator[Box]:
    given = [(one, _answered(one)) for one in context.responses.readings]
    readings = [one for one, answers in given if answers]
    empty = len(context.responses.readings) - len(readings)
    of = Counter(map(_shown, readings))
    by_method = ", ".join(f"{n} {_seen(readings)} {name}" for name, n in of.items())
    repeats = len(context.responses.repeats)
    again = f"and {setting.counted(repeats, 'second reading')}" if repeats else ""
    missing = sum(
        question.id not in answers
        for _, answers in given
        if answers
        for question in context.responses.questionnaire
    )
    yield Box(
        (
            f"{setting.counted(len(readings), 'reading')} analysed",
            *textwrap.wrap(by_method, _LETTERS),
            *_some(again),
            f"{empty} without any answer; {missing} single answers missing",
        )
    )


def _some(*texts: str) -> list[str]:
    return [text for text in texts if text]


def _height(box: Box) -> float:
    return _ROW + _LINE * max(0, len(box.lines) - 2)


def _row(ax: Axes, row: Sequence[Box], top: float, height: float) -> list[float]:
    """Draw a row of boxes and return the middle of each."""
    step = _WIDTH / len(row)
    width = min(step - 0.25, 3.1)
    centres = [step * (place + 0.5) for place in range(len(row))]
    for x, box in zip(centres, row, strict=True):
        patch = FancyBboxPatch(
            (x - width / 2, top - height),
            width,
            height,
            boxstyle="round,pad=0.02",
            edgecolor=OUTLINE,
            linewidth=0.7,
            linestyle="--" if box.aside else "-",
            facecolor="none" if box.aside else PARTIAL[2],
        )
        ax.add_patch(patch)
        middle = top - height / 2 + _LINE * (len(box.lines) - 1) / 2
        for n, line in enumerate(box.lines):
            y, size = middle - _LINE * n, 7 if n else 9
            ax.text(x, y, line, ha="center", va="center", size=size)
    return centres


def _steps(
    above: Sequence[float], row: Sequence[Box], below: Sequence[float]
) -> set[tuple[float, float]]:
    """Return which middle above leads to which below: to what goes on, and aside."""

    def nearest(x: float, among: Sequence[float]) -> float:
        return min(among, key=lambda other: abs(other - x))

    onwards = [x for x, box in zip(below, row, strict=True) if not box.aside]
    steps = {(x, nearest(x, onwards)) for x in above}
    reached = {end for _, end in steps}
    return steps | {(nearest(x, above), x) for x in below if x not in reached}
