"""Where in a TOML text a key stands, for messages that name the line."""

import re
from collections.abc import Sequence

_NAME = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_PATH = rf"{_NAME}(?:\s*\.\s*{_NAME})*"
_TABLE = re.compile(rf"\s*\[\[?\s*({_PATH})\s*\]")
_KEY = re.compile(rf"\s*({_PATH})\s*=")


def line_of(text: str, path: Sequence[str]) -> int:
    r"""Give the line, from 1, of a key; of the table it is in if not found itself.

    Examples:
        >>> line_of("[cases]\nnone = 7", ["cases", "none"])
        2
        >>> line_of("[cases]\nnone = 7", ["cases", "severe"])
        1
    """
    lines = _lines(text)
    for length in range(len(path), 0, -1):
        if tuple(path[:length]) in lines:
            return lines[tuple(path[:length])]
    return 1


def _lines(text: str) -> dict[tuple[str, ...], int]:
    found: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    closing = ""  # of the text of many lines that we are in
    for number, line in enumerate(text.splitlines(), 1):
        if closing:
            closing = "" if closing in line else closing
            continue
        if header := _TABLE.match(line):
            table = _names(header[1])
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            found.setdefault((*table, *_names(key[1])), number)
        quotes = [quote for quote in ('"""', "'''") if line.count(quote) % 2]
        closing = quotes[0] if quotes else ""
    return found


def _names(path: str) -> tuple[str, ...]:
    return tuple(name.strip("\"'") for name in re.findall(_NAME, path))
