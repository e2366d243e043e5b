"""The style that the figures share: type, colours, marks, the line at the foot."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from magic_model.evaluation.predictors import BLACK, CONSTANT, NCCT_COPY

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FOOT = "Research use only"

# Okabe and Ito's palette: told apart by the colour-blind.
METHOD_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
BASELINE_MARKS: dict[str, Any] = {  # arguments of a line
    BLACK: {"marker": "x", "color": "#000000"},
    CONSTANT: {"marker": "_", "color": "#000000"},
    NCCT_COPY: {"marker": "^", "color": "#7f7f7f"},
}

_RC_PARAMS: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "savefig.dpi": 200,
    "svg.hashsalt": "magic-ctp",  # the same bytes each time
}


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in one style."""
    import matplotlib as mpl

    with mpl.rc_context(_RC_PARAMS):
        yield


def save(figure: "Figure", folder: Path, name: str) -> None:
    """Save as PNG and SVG, the same bytes each time."""
    figure.savefig(folder / f"{name}.png")
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None})


def add_foot(figure: "Figure", text: str = FOOT, colour: str = "0.4") -> None:
    """Write a line at the lower right."""
    figure.text(0.995, 0.004, text, fontsize=6, color=colour, ha="right", va="bottom")


def leave_room(figure: "Figure", inches: float = 0.14) -> None:
    """Keep a constrained layout clear of the line at the foot."""
    share = inches / figure.get_figheight()
    figure.set_layout_engine("constrained", rect=(0, share, 1, 1 - share))
