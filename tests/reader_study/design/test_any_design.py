"""Designs of any kind: met in all constraints, or refused with a reason."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reader_study.design.allocation import Candidate
from reader_study.design.constraints import Wanted, violations
from reader_study.design.design import Design, draw_design, require_told_apart
from reader_study.design.orders import DesignError, draw_sequence
from reader_study.design.places import draw_places, one_after_the_other
from reader_study.errors import StudyError
from reader_study.formats.design import StudyDesign

ARMS = ("real", "GAN", "diffusion", "flow")


@st.composite
def displays(draw, arms):
    """What is seen at a time."""
    if len(arms) == 1:
        return {}
    kinds = ["one picture", "side by side", "choice", "ranking", "aided"]
    kind = draw(st.sampled_from(kinds))
    if kind == "one picture":
        return {}
    n = draw(st.integers(0, len(arms))) if kind in {"choice", "ranking"} else 0
    return {"display": kind, "pictures": n, "max_run": 0, "spread": "balanced"}


@st.composite
def studies(draw):
    """Settings of a design, its cases, numbers of readers, and a seed."""
    arms = ARMS[: draw(st.integers(1, 4))]
    pairing = draw(st.sampled_from(["paired", "partly paired", "unpaired"]))
    sessions = draw(st.integers(1, 4))
    allocation = draw(st.sampled_from(["crossed", "split-plot", "subsets"]))
    n_cases = draw(st.integers(2, 14))
    settings = {
        "arms": arms,
        "pairing": pairing if len(arms) > 1 else "paired",
        "sessions": sessions,
        "allocation": allocation,
        "repeat": draw(st.integers(0, 2)),
        "order": draw(st.sampled_from(["shared", "per_reader"])),
        "max_run": draw(st.sampled_from([0, 0, 2, 3])),
        "min_gap": draw(st.integers(0, 2)),
        "strata": draw(st.sampled_from([(), ("severity",)])),
    }
    if sessions > 1:
        spreads = ["balanced", "balanced", "by chance", "by case", "by method"]
        settings["spread"] = draw(st.sampled_from(spreads))
        settings["min_distance"] = draw(st.integers(0, 2))
    if allocation == "split-plot":
        settings["groups"] = draw(st.integers(2, 3))
        settings["shared_cases"] = draw(st.integers(0, 3))
    if allocation == "subsets":
        settings["cases_per_reader"] = draw(st.integers(1, n_cases))
    settings |= draw(displays(arms))
    cases = {}
    for n in range(n_cases):
        has = arms
        if settings["pairing"] == "unpaired":
            has = (arms[n % len(arms)],)
        if settings["pairing"] == "partly paired":
            has = tuple(draw(st.permutations(arms))[: draw(st.integers(1, len(arms)))])
            has = tuple(sorted(has, key=arms.index))
        cases[f"case-{n}"] = Candidate(has, {"severity": "ab"[n % 3 == 0]})
    numbers = draw(st.integers(1, 7)), draw(st.sampled_from([0, 0, 1, 3]))
    return settings, cases, numbers, draw(st.integers(0, 2**32))


def check(study):
    """Return whether a study could be drawn; it then meets every constraint."""
    given, cases, (n_readers, reserve), seed = study
    why = ""
    try:
        design = StudyDesign(**given)
        rng = np.random.default_rng(seed)
        drawn = draw_design(cases, design, n_readers, rng, reserve=reserve)
        require_told_apart(drawn, design)
    except StudyError as error:
        why = str(error)
    if why:
        assert "must" in why
        assert any(field in why for field in StudyDesign.__dataclass_fields__), why
        return False
    assert len(drawn.plans) == n_readers + reserve
    assert (
        violations(of_readers(drawn, n_readers), Wanted(design, cases, n_readers)) == []
    )
    # Groups of those who came late, too, differ by one reader at most.
    late = Counter(plan.group for plan in drawn.plans)
    assert max(late.values()) - min(late[group] for group in drawn.shown) <= 1
    if design.at_once > 1:
        check_places(drawn, cases, design)
    return True


def of_readers(drawn, n):
    """The design of the first readers, before any in reserve came."""
    plans = drawn.plans[:n]
    groups = {plan.group for plan in plans}
    return Design({g: of for g, of in drawn.shown.items() if g in groups}, plans)


def check_places(drawn, cases, design):
    """Every method of a group's displays is as often at each place."""
    places = draw_places(drawn, cases, design, np.random.default_rng(1))
    counts = Counter()
    for (group, picture), shown in places.items():
        assert sorted(shown) == sorted(design.units[picture.method])
        if picture.occasion == 1:
            counts.update((group, picture.method, *one) for one in enumerate(shown))
    for (group, unit, _, method), _ in list(counts.items()):
        n = [counts[group, unit, at, method] for at in range(design.at_once)]
        assert max(n) - min(n) <= 1, (group, unit, method, n)


@settings(max_examples=20)
@given(studies())
def test_a_random_design_meets_every_constraint_or_is_refused(study):
    check(study)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_thousand_random_designs_and_most_kinds_are_drawn():
    kinds = set()

    @settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
    @given(studies())
    def run(study):
        if check(study):
            given = study[0]
            names = ("pairing", "allocation", "sessions", "display")
            kinds.add((*(given.get(name) for name in names), len(given["arms"])))

    run()
    assert len(kinds) >= 40


