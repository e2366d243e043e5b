from dataclasses import replace

import pytest

from app.reader_view import ReaderView, Stage
from reader_study.formats.protocol import Protocol
from reader_study.reading.reader_state import ReaderHistory, ReaderState
from reader_study.store.milestones import Phase

ALL = {"instructed": True, "display_checked": True}
UNTRAINED = ALL | {"to_practise": True}
UNASKED = ALL | {"to_close": True}
PROTOCOL = Protocol(title="A study", per_severity={"none": 3}, washout_days=28)
ORDERS = {1: ("a", "b", "c"), 2: ("d", "e", "f")}
FIRST, LAST = "2026-03-01T00:00:00.000000Z", "2026-04-01T00:00:00.000000Z"


def state(answered=(), **signed):
    trials = {int(name[-1]): time for name, time in signed.items()}
    history = ReaderHistory("anna", ORDERS, answered, trials)
    return ReaderState(history, PROTOCOL, Phase.OPEN, now="2026-03-08T00:00:00.000000Z")


READING = state()
SIGNABLE = state(ORDERS[1])
WAITING = state(ORDERS[1], trial_1=FIRST)
DONE = state((*ORDERS[1], *ORDERS[2]), trial_1=FIRST, trial_2=LAST)


def test_the_next_reading_follows_from_what_was_answered():
    assert (READING.token, READING.position, READING.n_readings) == ("a", 1, 3)
    assert (SIGNABLE.token, SIGNABLE.n_answered, SIGNABLE.may_sign) == (None, 3, True)
    assert (WAITING.token, WAITING.trial, WAITING.may_sign) == (None, 2, False)
    assert WAITING.washout_until == "2026-03-29T00:00:00.000000Z"
    assert (DONE.finished, DONE.trial, DONE.n_answered) == (True, 2, 3)


@pytest.mark.parametrize(
    ("state_of_reader", "phase", "done", "stage"),
    [
        (READING, Phase.BUILT, ALL, Stage.CLOSED),
        (READING, Phase.OPEN, {}, Stage.INSTRUCTIONS),
        (READING, Phase.OPEN, {"display_checked": True}, Stage.INSTRUCTIONS),
        (READING, Phase.OPEN, {"instructed": True}, Stage.DISPLAY),
        (READING, Phase.OPEN, ALL, Stage.READING),
        (READING, Phase.OPEN, UNTRAINED, Stage.TRAINING),
        (SIGNABLE, Phase.OPEN, ALL, Stage.REVIEW),
        (SIGNABLE, Phase.OPEN, UNTRAINED, Stage.REVIEW),
        (WAITING, Phase.OPEN, UNTRAINED, Stage.WASHOUT),
        (SIGNABLE, Phase.LOCKED, ALL, Stage.CLOSED),
        (WAITING, Phase.OPEN, {}, Stage.WASHOUT),
        (WAITING, Phase.LOCKED, ALL, Stage.CLOSED),
        (DONE, Phase.OPEN, {}, Stage.FINISHED),
        (DONE, Phase.OPEN, UNASKED, Stage.CLOSING),
        (DONE, Phase.LOCKED, UNASKED, Stage.FINISHED),
        (DONE, Phase.UNBLINDED, {}, Stage.FINISHED),
    ],
)
def test_the_store_decides_the_screen(state_of_reader, phase, done, stage):
    now = replace(state_of_reader, phase=phase)
    left = {name: done.get(name, False) for name in ("to_practise", "to_close")}
    seen = {name: done[name] for name in done if name not in left}
    assert ReaderView(state=now, due=now.due(**left), **seen).stage is stage
