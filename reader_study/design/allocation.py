"""Who reads which picture in which session, drawn for groups of readers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from reader_study.design.orders import DesignError, Picture
from reader_study.errors import counted
from reader_study.formats.design import StudyDesign


@dataclass(frozen=True)
class Candidate:
    """A case that may be read.

    Attributes:
        methods: Those that there is a picture of, in the order of the arms.
        columns: What cases.csv says of it, such as its severity.
    """

    methods: tuple[str, ...]
    columns: Mapping[str, str] = field(default_factory=dict)

    def units(self, design: StudyDesign) -> tuple[str, ...]:
        """Return what is drawn of it: its methods, or displays of several of them."""
        return tuple(
            name
            for name, shown in design.units.items()
            if set(shown) <= {*self.methods}
        )

    def stratum(self, design: StudyDesign) -> str:
        """Return what cases must share to be spread evenly among one another."""
        values = [self.columns.get(name, "") for name in design.strata]
        if design.pairing != "paired":
            values.append(" + ".join(self.methods))
        return " / ".join(values)


Allocation = dict[Picture, int]
"""Session of each picture that a group of readers reads."""


def draw_allocation(
    cases: Mapping[str, Candidate],
    design: StudyDesign,
    n_readers: int,
    rng: np.random.Generator,
) -> dict[str, Allocation]:
    """Draw which group of readers sees which picture in which session.

    Args:
        cases: Those of the study, in an order that tells nothing.
        design: What is read, by whom and when.
        n_readers: Number of readers.
        rng: Source of chance.

    Returns:
        By name of the group. A group is never without a reader.

    Raises:
        DesignError: If there are too few cases or readers.
    """
    _check_numbers(cases, design, n_readers)
    strata = {name: case.stratum(design) for name, case in cases.items()}
    n_turns = design.sessions if design.is_counterbalanced else 1
    if design.allocation == "subsets":
        drawn = [
            _turned(_allocated(hand, cases, design, rng), number % n_turns, design)
            for number, hand in enumerate(_hands(strata, design, n_readers, rng))
        ]
    else:
        blocks = [
            _allocated(block, cases, design, rng)
            for block in _blocks(strata, design, rng)
        ]
        turned = [_turned(b, turn, design) for turn in range(n_turns) for b in blocks]
        # Of several pictures at once, other readers see the places in turn.
        drawn = (turned * design.at_once)[:n_readers]
    for allocation in drawn:
        _check_sessions(allocation, design)
    return {f"group-{number}": one for number, one in enumerate(drawn, 1)}


def shares(
    strata: Mapping[str, str], n: int, rng: np.random.Generator
) -> dict[str, int]:
    """Deal cases to `n` classes, from 1, evenly in each stratum and in all.

    Args:
        strata: Stratum by case.
        n: Number of classes.
        rng: Source of chance.
    """
    members: dict[str, list[str]] = {}
    for case, stratum in strata.items():
        members.setdefault(stratum, []).append(case)
    # Of strata that n does not divide, classes have one more case in turn.
    larger = int(rng.integers(1, n + 1))
    found: dict[str, int] = {}
    for name in rng.permutation(sorted(members)).tolist():
        cases = rng.permutation(members[name]).tolist()
        each, left = divmod(len(cases), n)
        more = {(larger - 1 + i) % n + 1 for i in range(left)}
        larger = (larger - 1 + left) % n + 1
        sizes = [each + (one in more) for one in range(1, n + 1)]
        classes = np.repeat(np.arange(1, n + 1), sizes).tolist()
        found |= dict(zip(cases, classes, strict=True))
    return found


def proportional(sizes: Mapping[str, int], n: int) -> dict[str, int]:
    """Return how many to take of each stratum, to have `n` in all.

    Examples:
        >>> proportional({"a": 6, "b": 3}, 4)
        {'a': 3, 'b': 1}
    """
    total = sum(sizes.values())
    exact = {name: n * size / total for name, size in sizes.items()}
    taken = {name: int(share) for name, share in exact.items()}
    by_rest = sorted(exact, key=lambda name: (taken[name] - exact[name], name))
    for name in by_rest[: n - sum(taken.values())]:
        taken[name] += 1
    return taken


def _check_numbers(
    cases: Mapping[str, Candidate], design: StudyDesign, n_readers: int
) -> None:
    n = len(cases)
    for key in ("cases_per_reader", "repeat", "shared_cases"):
        if getattr(design, key) > n:
            msg = (
                f"must be {n} at most, the number of cases, got {getattr(design, key)}"
            )
            raise DesignError(msg, "design", key)
    for name, case in cases.items():
        if not case.units(design):
            msg = (
                f"must be so few that every case fills a display, got {design.at_once} "
                f"for {name}, of which there is {', '.join(case.methods)}"
            )
            raise DesignError(msg, "design", "pictures")
    own = n - design.shared_cases
    if design.allocation == "split-plot" and own < design.groups:
        msg = (
            f"must leave every group a case of its own, got {design.groups} groups "
            f"for {counted(own, 'case')} that they do not share"
        )
        raise DesignError(msg, "design", "groups")
    if n_readers < design.groups:
        msg = f"must be {n_readers} at most, the number of readers, got {design.groups}"
        raise DesignError(msg, "design", "groups")


def _check_sessions(allocation: Allocation, design: StudyDesign) -> None:
    read = set(allocation.values())
    empty = [s for s in range(1, design.sessions + 1) if s not in read]
    if empty:
        msg = (
            f"must each have a picture for every reader, got none in session "
            f"{empty[0]}: fewer sessions would do, or more cases"
        )
        raise DesignError(msg, "design", "sessions")


def _allocated(
    block: Sequence[str],
    cases: Mapping[str, Candidate],
    design: StudyDesign,
    rng: np.random.Generator,
) -> Allocation:
    """Return the session of each picture of some cases, for the first turn."""
    strata = {name: cases[name].stratum(design) for name in block}
    units = {name: cases[name].units(design) for name in block}
    n_classes = _n_classes(design)
    if design.spread == "by chance":
        drawn = rng.integers(1, n_classes + 1, len(block)).tolist()
        classes = dict(zip(block, drawn, strict=True))
    else:
        classes = shares(strata, n_classes, rng)
    found = {
        Picture(case, method): _session(place, of - 1, len(units[case]), design)
        for case, of in classes.items()
        for place, method in enumerate(units[case])
    }
    return found | _repeated(found, strata, design, rng)


def _n_classes(design: StudyDesign) -> int:
    """Return in how many ways the pictures of a case can lie in the sessions."""
    n_units = 1 if design.pairing == "unpaired" else len(design.units)
    if design.sessions == 1 or design.spread == "by method":
        return 1
    if design.spread == "by case" or design.sessions >= n_units:
        return design.sessions
    return n_units * design.sessions


def _session(place: int, of: int, n_methods: int, design: StudyDesign) -> int:
    """Return the session of a picture.

    Args:
        place: Of its method, among those of the case.
        of: Class of the case.
        n_methods: Methods of the case, or displays of them.
        design: With the number of sessions.
    """
    turn, first = divmod(of, design.sessions)
    apart = 0 if design.spread == "by case" else (place + turn) % n_methods
    return (first + apart) % design.sessions + 1


def _turned(allocation: Allocation, turn: int, design: StudyDesign) -> Allocation:
    return {p: (s - 1 + turn) % design.sessions + 1 for p, s in allocation.items()}


def _repeated(
    allocation: Allocation,
    strata: Mapping[str, str],
    design: StudyDesign,
    rng: np.random.Generator,
) -> Allocation:
    """Choose the pictures that are read a second time, arms in turn."""
    if not design.repeat:
        return {}
    if len(strata) < design.repeat:
        msg = (
            f"must be {len(strata)} at most, the cases of a reader, got {design.repeat}"
        )
        raise DesignError(msg, "design", "repeat")
    methods: dict[str, list[str]] = {}
    for picture in allocation:
        methods.setdefault(picture.case, []).append(picture.method)
    used = dict.fromkeys(rng.permutation(list(design.units)).tolist(), 0)
    found = {}
    for case in _taken(strata, design.repeat, rng):
        method = min(methods[case], key=lambda m: (used[m], list(used).index(m)))
        used[method] += 1
        session = allocation[Picture(case, method)]
        later = session % design.sessions + 1 if design.repeats_later else session
        found[Picture(case, method, 2)] = later
    return found


def _taken(strata: Mapping[str, str], n: int, rng: np.random.Generator) -> list[str]:
    """Draw some cases, of each stratum in proportion."""
    members: dict[str, list[str]] = {}
    for case, stratum in strata.items():
        members.setdefault(stratum, []).append(case)
    wanted = proportional({name: len(of) for name, of in members.items()}, n)
    drawn = [
        case
        for name in sorted(members)
        for case in rng.permutation(members[name]).tolist()[: wanted[name]]
    ]
    return [str(case) for case in rng.permutation(drawn)]


def _blocks(
    strata: Mapping[str, str], design: StudyDesign, rng: np.random.Generator
) -> list[list[str]]:
    """Return the cases of each group of readers of a split-plot design, or all."""
    if design.allocation != "split-plot":
        return [list(strata)]
    shared = set(_taken(strata, design.shared_cases, rng))
    own = {case: s for case, s in strata.items() if case not in shared}
    dealt = shares(own, design.groups, rng)
    return [
        [case for case in strata if case in shared or dealt[case] == group]
        for group in range(1, design.groups + 1)
    ]


def _hands(
    strata: Mapping[str, str],
    design: StudyDesign,
    n_readers: int,
    rng: np.random.Generator,
) -> list[list[str]]:
    """Deal every reader a subset of cases, so that each case is read about as often.

    Of each stratum there is a pack of cards; readers take as many of each as is its
    share, and what rounding leaves out comes later. A pack that runs out is shuffled
    anew, but for what a hand holds already.
    """
    members: dict[str, list[str]] = {}
    for case, stratum in strata.items():
        members.setdefault(stratum, []).append(case)
    share = {s: design.cases_per_reader * len(of) / len(strata)
             for s, of in members.items()}  # fmt: skip
    owed = dict.fromkeys(members, 0.0)
    packs: dict[str, list[str]] = {s: [] for s in members}
    hands = []
    for _ in range(n_readers):
        wanted = _quotas(share, owed, members, design.cases_per_reader)
        hand: list[str] = []
        for stratum, n in wanted.items():
            hand += _dealt(packs, stratum, members[stratum], n, rng)
        hands.append([case for case in strata if case in set(hand)])
    return hands


def _quotas(
    share: Mapping[str, float],
    owed: dict[str, float],
    members: Mapping[str, Sequence[str]],
    n: int,
) -> dict[str, int]:
    """Return how many cases of each stratum a reader has; rests are carried on."""
    for stratum, part in share.items():
        owed[stratum] += part
    least = {stratum: int(part + 1e-9) for stratum, part in share.items()}
    left = n - sum(least.values())
    room = [s for s in share if least[s] < len(members[s])]
    most = sorted(room, key=lambda s: (least[s] - owed[s], s))[:left]
    wanted = {stratum: least[stratum] + (stratum in most) for stratum in share}
    for stratum, taken in wanted.items():
        owed[stratum] -= taken
    return wanted


def _dealt(
    packs: dict[str, list[str]],
    stratum: str,
    members: Sequence[str],
    n: int,
    rng: np.random.Generator,
) -> list[str]:
    hand: list[str] = []
    while len(hand) < n:
        if all(case in hand for case in packs[stratum]):
            packs[stratum] += rng.permutation(list(members)).tolist()
        place = next(i for i, case in enumerate(packs[stratum]) if case not in hand)
        hand.append(packs[stratum].pop(place))
    return hand
