"""Checks of what a caller gives: each error says what must hold and what came."""

import math
import os
from numbers import Real
from pathlib import Path


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
    """Return a finite number.

    Raises:
        TypeError: If it is no number.
        ValueError: If it is not finite.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        msg = f"{what} must be a number, got {shown(value)}"
        raise TypeError(msg)
    if not math.isfinite(value):
        msg = f"{what} must be finite, got {float(value):g}"
        raise ValueError(msg)
    return float(value)


def as_whole(what: str, value: object) -> int:
    """Return a whole number.

    Raises:
        TypeError: If it is no number.
        ValueError: If it is not whole.
    """
    number = as_number(what, value)
    if number != int(number):
        msg = f"{what} must be a whole number, got {number:g}"
        raise ValueError(msg)
    return int(number)


def shown(value: object) -> str:
    """Return a short description of a value of the wrong type, for a message."""
    text = repr(value)
    kind = type(value).__name__
    return f"{kind} {text}" if len(text) <= 40 and "\n" not in text else f"a {kind}"
