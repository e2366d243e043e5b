"""Question 1 in the report."""

from dataclasses import replace

import pytest

from analysis.questions.judgements import guessed_numbers, judgements_of
from analysis.questions.turing import (
    equivalence_to_chance,
    pooled_detection,
    trial_effect,
)
from analysis.report.methods import marks
from analysis.report.section import ReportContext
from analysis.report.sections.turing import NO_MARGIN, NO_TRIALS, turing_section
from analysis.responses import Question, Questionnaire
from reader_study.formats.closing import ClosingAnswer
from reader_study.formats.plan import AnalysisPlan
from tests.analysis.report.conftest import PLAN, closing_of


def section_of(responses, plan=PLAN, closing=()):
    return turing_section(ReportContext(responses, plan, (), 0.95, closing))


def changed(responses, change):
    return replace(responses, readings=[change(r) for r in responses.readings])


def answering(code):
    return lambda reading: replace(
        reading, answers={"Q1": code} if code in (0, 1) else {}
    )


def table(section, name):
    return next(t for t in section.tables if t.name == name).frame


def test_the_figures_are_those_of_all_judgements(section, responses):
    found = pooled_detection(judgements_of(responses))
    rows = table(section("turing"), "turing_pooled").set_index("")["All judgements"]
    accuracy = found.balanced_accuracy
    limits = accuracy.confidence_interval()
    assert rows["Balanced accuracy"] == (
        f"{accuracy.estimate:.3f} [{limits.low:.3f}, {limits.high:.3f}]"
    )
    entry = section("turing").content["pooled"]
    assert entry["d_prime"]["estimate"] == found.d_prime.estimate
    assert (entry["hits"], entry["n_synthetic"]) == (found.hits, 140)


def test_each_reader_has_a_row(section, responses):
    frame = table(section("turing"), "turing_by_reader")
    assert list(frame["Reader"]) == responses.readers
    assert list(section("turing").content["by_reader"]) == responses.readers


def test_the_margin_of_the_plan_decides_in_words(section, responses):
    accuracy = pooled_detection(judgements_of(responses)).balanced_accuracy
    expected = equivalence_to_chance(accuracy, 0.2)
    said = "lies" if expected.equivalent else "does not lie"
    assert any(
        f"{said} within the plan's margin of 0.2 around chance" in finding
        for finding in section("turing").findings
    )
    assert section("turing").content["equivalence"]["p_value"] == expected.p_value


def test_without_a_margin_nothing_is_decided(responses):
    made = section_of(responses, AnalysisPlan())
    assert NO_MARGIN in made.findings
    assert made.content["equivalence"] is None
    assert "schuirmann" not in made.references
    assert "Shaded" not in made.pictures[0].caption
    forest, plane = made.pictures[0].draw().axes
    assert not forest.patches
    assert not plane.collections


def test_the_trials_are_compared_and_leakage_is_the_same_each_time(section, responses):
    effect = trial_effect(judgements_of(responses))
    content = section("turing").content["trials"]
    assert content["effect"]["estimate"] == effect.estimate
    by_trial = content["balanced_accuracy"]
    assert effect.estimate == pytest.approx(
        by_trial["2"]["estimate"] - by_trial["1"]["estimate"]
    )
    assert section_of(responses).content["trials"] == content
    assert content["leakage"]["permute"] == "cases"


def test_where_trials_are_not_known_it_is_said(responses):
    unknown = changed(responses, lambda r: replace(r, trial=None))
    made = section_of(unknown, closing=closing_of(responses))
    assert NO_TRIALS in made.findings
    assert made.content["trials"] is None
    assert "turing_trials" not in {t.name for t in made.tables}
    assert set(table(made, "turing_guesses")["Trial 1: called"]) == {"-"}


def test_own_guesses_of_the_studys_readers_only(responses):
    stranger = ClosingAnswer("left", "many", (20, 20), (10, 10))
    silent = ClosingAnswer("R7", n_test=(10, 10))
    closing = [*closing_of(responses)[:6], silent]
    made = section_of(responses, closing=[*closing, stranger])
    frame = table(made, "turing_guesses")
    assert list(frame["Reader"]) == responses.readers
    assert frame.iloc[6]["Trial 1: believed"] == "-"
    expected = guessed_numbers(closing)
    assert made.content["guesses"]["mean_excess"] == expected.mean_excess
    assert made.content["guesses"]["n_readers"] == 6
    assert "no (6), not answered (1)" in made.findings[-1]


def test_readers_who_guessed_nothing(responses):
    made = section_of(responses, closing=[ClosingAnswer("R1")])
    assert "Own guesses: no reader guessed" in made.findings[-2]
    assert made.content["guesses"]["mean_excess"] is None


def test_of_one_answer_only_a_case_counts_once(responses):
    made = section_of(changed(responses, answering(1)))
    assert "0.500 [0.410, 0.590]" in made.findings[0]
    assert any("lies within the plan's margin" in said for said in made.findings)
    assert any("Leakage between trials cannot" in said for said in made.findings)
    assert any("An effect of the trial cannot" in said for said in made.findings)
    made.pictures[0].draw()


def test_pictures_of_one_method_only(responses):
    real = changed(
        responses, lambda r: r if r.method == "RAPID" else replace(r, answers={})
    )
    made = section_of(real)
    assert "pictures of both methods must have been judged" in made.findings[0]
    assert any("140 readings without a judgement" in n for n in made.tables[0].notes)
    made.pictures[0].draw()


def test_questions_not_asked_make_no_section(responses):
    assert section_of(responses, AnalysisPlan(turing_question=None)) is None
    assert section_of(responses, AnalysisPlan(turing_question="Q9")) is None


def test_what_cannot_be_judged_is_refused(responses, reconstructed):
    refused = {section.id: section for section in reconstructed.sections}["turing"]
    assert "which case an answer belongs to is arbitrary" in refused.refused
    assert not refused.tables
    none = section_of(changed(responses, answering("none")))
    assert none.refused == "No reading says real or synthetic."
    asked = [
        Question.of(q.id, q.text, ("y", "n")) if q.id == "Q1" else q
        for q in responses.questionnaire
    ]
    other = replace(responses, questionnaire=Questionnaire("", "", tuple(asked)))
    assert "must be two of ('y', 'n'), got 1 and 0" in section_of(other).refused


def test_the_figure_has_each_reader_and_the_margin_in_both_panels(section, responses):
    figure = section("turing").pictures[0].draw()
    forest, plane = figure.axes
    labels = [text.get_text() for text in forest.get_yticklabels()]
    assert labels == [*responses.readers, "all"]
    points = next(line for line in plane.lines if line.get_gid() == "readers")
    assert len(points.get_xdata()) == 7
    band = forest.patches[0]
    assert (band.get_x(), band.get_width()) == pytest.approx((0.3, 0.4))
    assert len(plane.collections) == 1


def test_the_methods_cite_every_source_and_no_other(section, responses):
    for made in (section("turing"), section_of(responses, AnalysisPlan())):
        cited = [key for sentence in made.methods for key in marks(sentence)]
        assert sorted(cited) == sorted(made.references)
