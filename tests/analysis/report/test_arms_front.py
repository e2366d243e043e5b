"""The page in front of a study by method: it answers the plan as far as it can."""

import json
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from analysis.multireader import clustered_kappa
from analysis.questions.arms import between_readers_of, within_reader_of
from analysis.report import endpoints
from analysis.report.arms import content, writing
from analysis.report.arms.front import checklist_of, front_of
from analysis.report.arms.results import analyse_arms
from analysis.report.arms.sections import sections_of
from analysis.report.documents import new_document
from analysis.report.endpoints import answer_plan, answer_study
from analysis.report.estimates import PlannedStudy
from analysis.report.figures import house_style, save_figure
from analysis.report.section import ReportContext
from analysis.report.word import add_front
from reader_study.formats.arms import Arms
from reader_study.formats.endpoint import Endpoint
from reader_study.formats.flow import StudyFlow
from reader_study.formats.plan import AnalysisPlan
from reader_study.formats.questionnaire import Questionnaire
from reader_study.formats.responses import Parsed
from tests.analysis.report.conftest import simulated_responses
from tests.analysis.report.test_front import sheets

TWO = simulated_responses(n_readers=4, n_cases=12)
ASKED = Questionnaire(
    "Two", "1", tuple(q for q in TWO.questionnaire if q.id in {"Q2A", "Q3"})
)
Q2A, Q3 = ASKED
CT = [replace(r, method="CT") for r in TWO.readings if r.method == "RAPID"]
MR = [replace(r, method="MR") for r in TWO.readings if r.method == "MAGIC"]
US = [replace(r, method="US") for r in MR if r.reader != "R4"]
AGAIN = [replace(r, method="CT", occasion="2") for r in MR[:20]]

BETWEEN = Endpoint(
    question="Q3", measure="kappa", between="readers", claim="at_least", above=-0.5
)
KAPPA = Endpoint(question="Q3", measure="kappa", claim="at_least", above=-0.5)
SHIFTS = [
    Endpoint(question=name, measure="shift", claim="differs") for name in ("Q2A", "Q3")
]


def arms_of(first, again=()):
    methods = tuple(dict.fromkeys(reading.method for reading in first))
    return Arms(Parsed(first, list(again), frozenset()), ASKED, methods)


MORE_CASES = arms_of(
    [
        replace(reading, method="CT")
        for reading in simulated_responses(n_readers=4, n_cases=20).readings
        if reading.method == "RAPID"
    ]
)
ONE, REPEATED, THREE = arms_of(CT), arms_of(CT, AGAIN), arms_of([*CT, *MR, *US])


def planned(**plan):
    return AnalysisPlan(prespecified=True, **({"reference": "CT"} | plan))


def answered(arms, **plan):
    return answer_study(PlannedStudy.of_arms(arms, planned(**plan)))


def study_of(arms, flow=None, **plan):
    return analyse_arms(arms, planned(**plan), 0.95, flow)


def page_of(study):
    made, first = sections_of(study), front_of(study)
    pictures = {p.name: b"" for p in writing.pictures_of(made, first)}
    return writing.page(study, made, pictures, first)


def test_agreement_between_readers_of_one_method_can_be_the_primary_endpoint():
    found = answered(ONE, primary=BETWEEN).primary
    kappa = between_readers_of(CT, Q3).coefficients["fleiss_kappa"]
    assert found.estimate.estimate == kappa.estimate
    assert found.interval == kappa.confidence_interval(0.95)
    assert found.estimate.variance == "crossed_conservative"
    assert found.methods == ("CT",)
    assert [name for name, _ in found.alone] == [f"without R{n}" for n in (1, 2, 3, 4)]
    three = between_readers_of([r for r in CT if r.reader != "R2"], Q3)
    assert found.alone[1][1].estimate == three.coefficients["fleiss_kappa"].estimate


