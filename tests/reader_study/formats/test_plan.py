# ruff: noqa: E501 - a table of messages
import json
import re
from dataclasses import replace

import pytest

from reader_study.errors import StudyError
from reader_study.formats.checking import parse_toml
from reader_study.formats.plan import read_plan, weight_matrix
from reader_study.formats.plan_check import check_plan
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
        ("weights = {Q9 = [1, 0.5, 0]}", "weights.Q9 must be of the questions Q1, Q2A"),
        (
            "weights = {Q3 = [1, 0.5, 0]}",
            "weights.Q3 must be as many as Q3 has answers, 4, got 3",
        ),
        (
            "weights = {Q2A = [1, 2, 0]}",
            "weights.Q2A must be k lists of k numbers of 0 to 1",
        ),
        (
            "weights = {Q2A = [0.5, 0.5, 0]}",
            "weights.Q2A must be 1 where the answers are the same",
        ),
        ("weights = {Q1 = [[1, 0], [1]]}", "weights.Q1 must be k lists of k numbers"),
        ('weights = {Q1 = [1, "a"]}', "weights.Q1 must be k lists of k numbers"),
        ("weights = {Q1 = []}", "weights.Q1 must be k lists of k numbers"),
        (
            'groups = {Q3 = {"treat" = [1, 2, 3, 4]}}',
            "groups.Q3 must be two groups or more, got 1",
        ),
        (
            "groups = {Q3 = {a = [1, 2], b = [2, 3]}}",
            "each of the codes 1, 2, 3, 4 once, got otherwise for 2, 4",
        ),
        ("groups = {Q3 = {a = [1, 2], b = [3, 4, 5]}}", "got otherwise for 5"),
        ("groups = {Q9 = {a = [1], b = [0]}}", "groups.Q9 must be of the questions"),
        (
            'subgroups = ["site", "Method "]',
            "subgroups[1] must be a column about the case or the reader",
        ),
        ('subgroups = ["Q1"]', "subgroups[0] must be a column about the case"),
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


def test_weights_groups_and_subgroups_that_fit_are_kept(tmp_path):
    table = """weights = {Q3 = [1, 0.5, 0, 0], Q1 = [[1, 0.2], [0, 1]]}
groups = {Q3 = {"do not treat" = [1, 2], "treat" = [3, 4]}}
subgroups = ["site", "severity"]
"""
    head = template()[: template().index("[analysis]")]
    given = checked(head + "[analysis]\n" + table).analysis
    path = tmp_path / "plan.json"
    path.write_text(json.dumps({"analysis": given}))
    plan = read_plan(path)

    assert weight_matrix(plan.weights["Q1"]) == [[1, 0.2], [0, 1]]
    assert weight_matrix(plan.weights["Q3"])[0] == [1, 0.5, 0, 0]
    assert plan.groups["Q3"] == {"do not treat": (1, 2), "treat": (3, 4)}
    assert plan.subgroups == ("site", "severity")


def test_a_plan_without_them_has_the_hash_that_it_had():
    protocol = checked(template())
    assert not {"weights", "groups", "subgroups"} & set(protocol.analysis)


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
