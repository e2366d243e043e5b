"""Checks of plain values, as JSON gives them, before objects are made of them."""

from collections.abc import Iterable
from typing import Any

from reader_study.errors import StudyError


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
