"""Which picture of a display stands where: each method as often at each place."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from reader_study.design.allocation import Candidate, shares
from reader_study.design.design import Design, ReaderPlan, Shown
from reader_study.design.orders import Picture
from reader_study.formats.design import StudyDesign
from reader_study.formats.showing.display import turned

Places = dict[tuple[str, Picture], tuple[str, ...]]
"""Methods from the left, by group of readers and display."""


def draw_places(
    drawn: Design,
    cases: Mapping[str, Candidate],
    design: StudyDesign,
    rng: np.random.Generator,
) -> Places:
    """Draw where the methods of each display stand.

    Of the displays of the same methods that a group sees, each method is at each place
    equally often, but for what does not divide; so it is in each stratum. Groups that
    see the same displays see them turned on by one place each. What is shown a second
    time is turned on once more.

    Args:
        drawn: What each group sees, by displays.
        cases: Cases of the study.
        design: With its displays of several pictures.
        rng: Source of chance.
    """
    n_different = design.groups * (design.sessions if design.is_counterbalanced else 1)
    alike = design.allocation != "subsets"
    found: Places = {}
    base: list[dict[tuple[str, str], tuple[str, ...]]] = []
    for number, (group, sessions) in enumerate(drawn.shown.items()):
        pictures = [p for of in sessions.values() for p in of]
        again = number // n_different if alike else 0
        if not again:
            base.append(dict(_of_group(pictures, cases, design, rng)))
        first = base[number % n_different if alike else number]
        for p in pictures:
            shown = first[p.case, p.method]
            found[group, p] = turned(shown, again + p.occasion - 1)
    return found


def one_after_the_other(drawn: Design, design: StudyDesign) -> Design:
    """Return a design of displays in which each is read as two, one after the other.

    Args:
        drawn: What is drawn, by cases with and without aid as one.
        design: With the display `aided`.
    """

    def both(sessions: Shown, *, sort: bool) -> Shown:
        found = {}
        for session, of in sessions.items():
            steps = [
                p._replace(method=arm) for p in of for arm in design.units[p.method]
            ]
            found[session] = tuple(sorted(steps) if sort else steps)
        return found

    plans = (
        ReaderPlan(plan.reader, plan.group, both(plan.orders, sort=False))
        for plan in drawn.plans
    )
    shown = {group: both(of, sort=True) for group, of in drawn.shown.items()}
    return Design(shown, tuple(plans))


def _of_group(
    pictures: Iterable[Picture],
    cases: Mapping[str, Candidate],
    design: StudyDesign,
    rng: np.random.Generator,
) -> Iterator[tuple[tuple[str, str], tuple[str, ...]]]:
    """Yield where methods stand in what one group sees.

    Cases are dealt to as many classes as there are places. The first of each class
    share a random order of the methods, turned on from class to class; so do the
    second, and so on.
    """
    by_unit: dict[str, dict[str, str]] = {name: {} for name in design.units}
    for p in sorted(pictures):
        by_unit[p.method][p.case] = cases[p.case].stratum(design)
    for unit, strata in by_unit.items():
        methods, orders = design.units[unit], list[list[str]]()
        seen = dict.fromkeys(range(1, len(methods) + 1), 0)
        for case, of in shares(strata, len(methods), rng).items():
            if seen[of] == len(orders):
                orders.append(rng.permutation(list(methods)).tolist())
            yield (case, unit), turned(orders[seen[of]], of)
            seen[of] += 1
