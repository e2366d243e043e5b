"""The word that data are simulated or reconstructed, in the figure itself."""

from collections.abc import Mapping

from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from analysis.charts.style import EMPHASIS
from analysis.report.material import Provenance

MARKS: Mapping[Provenance, str] = {
    "study": "",
    "simulated": "Simulated data",
    "reconstructed": "Reconstructed data",
    "published": "",
}
_STRIP = 0.16  # inches


def mark(figure: Figure, provenance: Provenance) -> Figure:
    """Name the data below a figure, which may be passed on without its report.

    A strip is added for it, so that it covers nothing.
    """
    text = MARKS[provenance]
    engine = figure.get_layout_engine()
    if not text:
        return figure
    if isinstance(engine, ConstrainedLayoutEngine):
        width, height = figure.get_size_inches()
        figure.set_size_inches(width, height + _STRIP)
        share = _STRIP / (height + _STRIP)
        engine.set(rect=(0, share, 1, 1 - share))
    figure.text(0.995, 0.01, text, ha="right", va="bottom", fontsize=6, color=EMPHASIS)
    return figure
