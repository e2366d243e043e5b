"""ROC curves of readers and of their mean, for two or more modalities."""

from collections.abc import Hashable, Mapping

from matplotlib.axes import Axes

from analysis.accuracy.roc import RocCurve, mean_curve
from analysis.charts.style import DASHES, GUIDE, LINES

_MARKERS = "osD^vP*"


def roc_chart(
    curves: Mapping[Hashable, Mapping[Hashable, RocCurve]],
    ax: Axes,
    *,
    threshold: float | None = None,
    readers: bool = True,
) -> Axes:
    """Draw the mean curve of each modality, and pale behind it those of the readers.

    Args:
        curves: By modality, then by reader; see `analysis.accuracy.roc.reader_curves`.
        ax: Axes to draw on; both run from 0 to 1.
        threshold: Mark where each reader is with a rating from here on as a call.
        readers: Whether the curves of readers are drawn.
    """
    ax.plot([0, 1], [0, 1], color=GUIDE, linewidth=0.7, zorder=1, gid="chance")
    for place, (modality, by_reader) in enumerate(curves.items()):
        if not by_reader:
            continue
        colour = LINES[place % len(LINES)]
        for curve in by_reader.values() if readers else ():
            ax.plot(
                curve.false_positive,
                curve.true_positive,
                color=colour,
                alpha=0.3,
                linewidth=0.6,
                zorder=2,
                gid=f"readers-{place}",
            )
        mean = mean_curve(by_reader)
        ax.plot(
            mean.false_positive,
            mean.true_positive,
            color=colour,
            linewidth=1.6,
            linestyle=DASHES[place % len(DASHES)],
            zorder=3,
            label=f"{modality}, AUC {mean.auc:.3f}",
            gid=f"mean-{place}",
        )
        if threshold is not None:
            points = [curve.at(threshold) for curve in by_reader.values()]
            ax.plot(
                *zip(*points, strict=True),
                _MARKERS[place % len(_MARKERS)],
                color=colour,
                markersize=3.5,
                markerfacecolor="white",
                markeredgewidth=0.8,
                linestyle="none",
                zorder=4,
                gid=f"calls-{place}",
            )
    ax.set(
        xlim=(-0.01, 1.01),
        ylim=(-0.01, 1.01),
        aspect="equal",
        xlabel="1 - specificity",
        ylabel="Sensitivity",
    )
    ax.legend(loc="lower right", frameon=False, fontsize=7)
    return ax
