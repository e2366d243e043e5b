"""A part of a report: words, tables and figures, from which every format is written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Table:
    """A table of text as it is printed.

    Attributes:
        name: File name without suffix.
        caption: One sentence.
        frame: Cells as text; the first column names the row.
        notes: What must be said below it.
        prose: Cells are sentences.
    """

    name: str
    caption: str
    frame: pd.DataFrame
    notes: tuple[str, ...] = ()
    prose: bool = False


@dataclass(frozen=True)
class Picture:
    """A figure that is drawn when it is needed.

    Attributes:
        name: File name without suffix.
        draw: Draws it, in the style that is set.
        alternative: What it shows, for who cannot see it.
        caption: What stands below it.
    """

    name: str
    draw: Callable[[], Figure]
    alternative: str
    caption: str


@dataclass(frozen=True)
class Section:
    """A part of a report.

    Attributes:
        id: Anchor, and key in results.json.
        title: Heading.
        findings: Sentences with the results.
        tables: In order.
        pictures: In order.
        methods: Sentences on how it was computed, ready for a paper.
        references: Keys of `analysis.report.references` behind them.
        refused: Why the data cannot support it; then there is nothing else.
        content: Numbers, unrounded, for results.json.
    """

    id: str
    title: str
    findings: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    pictures: tuple[Picture, ...] = ()
    methods: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    refused: str | None = None
    content: Mapping[str, Any] = field(default_factory=dict)
