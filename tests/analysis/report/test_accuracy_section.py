"""The section on accuracy: what it says, and when it says that it cannot."""

from dataclasses import replace

import numpy as np
import pytest

import analysis
from analysis.questions.accuracy import COUNTS_ONLY
from analysis.report.answers import statements
from analysis.report.endpoints import answer_plan
from analysis.report.section import ReportContext
from analysis.report.sections import makers
from analysis.report.sections.accuracy import accuracy_section
from reader_study.formats.endpoint import Endpoint
from reader_study.formats.plan import AnalysisPlan
from reader_study.formats.questionnaire import paper_questionnaire
from reader_study.formats.responses import Reading, Responses

PLAN = AnalysisPlan(
    rating="Q3 > 1 by Q4",
    truth_positive=("mild_moderate", "severe"),
    accuracy_margin=0.15,
    prespecified=True,
)
TRUTH = ("none", "mild_moderate", "severe", "none")
SHIFT = {"RAPID": 1.6, "MAGIC": 1.5}


def _answers(latent):
    step = int(np.clip(np.floor(5.5 + 2 * latent), 1, 10))
    return {"Q3": 1 if step <= 5 else 2, "Q4": 6 - step if step <= 5 else step - 5}


def _responses(seed=1, *, n_readers=5, n_cases=40):
    rng = np.random.default_rng(seed)
    of_case, of_reader = rng.normal(size=n_cases), 0.3 * rng.normal(size=n_readers)
    readings = []
    for reader in range(n_readers):
        for case in range(n_cases):
            truth = TRUTH[case % 4]
            for method, shift in SHIFT.items():
                latent = 0.7 * of_case[case] + 0.6 * rng.normal() + of_reader[reader]
                latent += shift * (truth != "none") - 0.8
                readings.append(
                    Reading(
                        line=len(readings) + 2,
                        reader=f"R{reader + 1}",
                        case=f"case-{case + 1:02d}",
                        method=method,
                        answers=_answers(latent),
                        truth=truth,
                        truth_source="planted in the phantom",
                    )
                )
    return Responses(readings, paper_questionnaire(), "RAPID", "MAGIC")


def _section(responses, plan=PLAN, level=0.95):
    return accuracy_section(ReportContext(responses, plan, (), level))


@pytest.fixture(scope="module")
def responses():
    return _responses()


@pytest.fixture(scope="module")
def section(responses):
    return _section(responses)


def _frame(responses):
    rows = [
        (r.reader, r.case, r.method, int(r.truth != "none"), _rating(r.answers))
        for r in responses.readings
    ]
    names = ("reader", "case", "modality", "truth", "rating")
    return dict(zip(names, zip(*rows, strict=True), strict=True))


def _rating(answers):
    return 6 - answers["Q4"] if answers["Q3"] == 1 else 5 + answers["Q4"]


def test_the_numbers_are_those_of_the_analysis_of_ratings(responses, section):
    found = analysis.multireader_accuracy(_frame(responses)).for_decisions()
    auc = section.content["auc"]
    for key, one in (
        ("reference", found.modality("RAPID")),
        ("test", found.modality("MAGIC")),
        ("difference", found.difference("MAGIC", "RAPID")),
    ):
        said = [auc[key][name] for name in ("estimate", "low", "high", "p_value")]
        expected = [one.estimate, one.low, one.high, one.p_value]
        assert said == pytest.approx(expected, abs=1e-9)
    # One share of calls is tested against nothing.
    assert section.content["specificity"]["test"]["p_value"] is None
    by_reader = found.per_reader.query("modality == 'MAGIC'")
    assert [auc["by_reader"][r]["test"]["estimate"] for r in found.readers] == list(
        by_reader["estimate"]
    )
    assert section.content["sensitivity"]["test"]["estimate"] == pytest.approx(
        np.mean(
            [
                _rating(r.answers) >= 6
                for r in responses.readings
                if r.method == "MAGIC" and r.truth != "none"
            ]
        )
    )


def test_it_says_what_was_rated_and_what_the_margin_is_for(section):
    said = " ".join(section.findings)
    assert "(planted in the phantom): 20 diseased (mild to moderate, severe)" in said
    assert "from 6 on a reading calls disease" in said
    assert "plan's margin of -0.15" in said
    assert "Agreement between the methods is not accuracy" in said
    for table in section.tables:
        assert not table.frame.isna().any().any()


def test_calls_are_counted_by_who_was_right(responses, section):
    right = {
        (r.reader, r.case, r.method): (_rating(r.answers) >= 6) == (r.truth != "none")
        for r in responses.readings
    }
    pairs = {(reader, case) for reader, case, _ in right}
    both = sum(right[*pair, "RAPID"] and right[*pair, "MAGIC"] for pair in pairs)
    only = sum(right[*pair, "MAGIC"] and not right[*pair, "RAPID"] for pair in pairs)
    counts = section.content["calls"]["all"]
    assert (counts["both"], counts["only_test"]) == (both, only)
    assert sum(counts.values()) == len(pairs) == 200


