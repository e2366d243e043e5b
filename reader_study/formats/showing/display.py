"""What a reader sees at a time: one picture, several side by side, or two in turn."""

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Literal

Display = Literal["one picture", "side by side", "choice", "ranking", "aided"]

SEVERAL: frozenset[Display] = frozenset({"side by side", "choice", "ranking"})
"""Displays of several pictures of a case at once."""

LETTERS = "ABCDEFGH"
"""What readers know the pictures of a display as, from the left."""

BETWEEN = " | "
"""Stands between the methods of a display, in the order in which they are shown."""

ORDER = " > "
"""Stands between the methods of a ranking, the best first."""

TIE = "none"
"""What is written where none of two methods came first."""

MOST_RANKED = 4
"""Pictures that a ranking can have."""

_FEWEST = 2


def units_of(
    arms: Sequence[str], display: Display, pictures: int
) -> dict[str, tuple[str, ...]]:
    """Return what is drawn as one thing: its name, and the methods that it shows.

    Args:
        arms: Methods of the design, the reference first.
        display: What a reader sees at a time.
        pictures: Pictures of a display.

    Examples:
        >>> list(units_of(["real", "GAN", "flow"], "side by side", 2))
        ['real | GAN', 'real | flow', 'GAN | flow']
        >>> list(units_of(["real", "GAN", "flow"], "choice", 2))
        ['real | GAN', 'real | flow']
    """
    if display == "one picture":
        return {arm: (arm,) for arm in arms}
    if display == "aided":
        return {joined(arms): tuple(arms)}
    found = combinations(arms, pictures)
    wanted = (one for one in found if display != "choice" or arms[0] in one)
    return {joined(one): one for one in wanted}


def letter_of(place: int) -> str:
    """Return the letter of a picture, by its place from 1 on."""
    return LETTERS[place - 1]


def joined(methods: Iterable[str]) -> str:
    """Return the methods of a display as one text."""
    return BETWEEN.join(methods)


def parted(text: str) -> tuple[str, ...]:
    """Return the methods of a display from such a text; none of an empty one.

    Examples:
        >>> parted("GAN | real"), parted("")
        (('GAN', 'real'), ())
    """
    return tuple(part.strip() for part in text.split(BETWEEN.strip())) if text else ()


def pictures_of(display: Display, n_arms: int, given: int) -> int:
    """Return how many pictures are shown at once."""
    if display not in SEVERAL:
        return 1
    return given or (_FEWEST if display == "side by side" else n_arms)


def turned(methods: Sequence[str], n: int) -> tuple[str, ...]:
    """Return methods with the first `n` put last.

    Examples:
        >>> turned(["real", "GAN", "flow"], 1)
        ('GAN', 'flow', 'real')
    """
    at = n % len(methods)
    return (*methods[at:], *methods[:at])


def number_fault(display: Display, n_arms: int, given: int) -> str:
    """Return why a display cannot have so many pictures; empty if it can."""
    most = {
        "side by side": _FEWEST,
        "choice": min(n_arms, len(LETTERS)),
        "ranking": min(n_arms, MOST_RANKED),
    }[display]
    n = pictures_of(display, n_arms, given)
    if _FEWEST <= n <= most:
        return ""
    may = str(most) if most == _FEWEST else f"{_FEWEST} to {most}"
    return f"must be {may} with display {display!r} and {n_arms} arms, got {n}"


def in_words(display: Display, at_once: int) -> str:
    """Return what readers saw at a time as a sentence; empty of one picture.

    Examples:
        >>> in_words("aided", 1)
        'Each case was read without the aid and, once that was stored, with it.'
    """
    if display == "one picture":
        return ""
    if display == "aided":
        return "Each case was read without the aid and, once that was stored, with it."
    return (
        f"{at_once} pictures of a case were shown side by side, each method as often "
        "at each place."
    )
