"""What a design must satisfy: one function for each constraint.

Each tells the violations it finds; none means that the design satisfies it.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby, pairwise

from reader_study.design.design import Design
from reader_study.formats.protocol import Protocol

TRIALS = (1, 2)


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
        for trial in TRIALS:
            if sorted(plan.orders[trial]) != sorted(severities):
                yield f"{plan.reader}, trial {trial}"


def each_method_once_per_case(
    design: Design, severities: Mapping[str, str], _: Protocol
) -> Iterator[str]:
    """A case is shown by one method in one trial and by the other in the other."""
    for group in design.reference_trial:
        for case in severities:
            if sum(design.is_reference(group, trial, case) for trial in TRIALS) != 1:
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
        for trial in TRIALS:
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
            first, second = (plan.orders[trial].index(case) for trial in TRIALS)
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
            tuple(plan.orders[trial] for trial in TRIALS)
            for plan in design.plans
            if plan.group == group
        }
        if len(orders) != 1:
            yield f"{group}: {len(orders)} orders"


Constraint = Callable[[Design, Mapping[str, str], Protocol], Iterator[str]]

CONSTRAINTS: tuple[Constraint, ...] = (
    each_case_once_per_trial,
    each_method_once_per_case,
    half_and_half,
    complementary_groups,
    equal_groups,
    longest_run,
    smallest_distance,
    shared_order,
)
