import pytest

from app.reader_view import Acknowledged, Stage, stage_of
from reader_study.reading.progress import Progress
from reader_study.store.phase import Phase

ALL = Acknowledged(instructions=True, display=True)
UNTRAINED = Acknowledged(instructions=True, display=True, training=False)
UNASKED = Acknowledged(instructions=True, display=True, closing=False)
READING = Progress("anna", 1, 3, 0, token="t", position=1)  # noqa: S106
SIGNABLE = Progress("anna", 1, 3, 3, may_sign=True)
WAITING = Progress("anna", 2, 3, 0, washout_until="2026-04-01T00:00:00.000000Z")
DONE = Progress("anna", 2, 3, 3, finished=True)


@pytest.mark.parametrize(
    ("progress", "phase", "acknowledged", "stage"),
    [
        (READING, Phase.BUILT, ALL, Stage.CLOSED),
        (READING, Phase.OPEN, Acknowledged(), Stage.INSTRUCTIONS),
        (READING, Phase.OPEN, Acknowledged(display=True), Stage.INSTRUCTIONS),
        (READING, Phase.OPEN, Acknowledged(instructions=True), Stage.DISPLAY),
        (READING, Phase.OPEN, ALL, Stage.READING),
        (READING, Phase.OPEN, UNTRAINED, Stage.TRAINING),
        (SIGNABLE, Phase.OPEN, ALL, Stage.REVIEW),
        (SIGNABLE, Phase.OPEN, UNTRAINED, Stage.REVIEW),
        (WAITING, Phase.OPEN, UNTRAINED, Stage.WASHOUT),
        (SIGNABLE, Phase.LOCKED, ALL, Stage.CLOSED),
        (WAITING, Phase.OPEN, Acknowledged(), Stage.WASHOUT),
        (WAITING, Phase.LOCKED, ALL, Stage.CLOSED),
        (DONE, Phase.OPEN, Acknowledged(), Stage.FINISHED),
        (DONE, Phase.OPEN, UNASKED, Stage.CLOSING),
        (DONE, Phase.LOCKED, UNASKED, Stage.FINISHED),
        (DONE, Phase.UNBLINDED, Acknowledged(), Stage.FINISHED),
    ],
)
def test_the_store_decides_the_screen(progress, phase, acknowledged, stage):
    assert stage_of(progress, phase, acknowledged) is stage