@given(
    st.lists(st.integers(0, 6), min_size=3, max_size=5),
    st.integers(1, 3),
    st.integers(0, 2**32),
)
def test_a_sequence_of_several_methods_is_drawn_wherever_there_is_one(
    counts, max_run, seed
):
    # By pigeonhole: others part the largest into groups of max_run.
    largest, total = max(counts), sum(counts)
    possible = largest <= max_run * (total - largest + 1)
    rng = np.random.default_rng(seed)
    if not possible:
        with pytest.raises(DesignError, match=f"max_run {max_run} must be possible"):
            draw_sequence(counts, max_run, rng)
        return
    drawn = draw_sequence(counts, max_run, rng).tolist()

    assert [drawn.count(arm) for arm in range(len(counts))] == counts
    for start in range(total - max_run):
        assert len(set(drawn[start : start + max_run + 1])) > 1


def some(n, methods=ARMS[:2], **columns):
    return {f"case-{i}": Candidate(methods, columns) for i in range(n)}


def draw(cases, n_readers=2, **given):
    design = StudyDesign(**{"arms": ARMS[:2]} | given)
    drawn = draw_design(cases, design, n_readers, np.random.default_rng(0))
    require_told_apart(drawn, design)
    return drawn


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"repeat": 5, "min_gap": 1},
            "design.repeat must be 4 at most, the number of c",
        ),
        (
            {"allocation": "subsets", "cases_per_reader": 5},
            "design.cases_per_reader must be 4 at most, the number of cases, got 5",
        ),
        (
            {"allocation": "split-plot", "groups": 3},
            "design.groups must be 2 at most, the number of readers, got 3",
        ),
        (
            {"allocation": "split-plot", "groups": 2, "shared_cases": 3},
            "design.groups must leave every group a case of its own, got 2 groups f",
        ),
        ({"sessions": 9}, "design.sessions must each have a picture for every reader"),
        (
            {"max_run": 1, "min_gap": 7},
            "design.max_run 1 and min_gap 7 must be met tog",
        ),
    ],
)
def test_what_cannot_be_drawn_is_named_by_its_key(given, message):
    with pytest.raises(DesignError, match=message):
        draw(some(4), **given)


def test_a_design_that_confounds_the_method_is_refused_unless_accepted():
    real, gan = some(3, ("real",)), {f"g-{n}": c for n, c in some(3, ("GAN",)).items()}
    given = {"pairing": "unpaired", "allocation": "subsets", "cases_per_reader": 1}
    with pytest.raises(
        DesignError,
        match=r"design\.allocation must not confound the m.*"
        r"reader group.*accept_confounding = \['reader group'\]",
    ):
        draw(real | gan, n_readers=6, **given)

    drawn = draw(real | gan, n_readers=6, **given, accept_confounding=("reader group",))
    assert len(drawn.plans) == 6

    by_method = {"sessions": 2, "spread": "by method"}
    with pytest.raises(
        StudyError, match="spread must not confound the method with the"
    ):
        draw(some(4), **by_method)
    drawn = draw(some(4), **by_method, accept_confounding=("session",))
    assert {p.method for p in drawn.plans[0].orders[2]} == {"GAN"}


def test_every_arm_is_as_often_in_every_session_of_three():
    drawn = draw(some(12, ARMS[:3]), n_readers=3, arms=ARMS[:3], sessions=3)

    for plan in drawn.plans:
        for order in plan.orders.values():
            assert sorted(p.method for p in order) == sorted([*ARMS[:3]] * 4)
            assert len({p.case for p in order}) == 12
    first = [plan.orders[1] for plan in drawn.plans]
    assert len({p for order in first for p in order}) == 36  # groups in turn


def test_groups_see_displays_turned_and_what_is_read_twice_turned_again():
    cases = some(6, ARMS[:3])
    given = {"arms": ARMS[:3], "display": "ranking", "repeat": 2, "min_gap": 1}
    design = StudyDesign(**given)
    drawn = draw(cases, n_readers=4, **given)
    places = draw_places(drawn, cases, design, np.random.default_rng(5))

    assert list(drawn.shown) == ["group-1", "group-2", "group-3"]
    shown = {group: dict[tuple[str, int], tuple[str, ...]]() for group in drawn.shown}
    for (group, picture), methods in places.items():
        shown[group][picture.case, picture.occasion] = methods
    for (case, occasion), first in shown["group-1"].items():
        for n, group in enumerate(("group-2", "group-3"), 1):
            assert shown[group][case, occasion] == (*first[n:], *first[:n])
        if occasion == 2:
            once = shown["group-1"][case, 1]
            assert first == (*once[1:], once[0])


def test_with_the_aid_follows_without_it_at_once():
    design = StudyDesign(arms=ARMS[:2], display="aided", sessions=2)
    drawn = draw(some(5), display="aided", sessions=2)
    found = one_after_the_other(drawn, design)

    for plan in found.plans:
        for session, order in plan.orders.items():
            pairs = list(zip(order[::2], order[1::2], strict=True))
            assert [(a.method, b.method) for a, b in pairs] == [ARMS[:2]] * len(pairs)
            assert all(a.case == b.case for a, b in pairs)
            assert sorted(order) == list(found.shown[plan.group][session])
    read = [p.case for plan in found.plans for o in plan.orders.values() for p in o]
    assert Counter(read) == dict.fromkeys(some(5), 4)


def test_a_case_must_fill_a_display():
    cases = some(3, ARMS[:3]) | {"odd": Candidate(ARMS[1:2])}
    message = (
        r"pictures must be so few that every case fills a display, got 2 for odd, of"
    )
    with pytest.raises(DesignError, match=message):
        draw(cases, arms=ARMS[:3], display="side by side", pairing="partly paired")