@pytest.mark.parametrize("above", [-0.3, -0.1, 0.0, 0.1, 0.2, 0.4, 0.6, 0.8])
@pytest.mark.parametrize(
    "named",
    [
        {"measure": "agreement", "between": "readers"},
        {"measure": "kappa", "between": "readers"},
        {"measure": "ac1", "between": "readers"},
        {"measure": "kappa", "between": "readings"},
        {"measure": "share_acceptable", "question": "Q2A"},
    ],
)
def test_p_and_interval_of_one_method_say_the_same(named, above):
    share = named["measure"] == "share_acceptable"
    if above < 0 and (share or named["measure"] == "agreement"):
        return
    claim = {"question": "Q3", "claim": "at_least", "above": above} | named
    arms = MORE_CASES if share else REPEATED
    found = answered(arms, primary=Endpoint(**claim)).primary
    assert (found.p_value < 0.05) == (found.interval.low > above)
    assert (found.decision == "shown") == (found.interval.low > above)


def test_a_share_is_claimed_of_enough_cases_only():
    claim = {"question": "Q2A", "measure": "share_acceptable", "claim": "at_least"}
    share = Endpoint(**claim, above=0.1)
    made = answered(ONE, primary=share)
    assert made.missing == (
        "The plan's primary endpoint, Share acceptable of Q2A, needs 20 cases for its "
        "claim; this file has 12."
    )
    assert made.closed
    assert answered(MORE_CASES, primary=share).primary.decision == "shown"


def test_readers_with_themselves_and_the_share_acceptable():
    again = Endpoint(question="Q3", measure="weighted_kappa", between="readings")
    share = Endpoint(question="Q2A", measure="share_acceptable")
    found = answered(REPEATED, primary=again, endpoints=[share])
    pairs = within_reader_of(CT, AGAIN, Q3).pairs
    kappa = clustered_kappa(pairs, weights="quadratic")
    assert found.primary.estimate.estimate == kappa.estimate
    good = [r.answers["Q2A"] == 1 for r in CT]
    (of_all,) = found.family
    assert of_all.estimate.estimate == pytest.approx(np.mean(good))
    assert of_all.estimate.variance == "crossed"
    assert dict(of_all.alone)["R2"].estimate == np.mean(good[12:24])


def test_what_needs_two_methods_is_said_and_closes_what_comes_after():
    made = answered(ONE, primary=KAPPA, endpoints=[BETWEEN, *SHIFTS])
    assert made.missing == (
        "The plan's primary endpoint, Cohen's kappa of Q3, needs two methods; this "
        "file holds one, CT."
    )
    assert made.left_out == (
        "Planned, but without a result: Q2A, Mean shift on the scale; Q3, Mean shift "
        "on the scale. Each needs two methods; this file holds one, CT.",
    )
    (alone,) = made.family
    assert alone.p_value < 0.01
    assert alone.decision == "not shown"
    open_gate = answered(ONE, endpoints=[BETWEEN, *SHIFTS])
    assert open_gate.family[0].decision == "shown"
    page = page_of(study_of(ONE, primary=KAPPA, endpoints=[BETWEEN]))
    assert "needs two methods; this file holds one, CT." in page
    assert "comes first and has no result, so nothing after it is shown" in page


@pytest.mark.parametrize(
    ("arms", "endpoint", "reason"),
    [
        (ONE, replace(BETWEEN, between="readings"), "needs cases that were read again"),
        (THREE, BETWEEN, "must name the method that it is about, one of CT, MR, US"),
        (ONE, replace(BETWEEN, method="PET"), "is about PET; this file holds CT."),
        (arms_of(CT[:12], AGAIN), BETWEEN, "needs two readers; this file holds one."),
    ],
)
def test_what_one_method_lacks_is_said(arms, endpoint, reason):
    assert reason in answered(arms, primary=endpoint).missing


def test_a_plan_of_other_methods_compares_nothing():
    made = answered(THREE, primary=KAPPA, reference="RAPID")
    assert "compares RAPID with MAGIC; this file holds CT, MR, US." in made.missing
    front = front_of(study_of(THREE, primary=KAPPA, reference="RAPID"))
    assert "of which this file does not hold both" in " ".join(front.deviations)


