"""What a design confounds with the method, so that no analysis could tell them apart.

Methods and sessions, or methods and readers, are told apart by readings that share
one of the two: where the methods fall into parts that share no session, differences
between the parts are differences between sessions as well.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from reader_study.design.orders import Picture
from reader_study.formats.design import Confounding, confounding_text

text = confounding_text
Orders = Mapping[int, Sequence[Picture]]
"""Pictures in the order of presentation, by session."""


def confounded(
    orders: Sequence[Orders], arms: Sequence[str]
) -> Iterator[tuple[Confounding, str]]:
    """Yield what the method is confounded with, and what would part them.

    Args:
        orders: What each reader reads.
        arms: Methods of the design.
    """
    read = {picture.method for o in orders for of in o.values() for picture in of}
    methods = [arm for arm in arms if arm in read]
    if len(methods) < 2:
        return
    by_session: dict[int, set[str]] = {}
    for order in orders:
        for session, pictures in order.items():
            found = by_session.setdefault(session, set())
            found |= {picture.method for picture in pictures}
    if not _connected(methods, list(by_session.values())):
        yield "session", "show every session pictures of several arms"
    by_reader = [{p.method for of in order.values() for p in of} for order in orders]
    if not _connected(methods, by_reader):
        yield "reader group", "let readers read several arms"
    if any(_one_first(orders, *pair) for pair in combinations(methods, 2)):
        yield "position", "mix the arms within sessions"


def _connected(methods: Sequence[str], blocks: Sequence[set[str]]) -> bool:
    """Return whether blocks, such as sessions, that share methods link them all."""
    reached, left = {methods[0]}, list(blocks)
    while joined := [block for block in left if block & reached]:
        left = [block for block in left if not block & reached]
        reached |= set().union(*joined)
    return reached >= set(methods)


def _one_first(orders: Sequence[Orders], first: str, second: str) -> bool:
    """Return whether one of two methods always comes before the other in a session."""
    found = set()
    for order in orders:
        for pictures in order.values():
            at = {m: [i for i, p in enumerate(pictures) if p.method == m]
                  for m in (first, second)}  # fmt: skip
            if at[first] and at[second]:
                found.add(_direction(at[first], at[second]))
    return found in ({1}, {-1})


def _direction(first: Sequence[int], second: Sequence[int]) -> int:
    if max(first) < min(second):
        return 1
    return -1 if max(second) < min(first) else 0
