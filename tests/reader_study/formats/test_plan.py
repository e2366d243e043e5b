# ruff: noqa: E501 - a table of messages
import json
import re
from dataclasses import replace

import pytest

from reader_study.errors import StudyError
from reader_study.formats.checking import parse_toml
from reader_study.formats.plan import check_plan, read_plan
from reader_study.formats.protocol import protocol_of, template
from reader_study.formats.questionnaire import (
    Question,
    Questionnaire,
    paper_questionnaire,
)
from reader_study.running.unblinding import _plan
from reader_study.store.milestones import Milestone, MilestoneKind

Q = paper_questionnaire()


def checked(text, questionnaire=Q):
    source = parse_toml(text, "study.toml")
    protocol = protocol_of(source)
    check_plan(protocol, questionnaire, source)
    return protocol


def test_the_template_names_questions_of_the_paper():
    plan = checked(template()).analysis

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
        ('["Q2A"', '["Q5"', "line 55: analysis.acceptability_questions[0] must be of the questions"),
        ("[1] ", "[4] ", "line 56: analysis.acceptable_codes must be codes of Q2A, got 4"),
        ("[1] ", "1 ", "line 56: analysis.acceptable_codes must be a list, got 1"),
        ('["Q3", "Q4"]', '"Q3"', "line 57: analysis.ordinal_questions must be a list"),
    ],
)  # fmt: skip
def test_a_wrong_key_is_named_with_its_line(old, new, message):
    assert old in template()

    with pytest.raises(StudyError, match=re.escape(message)):
        checked(template().replace(old, new, 1))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        # The defaults name Q2A to Q2D, so their codes are checked as well.
        ("acceptable_codes = [1.5]", "acceptable_codes[0] must be a whole number or"),
        ("acceptable_codes = [2]", "acceptable_codes must be codes of Q2A, got 2"),
        ("acceptable_codes = [1, 0, -1]", "must be some codes of Q2A and not all"),
        ("acceptable_codes = []", "must be some codes of Q2A and not all, got []"),
        ('test = "McNemar"', "analysis.test is unknown; known are confidence_level"),
        ("simulated = false", "notes of your own belong into [analysis.notes]"),
        ("non_inferiority_margn = 0.1", "analysis.non_inferiority_margn is unknown"),
        ('turing_question = "Q3"', "must have a question with codes 1 (real) and 0"),
    ],
)
def test_what_a_report_could_not_do_is_refused(table, message):
    text = template()[: template().index("[analysis]")] + "[analysis]\n" + table
    with pytest.raises(StudyError, match=re.escape(message)):
        checked(text)


def test_a_margin_without_a_question_is_of_no_use_and_does_no_harm():
    own = Questionnaire("own", "1", (Question.of("sharp", "Sharp?", (1, 2)),))
    text = template()[: template().index("[analysis]")] + "[analysis]\n"

    checked(text + "non_inferiority_margin = 0.1\nequivalence_margin = 0.1", own)


def test_notes_are_kept_and_never_merged():
    table = '[analysis.notes]\ntest = "McNemar"\nsimulated = false\n'
    plan = checked(template() + table).analysis

    assert plan["notes"] == {"test": "McNemar", "simulated": False}


def test_what_the_study_says_of_itself_cannot_be_replaced(tmp_path):
    path = tmp_path / "plan.json"
    inside = {"simulated": False, "reference": "MAGIC", "test": "RAPID", "n_cases": "x"}
    path.write_text(
        json.dumps(
            {"simulated": True, "reference": "RAPID", "test": "MAGIC"}
            | {"analysis": inside | {"primary": ["free"], "notes": 3}}
        )
    )
    plan = read_plan(path)

    assert (plan.simulated, plan.reference, plan.test) == (True, "RAPID", "MAGIC")
    assert (plan.n_cases, plan.primary, plan.notes) == (None, "", {})


def test_a_plan_without_these_keys_is_left_alone():
    checked(template()[: template().index("[analysis]")])
    checked(template().replace('"Q1" ', '"" ', 1))


def plan_content(study, milestones):
    return json.loads(_plan(study, milestones))


def test_the_plan_is_handed_on_as_amended(study):
    amendment = Milestone(MilestoneKind.AMENDED, {"settings": {"washout_days": 21}}, "")
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
    old = Milestone(MilestoneKind.SIMULATED, {}, "")
    new = Milestone(MilestoneKind.SIMULATED, {"planted": {"plan": {"kappa": 0.6}}}, "")

    assert plan_content(study, [old])["planted"] is None
    assert plan_content(study, [new])["planted"] == {"plan": {"kappa": 0.6}}