def decisions(monkeypatch, p_values, **plan):
    given = iter(p_values)
    monkeypatch.setattr(endpoints, "_p_value", lambda _: next(given))
    made = answered(THREE, primary=KAPPA, endpoints=SHIFTS, **plan)
    assert [one.methods for one in made.results] == [("CT", "MR"), ("CT", "US")] * 3
    return [one.adjusted for one in made.results]


def test_comparisons_and_endpoints_share_the_error_by_holm(monkeypatch):
    # By hand. Primary: .02 x 1, .01 x 2. Then .001 x 4, .03 x 2, .02 x 3, .04 x 1, not
    # below one another nor below the .02 of the primary endpoint.
    found = decisions(monkeypatch, [0.02, 0.01, 0.001, 0.03, 0.02, 0.04])
    assert found == pytest.approx([0.02, 0.02, 0.02, 0.06, 0.06, 0.06])


def test_a_sequence_waits_for_every_comparison(monkeypatch):
    order = {"multiplicity": "fixed_sequence"}
    found = decisions(monkeypatch, [0.001, 0.002, 0.01, 0.03, 0.001, 0.01], **order)
    assert found == pytest.approx([0.002, 0.002, 0.02, 0.03, 0.03, 0.03])


def test_one_comparison_that_fails_closes_what_comes_after(monkeypatch):
    found = decisions(monkeypatch, [0.001, 0.4, 0.001, 0.001, 0.001, 0.001])
    assert found == pytest.approx([0.002, 0.4, 0.4, 0.4, 0.4, 0.4])


def test_two_methods_are_answered_as_by_the_report_of_two_methods():
    plan = {"primary": KAPPA, "endpoints": SHIFTS, "test": "MR"}
    two = arms_of([*CT, *MR])
    made = answered(two, **plan)
    context = ReportContext(two.compared("CT", "MR"), planned(**plan), (), 0.95)
    for one, other in zip(made.results, answer_plan(context).results, strict=True):
        assert (one.p_value, one.adjusted) == (other.p_value, other.adjusted)
        assert one.interval == other.interval


def test_only_what_the_plan_names_is_claimed():
    named = answered(THREE, primary=KAPPA, test="US")
    assert [one.methods for one in named.primaries] == [("CT", "US")]
    front = front_of(study_of(THREE, primary=KAPPA, tests=["US", "PET"]))
    said = " ".join(front.deviations)
    assert "Not named by the plan, so exploratory: MR against CT." in said
    assert "Planned, but not in this file: PET." in said
    assert "MR: kappa" in front.questions.frame  # described all the same


def test_the_page_answers_every_comparison():
    study = study_of(THREE, primary=KAPPA, endpoints=SHIFTS)
    front, page = front_of(study), page_of(study)
    results = front.content["primary"]["results"]
    assert [one["methods"] for one in results] == [["CT", "MR"], ["CT", "US"]]
    for one in results:
        limits = f"{one['low']:.3f} to {one['high']:.3f}"
        sentence = f"between CT and {one['methods'][1]} on Q3 is {one['estimate']:.3f}"
        assert f"{sentence} (95 % interval {limits}), adjusted p" in page
    assert front.facts["Methods"] == "CT (reference), MR and US"
    assert front.family.frame["Endpoint"].tolist() == [
        f"{name} Mean shift on the scale, CT and {test}"
        for name in ("Q2A", "Q3")
        for test in ("MR", "US")
    ]
    assert "Holm's step-down method {holm}" in front.methods[1]
    assert page.index('id="deviations"') < page.index('id="between"')
    assert "step-down method [" in page
    with house_style():
        labels = front.picture.draw().axes[0].get_yticklabels()
    assert {label.get_text() for label in labels} >= {"CT and MR", "CT and US"}


def test_many_methods_fit_the_page():
    many = [replace(r, method=f"M{n}") for n in range(8) for r in CT[:24]]
    study = study_of(arms_of(many), primary=KAPPA, reference="M0")
    front = front_of(study)
    assert front.questions.frame.shape == (2, 5)
    assert "3 more methods after this page." in front.questions.notes
    assert "And 1 more, in results.json." in front.primary
    assert len(front.content["primary"]["results"]) == 7


