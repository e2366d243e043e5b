# ruff: noqa: E501 - a table of messages
import re
from dataclasses import replace

import pytest

from reader_study.errors import StudyError
from reader_study.formats.plan import check_plan, plan_content
from reader_study.formats.protocol import read_protocol, template
from reader_study.formats.questionnaire import paper_questionnaire
from reader_study.store.milestones import Kind, Milestone

Q = paper_questionnaire()


def test_the_template_names_questions_of_the_paper(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(template())
    plan = read_protocol(path).analysis

    check_plan(read_protocol(path), Q, path)
    assert plan["non_inferiority_margin"] == plan["equivalence_margin"] == 0.1
    assert plan["turing_question"] == "Q1"
    assert plan["acceptability_questions"] == ["Q2A", "Q2B", "Q2C", "Q2D"]
    assert plan["acceptable_codes"] == [1]
    assert plan["ordinal_questions"] == ["Q3", "Q4"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("level = 0.95", "level = 95", "line 50: analysis.confidence_level must be betw"),
        ('"exclude"', '"drop"', "line 51: analysis.incomplete_pairs must be exclude or "),
        ("ity_margin = 0.10", "ity_margin = true", "line 52: analysis.non_inferiority_mar"),
        ("nce_margin = 0.10", "nce_margin = 0.5", "must be between 0 and 0.5, got 0.5"),
        ('"Q1"', '"Q9"', "line 54: analysis.turing_question must be one of Q1, Q2A"),
        ('["Q2A"', '["Q5"', "line 55: analysis.acceptability_questions must be a list of"),
        ("[1] ", "[4] ", "line 56: analysis.acceptable_codes must be codes of Q2A, got 4"),
        ("[1] ", "1 ", "line 56: analysis.acceptable_codes must be a list of codes, got 1"),
        ('["Q3", "Q4"]', '"Q3"', "line 57: analysis.ordinal_questions must be a list"),
    ],
)  # fmt: skip
def test_a_wrong_key_is_named_with_its_line(tmp_path, old, new, message):
    path = tmp_path / "study.toml"
    path.write_text(template().replace(old, new, 1))
    assert old in template()

    with pytest.raises(StudyError, match=re.escape(message)):
        check_plan(read_protocol(path), Q, path)


def test_a_plan_without_these_keys_is_left_alone(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(template()[: template().index("[analysis]")])
    check_plan(read_protocol(path), Q, path)
    path.write_text(template().replace('"Q1" ', '"" ', 1))
    check_plan(read_protocol(path), Q, path)


def test_the_plan_is_handed_on_as_amended(study):
    amendment = Milestone(Kind.AMENDED, {"settings": {"washout_days": 21}}, "")
    protocol = replace(study.protocol, analysis={"confidence_level": 0.9})
    content = plan_content(replace(study, protocol=protocol), [amendment])

    assert content == {
        "schema": 1, "study_id": "study-1", "title": "A tiny study",
        "reference": "RAPID", "test": "MAGIC", "allocation": "balanced",
        "order": "per_reader", "n_readers": 2, "n_cases": 4, "washout_days": 21,
        "corrections": True, "roles": [], "analysis": {"confidence_level": 0.9},
        "simulated": False, "planted": None,
    }  # fmt: skip


def test_a_rehearsal_of_before_says_nothing_of_what_was_planted(study):
    old = Milestone(Kind.SIMULATED, {}, "")
    new = Milestone(Kind.SIMULATED, {"planted": {"plan": {"kappa": 0.6}}}, "")

    assert plan_content(study, [old])["planted"] is None
    assert plan_content(study, [new])["planted"] == {"plan": {"kappa": 0.6}}