def test_the_level_that_is_asked_for_is_that_of_every_interval(responses, section):
    wide = _section(responses, level=0.99).content["auc"]["difference"]
    usual = section.content["auc"]["difference"]
    assert wide["low"] < usual["low"] < usual["high"] < wide["high"]


def test_a_perfect_method_leaves_a_reason_and_no_nan(responses):
    perfect = [
        replace(r, answers={"Q3": 2 if r.truth != "none" else 1, "Q4": 5})
        if r.method == "RAPID"
        else r
        for r in responses.readings
    ]
    section = _section(replace(responses, readings=perfect))
    reference = section.content["auc"]["reference"]
    assert reference["estimate"] == 1
    assert reference["low"] is None
    assert "standard error is 0" in reference["undefined_reason"]
    assert "nan" not in " ".join(section.findings)
    assert section.content["auc"]["difference"]["low"] is not None


@pytest.mark.parametrize(
    ("plan", "truth", "said"),
    [
        (replace(PLAN, rating=""), None, "the plan names no rating"),
        (replace(PLAN, truth_positive=()), None, "truth_positive must say which"),
        (replace(PLAN, rating="Q9"), None, "rating must be a question"),
        (PLAN, "severe", "there is no non-diseased one"),
        (PLAN, "", "no case has a truth"),
    ],
)
def test_what_cannot_be_said_has_its_reason(responses, plan, truth, said):
    readings = responses.readings
    if truth is not None:
        readings = [replace(r, truth=truth or None) for r in readings]
    section = _section(replace(responses, readings=readings), plan)
    assert said in section.refused
    assert not section.findings


def test_a_study_without_truth_has_no_section_and_the_paper_says_why(responses):
    bare = [replace(r, truth=None) for r in responses.readings]
    assert _section(replace(responses, readings=bare), AnalysisPlan()) is None
    rebuilt = replace(responses, reconstructed=True)
    assert _section(rebuilt).refused == COUNTS_ONLY


def test_the_report_has_the_section_and_its_figure(section):
    assert accuracy_section in makers()
    left, right = section.pictures[0].draw().axes
    assert [text.get_text() for text in left.get_legend().get_texts()] == [
        f"{method}, AUC {section.content['auc'][key]['estimate']:.3f}"
        for method, key in (("RAPID", "reference"), ("MAGIC", "test"))
    ]
    names = [text.get_text() for text in right.get_yticklabels()]
    assert names == [*(f"R{n}" for n in range(1, 6)), "all"]


NON_INFERIOR = Endpoint(question="Q3", measure="auc", claim="non_inferior")


def _answered(responses, plan):
    return answer_plan(ReportContext(responses, plan, (), 0.95))


@pytest.mark.parametrize("margin", [0.05, 0.15])
def test_the_claim_of_the_plan_is_that_of_the_analysis(responses, margin):
    plan = replace(PLAN, primary=NON_INFERIOR, accuracy_margin=margin)
    (result,) = _answered(responses, plan).primaries
    found = analysis.multireader_accuracy(_frame(responses)).for_decisions()
    expected = found.non_inferiority("MAGIC", "RAPID", margin)
    assert result.decision == ("shown" if expected.shown else "not shown")
    assert result.p_value == pytest.approx(2 * expected.p_value)
    assert result.interval.low == pytest.approx(expected.low)
    assert [name for name, _ in result.alone] == [f"R{n}" for n in range(1, 6)]
    said, meaning = statements(result)
    assert said.startswith("AUC against the truth, MAGIC minus RAPID: ")
    assert "5 readers, 40 patients with a truth" in meaning


def test_a_margin_without_endpoints_plans_the_auc(responses):
    answered = _answered(responses, PLAN)
    assert answered.implied
    assert [one.endpoint for one in answered.family] == [NON_INFERIOR]
    assert answered.family[0].margin == 0.15
    sensitivity = Endpoint(question="Q4", measure="sensitivity")
    listed = _answered(responses, replace(PLAN, endpoints=(sensitivity,)))
    (found,) = listed.family
    assert found.estimate.estimate == pytest.approx(
        analysis.multireader_accuracy(
            _frame(responses), metric="sensitivity", threshold=6
        )
        .difference("MAGIC", "RAPID")
        .estimate
    )


def test_a_claim_of_accuracy_without_truth_says_what_it_needs(responses):
    bare = [replace(r, truth=None) for r in responses.readings]
    plan = replace(PLAN, primary=NON_INFERIOR)
    answered = _answered(replace(responses, readings=bare), plan)
    assert answered.closed
    assert "needs ratings beside a truth" in answered.missing
    assert "no case has a truth" in answered.missing
    cut = Endpoint(question="Q4", measure="specificity")
    plan = replace(PLAN, rating="Q4", endpoints=(cut,))
    (said,) = _answered(responses, plan).left_out
    assert "needs a threshold" in said
