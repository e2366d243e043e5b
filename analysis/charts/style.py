"""Colours and type that the figures share; safe in grey and for the colour-blind."""

from typing import Any

AGREEMENT = "#08306b"
PARTIAL = ("#4292c6", "#9ecae1", "#deebf7")
OUTLINE = "#525252"
GUIDE = "#9a9a9a"
EMPHASIS = "#b2182b"

# Okabe and Ito's palette, without its yellow: too light for a line.
LINES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))

RC_PARAMS: Any = {  # keys of matplotlib.rcParams
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.titley": 1.0,  # else it is looked for above all ticks, at each drawing
    "axes.labelsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "figure.dpi": 100,
    "savefig.dpi": 220,  # what Word keeps of a picture; print takes the SVG or PDF
    "pdf.fonttype": 42,
    "svg.hashsalt": "magic-ctp",  # the same bytes each time
}