def test_without_a_plan_everything_is_exploratory():
    study = analyse_arms(REPEATED, AnalysisPlan(), 0.95)
    front = front_of(study)
    assert "everything here is exploratory" in front.plan
    assert front.family is None
    assert front.facts == {
        "Methods": "CT", "Readers": "4", "Readings": "48, and 20 repeat readings",
        "Patients": "12 (severity: 7 none, 5 mild to moderate)",
    }  # fmt: skip
    again = study.arms[0].questions[1].within.kappa.estimate
    shown = front.questions.frame["Same reader again, kappa [95%]"][1]
    assert shown.startswith(f"{again:.3f} [")
    alone = front_of(analyse_arms(arms_of(CT[:12], AGAIN), AnalysisPlan(), 0.95))
    assert "patients random" in alone.questions.caption
    assert "Pairs" in alone.questions.frame


def test_what_is_incomplete_is_told():
    less = [replace(CT[0], answers={"Q2A": 1}), *CT[1:-1]]
    said = " ".join(front_of(study_of(arms_of(less))).deviations)
    assert "Answers not given: 1 of Q3." in said
    assert "Not every reader read every patient under CT: 47 of 48" in said


def test_another_level_buys_no_claim():
    plan = planned(primary=replace(BETWEEN, above=0.3))
    made = [front_of(analyse_arms(ONE, plan, level)) for level in (0.3, 0.95)]
    first, second = (front.content["primary"] for front in made)
    assert first == second
    assert "at the 30 % level that was asked for" in " ".join(made[0].deviations)


def test_the_checklist_is_that_of_one_method():
    flow = StudyFlow(grras={8: "Readers were blinded.", 2: "Of maps."})
    study = study_of(ONE, flow)
    found = checklist_of(study)
    kappa = study.arms[0].questions[1].between.coefficients["fleiss_kappa"]
    grras = found.content["grras"]
    assert f"Q3 {kappa.estimate:.3f} [" in grras["13"]
    assert "Fleiss' kappa between readers [95 % CI], readers and" in grras["13"]
    assert grras["2"] == "Of maps."
    assert found.content["reader_study"]["reference"] is None
    assert "nothing was read again" in found.content["reader_study"]["variability"]
    assert checklist_of(study_of(THREE)).content["grras"]["2"] == (
        "Methods: CT (reference), MR and US."
    )
    assert front_of(study).facts["Blinding"].startswith("method and patient unknown")


def test_results_json_keeps_its_fields_and_has_the_plan_beside():
    study = study_of(THREE, primary=KAPPA)
    written = content.arms_json(study)
    json.dumps(written, allow_nan=False)
    assert {"arms", "contrasts", "inference", "n_cases"} <= written.keys()
    keys = ["plan", "primary", "family", "checklist", "overall"]
    assert list(written["inference"]) == keys
    assert written["inference"]["primary"]["results"][0]["between"] == "methods"


def test_word_says_what_has_no_result_where_nothing_else_was_planned(tmp_path):
    first = front_of(study_of(ONE, primary=BETWEEN, endpoints=SHIFTS))
    assert first.family is None
    Figure(figsize=(1, 1)).savefig(tmp_path / "primary.png")
    document = new_document("A study", "")
    add_front(document, first, tmp_path)
    assert first.remarks[0] in [one.text for one in document.paragraphs]


@pytest.mark.slow
@pytest.mark.parametrize("arms", [REPEATED, THREE])
def test_the_front_is_one_printed_page(arms, tmp_path):
    primary = BETWEEN if arms is REPEATED else KAPPA
    study = study_of(arms, primary=primary, endpoints=SHIFTS)
    first = front_of(study)
    made = sections_of(study)
    with house_style():
        save_figure(first.picture.draw(), tmp_path, "primary")
    blank = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
    figures = {p.name: blank for p in writing.pictures_of(made, first)}
    figures["primary"] = (tmp_path / "primary.svg").read_bytes()
    page = writing.page(study, made, figures, first)
    assert sheets(page[: page.index('<h2 id="between">')], tmp_path) == 1
