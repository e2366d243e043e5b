"""The closing questions: did the blinding hold, as far as a reader can say?"""

from collections.abc import Mapping
from dataclasses import dataclass

from reader_study.building.study import Study
from reader_study.clock import Clock
from reader_study.errors import StudyError
from reader_study.formats.closing import CONFIDENCE, RECOGNISED
from reader_study.reading.answers import AnswersError, check_text
from reader_study.reading.reader_state import find_reader_state
from reader_study.store.milestones import require_open
from reader_study.store.readings import Closing, find_closings, keep_closing
from reader_study.store.store import Store


@dataclass(frozen=True, kw_only=True)
class ClosingAnswers:
    """What a reader sends; once constructed, valid but for the size of the trials.

    Attributes:
        recognised: `none`, `few` or `many` cases of trial 1 were known again.
        which: The cases recognised, in words; may be empty.
        synthetic: Number of pictures believed to be synthetic, by trial.
        cues: What gave them away; may be empty.
        confidence: Confidence from 1 (guessed) to 5 (certain).
    """

    recognised: str
    synthetic: Mapping[int, int]
    confidence: int
    which: str = ""
    cues: str = ""

    def __post_init__(self) -> None:
        if self.recognised not in RECOGNISED:
            came = f"got {self.recognised!r:.40}"
            msg = f"recognised must be {' or '.join(RECOGNISED)}, {came}"
            raise AnswersError(msg)
        if not _whole(self.confidence) or self.confidence not in CONFIDENCE:
            msg = f"confidence must be from 1 to 5, got {self.confidence!r:.40}"
            raise AnswersError(msg)
        check_text(self.which, "What was recognised")
        check_text(self.cues, "What gave them away")


def answer_closing(
    study: Study, store: Store, reader: str, answers: ClosingAnswers, *, clock: Clock
) -> Closing:
    """Keep the answers of a reader, once; sent again, the first ones stay.

    Args:
        study: The built study.
        store: Store of the study.
        reader: Name of the reader, who has signed in (see `running.access`).
        answers: Answers of the reader.
        clock: The server's clock.

    Returns:
        The answers that are kept.

    Raises:
        AnswersError: If numbers do not fit the trials.
        StudyError: If the protocol asks no closing questions, not all trials are
            signed, or the study is not open.
    """
    with store.writing(clock) as t:
        state = find_reader_state(study, t.connection, reader, t.now)
        there = find_closings(t.connection).get(reader)
        if there is not None:
            return there
        require_open(state.phase)
        if not study.protocol.closing or not state.finished:
            msg = "Closing questions must be answered after the last trial is signed"
            raise StudyError(msg)
        orders = state.history.orders
        _check_counts(answers, {trial: len(order) for trial, order in orders.items()})
        closing = Closing(
            reader=reader,
            recognised=answers.recognised,
            which=answers.which.strip(),
            synthetic=dict(answers.synthetic),
            cues=answers.cues.strip(),
            confidence=answers.confidence,
            simulated=state.simulated,
            answered_at=t.now,
        )
        keep_closing(t, closing)
    return closing


def _check_counts(answers: ClosingAnswers, sizes: Mapping[int, int]) -> None:
    for trial, n in sizes.items():
        given = answers.synthetic.get(trial)
        if not _whole(given) or given not in range(n + 1):
            msg = f"Synthetic pictures of trial {trial} must be from 0 to {n}, got "
            raise AnswersError(msg + f"{given!r:.40}")
    if set(answers.synthetic) != set(sizes):
        msg = f"Counts must be given of the {len(sizes)} trials and of no other"
        raise AnswersError(msg)


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
