import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.agreement import krippendorff_alpha
from reader_study.errors import StudyError
from reader_study.formats.asking.panel import decide, panel_agreement
from reader_study.formats.protocol import parse_protocol
from reader_study.formats.sealed import sealed_content

TEXT = """
[study]
title = "A panel"
[design]
arms = ["MRI"]
[readers]
number = 3
[panel]
question = "Q1"
"""


def panel(*changes):
    text = TEXT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return parse_protocol(text, "study.toml")


@pytest.mark.parametrize(
    ("answers", "majority", "unanimous"),
    [
        ((1, 1, 1), (1, "unanimous"), (1, "unanimous")),
        ((1, 1, 0), (1, "majority"), (None, "unresolved")),
        ((1, 0, 2), (None, "unresolved"), (None, "unresolved")),
        ((1, 1, 0, 0), (None, "unresolved"), (None, "unresolved")),
        ((1, 1, None), (1, "majority"), (None, "unresolved")),
        ((1, None, None), (None, "unresolved"), (None, "unresolved")),
        ((None, None), (None, "unresolved"), (None, "unresolved")),
    ],
)
def test_a_rule_decides_and_a_missing_reading_agrees_with_none(
    answers, majority, unanimous
):
    assert decide(answers, "majority") == majority
    assert decide(answers, "unanimous") == unanimous


@given(
    st.lists(
        st.lists(st.sampled_from([0, 1, 2, None]), min_size=3, max_size=3),
        min_size=2,
        max_size=12,
    )
)
def test_alpha_is_that_of_the_analysis(cases):
    found = panel_agreement(cases)
    paired = [[a for a in case if a is not None] for case in cases]
    units = [answers for answers in paired if len(answers) > 1]
    assert found.n_cases == len(units)
    if found.alpha is None:
        assert len({a for answers in units for a in answers}) < 2
        return
    ratings = [[np.nan if a is None else a for a in case] for case in cases]
    wanted = krippendorff_alpha(np.array(ratings, dtype=float), level="nominal")
    assert found.alpha == pytest.approx(wanted.estimate)


def test_observed_agreement_is_the_share_of_pairs():
    found = panel_agreement([[1, 1, 1], [1, 1, 0], [1, None, None]])
    assert (found.n_cases, found.observed) == (2, pytest.approx((1 + 1 / 3) / 2))


def test_what_is_at_its_default_is_in_no_hash():
    plain = panel(("[panel]\n", "[panel]\nrule = 'majority'\n"))
    assert plain.sha256 == panel().sha256
    assert panel(("[panel]\n", "[panel]\nrule = 'unanimous'\n")).sha256 != plain.sha256
    without = parse_protocol(TEXT.split("[panel]")[0], "study.toml")
    assert "panel" not in sealed_content(without)["protocol"]
    assert sealed_content(plain)["protocol"]["panel"]["question"] == "Q1"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('["MRI"]', '["MRI", "CT"]'), "panel must be left out unless every reader"),
        (('["MRI"]', '["MRI"]\nrepeat = 1\nmin_gap = 1'), "panel must be left out"),
        (('["MRI"]', '["MRI"]\nsessions = 2'), "panel must be left out unless"),
        (("number = 3", "number = 1"), "line 7: readers.number must be 2 or more"),
        (('"Q1"', '"Q1"\nrule = "any"'), "panel.rule must be"),
        (('"Q1"', '"Q1"\nmost = 1'), "panel.most is unknown"),
        (('"Q1"', '"Q1"\nadjudicates = "ab"'), "number must be 1, who decides"),
        (('question = "Q1"', ""), "panel.question"),
    ],
)
def test_panels_that_cannot_be(change, message):
    with pytest.raises(StudyError, match=message):
        panel(change)


def test_two_methods_in_two_trials_are_no_panel():
    text = '[study]\ntitle = "T"\n[cases]\nsevere = 4\n[panel]\nquestion = "Q1"\n'
    with pytest.raises(StudyError, match="panel must be left out unless"):
        parse_protocol(text, "study.toml")
