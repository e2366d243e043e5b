"""The design: who sees which picture of a case in which trial, and in which order."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import groupby, pairwise
from math import comb

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from reader_study.errors import StudyError
from reader_study.formats.protocol import Protocol

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


_TRIALS = (1, 2)


@dataclass(frozen=True)
class ReaderPlan:
    """What one reader reads.

    Attributes:
        reader: Name of the place, such as `reader-1`.
        group: Readers who see the same pictures in the same trial.
        orders: Cases in the order of presentation, by trial.
    """

    reader: str
    group: str
    orders: Mapping[int, tuple[str, ...]]


@dataclass(frozen=True)
class Design:
    """A drawn design.

    Attributes:
        reference_trial: By group and case the trial that shows the reference method;
            the other trial shows the test method.
        plans: Plans, one per planned reader.
    """

    reference_trial: Mapping[str, Mapping[str, int]]
    plans: tuple[ReaderPlan, ...]

    def is_reference(self, group: str, trial: int, case: str) -> bool:
        """Return whether a group sees the reference method of a case in a trial."""
        return self.reference_trial[group][case] == trial


def generator(protocol_sha256: str, nonce: str, purpose: str) -> np.random.Generator:
    """Make the generator of one step of the design.

    Its seed is a hash of protocol and nonce: who fixed the protocol first could not
    choose the draw, and who sees one step's outcome learns nothing of another's.

    Examples:
        >>> generator("ab", "cd", "order").integers(10, size=3).tolist()
        [4, 2, 8]
    """
    text = f"{protocol_sha256}\n{nonce}\n{purpose}"
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest())
    return np.random.default_rng(seed)


def draw_design(
    severities: Mapping[str, str], protocol: Protocol, rng: np.random.Generator
) -> Design:
    """Draw which picture comes in which trial, and in which order.

    Args:
        severities: Severity of each case.
        protocol: Allocation, order, constraints and number of readers.
        rng: Source of all chance.

    Raises:
        StudyError: If the constraints cannot be met together.
    """
    # Neither the order of rows in a file nor names tell the generator anything.
    cases = rng.permutation(sorted(severities)).tolist()
    if protocol.allocation == "paper":
        drawn = [_coins(cases, rng)]
    else:
        halves = _halves({case: severities[case] for case in cases}, rng)
        drawn = [halves, {case: 3 - trial for case, trial in halves.items()}]
    drawn = drawn[: protocol.n_readers]
    groups = {f"group-{number}": first for number, first in enumerate(drawn, 1)}
    shared = {
        group: draw_orders(first, protocol.max_run, protocol.min_distance, rng)
        for group, first in groups.items()
    }
    plans = []
    for reader, group in enumerate(_members(list(groups), protocol.n_readers, rng), 1):
        orders = shared[group]
        if protocol.order == "per_reader":
            orders = draw_orders(
                groups[group], protocol.max_run, protocol.min_distance, rng
            )
        plans.append(ReaderPlan(f"reader-{reader}", group, orders))
    return Design(groups, tuple(plans))


def violations(
    design: Design, severities: Mapping[str, str], protocol: Protocol
) -> list[str]:
    """Return all constraints that a design violates, by name.

    Args:
        design: The design as drawn.
        severities: Severity of each case.
        protocol: The protocol that it must satisfy.
    """
    return [
        f"{constraint.__name__}: {found}"
        for constraint in CONSTRAINTS
        for found in constraint(design, severities, protocol)
    ]


def each_case_once_per_trial(
    design: Design, severities: Mapping[str, str], _: Protocol
) -> Iterator[str]:
    """Every reader reads every case once in each trial."""
    for plan in design.plans:
        for trial in _TRIALS:
            if sorted(plan.orders[trial]) != sorted(severities):
                yield f"{plan.reader}, trial {trial}"


def each_method_once_per_case(
    design: Design, severities: Mapping[str, str], _: Protocol
) -> Iterator[str]:
    """A case is shown by one method in one trial and by the other in the other."""
    for group in design.reference_trial:
        for case in severities:
            if sum(design.is_reference(group, trial, case) for trial in _TRIALS) != 1:
                yield f"{group}, {case}"


def half_and_half(
    design: Design, severities: Mapping[str, str], protocol: Protocol
) -> Iterator[str]:
    """Balanced: half of each trial and of each severity is by each method."""
    if protocol.allocation == "paper":
        return
    for group in design.reference_trial:
        for stratum in (None, *sorted(set(severities.values()))):
            cases = [c for c in severities if stratum in {None, severities[c]}]
            first = sum(design.is_reference(group, 1, case) for case in cases)
            if abs(2 * first - len(cases)) > 1:
                yield f"{group}, {stratum or 'all'}: {first} of {len(cases)}"


def complementary_groups(
    design: Design, severities: Mapping[str, str], protocol: Protocol
) -> Iterator[str]:
    """Balanced: what one group sees in trial 1, the other group sees in trial 2."""
    groups = list(design.reference_trial)
    wanted = 1 if protocol.allocation == "paper" else min(2, protocol.n_readers)
    if len(groups) != wanted:
        yield f"{len(groups)} groups instead of {wanted}"
    for one, other in pairwise(groups):
        for case in severities:
            if design.is_reference(one, 1, case) == design.is_reference(other, 1, case):
                yield f"{one} and {other}, {case}"


def equal_groups(
    design: Design, _: Mapping[str, str], protocol: Protocol
) -> Iterator[str]:
    """All planned readers have a place, and groups differ by one reader at most."""
    sizes = Counter(plan.group for plan in design.plans)
    if len({plan.reader for plan in design.plans}) != protocol.n_readers:
        yield f"{len(design.plans)} readers"
    if max(sizes.values()) - min(sizes[g] for g in design.reference_trial) > 1:
        yield f"sizes {dict(sizes)}"


def longest_run(
    design: Design, _: Mapping[str, str], protocol: Protocol
) -> Iterator[str]:
    """No reader sees more than `max_run` pictures of one method in a row."""
    for plan in design.plans:
        for trial in _TRIALS:
            shown = [
                design.is_reference(plan.group, trial, case)
                for case in plan.orders[trial]
            ]
            run = max(len(list(same)) for _, same in groupby(shown))
            if protocol.max_run and run > protocol.max_run:
                yield f"{plan.reader}, trial {trial}: {run} in a row"


def smallest_distance(
    design: Design, severities: Mapping[str, str], protocol: Protocol
) -> Iterator[str]:
    """The two positions of a case differ by `min_distance` or more."""
    for plan in design.plans:
        for case in severities:
            first, second = (plan.orders[trial].index(case) for trial in _TRIALS)
            if abs(first - second) < protocol.min_distance:
                yield f"{plan.reader}, {case}: {first + 1} and {second + 1}"


def shared_order(
    design: Design, _: Mapping[str, str], protocol: Protocol
) -> Iterator[str]:
    """Shared: readers of a group have one order in each trial."""
    if protocol.order == "per_reader":
        return
    for group in design.reference_trial:
        orders = {
            tuple(plan.orders[trial] for trial in _TRIALS)
            for plan in design.plans
            if plan.group == group
        }
        if len(orders) != 1:
            yield f"{group}: {len(orders)} orders"


def _coins(cases: list[str], rng: np.random.Generator) -> dict[str, int]:
    return dict(zip(cases, rng.integers(1, 3, len(cases)).tolist(), strict=True))


def _halves(severities: Mapping[str, str], rng: np.random.Generator) -> dict[str, int]:
    strata: dict[str, list[str]] = {}
    for case, severity in severities.items():
        strata.setdefault(severity, []).append(case)
    # Of strata with an odd number, every other one has its larger half in trial 1.
    larger = int(rng.integers(1, 3))
    trials: dict[str, int] = {}
    for name in rng.permutation(sorted(strata)).tolist():
        cases = rng.permutation(strata[name]).tolist()
        n_first = len(cases) // 2
        if len(cases) % 2:
            n_first += larger == 1
            larger = 3 - larger
        trials |= {case: 1 if i < n_first else 2 for i, case in enumerate(cases)}
    return trials


def _members(groups: list[str], n: int, rng: np.random.Generator) -> list[str]:
    in_turn = [groups[i % len(groups)] for i in range(n)]
    return [str(group) for group in rng.permutation(in_turn)]


_Constraint = Callable[[Design, Mapping[str, str], Protocol], Iterator[str]]

CONSTRAINTS: tuple[_Constraint, ...] = (
    each_case_once_per_trial,
    each_method_once_per_case,
    half_and_half,
    complementary_groups,
    equal_groups,
    longest_run,
    smallest_distance,
    shared_order,
)
