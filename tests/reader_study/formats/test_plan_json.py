import hashlib
import json

import pytest

from analysis.responses import ResponsesError
from reader_study.formats.checking import FormatError
from reader_study.formats.closing import ClosingAnswer, read_closing
from reader_study.formats.endpoint import Endpoint
from reader_study.formats.plan import AnalysisPlan, plan_beside, read_plan
from reader_study.formats.protocol import Protocol
from reader_study.formats.sealed import sealed_content

WHOLE = {
    "schema": 1,
    "title": "A study",
    "reference": "REAL",
    "test": "MADE",
    "allocation": "balanced",
    "order": "per_reader",
    "n_readers": 7,
    "n_cases": 20,
    "washout_days": 28.0,
    "analysis": {
        "primary": "kappa",
        "confidence_level": 0.9,
        "incomplete_pairs": "disagree",
        "non_inferiority_margin": 0.1,
        "equivalence_margin": 0.15,
        "turing_question": None,
        "acceptability_questions": ["Q2A"],
        "acceptable_codes": [1, 0],
        "ordinal_questions": ["Q3"],
    },
    "simulated": True,
    "planted": {
        "plan": {"kappa": 0.5},
        "questions": {
            "Q1": {"agreement": 0.75, "kappa": 0.5},
            "Q3": {"agreement": 1, "kappa": -0.1},
        },
    },
    "locked_at": "2025-01-01",
}


def plan_of(tmp_path, content):
    path = tmp_path / "plan.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_plan(path)


def test_a_plan_is_read(tmp_path):
    assert plan_of(tmp_path, WHOLE) == AnalysisPlan(
        title="A study",
        reference="REAL",
        test="MADE",
        allocation="balanced",
        order="per_reader",
        n_readers=7,
        n_cases=20,
        washout_days=28.0,
        confidence_level=0.9,
        incomplete_pairs="disagree",
        non_inferiority_margin=0.1,
        equivalence_margin=0.15,
        turing_question=None,
        acceptability_questions=("Q2A",),
        acceptable_codes=(1, 0),
        ordinal_questions=("Q3",),
        primary="kappa",
        simulated=True,
        planted={"Q1": (0.75, 0.5), "Q3": (1, -0.1)},
        prespecified=True,
    )


def test_a_study_without_bots_plants_nothing(tmp_path):
    assert plan_of(tmp_path, {"planted": None}).planted == {}


def test_without_a_plan_the_papers_questions_hold_and_no_margin(tmp_path):
    plan = plan_beside(tmp_path / "responses.csv")
    assert plan == AnalysisPlan()
    assert plan.non_inferiority_margin is plan.equivalence_margin is None
    assert not plan.prespecified
    (tmp_path / "plan.json").write_text('{"title": "T"}')
    assert plan_beside(tmp_path / "responses.csv").title == "T"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("{", "not a JSON file"),
        ([], "line 1: must be a JSON object, got list"),
        ({"schema": 2}, "line 1: schema must be 1, got 2"),
        ({"analysis": [1]}, "analysis must be an object"),
        ({"reference": ""}, "reference must not be empty, got ''"),
        ({"n_readers": 0}, "n_readers must be 1 or more, got 0"),
        ({"n_cases": True}, "n_cases must be a whole number"),
        ({"washout_days": -1}, "washout_days must be 0 or more, got -1"),
        ({"simulated": "no"}, "simulated must be true or false"),
        ({"planted": [0.5]}, "planted must be an object, got [0.5]"),
        ({"planted": {"plan": {}}}, "planted.questions must be given"),
        (
            {"planted": {"questions": {"Q1": 0.5}}},
            "questions.Q1 must be an object",
        ),
        (
            {"planted": {"questions": {"Q1": {"agreement": 0.5}}}},
            "planted.questions.Q1.kappa must be given",
        ),
        (
            {"planted": {"questions": {"Q1": {"agreement": 1.5, "kappa": 0}}}},
            "planted.questions.Q1.agreement must be 1 or less, got 1.5",
        ),
        ({"analysis": {"confidence_level": 95}}, "between 0 and 1, got 95"),
        ({"analysis": {"confidence_level": "high"}}, "between 0 and 1, got 'high'"),
        ({"analysis": {"incomplete_pairs": "drop"}}, "must be exclude or disagree"),
        (
            {"analysis": {"equivalence_margin": 0.6}},
            "between 0 and 0.5, got 0.6",
        ),
        (
            {"analysis": {"acceptable_codes": [1.5]}},
            "codes[0] must be a whole number or a",
        ),
        (
            {"analysis": {"ordinal_questions": "Q3"}},
            "must be a list, got 'Q3'",
        ),
    ],
)
def test_impossible_plans_are_refused(tmp_path, content, fault):
    with pytest.raises(ResponsesError) as caught:
        plan_of(tmp_path, content)
    assert fault in str(caught.value)


def test_endpoints_are_read(tmp_path):
    primary = {"question": "Q3", "measure": "kappa", "claim": "at_least", "above": 0.4}
    listed = [{"question": "Q1", "measure": "turing", "claim": "differs"}]
    table = {"primary": primary, "endpoints": listed, "multiplicity": "none"}
    plan = plan_of(tmp_path, {"analysis": table})
    assert plan.primary == Endpoint(**primary)
    assert plan.endpoints == (Endpoint(**listed[0]),)
    assert plan.multiplicity == "none"
    wrong = table | {"endpoints": [{"question": "Q1", "measure": "accuracy"}]}
    with pytest.raises(ResponsesError, match=r"endpoints\[0\].measure must be agree"):
        plan_of(tmp_path, {"analysis": wrong})
    with pytest.raises(ResponsesError, match="multiplicity must be holm"):
        plan_of(tmp_path, {"analysis": table | {"multiplicity": "Holm"}})


