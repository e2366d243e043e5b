"""Orders of presentation that keep to the longest run and the smallest distance."""

from collections.abc import Mapping
from functools import cache
from math import comb

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from reader_study.errors import StudyError

_DRAWS = 1000
_DEPTH = 100


def draw_orders(
    reference_trial: Mapping[str, int],
    max_run: int,
    min_distance: int,
    rng: np.random.Generator,
) -> dict[int, tuple[str, ...]]:
    """Draw the order of the cases in both trials.

    The sequence of methods of a trial is drawn uniformly among those without a longer
    run; the cases are then put at random into the places of their method.

    Args:
        reference_trial: By case the trial that shows the reference method.
        max_run: Most pictures of one method in a row; 0 for any.
        min_distance: Smallest difference of a case's positions in the two trials.
        rng: Source of chance.

    Raises:
        StudyError: If no order met both constraints in a thousand draws.
    """
    cases = list(reference_trial)
    n = len(cases)
    in_first = np.array([reference_trial[case] == 1 for case in cases])
    for _ in range(_DRAWS):
        flags = [_flags(shown, max_run, rng) for shown in (in_first, ~in_first)]
        places = _fill(in_first, flags[0], np.zeros((n, n), dtype=bool), rng)
        near = np.abs(np.subtract.outer(places, np.arange(n))) < min_distance
        again = _fill(~in_first, flags[1], near, rng)
        apart = np.abs(again - places) >= min_distance
        if apart.all() and (flags[1][again] != in_first).all():
            return {1: _in_order(cases, places), 2: _in_order(cases, again)}
    msg = (
        f"max_run {max_run} and min_distance {min_distance} must be met together; "
        f"{_DRAWS} draws with {len(cases)} cases met one of them at most"
    )
    raise StudyError(msg)


def _flags(
    shown: NDArray[np.bool_], max_run: int, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Draw a sequence of methods uniformly among those without a longer run."""
    longest = max_run or len(shown)
    kind, room = True, longest
    same, other = int(shown.sum()), int((~shown).sum())
    _count_short_ones_first(max(same, other), longest)
    if not _ways(same, other, room, longest):
        msg = f"max_run {max_run} must be possible, got {same} and {other} pictures"
        raise StudyError(msg)
    flags = []
    for _ in shown:
        every = _ways(same, other, room, longest)
        if rng.random() < _ways_on(same, other, room, longest) / every:
            same, room = same - 1, room - 1
        else:
            kind, same, other, room = not kind, other - 1, same, longest - 1
        flags.append(kind)
    return np.array(flags)


@cache
def _count_short_ones_first(most: int, longest: int) -> None:
    """Keep what long sequences build on, for calls of hundreds of cases go too deep."""
    if longest >= most:
        return
    for left in range(0, 2 * most, _DEPTH):
        for same in range(max(0, left - most), min(left, most) + 1):
            for room in range(longest + 1):
                _ways(same, left - same, room, longest)


@cache
def _ways(same: int, other: int, room: int, longest: int) -> int:
    """Count the sequences that may follow.

    Args:
        same: Pictures left of the method that was last.
        other: Pictures left of the other method.
        room: How many of the same may follow at once.
        longest: Longest run.
    """
    if room >= same and longest >= max(same, other):  # nothing is too long
        return comb(same + other, same)
    change = _ways(other - 1, same, longest - 1, longest) if other else 0
    return _ways_on(same, other, room, longest) + change


def _ways_on(same: int, other: int, room: int, longest: int) -> int:
    return _ways(same - 1, other, room - 1, longest) if same and room else 0


def _fill(
    shown: NDArray[np.bool_],
    flags: NDArray[np.bool_],
    barred: NDArray[np.bool_],
    rng: np.random.Generator,
) -> NDArray[np.intp]:
    """Give each case a place of its method, none that is barred, if that can be.

    Args:
        shown: `(n,)` method of each case.
        flags: `(n,)` method of each place.
        barred: `(n, n)` whether a place (column) is barred to a case (row).
        rng: Source of chance.

    Returns:
        `(n,)` place of each case.
    """
    forbidden = barred | np.not_equal.outer(shown, flags)
    # A forbidden place costs more than all allowed ones together.
    cost = rng.random(forbidden.shape) + len(shown) * forbidden
    places: NDArray[np.intp] = linear_sum_assignment(cost)[1]
    return places


def _in_order(cases: list[str], places: NDArray[np.intp]) -> tuple[str, ...]:
    return tuple(cases[case] for case in np.argsort(places))
