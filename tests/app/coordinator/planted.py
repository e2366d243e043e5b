"""What must never be seen on the monitor, planted in a study."""

from app.room import Room
from reader_study.running.lifecycle import EarlyStart, permit_early_start
from reader_study.running.registry import Profile, replace_reader
from tests.app.answers import read_trial
from tests.app.material import GOOD

WORD = "planted"
"""In every text that readers or coordinators give as a reason."""

FORBIDDEN = (
    WORD.encode(), b"rapid", b"magic", b"acquired", b"generated", b"synthetic",
    b"patient-00", b"reference_image", b"mild_moderate", b"q2a", b'"q1"',
)  # fmt: skip


def plant(room: Room) -> None:
    """Answer, correct, decline, exclude and permit, with marked texts everywhere."""
    clock = room.clock
    anna, ben = room.session_of("anna"), room.session_of("ben")
    first = anna.next_reading().token
    anna.submit(first, GOOD | {"Q2A": 0}, {"Q2A": f"{WORD} explanation"})
    anna.correct(first, GOOD, {}, why=f"{WORD} correction")
    anna.decline(anna.next_reading().token, f"{WORD} refusal")
    anna.save_draft(
        anna.next_reading().token, GOOD | {"Q2B": 0}, {"Q2B": f"{WORD} draft"}
    )
    read_trial(ben)
    ben.sign(1)
    start = EarlyStart("ben", 2, f"{WORD} haste", "eve", "max")
    permit_early_start(room.study, room.store, start, clock=clock)
    carla = Profile("carla", "neuroradiologist", 3)
    replace_reader(
        room.store, "anna", carla, reason=f"{WORD} illness", by="eve", clock=clock
    )
