"""Everything the store knows about one reader at one moment."""

from dataclasses import dataclass

from sqlalchemy import Connection

from reader_study.build.study import Study
from reader_study.errors import StudyError
from reader_study.formats.protocol import Protocol
from reader_study.reading.progress import Course, Progress, progress
from reader_study.store.milestones import Milestone, find_deviations, find_milestones
from reader_study.store.phase import amended, is_simulated
from reader_study.store.readers import find_reader
from reader_study.store.readings import answered_tokens, find_signatures

EARLY_START = "early_start"
"""Deviation that lets a trial begin before the washout is over."""


class ReaderError(StudyError):
    """Somebody is not, or no longer, a reader of this study."""


@dataclass(frozen=True)
class Situation:
    """What holds for a reader at one moment.

    Attributes:
        protocol: With all amendments.
        milestones: Course of the study.
        course: Way of the reader.
        progress: Where the reader stands.
        simulated: Whether the study has bots, or the reader is one.
    """

    protocol: Protocol
    milestones: tuple[Milestone, ...]
    course: Course
    progress: Progress
    simulated: bool


def find_situation(
    study: Study, connection: Connection, name: str, now: str
) -> Situation:
    """Read the situation of a reader.

    Raises:
        ReaderError: If there is no such reader, or the reader no longer takes part.
    """
    reader = find_reader(connection, name)
    if reader is None or not reader.active:
        why = (
            "is not a reader of this study" if reader is None else "takes no more part"
        )
        msg = f"{name} {why}; no answer was stored"
        raise ReaderError(msg)
    milestones = find_milestones(connection)
    protocol = amended(study.protocol, milestones)
    signed = find_signatures(connection, name)
    early = {
        deviation.trial
        for deviation in find_deviations(connection)
        if deviation.kind == EARLY_START and deviation.reader == name
    }
    course = Course(
        name,
        study.manifest.slot(reader.slot).orders,
        answered_tokens(connection, name),
        {trial: signature.signed_at for (_, trial), signature in signed.items()},
        early,
    )
    stands = progress(course, washout_days=protocol.washout_days, now=now)
    simulated = reader.simulated or is_simulated(milestones)
    return Situation(protocol, milestones, course, stands, simulated)
