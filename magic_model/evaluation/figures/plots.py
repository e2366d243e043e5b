"""Box plots as Figure 4 of the paper, and Bland-Altman plots of lesion volumes."""

from typing import TYPE_CHECKING

import numpy as np

from magic_model.evaluation.figures.style import METHOD_COLOURS, add_foot, leave_room
from magic_model.evaluation.metric import METRICS
from magic_model.evaluation.predictors import MEASURED
from magic_model.evaluation.result import Evaluation
from magic_model.evaluation.scores import Key
from magic_model.evaluation.statistics import LESION_VOLUMES, VolumeAgreement
from magic_model.evaluation.tables import format_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
from collections.abc import Sequence
from pathlib import Path

from numpy.typing import NDArray

from magic_model.evaluation import statistics
from magic_model.evaluation.figures import samples
from magic_model.evaluation.figures.style import BASELINE_MARKS, house_style, save
from magic_model.evaluation.metric import Metric
from magic_model.evaluation.selection import load_pairs
from magic_model.maps import MAP_SPECS


def volume_plots(evaluation: Evaluation) -> "Figure":
    """Draw generated minus measured volume against their mean.

    A row per method, a column for core and one for tissue at risk; solid line: bias,
    dashed: 95 % limits of agreement. All rows share the axes of a column.
    """
    from matplotlib.figure import Figure

    rows = len(evaluation.methods)
    figure = Figure(figsize=(6.4, 0.6 + 2.2 * rows))
    axes = figure.subplots(rows, 2, squeeze=False, sharex="col", sharey="col")
    for row, method in enumerate(evaluation.methods):
        for column, metric in enumerate(LESION_VOLUMES):
            key = (method, metric)
            found = next(v for v in evaluation.volumes if (v.method, v.metric) == key)
            ax = axes[row, column]
            _draw_volumes(
                ax, evaluation, found, METHOD_COLOURS[row % len(METHOD_COLOURS)]
            )
            if row == rows - 1:
                ax.set_xlabel("Mean of generated and measured [mL]")
            if column == 0:
                ax.set_ylabel("Generated - measured [mL]")
    leave_room(figure)
    add_foot(figure)
    return figure


_ONE = {statistics.ALL: "#9ecae1"}
_SPLIT = {statistics.RATIO_ZERO: "#c7e9c0", statistics.RATIO_ABOVE: "#fdae6b"}


def box_plots(
    evaluation: Evaluation, method: str, metrics: tuple[Metric, Metric]
) -> "Figure":
    """Draw a method: (a, b) each metric per map, (c, d) split by ratio 0 and above.

    A dot is a patient. Marks beside a box are the means of the trivial predictors in
    its patients.

    Args:
        evaluation: What was found.
        method: Whose boxes are drawn.
        metrics: SSIM and UQI in one region.
    """
    from matplotlib.figure import Figure

    width = max(5.6, 1.1 + 1.35 * len(evaluation.maps))
    figure = Figure(figsize=(width, 5.6))
    axes = figure.subplots(2, 2, sharex=True)
    low = _lowest(evaluation, metrics)
    for column, metric in enumerate(metrics):
        for row, groups in enumerate((_ONE, _SPLIT)):
            ax = axes[row, column]
            _draw(ax, evaluation, method, metric, groups)
            ax.set_ylim(low, 1.02)
            ax.set_ylabel(METRICS[metric].title)
            ax.set_title("abcd"[2 * row + column], loc="left", fontweight="bold")
    figure.suptitle(method, fontsize=10)
    _legend(figure, evaluation)
    leave_room(figure)
    add_foot(figure)
    return figure


def _draw_volumes(
    ax: "Axes", evaluation: Evaluation, found: VolumeAgreement, colour: str
) -> None:
    measured = evaluation.scores.column(Key(MEASURED, None, found.metric))
    generated = evaluation.scores.column(Key(found.method, None, found.metric))
    differences = found.differences
    ax.axhline(0, color="0.8", lw=0.6)
    ax.plot((measured + generated) / 2, generated - measured, "o", ms=4, color=colour)
    ax.axhline(differences.bias, color="black", lw=0.9)
    words = [f"bias {format_number(differences.bias, 1)}"]
    limits = differences.limits
    if np.isfinite(limits.low):
        for limit in (limits.low, limits.high):
            ax.axhline(limit, color="black", lw=0.7, ls="--")
        low, high = (format_number(x, 1) for x in (limits.low, limits.high))
        words.append(f"limits {low} to {high}")
    if np.isfinite(found.icc):
        words.append(f"ICC {format_number(found.icc, 2)}")
    name = METRICS[found.metric].title.lower()
    ax.set_title(f"{found.method}: {name}\n", loc="left")
    ax.text(0, 1.03, ", ".join(words), transform=ax.transAxes, fontsize=7, color="0.3")
    ax.margins(x=0.08, y=0.12)


def _lowest(evaluation: Evaluation, metrics: tuple[Metric, Metric]) -> float:
    """Lower end of the axis: below every value, and 0 at most."""
    shown = [key.metric in metrics for key in evaluation.scores.keys]
    least = float(np.nanmin(evaluation.scores.values[:, shown]))
    return min(-0.02, least - 0.05)


