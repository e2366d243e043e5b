"""Pseudo-IDs that readers see and tokens of files: drawn from chance alone."""

import numpy as np

from reader_study.errors import StudyError

LETTERS = "CDFGHJKMNPRTVWXY"
"""No vowels, so that no word arises; none that looks like a digit or a neighbour."""

DIGITS = "23456789"
_N_PSEUDO_IDS = len(LETTERS) ** 3 * len(DIGITS) ** 3
_N_TOKEN_BYTES = 16


def draw_pseudo_ids(n: int, rng: np.random.Generator) -> tuple[str, ...]:
    """Draw different pseudo-IDs, three letters and three digits each.

    They are numbers of a lottery: none is derived from a case, a trial or a position.

    Args:
        n: How many.
        rng: Source of chance.

    Raises:
        StudyError: If there are not as many.

    Examples:
        >>> draw_pseudo_ids(2, np.random.default_rng(0))
        ('WPV-339', 'RGC-997')
    """
    if not 0 <= n <= _N_PSEUDO_IDS:
        msg = f"Pseudo-IDs must be {_N_PSEUDO_IDS} at most, got {n}"
        raise StudyError(msg)
    return tuple(_written(int(x)) for x in rng.choice(_N_PSEUDO_IDS, n, replace=False))


def draw_tokens(n: int, rng: np.random.Generator) -> tuple[str, ...]:
    """Draw tokens of 128 random bits, in hexadecimal."""
    return tuple(rng.bytes(_N_TOKEN_BYTES).hex() for _ in range(n))


def _written(number: int) -> str:
    text = ""
    for alphabet in (DIGITS,) * 3 + (LETTERS,) * 3:
        number, place = divmod(number, len(alphabet))
        text = alphabet[place] + text
    return f"{text[:3]}-{text[3:]}"