def test_free_keys_of_earlier_studies_are_left_out(tmp_path):
    table = {
        "primary": {"what": "all"},
        "endpoints": "Q3",
        "multiplicity": "Bonferroni",
    }
    plan = plan_of(tmp_path, {"analysis": table})
    assert (plan.primary, plan.endpoints, plan.multiplicity) == ("", (), "holm")


SEALED = Protocol(
    title="A study", per_severity={"none": 2}, analysis={"confidence_level": 0.9}
)
PLAN = {
    "study_id": "s1", "title": "A study", "reference": "RAPID", "test": "MAGIC",
    "allocation": "balanced", "order": "per_reader", "n_cases": 2,
    "analysis": {"confidence_level": 0.9},
}  # fmt: skip


def plan_with_record(tmp_path, plan, record):
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    (tmp_path / "unblinding.json").write_text(json.dumps(record))
    return plan_beside(tmp_path / "responses.csv")


def test_a_plan_of_the_sealed_protocol_is_known_by_its_hash(tmp_path):
    plan = plan_with_record(tmp_path, PLAN, sealed_content(SEALED))
    assert (plan.seal, plan.protocol_sha256) == ("holds", SEALED.sha256)


@pytest.mark.parametrize(
    "edited",
    [
        {"analysis": {"confidence_level": 0.8}},
        {"analysis": {}},
        {"test": "OTHER"},
        {"tests": ["MAGIC", "OTHER"]},
    ],
)
def test_a_plan_that_was_changed_is_not_that_of_the_seal(tmp_path, edited):
    plan = plan_with_record(tmp_path, PLAN | edited, sealed_content(SEALED))
    assert plan.seal == "broken"


def test_a_protocol_that_was_changed_has_another_hash(tmp_path):
    record = sealed_content(SEALED)
    record["protocol"]["analysis"] = {"confidence_level": 0.8}
    with pytest.raises(ResponsesError, match="protocol_sha256 must be the hash of pro"):
        plan_with_record(tmp_path, PLAN, record)


@pytest.mark.parametrize(
    ("named", "registered"), [(SEALED.sha256, "same"), ("0" * 64, "other")]
)
def test_a_registered_text_is_known_by_the_hash_in_it(tmp_path, named, registered):
    text = f"# Filled in\n\n- Protocol SHA-256: `{named}`\n"
    (tmp_path / "preregistration.md").write_text(text)

    plan = plan_with_record(tmp_path, PLAN, sealed_content(SEALED))

    assert plan.registered == registered
    assert plan.registration_sha256 == hashlib.sha256(text.encode()).hexdigest()


def test_a_text_without_a_hash_is_refused(tmp_path):
    (tmp_path / "preregistration.md").write_text("- Protocol SHA-256: abc\n")
    with pytest.raises(FormatError, match=r"64 hex digits, got abc"):
        plan_with_record(tmp_path, PLAN, sealed_content(SEALED))


def test_earlier_studies_and_plans_by_hand_have_no_seal(tmp_path):
    plan = plan_with_record(tmp_path, PLAN, {"study_id": "s1", "commitment": "x"})
    assert (plan.seal, plan.protocol_sha256) == ("none", "")


def test_a_study_may_ask_no_turing_question(tmp_path):
    plan = plan_of(tmp_path, {"analysis": {"turing_question": ""}})
    assert plan.turing_question is None


def test_all_faults_are_named_at_once(tmp_path):
    with pytest.raises(ResponsesError) as caught:
        plan_of(tmp_path, {"n_cases": -3, "analysis": {"equivalence_margin": 1}})
    assert len(caught.value.faults) == 2


# As `magic-study unblind` writes it.
CLOSING = (
    "reader,recognised,which,synthetic_trial_1,n_pictures_trial_1,n_test_trial_1,"
    "synthetic_trial_2,n_pictures_trial_2,n_test_trial_2,cues,confidence,answered_at,"
    "simulated"
)


def closing_of(tmp_path, *lines):
    path = tmp_path / "closing.csv"
    path.write_text("\n".join(lines) + "\n")
    return read_closing(path)


def test_closing_answers_are_read(tmp_path):
    one, other = closing_of(
        tmp_path,
        CLOSING,
        'A,few,the bleed,12,20,10,8.0,20,10,"two\nlines",3,2025-01-01,true',
        "B,,,,20,10,,20,10,,,,false",
    )
    assert one == ClosingAnswer(
        "A",
        recognised="few",
        guessed=(12, 8),
        n_test=(10, 10),
        n_pictures=(20, 20),
        confidence="3",
        which="the bleed",
        cues="two\nlines",
        simulated=True,
    )
    assert other == ClosingAnswer("B", n_test=(10, 10), n_pictures=(20, 20))


def test_columns_may_be_missing_or_more(tmp_path):
    (one,) = closing_of(tmp_path, "guessed_trial_2;reader;mood", "4;A;fine")
    assert one == ClosingAnswer("A", guessed=(None, 4))


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        (["name,guessed_trial_1", "A,3"], "line 1: column reader is missing"),
        (
            [CLOSING, "A,,,half,,,,,,,,,"],
            "line 2: synthetic_trial_1 must be a whole number",
        ),
        ([CLOSING, "A,,,", "A,,,"], "line 3: reader must be named once"),
        ([CLOSING, ",few,,"], "line 2: reader must be named once, got ''"),
    ],
)
def test_impossible_closings_are_refused(tmp_path, lines, fault):
    with pytest.raises(ResponsesError) as caught:
        closing_of(tmp_path, *lines)
    assert fault in str(caught.value)
