"""What bots do before and after the cases: practise, and answer at the end."""

from collections.abc import Mapping

import numpy as np

from reader_study.formats.closing import CONFIDENCE, RECOGNISED
from reader_study.formats.questionnaire import Questionnaire
from reader_study.reading.closing import (
    ClosingAnswers,
    answer_closing,
)
from reader_study.reading.reading_session import ReadingSession
from reader_study.reading.training import TrainingSession

_RECOGNISED = (0.6, 0.3, 0.1)  # none, few, many
_REASON = "simulated"


def practise(reading: ReadingSession, trial: int, *, rng: np.random.Generator) -> int:
    """Let a bot go through the training before a trial, if there is any.

    Returns:
        Number of training cases answered.
    """
    questionnaire = reading.study.questionnaire
    session = TrainingSession(
        reading.study, reading.store, reading.reader, reading.clock
    )
    answered = 0
    while (practice := session.at_hand(trial)) is not None:
        answers = {
            question.id: int(rng.choice([c.code for c in question.scale]))
            for question in questionnaire.questions
        }
        reasons = reasons_of(questionnaire, answers)
        session.submit(practice.case.token, answers, reasons)
        session.go_on(practice.case.token)
        answered += 1
    return answered


def close(reading: ReadingSession, *, rng: np.random.Generator) -> None:
    """Let a bot answer the closing questions, if the protocol asks them.

    Bots know nothing of the methods, so they believe each picture to be synthetic
    with a probability of one half.
    """
    study = reading.study
    if not study.protocol.closing:
        return
    sizes = {
        trial: len(order) for trial, order in study.manifest.slots[0].orders.items()
    }
    answers = ClosingAnswers(
        recognised=str(rng.choice(list(RECOGNISED), p=_RECOGNISED)),
        synthetic={trial: int(rng.binomial(n, 0.5)) for trial, n in sizes.items()},
        confidence=int(rng.choice(CONFIDENCE)),
    )
    answer_closing(study, reading.store, reading.reader, answers, clock=reading.clock)


def reasons_of(
    questionnaire: Questionnaire, answers: Mapping[str, int]
) -> dict[str, str]:
    """Give an explanation for each answer that asks for one."""
    chosen = {q.id: q.choice(answers[q.id]) for q in questionnaire.questions}
    return {name: _REASON for name, c in chosen.items() if c and c.requires_reason}
