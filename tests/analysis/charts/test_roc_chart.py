import numpy as np
from matplotlib.figure import Figure

from analysis.accuracy.roc import RocCurve
from analysis.charts.roc import roc_chart


def _curve(*middle):
    x, y = zip((0.0, 0.0), *middle, (1.0, 1.0), strict=True)
    return RocCurve(np.array(x), np.array(y), (9.0, *range(len(middle), -1, -1)))


def _lines(ax, gid):
    return [line for line in ax.lines if line.get_gid() == gid]


def test_curves_of_readers_and_their_mean_are_drawn_by_modality():
    curves = {
        "RAPID": {"a": _curve((0.1, 0.6)), "b": _curve((0.2, 0.8))},
        "MAGIC": {"a": _curve((0.3, 0.5))},
        "none": {},
    }
    ax = roc_chart(curves, Figure().subplots(), threshold=1)
    assert [len(_lines(ax, f"readers-{place}")) for place in (0, 1, 2)] == [2, 1, 0]
    (mean,) = _lines(ax, "mean-0")
    assert np.trapezoid(mean.get_ydata(), mean.get_xdata()) == (0.75 + 0.8) / 2
    (calls,) = _lines(ax, "calls-0")
    assert calls.get_xydata().tolist() == [[0.1, 0.6], [0.2, 0.8]]
    said = [text.get_text() for text in ax.get_legend().get_texts()]
    assert said == ["RAPID, AUC 0.775", "MAGIC, AUC 0.600"]
    assert not _lines(
        roc_chart(curves, Figure().subplots(), readers=False), "readers-0"
    )
