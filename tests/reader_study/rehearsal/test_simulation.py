import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reader_study.errors import StudyError
from reader_study.formats.checking import parse_json
from reader_study.formats.questionnaire import paper_questionnaire, questionnaire_of
from reader_study.rehearsal.bots import (
    SimulationPlan,
    any_answer,
    draw_answers,
    planted,
)
from reader_study.rehearsal.simulation import reasons_of, simulate
from reader_study.running.status import read_status
from reader_study.store.readings import find_responses
from reader_study.store.verifying import verify
from tests.reader_study.every_type import EVERY_TYPE

Q = paper_questionnaire()
SHARES = st.floats(0, 1)


@pytest.mark.parametrize("bias", [0.0, 0.2])
def test_drawn_answers_have_the_planted_agreement(bias):
    """Many independent cases; the error of a share of 40,000 is below 0.0025."""
    plan = SimulationPlan(kappa=0.4, bias=bias, within_case=0, within_reader=0)
    drawn = draw_answers(Q, plan, (10, 4000), rng=np.random.default_rng(1))
    for question in Q.questions:
        reference, test = drawn[question.id][..., 0], drawn[question.id][..., 1]
        agreement = np.mean(reference == test)
        codes = [choice.code for choice in question.scale]
        expected = sum(np.mean(reference == c) * np.mean(test == c) for c in codes)
        truth = planted(question, plan)
        assert agreement == pytest.approx(truth.agreement, abs=0.01)
        kappa = (agreement - expected) / (1 - expected)
        assert kappa == pytest.approx(truth.kappa, abs=0.02)


@given(SHARES)
def test_without_bias_kappa_is_the_one_given(kappa):
    for question in Q.questions:
        assert planted(question, SimulationPlan(kappa=kappa)).kappa == pytest.approx(
            kappa
        )


@pytest.mark.parametrize(
    ("kappa", "under_test"), [(0.6, 0.45), (0.5, 0.45), (0.235, 0.1125), (0, 0)]
)
def test_readers_agree_as_planted_and_pairs_of_methods_do_too(kappa, under_test):
    """250 readers and 800 cases: standard errors below 0.01 for a cell or a kappa."""
    plan = SimulationPlan(kappa=kappa, within_case=0.45, within_reader=0.02)
    of_each_length = replace(
        Q, questions=tuple(q for q in Q if q.id in {"Q1", "Q2A", "Q4"})
    )
    shape = (250, 800)
    drawn = draw_answers(of_each_length, plan, shape, rng=np.random.default_rng(3))
    for question in of_each_length.questions:
        codes = [choice.code for choice in question.scale]
        both = drawn[question.id]
        shares = 0.6 ** np.arange(len(codes))
        shares /= shares.sum()
        cells = [[np.mean((both == (a, b)).all(-1)) for b in codes] for a in codes]
        joint = kappa * np.diag(shares) + (1 - kappa) * np.outer(shares, shares)
        assert np.allclose(cells, joint, atol=0.025)
        assert _fleiss(both[..., 0], codes) == pytest.approx(0.45, abs=0.025)
        assert _fleiss(both[..., 1], codes) == pytest.approx(under_test, abs=0.025)


def _fleiss(answers, codes):
    counts = np.stack([(answers == code).sum(axis=0) for code in codes], axis=-1)
    n = len(answers)
    expected = (counts.mean(axis=0) / n) ** 2
    observed = (counts * (counts - 1)).sum() / (n * (n - 1) * len(counts))
    return (observed - expected.sum()) / (1 - expected.sum())


def test_a_reader_has_habits_as_planted():
    """Many readers of two cases each: kappa of the two, error below 0.01."""
    plan = SimulationPlan(within_case=0, within_reader=0.3)
    drawn = draw_answers(Q, plan, (40_000, 2), rng=np.random.default_rng(5))
    for question in Q.questions:
        codes = [choice.code for choice in question.scale]
        for method in (0, 1):
            cases = drawn[question.id][..., method].T
            assert _fleiss(cases, codes) == pytest.approx(0.3, abs=0.03)


