"""The design: who sees which picture of a case in which trial, and in which order."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np

from reader_study.design.presentation_order import draw_orders
from reader_study.formats.protocol import Protocol


@dataclass(frozen=True)
class ReaderPlan:
    """What one reader reads.

    Attributes:
        reader: Name of the place, such as `reader-1`.
        group: Readers who see the same pictures in the same trial.
        orders: By trial the cases in the order of presentation.
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
        plans: One per planned reader.
    """

    reference_trial: Mapping[str, Mapping[str, int]]
    plans: tuple[ReaderPlan, ...]

    def is_reference(self, group: str, trial: int, case: str) -> bool:
        """Tell whether a group sees the reference method of a case in a trial."""
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


_TRIALS = (1, 2)


def violations(
    design: Design, severities: Mapping[str, str], protocol: Protocol
) -> list[str]:
    """Tell all constraints that a design violates, by name.

    Args:
        design: As drawn.
        severities: Severity of each case.
        protocol: What was asked for.
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
