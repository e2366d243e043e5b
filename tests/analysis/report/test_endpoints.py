"""The plan answered: estimates, p-values and the decisions of the whole family."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.multireader import clustered_agreement, clustered_kappa
from analysis.questions.acceptability import acceptable_difference, acceptance_of
from analysis.questions.shifts import mean_shift
from analysis.report import endpoints
from analysis.report.endpoints import adjusted_p_values, answer_plan
from analysis.report.results import analyse_questions
from analysis.report.section import ReportContext
from analysis.responses.pairing import paired_readings
from reader_study.formats.endpoint import Endpoint
from reader_study.formats.plan import AnalysisPlan


@pytest.fixture(scope="module")
def context(responses):
    """Give the study with a plan, and what was chosen instead of it."""
    questions = analyse_questions(responses, "exclude")

    def with_plan(level=0.95, **plan):
        planned = AnalysisPlan(prespecified=True, **plan)
        return ReportContext(responses, planned, questions, level)

    return with_plan


def pairs_of(responses, name):
    question = next(q for q in responses.questionnaire if q.id == name)
    return paired_readings(responses, question)


KAPPA = Endpoint(question="Q3", measure="kappa", claim="at_least", above=0.2)


def test_the_primary_endpoint_is_what_the_plan_names(responses, context):
    found = answer_plan(context(primary=KAPPA)).primary
    crossed = clustered_kappa(pairs_of(responses, "Q3"))
    assert found.estimate.estimate == crossed.estimate
    assert found.interval == crossed.confidence_interval(0.95)
    # A limit of the two-sided interval decides, so the one-sided p-value is doubled.
    assert found.p_value == pytest.approx(crossed.p_value(0.2))
    assert found.decision == ("shown" if found.interval.low > 0.2 else "not shown")
    assert [name for name, _ in found.alone] == responses.readers


@pytest.mark.parametrize("above", [-0.5, 0.0, 0.1, 0.2, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("measure", ["agreement", "kappa", "ac1", "weighted_kappa"])
def test_p_and_interval_of_a_claim_say_the_same(context, measure, above):
    claim = {"question": "Q3", "measure": measure, "claim": "at_least"}
    if measure == "agreement" and above < 0:
        return
    found = answer_plan(context(primary=Endpoint(**claim, above=above))).primary
    assert (found.p_value < 0.05) == (found.interval.low > above)


@pytest.mark.parametrize("margin", [0.01, 0.05, 0.1, 0.2, 0.4])
@pytest.mark.parametrize("claim", ["non_inferior", "equivalent"])
def test_margins_decide_as_their_intervals_do(responses, context, claim, margin):
    planned = Endpoint(
        question="Q2A", measure="acceptability", claim=claim, margin=margin
    )
    found = answer_plan(context(primary=planned)).primary
    difference = acceptable_difference(acceptance_of(pairs_of(responses, "Q2A"), (1,)))
    assert found.estimate.estimate == difference.estimate
    assert found.level == (0.95 if claim == "non_inferior" else 0.9)
    inside = found.interval.low > -margin
    inside &= claim == "non_inferior" or found.interval.high < margin
    assert (found.decision == "shown") == inside


def test_other_measures_are_those_of_their_sections(responses, context, simulated):
    shift = Endpoint(question="Q4", measure="shift", claim="differs")
    found = answer_plan(context(primary=shift)).primary
    assert found.p_value == mean_shift(pairs_of(responses, "Q4")).p_value(0)
    telling = Endpoint(question="Q1", measure="turing", claim="equivalent", margin=0.2)
    found = answer_plan(context(primary=telling)).primary
    sections = {section.id: section.content for section in simulated.sections}
    told = sections["turing"]["equivalence"]
    assert found.p_value == pytest.approx(told["p_value"])
    assert (found.decision == "shown") == told["equivalent"]


def test_own_weights_are_those_of_the_plan(responses, context):
    weighted = {"question": "Q3", "measure": "weighted_kappa"}
    own = Endpoint(**weighted, weights="own")
    linear = [1, 2 / 3, 1 / 3, 0]
    found = answer_plan(context(primary=own, weights={"Q3": linear})).primary
    asked = answer_plan(context(primary=Endpoint(**weighted, weights="linear"))).primary
    assert found.estimate.estimate == pytest.approx(asked.estimate.estimate)
    steep = {"Q3": [1, 0.9, 0, 0]}
    other = answer_plan(context(primary=own, weights=steep)).primary
    assert other.estimate.estimate != pytest.approx(asked.estimate.estimate)
    for wrong in ({}, {"Q3": [1, 0.5]}):
        answered = answer_plan(context(primary=own, weights=wrong))
        assert answered.primary is None
        assert "for each of the 4 answers to Q3" in answered.missing


@pytest.mark.parametrize("level", [0.5, 0.8, 0.95, 0.999])
def test_no_option_buys_a_claim(context, level):
    family = [
        Endpoint(question=name, measure="acceptability", claim="non_inferior")
        for name in ("Q2A", "Q2B")
    ]
    plan = {"primary": KAPPA, "endpoints": family, "non_inferiority_margin": 0.1}
    asked, planned = (
        answer_plan(context(level, **plan)),
        answer_plan(context(0.95, **plan)),
    )
    for one, other in zip(
        (asked.primary, *asked.family), (planned.primary, *planned.family), strict=True
    ):
        assert one.interval == other.interval
        assert (one.p_value, one.adjusted) == (other.p_value, other.adjusted)
        assert one.decision == other.decision


def test_a_pair_with_one_answer_disagrees_where_the_plan_says_so(responses, context):
    open_one = next(
        place for place, r in enumerate(responses.readings) if r.method == "MAGIC"
    )
    readings = list(responses.readings)
    answers = {k: v for k, v in readings[open_one].answers.items() if k != "Q3"}
    readings[open_one] = replace(readings[open_one], answers=answers)
    changed = replace(responses, readings=readings)
    planned = Endpoint(question="Q3", measure="agreement")
    pairs = pairs_of(changed, "Q3")
    agreed = clustered_agreement(pairs).estimate * pairs.n
    for ways, n in (("exclude", 139), ("disagree", 140)):
        given_context = replace(
            context(primary=planned, incomplete_pairs=ways), responses=changed
        )
        found = answer_plan(given_context).primary.estimate
        assert found.n == n
        assert found.estimate == pytest.approx(agreed / n)


# By hand: sorted .01 .02 .03 .5; times 4 3 2 1, never falling: .04 .06 .06 .5.
BY_HAND = [(0.03, 0.06), (0.01, 0.04), (0.5, 0.5), (0.02, 0.06)]


def test_holm_is_that_of_the_hand():
    p_values, adjusted = zip(*BY_HAND, strict=True)
    assert adjusted_p_values(p_values, "holm") == pytest.approx(adjusted)


@settings(max_examples=10, deadline=None)  # the library collects garbage each time
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_adjusting_only_raises(p_values):
    for way in ("holm", "fixed_sequence"):
        adjusted = adjusted_p_values(p_values, way)
        assert all(a >= p for a, p in zip(adjusted, p_values, strict=True))


def test_a_fixed_sequence_stops():
    adjusted = adjusted_p_values([0.01, 0.2, 0.001, 0.001], "fixed_sequence")
    assert [p < 0.05 for p in adjusted] == [True, False, False, False]
    assert adjusted_p_values([], "fixed_sequence") == []


def family_of(monkeypatch, context, p_values, **plan):
    """Return decisions on claims whose p-values are given, the primary one first."""
    given_p = iter(p_values)
    monkeypatch.setattr(endpoints, "_p_value", lambda _: next(given_p))
    shift = [
        Endpoint(question=name, measure="shift", claim="differs")
        for name in ("Q2A", "Q2B", "Q2C", "Q2D")
    ]
    made = answer_plan(context(primary=KAPPA, endpoints=shift, **plan))
    return [one.decision for one in (made.primary, *made.family)]


def test_after_a_primary_claim_that_holds_holm_decides(monkeypatch, context):
    p_values = [0.001, *(p for p, _ in BY_HAND)]
    assert family_of(monkeypatch, context, p_values) == [
        "shown", "not shown", "shown", "not shown", "not shown",
    ]  # fmt: skip


@pytest.mark.parametrize("primary", [0.2, float("nan")])
def test_after_a_primary_claim_that_fails_nothing_is_shown(
    monkeypatch, context, primary
):
    decided = family_of(monkeypatch, context, [primary, 0.001, 0.001, 0.001, 0.001])
    assert decided[1:] == ["not shown"] * 4
    assert decided[0] in {"not shown", "cannot be judged"}


def test_what_cannot_be_judged_counts_and_is_not_shown(monkeypatch, context):
    decided = family_of(monkeypatch, context, [0.001, float("nan"), 0.02, 0.5, 0.001])
    # Four claims share the error, also the one that cannot be judged: .02 x 3 > .05.
    assert decided[1:] == ["cannot be judged", "not shown", "not shown", "shown"]


def test_a_plan_without_correction_claims_nothing_but_its_primary_endpoint(
    monkeypatch, context
):
    decided = family_of(monkeypatch, context, [0.001] * 5, multiplicity="none")
    assert decided == ["shown", *["estimated"] * 4]


def test_the_order_of_the_plan_is_the_sequence(monkeypatch, context):
    decided = family_of(
        monkeypatch,
        context,
        [0.001, 0.01, 0.2, 0.001, 0.001],
        multiplicity="fixed_sequence",
    )
    assert decided == ["shown", "shown", *["not shown"] * 3]


def test_the_level_of_the_plan_is_that_of_its_claims(monkeypatch, context):
    assert answer_plan(context(primary=KAPPA, confidence_level=0.9)).alpha == 0.1
    decided = family_of(
        monkeypatch, context, [0.04, 0.009, 1, 1, 1], confidence_level=0.99
    )
    assert decided[0] == "not shown"


def test_words_of_an_earlier_plan_are_understood_or_given_back(context):
    made = answer_plan(context(primary="Cohen's kappa between the two methods on Q3"))
    assert (made.primary.question.id, made.primary.endpoint.measure) == ("Q3", "kappa")
    assert made.primary.decision == "estimated"
    made = answer_plan(context(primary="Whatever is best."))
    assert made.primary is None
    assert '"Whatever is best"' in made.missing


def test_readings_whose_cases_are_arbitrary_answer_nothing(context):
    asked = context(primary=KAPPA, non_inferiority_margin=0.1)
    rebuilt = replace(asked, responses=replace(asked.responses, reconstructed=True))
    made = answer_plan(rebuilt)
    assert made.primary is None
    assert "arbitrary" in made.missing
    assert made.family == ()
    assert len(made.left_out) == 1


def test_every_study_without_effect_agrees_with_itself(responses, context):
    same = [replace(r, answers=dict.fromkeys(r.answers, 1)) for r in responses.readings]
    asked = context(primary=KAPPA, non_inferiority_margin=0.1, equivalence_margin=0.1)
    made = answer_plan(replace(asked, responses=replace(responses, readings=same)))
    assert made.primary.decision == "cannot be judged"
    assert {one.decision for one in made.family} <= {"cannot be judged", "not shown"}
    assert np.isnan(made.primary.p_value)
