"""The order of presentation: sequences of methods, and cases in their places."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from math import comb
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from reader_study.errors import StudyError
from reader_study.formats import checking
from reader_study.formats.design import StudyDesign

_DRAWS = 1000
_DEPTH = 100
_LARGEST = 10**9  # work of all draws, in pairs of a picture and a place


class DesignError(StudyError):
    """A design cannot be drawn of these cases and readers.

    Attributes:
        fault: The key of `[design]`, or of another table, what must hold and what came.
    """

    def __init__(self, why: str, *path: str) -> None:
        self.fault = checking.Fault(path, why)
        super().__init__(str(self.fault))


class Picture(NamedTuple):
    """A picture that a reader reads.

    Attributes:
        case: Name of the case.
        method: Method that made it, or the display of several.
        occasion: 1, or 2 of one that the reader reads a second time.
    """

    case: str
    method: str
    occasion: int = 1


def draw_orders(
    sessions: Mapping[int, Sequence[Picture]],
    design: StudyDesign,
    rng: np.random.Generator,
) -> dict[int, tuple[Picture, ...]]:
    """Draw the order of the pictures of every session.

    The sequence of methods of a session is drawn among those without a longer run;
    pictures are then put at random into the places of their method.

    Args:
        sessions: Pictures by session.
        design: With `max_run`, `min_distance` and `min_gap`.
        rng: Source of chance.

    Raises:
        DesignError: If no order met all constraints in a thousand draws.
    """
    most = max(len(pictures) for pictures in sessions.values())
    units = list(design.units)
    n_draws = max(20, min(_DRAWS, _LARGEST // max(1, most) ** 2))
    for _ in range(n_draws):
        flags = {
            session: draw_sequence(_counts(pictures, units), design.max_run, rng)
            for session, pictures in sessions.items()
        }
        found = _placed(sessions, flags, design, rng)
        if found is not None:
            return found
    named = {n: getattr(design, n) for n in ("max_run", "min_distance", "min_gap")}
    first, *others = [(name, value) for name, value in named.items() if value]
    wanted = " and ".join([str(first[1]), *(f"{n} {v}" for n, v in others)])
    msg = (
        f"{wanted} must be met together; {n_draws} draws with {most} pictures a "
        "session met one of them at most: smaller numbers would do, or more cases"
    )
    raise DesignError(msg, "design", first[0])


def draw_sequence(
    counts: Sequence[int], max_run: int, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Draw a sequence of methods without a longer run.

    Of two methods all sequences are equally likely; of more, each place is drawn in
    proportion to what is left, among the methods that leave the rest possible.

    Args:
        counts: Pictures of each method.
        max_run: Longest run; 0 for any.
        rng: Source of chance.

    Returns:
        `(n,)` place of the method in `counts`.

    Raises:
        DesignError: If there is no such sequence.
    """
    if len(counts) == 2:
        return np.where(_two_methods(counts[0], counts[1], max_run, rng), 0, 1)
    if len(counts) == 1:
        return np.zeros(counts[0], dtype=np.intp)
    longest = max_run or max(1, sum(counts))
    if not _possible(counts, longest, -1, 0):
        raise DesignError(_no_run(max_run, counts), "design", "max_run")
    left, last, room, drawn = list(counts), -1, 0, []
    for _ in range(sum(counts)):
        weights = np.array(left, dtype=np.float64)
        for arm, n in enumerate(left):
            after = room - 1 if arm == last else longest - 1
            rest = [m - (a == arm) for a, m in enumerate(left)]
            if not n or after < 0 or not _possible(rest, longest, arm, after):
                weights[arm] = 0
        arm = int(rng.choice(len(left), p=weights / weights.sum()))
        room = (room if arm == last else longest) - 1
        left[arm] -= 1
        last = arm
        drawn.append(arm)
    return np.array(drawn, dtype=np.intp)


