"""Errors that the user can mend, and checks of what a caller gives.

Each message says what must hold and what came.
"""

import math
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from numbers import Real
from pathlib import Path
from typing import Any


class InputError(ValueError):
    """An option, an input file or an output folder cannot be used."""


@contextmanager
def user_input() -> Iterator[None]:
    """Turn what a validated object refuses into an `InputError`.

    Only for building such objects from what the user gave; a ValueError elsewhere is a
    fault of the program and stays one.
    """
    try:
        yield
    except ValueError as error:
        raise InputError(str(error)) from error


def as_path(what: str, value: object) -> Path:
    """Return a path given as text or as a path.

    Raises:
        TypeError: If it is neither.
    """
    if isinstance(value, (str, os.PathLike)):
        return Path(value)
    msg = f"{what} must be given by its path, a str or Path, got {shown(value)}"
    raise TypeError(msg)


def as_number(what: str, value: object) -> float:
    """Return a number.

    Raises:
        TypeError: If it is none.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        msg = f"{what} must be a number, got {shown(value)}"
        raise TypeError(msg)
    return float(value)


def as_whole(what: str, value: object) -> int:
    """Return a whole number.

    Raises:
        TypeError: If it is no number.
        ValueError: If it is not whole.
    """
    number = as_number(what, value)
    if not math.isfinite(number) or number != int(number):
        msg = f"{what} must be a whole number, got {number:g}"
        raise ValueError(msg)
    return int(number)


def listed(what: str, value: object) -> list[Any]:
    """Return the items of a list, a tuple or an array.

    Raises:
        TypeError: If it is none.
    """
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        msg = f"{what} must be a list, got {shown(value)}"
        raise TypeError(msg)
    return list(value)


def one_of(what: str, value: object, known: Iterable[str]) -> None:
    """Refuse a name that is not known.

    Raises:
        ValueError: If it is not.
    """
    if not (isinstance(value, str) and value in known):
        msg = f"{what} must be one of {', '.join(known)}, got {value!r}"
        raise ValueError(msg)


def instance_of(what: str, value: object, kind: type) -> None:
    """Refuse an object of another class.

    Raises:
        TypeError: If it is one.
    """
    if not isinstance(value, kind):
        msg = f"{what} must be a {kind.__name__}, got {shown(value)}"
        raise TypeError(msg)


def shown(value: object) -> str:
    """Return a short description of a value of the wrong type, for a message."""
    text = repr(value)
    kind = type(value).__name__
    return f"{kind} {text}" if len(text) <= 40 and "\n" not in text else f"a {kind}"
