"""Bots that choose among pictures: what is planted is found in many choices."""

import numpy as np
import pytest

from reader_study.formats.design import StudyDesign
from reader_study.formats.questionnaire import Question
from reader_study.rehearsal.bots import SimulationPlan
from reader_study.rehearsal.choosing import ChoosingBots, answer_to

ARMS = ("real", "GAN", "flow")


def first_of(bots, methods, n_cases=800, n_readers=20):
    """Share of displays in which each method comes first."""
    shown = {f"t{n}": (f"case-{n}", methods) for n in range(n_cases)}
    drawn = bots.draw(shown, n_readers, np.random.default_rng(3))
    first = [methods[places[0] - 1] for mine in drawn for places in mine.values()]
    return {method: first.count(method) / len(first) for method in methods}


@pytest.mark.parametrize("within", [(0.0, 0.0), (0.45, 0.05)])
def test_a_preference_is_that_of_one_method_to_the_one_before(within):
    of_case, of_reader = within
    plan = SimulationPlan(preferred=0.7, within_case=of_case, within_reader=of_reader)
    bots = ChoosingBots(StudyDesign(arms=ARMS, display="side by side"), plan)

    for pair in (("real", "GAN"), ("flow", "GAN")):
        shares = first_of(bots, pair)
        later = max(pair, key=ARMS.index)
        # 3 standard errors of 20 readers who differ
        assert shares[later] == pytest.approx(0.7, abs=0.09 if of_reader else 0.015)


def test_the_reference_is_found_as_often_as_planned():
    design = StudyDesign(arms=ARMS, display="choice")
    plan = SimulationPlan(correct=0.55, within_reader=0.0)

    shares = first_of(ChoosingBots(design, plan), ("GAN", "real", "flow"))

    assert shares["real"] == pytest.approx(0.55, abs=0.04)
    assert shares["GAN"] == pytest.approx(shares["flow"], abs=0.04)


def test_all_and_nothing_can_be_planted():
    design = StudyDesign(arms=ARMS[:2], display="choice")
    for correct in (0.0, 1.0):
        bots = ChoosingBots(design, SimulationPlan(correct=correct))
        assert first_of(bots, ARMS[:2], 20)["real"] == correct


def test_an_order_is_answered_as_its_question_asks():
    which = Question("Q1", "?", type="which", pictures=3)
    rank = Question("Q2", "?", type="rank", pictures=3)
    assert (answer_to(which, (2, 3, 1)), answer_to(rank, (2, 3, 1))) == (2, 231)
