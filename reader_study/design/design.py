"""The design: who sees which picture of a case in which trial, and in which order."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

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
