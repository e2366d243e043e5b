# ruff: noqa: E501 - a table of designs
from collections import Counter
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reader_study.design.allocation import Candidate
from reader_study.design.constraints import CONSTRAINTS, Wanted
from reader_study.design.constraints import violations as all_violations
from reader_study.design.design import Design, ReaderPlan, generator
from reader_study.design.design import draw_design as draw
from reader_study.design.orders import Picture, draw_orders
from reader_study.errors import StudyError
from reader_study.formats.design import StudyDesign
from reader_study.formats.protocol import Protocol

COUNTS = {"none": 7, "mild_moderate": 6, "severe": 7}
SEVERITIES = {f"{s}-{i}": s for s, n in COUNTS.items() for i in range(n)}
MODES = {
    "balanced": {"max_run": 3, "min_distance": 3},
    "paper": {"order": "shared", "max_run": 0, "min_distance": 0},
}


def protocol(**settings):
    values = {"title": "T", "per_severity": COUNTS, "n_readers": 7}
    return Protocol(**values | settings)


def candidates(severities):
    methods = ("RAPID", "MAGIC")
    return {name: Candidate(methods, {"severity": s}) for name, s in severities.items()}


def draw_design(severities, wanted, rng):
    return draw(candidates(severities), wanted.design, wanted.n_readers, rng)


def violations(design, severities, wanted):
    what = Wanted(wanted.design, candidates(severities), wanted.n_readers)
    return all_violations(design, what)


def check_seeds(mode, seeds):
    wanted = protocol(allocation=mode, **MODES[mode])
    for seed in seeds:
        design = draw_design(SEVERITIES, wanted, np.random.default_rng(seed))
        assert violations(design, SEVERITIES, wanted) == [], seed


@pytest.mark.parametrize("mode", MODES)
def test_fifty_seeds_satisfy_every_constraint(mode):
    check_seeds(mode, range(50))


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_a_thousand_seeds_satisfy_every_constraint(mode):
    check_seeds(mode, range(1000))


@given(
    counts=st.lists(st.integers(0, 7), min_size=1, max_size=4).filter(
        lambda counts: sum(counts) >= 2
    ),
    order=st.sampled_from(["shared", "per_reader"]),
    max_run=st.integers(2, 5),
    share=st.floats(0, 0.3),
    n_readers=st.integers(1, 9),
    seed=st.integers(0, 2**32),
)
def test_any_balanced_study_satisfies_every_constraint(
    counts, order, max_run, share, n_readers, seed
):
    severities = {f"{s}-{i}": str(s) for s, n in enumerate(counts) for i in range(n)}
    wanted = protocol(
        per_severity={str(s): n for s, n in enumerate(counts)},
        order=order,
        max_run=max_run,
        min_distance=int(share * sum(counts)),
        n_readers=n_readers,
    )
    design = draw_design(severities, wanted, np.random.default_rng(seed))

    assert violations(design, severities, wanted) == []


def test_the_tightest_constraints_can_be_met():
    wanted = protocol(max_run=1, min_distance=10)
    design = draw_design(SEVERITIES, wanted, np.random.default_rng(1))

    assert violations(design, SEVERITIES, wanted) == []


def pictures(reference_session, session, order):
    """The pictures of a session, by the cases in order and where RAPID is shown."""
    shown = {case: reference_session[case] == session for case in order}
    return tuple(Picture(c, "RAPID" if shown[c] else "MAGIC") for c in order)


def broken(reference=None, plans=None):
    """A design of two cases in which something is wrong.

    Args:
        reference: By group and case the session that shows RAPID.
        plans: Group and orders of cases of each reader.
    """
    reference = reference or {"group-1": {"a": 1, "b": 2}, "group-2": {"a": 2, "b": 1}}
    plans = plans or (("group-1", GOOD), ("group-2", GOOD))
    shown = {
        group: {s: pictures(where, s, "ab") for s in (1, 2)}
        for group, where in reference.items()
    }
    read = (
        ReaderPlan(
            f"reader-{n}",
            group,
            {
                s: pictures(reference[group], s, order)
                for s, order in enumerate(both, 1)
            },
        )
        for n, (group, both) in enumerate(plans, 1)
    )
    return Design(shown, tuple(read))


GOOD = (("a", "b"), ("b", "a"))


