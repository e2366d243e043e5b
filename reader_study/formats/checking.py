"""Checks of plain values, as JSON gives them, before objects are made of them."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from reader_study.errors import StudyError

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


def fields(
    given: object, where: str, wanted: Iterable[str], optional: Iterable[str] = ()
) -> dict[str, Any]:
    """Give an object that has all wanted fields and none that is unknown.

    Raises:
        StudyError: If it has not; the message begins with `where`.

    Examples:
        >>> fields({"code": 1}, "a choice", ["code"], ["label"])
        {'code': 1}
    """
    if not isinstance(given, dict):
        msg = f"{where} must be an object, got {type(given).__name__}"
        raise StudyError(msg)
    wanted, known = set(wanted), {*wanted, *optional}
    unknown, missing = sorted(set(given) - known), sorted(wanted - set(given))
    if unknown or missing:
        what = f"unknown {unknown[0]}" if unknown else f"{missing[0]} is missing"
        msg = f"{where}: {what}; known are {', '.join(sorted(known))}"
        raise StudyError(msg)
    return given


def entries(given: object, where: str) -> list[object]:
    """Give the entries of a list.

    Raises:
        StudyError: If it is no list.
    """
    if not isinstance(given, list | tuple):
        msg = f"{where} must be a list, got {type(given).__name__}"
        raise StudyError(msg)
    return list(given)


def text(given: object, where: str) -> str:
    """Give a text that is not empty.

    Raises:
        StudyError: If it is none.
    """
    if not isinstance(given, str) or not given.strip():
        msg = f"{where} must be a text, got {given!r}"
        raise StudyError(msg)
    return given


def yes_no(given: object, where: str) -> bool:
    """Give true or false.

    Raises:
        StudyError: If it is neither.
    """
    if not isinstance(given, bool):
        msg = f"{where} must be true or false, got {given!r}"
        raise StudyError(msg)
    return given


def whole(given: object, where: str, least: int | None = None) -> int:
    """Give a whole number that is not too small.

    Raises:
        StudyError: If it is none.
    """
    number = isinstance(given, int) and not isinstance(given, bool)
    if (
        not isinstance(given, int)
        or not number
        or (least is not None and given < least)
    ):
        kind = "a whole number" + ("" if least is None else f" from {least} on")
        msg = f"{where} must be {kind}, got {given!r}"
        raise StudyError(msg)
    return given
