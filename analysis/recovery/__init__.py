"""Tables recovered from what a paper prints of them."""

from analysis.recovery.counting import TooMuchWorkError, count_tables
from analysis.recovery.enumeration import feasible_tables
from analysis.recovery.margins import KnownMargins
from analysis.recovery.readers import tables_by_reader

__all__ = [
    "KnownMargins",
    "TooMuchWorkError",
    "count_tables",
    "feasible_tables",
    "tables_by_reader",
]