@pytest.mark.parametrize(
    ("name", "changes", "settings"),
    [
        ("each_picture_once", {"plans": (("group-1", GOOD), ("group-2", (("a", "b", "b"), ("b", "a"))))}, {}),
        (
            "each_method_once_per_case",
            {"reference": {"group-1": {"a": 1, "b": 3}, "group-2": {"a": 2, "b": 1}}},
            {},
        ),
        (
            "half_and_half",
            {"reference": {"group-1": {"a": 1, "b": 1}, "group-2": {"a": 2, "b": 2}}},
            {},
        ),
        (
            "complementary_groups",
            {"reference": {"group-1": {"a": 1, "b": 2}, "group-2": {"a": 1, "b": 2}}},
            {},
        ),
        ("complementary_groups", {}, {"allocation": "paper", "max_run": 0}),
        ("equal_groups", {"plans": (("group-1", GOOD), ("group-1", GOOD))}, {}),
        ("equal_groups", {"plans": (("group-1", GOOD),)}, {}),
        (
            "longest_run",
            {"reference": {"group-1": {"a": 1, "b": 1}, "group-2": {"a": 2, "b": 2}}},
            {"max_run": 1},
        ),
        ("smallest_distance", {"plans": (("group-1", GOOD), ("group-2", (("a", "b"), ("a", "b"))))}, {}),
        (
            "shared_order",
            {"plans": (("group-1", GOOD), ("group-1", GOOD[::-1]))},
            {"order": "shared"},
        ),
    ],
)  # fmt: skip
def test_each_constraint_finds_its_violation(name, changes, settings):
    values = {"per_severity": {"x": 2}, "n_readers": 2, "min_distance": 1}
    wanted = protocol(**values | settings)
    found = violations(broken(**changes), {"a": "x", "b": "x"}, wanted)

    assert any(violation.startswith(f"{name}: ") for violation in found), found


def test_a_sound_design_of_two_cases_violates_nothing():
    wanted = protocol(per_severity={"x": 2}, n_readers=2, min_distance=1)

    assert violations(broken(), {"a": "x", "b": "x"}, wanted) == []
    assert len({constraint.__name__ for constraint in CONSTRAINTS}) == 13


def test_the_same_seed_draws_the_same_design_whatever_the_order_of_rows():
    reverse = dict(reversed(SEVERITIES.items()))
    designs = [
        draw_design(cases, protocol(), generator("hash", "nonce", "design"))
        for cases in (SEVERITIES, reverse)
    ]
    other = draw_design(SEVERITIES, protocol(), generator("hash", "NONCE", "design"))

    assert designs[0] == designs[1]
    assert designs[0] != other


def test_paper_mode_tosses_a_fair_coin_for_each_case():
    wanted = protocol(allocation="paper", **MODES["paper"])
    first = [
        Picture("none-0", "RAPID")
        in draw_design(SEVERITIES, wanted, np.random.default_rng(seed))
        .shown["group-1"][1]
        for seed in range(400)
    ]  # fmt: skip

    # Binomial(400, 1/2): beyond 160..240 with probability 5e-5.
    assert 160 <= first.count(True) <= 240


def orders_of(reference_session, max_run, min_distance, rng):
    """Orders of a crossover, by the session in which each case is shown by RAPID."""
    design = StudyDesign(
        arms=("RAPID", "MAGIC"), sessions=2, max_run=max_run, min_distance=min_distance
    )
    listed = {
        s: pictures(reference_session, s, list(reference_session)) for s in (1, 2)
    }
    return draw_orders(listed, design, rng)


@pytest.mark.slow
def test_all_sequences_of_methods_are_equally_likely():
    cases = dict.fromkeys("abc", 1) | dict.fromkeys("def", 2)
    rng = np.random.default_rng(5)
    drawn = Counter(
        tuple(p.method == "RAPID" for p in orders_of(cases, 2, 0, rng)[1])
        for _ in range(2800)
    )
    allowed = {
        sequence
        for sequence in permutations([True] * 3 + [False] * 3)
        if all(len(set(sequence[i : i + 3])) == 2 for i in range(4))
    }

    assert set(drawn) == allowed
    assert len(allowed) == 14
    # 200 expected of each; a standard deviation is 13.6.
    assert all(140 <= count <= 260 for count in drawn.values())


def test_a_run_that_cannot_be_is_named():
    with pytest.raises(StudyError, match="max_run 1 must be possible, got 3 and 0"):
        orders_of(dict.fromkeys("abc", 1), 1, 0, np.random.default_rng(0))


def test_constraints_that_exclude_each_other_are_named():
    # Distance 2 of 4 cases is a shift by 2; runs of 1 alternate, so that the case of
    # place 1 would have to keep its method.
    cases = {"a": 1, "b": 1, "c": 1, "d": 2}
    with pytest.raises(
        StudyError, match="max_run 2 and min_distance 2 must be met tog"
    ):
        orders_of(cases, 2, 2, np.random.default_rng(0))


@pytest.mark.slow
def test_large_studies_can_be_drawn():
    cases = {str(i): 1 + i % 2 for i in range(600)}
    orders = orders_of(cases, 3, 20, np.random.default_rng(0))

    for order in orders.values():
        assert sorted(picture.case for picture in order) == sorted(cases)
