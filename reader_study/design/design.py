"""A drawn design: who reads which picture in which session, and in which order."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from reader_study.design import confounding
from reader_study.design.allocation import Allocation, Candidate, draw_allocation
from reader_study.design.orders import DesignError, Picture, draw_orders
from reader_study.formats.design import StudyDesign

Shown = Mapping[int, tuple[Picture, ...]]
"""Pictures by session."""


@dataclass(frozen=True)
class ReaderPlan:
    """What one reader reads.

    Attributes:
        reader: Name of the place, such as `reader-1`.
        group: Readers who see the same pictures in the same sessions.
        orders: Pictures in the order of presentation, by session.
    """

    reader: str
    group: str
    orders: Shown


@dataclass(frozen=True)
class Design:
    """A drawn design: the table of presentations.

    Attributes:
        shown: By group and session what is shown, sorted by name.
        plans: Plans, one per planned reader.
    """

    shown: Mapping[str, Shown]
    plans: tuple[ReaderPlan, ...]


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
    cases: Mapping[str, Candidate],
    design: StudyDesign,
    n_readers: int,
    rng: np.random.Generator,
    *,
    reserve: int = 0,
) -> Design:
    """Draw which picture comes in which session, and in which order.

    Args:
        cases: Cases of the study, all of which are read.
        design: What is read, by whom and when; its allocation is no table.
        n_readers: Number of readers.
        rng: Source of all chance.
        reserve: Places for later readers, after those of the planned ones. Without
            them the others are as balanced as if there were none in reserve.

    Raises:
        DesignError: If the design cannot be drawn of these, or its constraints cannot
            be met together.
    """
    # Neither the order of rows in a file nor names tell the generator anything.
    mixed = {name: cases[name] for name in rng.permutation(sorted(cases)).tolist()}
    own_cases = reserve if design.allocation == "subsets" else 0
    groups = draw_allocation(mixed, design, n_readers + own_cases, rng)
    listed = {group: _by_session(found) for group, found in groups.items()}
    shared = {
        group: draw_orders(pictures, design, rng) for group, pictures in listed.items()
    }
    plans = []
    members = _members(list(groups), n_readers, rng)
    for _ in range(reserve):
        members.append(min(groups, key=members.count))
    for reader, group in enumerate(members, 1):
        orders = shared[group]
        if design.order == "per_reader":
            orders = draw_orders(listed[group], design, rng)
        plans.append(ReaderPlan(f"reader-{reader}", group, orders))
    shown = {
        group: {session: tuple(sorted(of)) for session, of in sessions.items()}
        for group, sessions in listed.items()
    }
    return Design(shown, tuple(plans))


def require_told_apart(drawn: Design, design: StudyDesign) -> None:
    """Refuse a design that confounds the method with something, unless it is accepted.

    Several pictures at once are compared with one another, whatever they are confounded
    with; where a second step follows the first, that is what the display's name says.

    Args:
        drawn: The design as drawn, or as its table says.
        design: With what may be confounded.

    Raises:
        DesignError: If it confounds the method with session, reader group or position.
    """
    if design.display != "one picture":
        return
    orders = [plan.orders for plan in drawn.plans]
    of_table = design.allocation == "table"
    for what, remedy in confounding.confounded(orders, design.arms):
        by_chance = what == "position" and not of_table  # orders were drawn
        if what not in design.accept_confounding and not by_chance:
            drawn_key = "spread" if what == "session" else "allocation"
            key = "table" if of_table else drawn_key
            raise DesignError(confounding.text(what, remedy), "design", key)


def _by_session(allocation: Allocation) -> dict[int, list[Picture]]:
    found: dict[int, list[Picture]] = {s: [] for s in sorted(set(allocation.values()))}
    for picture, session in allocation.items():
        found[session].append(picture)
    return found


def _members(groups: list[str], n: int, rng: np.random.Generator) -> list[str]:
    in_turn = [groups[i % len(groups)] for i in range(n)]
    return [str(group) for group in rng.permutation(in_turn)]