def _draw(
    ax: "Axes",
    evaluation: Evaluation,
    method: str,
    metric: Metric,
    groups: dict[str, str],
) -> None:
    members = statistics.patient_groups(evaluation.scores.patients)
    shown = [(group, c) for group, c in groups.items() if members[group].any()]
    for place, name in enumerate(evaluation.maps):
        for i, (group, colour) in enumerate(shown):
            x = place + (i - (len(shown) - 1) / 2) * 0.46
            inside = members[group]
            column = evaluation.scores.column(Key(method, name, metric))[inside]
            _box(ax, x - 0.04, column[np.isfinite(column)], colour)
            for baseline, mark in BASELINE_MARKS.items():
                others = evaluation.scores.column(Key(baseline, name, metric))[inside]
                ax.plot(x + 0.16, np.nanmean(others), ls="", ms=4, **mark)
    ax.set_xticks(
        range(len(evaluation.maps)), [MAP_SPECS[m].title for m in evaluation.maps]
    )
    ax.set_xlim(-0.6, len(evaluation.maps) - 0.4)
    ax.grid(axis="y", lw=0.3, color="0.85")
    ax.set_axisbelow(True)


def _box(ax: "Axes", x: float, values: NDArray[np.float64], colour: str) -> None:
    if not values.size:
        return
    ax.boxplot(
        values,
        positions=[x],
        widths=0.26,
        manage_ticks=False,
        patch_artist=True,
        showfliers=False,
        boxprops={"facecolor": colour, "lw": 0.7},
        medianprops={"color": "black", "lw": 1.1},
        whiskerprops={"lw": 0.7},
        capprops={"lw": 0.7},
    )
    # Spread by rank, not by chance: the same picture each time.
    shift = np.linspace(-0.08, 0.08, values.size) if values.size > 1 else np.zeros(1)
    spots = x + shift[np.argsort(np.argsort(values * 7919 % 1))]
    ax.plot(spots, values, ".", ms=2.5, color="0.25", alpha=0.6)


def _legend(figure: "Figure", evaluation: Evaluation) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    members = statistics.patient_groups(evaluation.scores.patients)
    handles: Sequence[Patch | Line2D] = [
        *(
            Patch(facecolor=c, edgecolor="black", lw=0.5, label=f"{g} (n = {n})")
            for g, c in {**_ONE, **_SPLIT}.items()
            for n in [int(members[g].sum())]
        ),
        *(
            Line2D([], [], ls="", ms=5, label=f"mean of {name}", **mark)
            for name, mark in BASELINE_MARKS.items()
        ),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False)


_REGIONS = {
    "in_brain": ("in the brain", (Metric.SSIM_IN_BRAIN, Metric.UQI_IN_BRAIN)),
    "bounding_box": (
        "in the bounding box of the brain",
        (Metric.SSIM_BOX, Metric.UQI_BOX),
    ),
    "paper_compatible": (
        "paper-compatible: whole frame, see the trivial predictors",
        (Metric.SSIM_PAPER, Metric.UQI_PAPER),
    ),
}


def draw_figures(evaluation: Evaluation, folder: Path) -> dict[str, str]:
    """Save each figure as PNG and SVG.

    Returns:
        Caption by file name without ending.

    Raises:
        DataError: If an image cannot be read again.
        OSError: If a file cannot be written.
    """
    with house_style():
        return {
            **_boxes(evaluation, folder),
            **_samples(evaluation, folder),
            **_volumes(evaluation, folder),
        }


def _boxes(evaluation: Evaluation, folder: Path) -> dict[str, str]:
    captions = {}
    for region, (words, metrics) in _REGIONS.items():
        for number, method in enumerate(evaluation.methods, start=1):
            name = f"boxes_{region}_{number}"
            save(box_plots(evaluation, method, metrics), folder, name)
            captions[name] = (
                f"{method}: SSIM and UQI {words}. a, b: per map. c, d: by ratio of "
                "core to tissue at risk. A dot is a patient."
            )
    return captions


def _samples(evaluation: Evaluation, folder: Path) -> dict[str, str]:
    selection = evaluation.selection
    patients = samples.sample_patients(evaluation)
    captions = {}
    pairs = load_pairs(selection, list(patients.values()))
    for group, pair in zip(patients, pairs, strict=True):
        plane = samples.sample_slice(selection, pair.patient, pair.reference)
        name = f"sample_{group}"
        save(samples.sample_panels(pair, plane), folder, name)
        captions[name] = (
            f"Sample, severity {group}: the median patient by in-brain SSIM of "
            f"{evaluation.methods[0]}; the slice with most core, then most tissue at "
            "risk, else the middle one. Radiological view, one colour scale per column."
        )
    return captions


def _volumes(evaluation: Evaluation, folder: Path) -> dict[str, str]:
    if not evaluation.volumes:
        return {}
    save(volume_plots(evaluation), folder, "lesion_volumes")
    words = (
        "Lesion volumes, generated minus measured, against their mean. Solid: bias; "
        "dashed: 95 % limits of agreement. A dot is a patient."
    )
    return {"lesion_volumes": words}
