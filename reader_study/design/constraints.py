"""What must hold of a drawn design; each constraint yields what violates it."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby, pairwise

from reader_study.design.allocation import Candidate
from reader_study.design.design import Design, Shown
from reader_study.design.orders import Picture
from reader_study.formats.design import StudyDesign


@dataclass(frozen=True)
class Wanted:
    """What a drawn design must satisfy.

    Attributes:
        design: What is read, by whom and when.
        cases: Cases of the study.
        n_readers: Number of readers.
    """

    design: StudyDesign
    cases: Mapping[str, Candidate]
    n_readers: int

    @property
    def n_turns(self) -> int:
        """Number of ways in which groups of readers go through the sessions."""
        return self.design.sessions if self.design.is_counterbalanced else 1


def violations(drawn: Design, wanted: Wanted) -> list[str]:
    """Return all constraints that a design violates, by name."""
    return [
        f"{constraint.__name__}: {found}"
        for constraint in CONSTRAINTS
        for found in constraint(drawn, wanted)
    ]


def each_picture_once(drawn: Design, _: Wanted) -> Iterator[str]:
    """Every reader reads each picture of the group once, in its session."""
    for plan in drawn.plans:
        for session, pictures in drawn.shown[plan.group].items():
            if sorted(plan.orders.get(session, ())) != sorted(pictures):
                yield f"{plan.reader}, session {session}"


def each_method_once_per_case(drawn: Design, wanted: Wanted) -> Iterator[str]:
    """A group sees a case by each method that there is of it, once, but for repeats."""
    for group, sessions in drawn.shown.items():
        found = Counter(p for pictures in sessions.values() for p in pictures)
        seen = {picture.case for picture in found}
        first = {p: n for p, n in found.items() if p.occasion == 1}
        due = {
            Picture(c, m) for c in seen for m in wanted.cases[c].units(wanted.design)
        }
        if set(first) != due or max(first.values(), default=1) > 1:
            yield f"{group}: {sorted(due ^ set(first))}"


def every_session(drawn: Design, wanted: Wanted) -> Iterator[str]:
    """Every reader has something to read in every session."""
    for plan in drawn.plans:
        for session in range(1, wanted.design.sessions + 1):
            if not plan.orders.get(session):
                yield f"{plan.reader}, session {session}"


def repeats(drawn: Design, wanted: Wanted) -> Iterator[str]:
    """So many pictures of different cases are read twice, later where that is due."""
    design = wanted.design
    for group, sessions in drawn.shown.items():
        at = {p: s for s, pictures in sessions.items() for p in pictures}
        again = [p for p in at if p.occasion == 2]
        if len({p.case for p in again}) != design.repeat or len(again) != design.repeat:
            yield f"{group}: {len(again)} instead of {design.repeat}"
        for p in again:
            apart = at[p] != at.get(Picture(p.case, p.method))
            if apart != design.repeats_later:
                yield f"{group}: {p.case} by {p.method} in session {at[p]}"
        arms = Counter(p.method for p in again)
        if design.pairing == "paired" and again:
            counts = [arms[unit] for unit in design.units]
            if max(counts) - min(counts) > 1:
                yield f"{group}: {dict(arms)}"


def half_and_half(drawn: Design, wanted: Wanted) -> Iterator[str]:
    """Balanced: each arm is as often in each session, in all and in each stratum."""
    design = wanted.design
    if not design.is_counterbalanced or design.allocation == "table":
        return
    few = design.spread == "balanced" and design.sessions < len(design.units)
    if few and design.pairing == "partly paired":
        return  # as the number of methods differs, so do the ways to lie in sessions
    most = 2 if few and design.pairing == "paired" else 1
    for group, sessions in drawn.shown.items():
        cells = _cells(sessions, wanted)
        for stratum, method in {key[:2] for key in cells}:
            n = [cells[stratum, method, s] for s in sessions]
            if max(n) - min(n) > most:
                yield f"{group}, {stratum or 'all'}, {method}: {n}"
        yield from _unbalanced_in_all(group, cells, wanted, most)


def _cells(sessions: Shown, wanted: Wanted) -> Counter[tuple[str, str, int]]:
    """Count pictures by stratum, method and session, without repeats."""
    return Counter(
        (wanted.cases[p.case].stratum(wanted.design), p.method, session)
        for session, pictures in sessions.items()
        for p in pictures
        if p.occasion == 1
    )


def _unbalanced_in_all(
    group: str, cells: Mapping[tuple[str, str, int], int], wanted: Wanted, most: int
) -> Iterator[str]:
    if wanted.design.pairing == "partly paired":
        return
    for method in wanted.design.units:
        n = [
            sum(v for (_, m, s), v in cells.items() if (m, s) == (method, session))
            for session in range(1, wanted.design.sessions + 1)
        ]
        if max(n) - min(n) > max(most, _kinds(cells, method, wanted)):
            yield f"{group}, all, {method}: {n}"


def _kinds(
    cells: Mapping[tuple[str, str, int], int], method: str, wanted: Wanted
) -> int:
    """Return 1, or of unpaired arms the strata that each is dealt within."""
    unpaired = wanted.design.pairing == "unpaired"
    return len({key[0] for key in cells if key[1] == method}) if unpaired else 1


def complementary_groups(drawn: Design, wanted: Wanted) -> Iterator[str]:
    """Groups of the same cases see what others see in the session before theirs.

    Of several pictures at once there are as many such groups again for each place.
    """
    design, groups = wanted.design, list(drawn.shown)
    if design.allocation in {"subsets", "table"}:
        return
    n_blocks = design.groups
    n = min(wanted.n_turns * n_blocks * design.at_once, wanted.n_readers)
    later = 1 if wanted.n_turns > 1 else 0
    if len(groups) != n:
        yield f"{len(groups)} groups instead of {n}"
    for one, other in zip(groups, groups[n_blocks:], strict=False):
        before = _sessions_of(drawn, one)
        after = {p: (s - 1 + later) % design.sessions + 1 for p, s in before.items()}
        if after != _sessions_of(drawn, other):
            yield f"{one} and {other}"


def groups_of_cases(drawn: Design, wanted: Wanted) -> Iterator[str]:
    """Crossed: all cases for all. Split-plot: each case for one group or for all."""
    design = wanted.design
    if design.allocation not in {"crossed", "split-plot"}:
        return
    read = [
        {p.case for of in drawn.shown[group].values() for p in of}
        for group in list(drawn.shown)[: design.groups]
    ]
    times = Counter(case for block in read for case in block)
    if set(times) != set(wanted.cases):
        yield f"{len(times)} of {len(wanted.cases)} cases are read"
    several = [case for case, n in times.items() if n == design.groups]
    others = [case for case, n in times.items() if n not in {1, design.groups}]
    due = len(wanted.cases) if design.groups == 1 else design.shared_cases
    if len(several) != due or others:
        yield f"{len(several)} cases are shared instead of {due}"
    if max(map(len, read)) - min(map(len, read)) > 1:
        yield f"groups have {[len(block) for block in read]} cases"


def subsets_of_cases(drawn: Design, wanted: Wanted) -> Iterator[str]:
    """Subsets: of the size that is stated; each case is read about as often."""
    if wanted.design.allocation != "subsets":
        return
    times = dict.fromkeys(wanted.cases, 0)
    for plan in drawn.plans:
        read = {picture.case for of in plan.orders.values() for picture in of}
        for case in read:
            times[case] += 1
        if len(read) != wanted.design.cases_per_reader:
            yield f"{plan.reader}: {len(read)} cases"
    strata: dict[str, list[int]] = {}
    for case, n in times.items():
        strata.setdefault(wanted.cases[case].stratum(wanted.design), []).append(n)
    for stratum, found in strata.items():
        if max(found) - min(found) > 1:
            yield f"{stratum or 'all'}: read {min(found)} to {max(found)} times"


def equal_groups(drawn: Design, wanted: Wanted) -> Iterator[str]:
    """All planned readers have a place, and groups differ by one reader at most."""
    sizes = Counter(plan.group for plan in drawn.plans)
    if len({plan.reader for plan in drawn.plans}) != wanted.n_readers:
        yield f"{len(drawn.plans)} readers"
    if max(sizes.values()) - min(sizes[group] for group in drawn.shown) > 1:
        yield f"sizes {dict(sizes)}"


def longest_run(drawn: Design, wanted: Wanted) -> Iterator[str]:
    """No reader sees more than `max_run` pictures of one method in a row."""
    most = wanted.design.max_run
    for plan in drawn.plans:
        for session, order in plan.orders.items():
            methods = [picture.method for picture in order]
            run = max(len(list(same)) for _, same in groupby(methods))
            if most and run > most:
                yield f"{plan.reader}, session {session}: {run} in a row"


def smallest_distance(drawn: Design, wanted: Wanted) -> Iterator[str]:
    """A case's positions in a session and in the next differ by `min_distance`."""
    for plan in drawn.plans:
        before: dict[str, list[int]] = {}
        for session, order in sorted(plan.orders.items()):
            here = _places(order)
            for case, places in here.items():
                near = [(a, b) for a in before.get(case, ()) for b in places
                        if abs(a - b) < wanted.design.min_distance]  # fmt: skip
                if near:
                    yield f"{plan.reader}, {case}, session {session}: {near[0]}"
            before |= here


