"""CSV files as the project writes them, and texts that no spreadsheet runs."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

TRUE = frozenset({"1", "true", "yes"})
"""Texts that set a flag, in lower case."""

# OWASP, CSV injection; full-width signs count as plain ones in some spreadsheets.
_FORMULA = tuple("=+-@\t\r\n'\uff1d\uff0b\uff0d\uff20")


def csv_text(header: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """Return a table as the text of a CSV file; a cell that a row lacks is empty."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, header, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def guarded(text: str) -> str:
    """Return a text with `'` before it if a spreadsheet could take it for a formula.

    A text that begins with `'` gets one too, so that taking one away gives it back.

    Examples:
        >>> guarded("=1+1"), guarded("plain")
        ("'=1+1", 'plain')
    """
    return f"'{text}" if text.startswith(_FORMULA) else text


def unguarded(text: str) -> str:
    """Return what `guarded` was given.

    Examples:
        >>> unguarded("'=1+1"), unguarded("plain"), unguarded("'tis")
        ('=1+1', 'plain', "'tis")
    """
    guard = text.startswith("'") and text[1:].startswith(_FORMULA)
    return text[1:] if guard else text