def _possible(counts: Sequence[int], longest: int, last: int, room: int) -> bool:
    """Return whether a sequence can go on without a longer run.

    Args:
        counts: Pictures left of each method.
        longest: Longest run.
        last: Method of the last picture, -1 for none.
        room: How many of the same may follow at once.
    """
    total = sum(counts)
    return all(
        n <= (room if arm == last else longest) + longest * (total - n)
        for arm, n in enumerate(counts)
    )


def _no_run(max_run: int, counts: Sequence[int]) -> str:
    *others, last = map(str, counts)
    return f"{max_run} must be possible, got {', '.join(others)} and {last} pictures"


def _counts(pictures: Sequence[Picture], units: Sequence[str]) -> list[int]:
    counted = Counter(picture.method for picture in pictures)
    return [counted[unit] for unit in units]


def _placed(
    sessions: Mapping[int, Sequence[Picture]],
    flags: Mapping[int, NDArray[np.intp]],
    design: StudyDesign,
    rng: np.random.Generator,
) -> dict[int, tuple[Picture, ...]] | None:
    """Put pictures into places of their method; None if one finds none."""
    before: dict[str, list[int]] = {}  # places of each case in the session before
    orders, units = {}, list(design.units)
    for session, pictures in sessions.items():
        here: dict[str, list[int]] = {}
        order: list[Picture | None] = [None] * len(pictures)
        for rows in _rounds(pictures):
            methods = np.array([units.index(p.method) for p in rows], np.intp)
            barred = np.not_equal.outer(methods, flags[session])
            barred |= np.array([place is not None for place in order])
            barred |= _near([before.get(p.case, []) for p in rows], len(order),
                            design.min_distance)  # fmt: skip
            gap = design.min_gap + 1
            barred |= _near([here.get(p.case, []) for p in rows], len(order), gap)
            places = _fill(barred, rng)
            if barred[np.arange(len(rows)), places].any():
                return None
            for picture, place in zip(rows, places.tolist(), strict=True):
                order[place] = picture
                here.setdefault(picture.case, []).append(place)
        orders[session] = tuple(picture for picture in order if picture is not None)
        before |= here
    return orders


def _rounds(pictures: Sequence[Picture]) -> list[list[Picture]]:
    """Part the pictures of a session so that each part has a case once."""
    rounds: list[list[Picture]] = []
    seen: Counter[str] = Counter()
    for picture in pictures:
        if seen[picture.case] == len(rounds):
            rounds.append([])
        rounds[seen[picture.case]].append(picture)
        seen[picture.case] += 1
    return rounds


def _near(places: Sequence[Sequence[int]], n: int, distance: int) -> NDArray[np.bool_]:
    """Return which of `n` places (columns) are nearer than a distance to given ones."""
    near = np.zeros((len(places), n), dtype=bool)
    for row, given in enumerate(places):
        for place in given:
            near[row, max(0, place - distance + 1) : place + distance] = distance > 0
    return near


def _fill(barred: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.intp]:
    """Give each picture (row) a place (column), none that is barred, if that can be."""
    # A barred place costs more than all allowed ones together.
    cost = rng.random(barred.shape) + barred.shape[1] * barred
    places: NDArray[np.intp] = linear_sum_assignment(cost)[1]
    return places


def _two_methods(
    first: int, second: int, max_run: int, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Draw where the first method comes, uniformly among sequences that may be.

    Args:
        first: Pictures of the first method.
        second: Pictures of the second.
        max_run: Longest run; 0 for any.
        rng: Source of chance.
    """
    longest = max_run or first + second
    kind, room = True, longest
    same, other = first, second
    _count_short_ones_first(max(same, other), longest)
    if not _ways(same, other, room, longest):
        raise DesignError(_no_run(max_run, (same, other)), "design", "max_run")
    flags = []
    for _ in range(first + second):
        every = _ways(same, other, room, longest)
        if rng.random() < _ways_on(same, other, room, longest) / every:
            same, room = same - 1, room - 1
        else:
            kind, same, other, room = not kind, other - 1, same, longest - 1
        flags.append(kind)
    return np.array(flags, dtype=bool)


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