def smallest_gap(drawn: Design, wanted: Wanted) -> Iterator[str]:
    """Between two pictures of a case in a session there are `min_gap` others."""
    for plan in drawn.plans:
        for session, order in plan.orders.items():
            for case, places in _places(order).items():
                gaps = [b - a - 1 for a, b in pairwise(places)]
                if gaps and min(gaps) < wanted.design.min_gap:
                    yield f"{plan.reader}, {case}, session {session}: {min(gaps)}"


def shared_order(drawn: Design, wanted: Wanted) -> Iterator[str]:
    """Shared: readers of a group have one order in each session."""
    if wanted.design.order == "per_reader":
        return
    for group in drawn.shown:
        orders = {
            tuple(sorted(plan.orders.items()))
            for plan in drawn.plans
            if plan.group == group
        }
        if len(orders) > 1:
            yield f"{group}: {len(orders)} orders"


def _sessions_of(drawn: Design, group: str) -> dict[Picture, int]:
    return {p: session for session, of in drawn.shown[group].items() for p in of}


def _places(order: tuple[Picture, ...]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for place, picture in enumerate(order, 1):
        places.setdefault(picture.case, []).append(place)
    return places


_Constraint = Callable[[Design, Wanted], Iterator[str]]

CONSTRAINTS: tuple[_Constraint, ...] = (
    each_picture_once,
    each_method_once_per_case,
    every_session,
    repeats,
    half_and_half,
    complementary_groups,
    groups_of_cases,
    subsets_of_cases,
    equal_groups,
    longest_run,
    smallest_distance,
    smallest_gap,
    shared_order,
)
