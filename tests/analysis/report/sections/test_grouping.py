from dataclasses import replace

import pytest

from analysis.report.section import ReportContext
from analysis.report.sections.grouping import grouping_section
from tests.analysis.report.conftest import PLAN

TREAT = {"Q3": {"do not treat": (1, 2), "treat": (3, 4)}}


def made(responses, groups=TREAT):
    return grouping_section(
        ReportContext(responses, replace(PLAN, groups=groups), [], 0.95)
    )


def counted(responses, first, second):
    """Pairs of Q3 with answers of the first group, then of the second."""
    by_key = {}
    for r in responses.readings:
        by_key.setdefault((r.reader, r.case), {})[r.method] = r.answers["Q3"]
    return sum(
        pair["RAPID"] in first and pair["MAGIC"] in second for pair in by_key.values()
    )


def test_pairs_are_counted_by_the_plans_groups(responses):
    section = made(responses)
    no, yes = (1, 2), (3, 4)
    expected = [[counted(responses, a, b) for b in (no, yes)] for a in (no, yes)]
    content = section.content["Q3"]
    assert content["counts"] == expected
    assert content["to_later"]["estimate"] == pytest.approx(expected[0][1] / 140)
    (a, b), (c, d) = expected
    chance = ((a + b) * (a + c) + (c + d) * (b + d)) / 140**2
    kappa = ((a + d) / 140 - chance) / (1 - chance)
    assert content["cohen_kappa"]["estimate"] == pytest.approx(kappa)
    assert content["cohen_kappa"]["variance"] == "crossed"
    counts, changed = (table.frame for table in section.tables)
    assert counts["MAGIC: treat"].tolist() == [str(b), str(d)]
    assert changed["Share of pairs"].tolist() == [
        "same group",
        "do not treat to treat",
        "treat to do not treat",
        "kappa of the groups",
    ]
    assert f"{a + d} of 140 pairs fall into the same group" in section.findings[0]


def test_three_groups_move_to_later_and_earlier_ones(responses):
    groups = {"Q4": {"low": (1,), "middle": (2, 3), "high": (4, 5)}}
    shares = made(responses, groups).tables[-1].frame["Share of pairs"].tolist()
    assert shares[1:3] == ["to a later group", "to an earlier group"]


def test_groups_that_do_not_fit_the_scale_are_said(responses):
    section = made(responses, {**TREAT, "Q1": {"a": (1,), "b": (2,)}})
    assert list(section.content) == ["Q3"]
    assert section.findings[-1] == (
        "Q1: the plan's groups are left out, since they must name each of the codes "
        "1, 0 once, got otherwise for 0, 2."
    )
    alone = made(responses, {"Q1": {"a": (1,), "b": (2,)}})
    assert alone.tables == ()
    assert alone.content


def test_no_groups_no_section(responses):
    assert made(responses, {}) is None
    assert made(responses, {"Q9": TREAT["Q3"]}) is None
    assert made(replace(responses, reconstructed=True)).refused