def test_answers_to_a_case_are_correlated():
    shape = (200, 200)
    tight = SimulationPlan(within_case=0.9, within_reader=0)
    loose = SimulationPlan(within_case=0, within_reader=0)
    spread = [
        draw_answers(Q, plan, shape, rng=np.random.default_rng(2))["Q4"][..., 0]
        .mean(axis=0)
        .std()
        for plan in (tight, loose)
    ]
    assert spread[0] > 5 * spread[1]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kappa": 1.2}, "kappa must be from 0 to 1, got 1.2"),
        ({"within_case": 0.7, "within_reader": 0.7}, "add up to at most 1, got 1.67"),
    ],
)
def test_plans_that_cannot_be(settings, message):
    with pytest.raises(StudyError, match=message):
        SimulationPlan(**settings)


def test_bots_read_the_whole_study(study, store, truth, clock):
    plan = SimulationPlan(kappa=1, missing=0.2, corrected=0.3)
    rng = np.random.default_rng(4)
    done = simulate(study, store, truth, plan, rng=rng, clock=clock)

    assert done.n_answered + done.n_declined == 16
    assert done.n_declined > 0
    with store.reading() as connection:
        status = read_status(study, connection)
        responses = find_responses(connection)
        assert verify(connection).faults == ()
    assert status.simulated
    assert all(trial.signed_at for trial in status.trials)
    assert all(response.simulated for response in responses)
    assert any(response.revision == 2 for response in responses)
    by_case = {}
    for response in responses:
        if response.answers and (response.reader, response.token):
            case = truth.cells[response.token].case
            by_case.setdefault((response.reader, case), {})[response.token] = (
                response.answers
            )
    pairs = [list(both.values()) for both in by_case.values() if len(both) == 2]
    assert pairs
    assert all(first == second for first, second in pairs)


def test_a_study_with_readers_is_not_rehearsed(open_study_now, store, truth, clock):
    with pytest.raises(StudyError, match="must be of a study without readers"):
        simulate(
            open_study_now,
            store,
            truth,
            SimulationPlan(),
            rng=np.random.default_rng(0),
            clock=clock,
        )


def test_another_key_plants_nothing(study, store, truth, clock):
    other = replace(truth, salt="ef" * 32)
    rng = np.random.default_rng(0)
    with pytest.raises(StudyError, match="The key must be the one"):
        simulate(study, store, other, SimulationPlan(), rng=rng, clock=clock)


def test_an_auc_needs_truth_and_a_rating(study, store, truth, clock):
    rng = np.random.default_rng(1)

    with pytest.raises(StudyError, match="auc must be left out of a study without tru"):
        simulate(study, store, truth, SimulationPlan(auc=0.9), rng=rng, clock=clock)


EVERY = questionnaire_of(parse_json(json.dumps(EVERY_TYPE), "own.json"))


def test_bots_give_valid_answers_to_every_type():
    rng = np.random.default_rng(4)
    drawn = draw_answers(EVERY, SimulationPlan(), (3, 5), rng=rng)
    for place in np.ndindex(3, 5, 2):
        given = {name: np.array(of[place]).item() for name, of in drawn.items()}
        answers, _ = EVERY.kept(given, {})
        assert EVERY.problems(answers, reasons_of(EVERY, answers)) == []
        practised = {q.id: any_answer(q, rng) for q in EVERY}
        kept, _ = EVERY.kept(practised, {})
        assert EVERY.problems(kept, reasons_of(EVERY, kept)) == []


def test_kappa_is_the_correlation_of_numbers():
    """5,000 independent pairs: the error of a correlation is below 0.01."""
    plan = SimulationPlan(kappa=0.6, within_case=0, within_reader=0)
    drawn = draw_answers(EVERY, plan, (10, 500), rng=np.random.default_rng(5))
    for name in ("volume", "sure"):
        reference, test = drawn[name].astype(float).reshape(-1, 2).T
        assert np.corrcoef(reference, test)[0, 1] == pytest.approx(0.6, abs=0.04)
