"""A reader's way through the training: answer, compare with what is expected."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from reader_study.building.study import Study
from reader_study.building.training_set import (
    TrainingCase,
    TrainingSet,
    training_image,
    training_volume,
)
from reader_study.clock import Clock
from reader_study.errors import DamagedPictureError, StaleReadingError, StudyError
from reader_study.formats.protocol import Protocol
from reader_study.formats.questionnaire import Answer
from reader_study.reading.answers import check_complete
from reader_study.reading.reader_state import ReaderState, find_reader_state
from reader_study.reading.recording import record_training_not_shown
from reader_study.store import readings
from reader_study.store.milestones import require_open
from reader_study.store.store import Store
from reader_study.store.transaction import Transaction

_NOT_AT_HAND = "This training case is not the one at hand; nothing was stored"


@dataclass(frozen=True)
class Practice:
    """The current training case.

    Attributes:
        case: The training case; its feedback is for after the answers.
        trial: Number of the trial that it comes before.
        position: Place in the training, from 1.
        n_cases: Number of training cases.
        given: The reader's answers and reasons; None until they are given.
    """

    case: TrainingCase
    trial: int
    position: int
    n_cases: int
    given: readings.TrainingStep | None


def practice_at_hand(
    training: TrainingSet,
    protocol: Protocol,
    trial: int,
    steps: Iterable[readings.TrainingStep],
) -> Practice | None:
    """Return the current training case before a trial; None if none is left.

    Args:
        training: Training cases of the study.
        protocol: Protocol, which says whether trial 2 has training too.
        trial: Number of the current trial.
        steps: What the reader has done, in any trial.
    """
    done = [step for step in steps if step.trial == trial]
    passed = {step.token for step in done if step.step is readings.Step.SKIPPED}
    skipped = "" in passed
    if skipped or (trial > 1 and not protocol.training_repeat):
        return None
    seen = {step.token for step in done if step.step is readings.Step.SEEN} | passed
    given = {step.token: step for step in done if step.step is readings.Step.ANSWERED}
    for n, case in enumerate(training.cases, 1):
        if case.token not in seen:
            left = given.get(case.token)
            return Practice(case, trial, n, len(training.cases), left)
    return None


def find_practice(
    study: Study, connection: Connection, state: ReaderState
) -> Practice | None:
    """Return the training case that a reader has to answer now; None if none is left.

    Nothing is to be practised while the washout lasts, nor after the last trial.
    """
    if not study.training.cases or state.finished or state.washout_until is not None:
        return None
    steps = readings.find_training_steps(connection, state.reader)
    return practice_at_hand(study.training, study.protocol, state.trial, steps)


class TrainingSession:
    """One reader in training; like `ReadingSession`, it keeps nothing itself.

    Args:
        study: The built study.
        store: Store of the study.
        reader: Name of the reader, who has been let in (see `running.access`).
        clock: The server's clock.
    """

    def __init__(self, study: Study, store: Store, reader: str, clock: Clock) -> None:
        self.study = study
        self.store = store
        self.reader = reader
        self.clock = clock

    def at_hand(self, trial: int) -> Practice | None:
        """Return the current training case before a trial; None if training is over."""
        if not self.study.training.cases:
            return None
        with self.store.reading() as connection:
            steps = readings.find_training_steps(connection, self.reader)
        return practice_at_hand(self.study.training, self.study.protocol, trial, steps)

    def image(self, practice: Practice) -> bytes:
        """Return the picture of a training case, checked.

        Raises:
            DamagedPictureError: If it cannot be shown; `pass_over` then goes on.
        """
        return training_image(self.study.folder, practice.case)

    def volume(self, practice: Practice) -> bytes:
        """Return the volume of a training case, checked.

        Raises:
            DamagedPictureError: If it cannot be shown; `pass_over` then goes on.
        """
        return training_volume(self.study.folder, practice.case)

    def submit(
        self, token: str, answers: Mapping[str, Answer], reasons: Mapping[str, str]
    ) -> None:
        """Keep the answers to a training case, once; the feedback may then be shown.

        Raises:
            AnswersError: If answers are incomplete or not on the scale.
            StaleReadingError: If it is not the current training case.
            StudyError: If the study is not open, or the store cannot be written.
        """
        answers = check_complete(self.study.questionnaire, answers, reasons)
        with self.store.writing(self.clock) as t:
            state, _ = self._state(t)
            practice = self._require_at_hand(t, state, token)
            if practice.given is None:
                given = readings.Draft(answers, reasons)
                self._keep(t, state, token, readings.Step.ANSWERED, given)

    def go_on(self, token: str) -> None:
        """Keep that the feedback to a case was read; clicked again, it is one record.

        Raises:
            StaleReadingError: If the case is not the current one, or not answered.
            StudyError: If the study is not open, or the store cannot be written.
        """
        with self.store.writing(self.clock) as t:
            state, steps = self._state(t)
            if _has(steps, state.trial, token, readings.Step.SEEN):
                return
            practice = self._require_at_hand(t, state, token)
            if practice.given is None:
                raise StaleReadingError(_NOT_AT_HAND)
            self._keep(t, state, token, readings.Step.SEEN)

    def pass_over(self, token: str) -> None:
        """Go on without a case whose picture is damaged: a deviation.

        Raises:
            StaleReadingError: If the case is not the current one.
            StudyError: If its picture can be shown, the study is not open, or the
                store cannot be written.
        """
        with self.store.writing(self.clock) as t:
            state, steps = self._state(t)
            if _has(steps, state.trial, token, readings.Step.SKIPPED):
                return
            practice = self._require_at_hand(t, state, token)
            try:
                self.image(practice)
                if self.study.manifest.volumes is not None:
                    self.volume(practice)
            except DamagedPictureError:
                self._keep(t, state, token, readings.Step.SKIPPED)
                record_training_not_shown(
                    t, self.reader, state.trial, practice.position
                )
                return
        msg = "The picture of this training case can be shown; nothing was stored"
        raise StudyError(msg)

    def skip(self) -> None:
        """Leave out what is left of the training before the current trial.

        Raises:
            StudyError: If the protocol does not allow it, or the study is not open.
        """
        if not self.study.protocol.training_skippable:
            msg = "The protocol does not allow to leave out the training"
            raise StudyError(msg)
        with self.store.writing(self.clock) as t:
            state, _ = self._state(t)
            if find_practice(self.study, t.connection, state) is not None:
                self._keep(t, state, "", readings.Step.SKIPPED)

    def _state(
        self, t: Transaction
    ) -> tuple[ReaderState, tuple[readings.TrainingStep, ...]]:
        state = find_reader_state(self.study, t.connection, self.reader, t.now)
        require_open(state.phase)
        return state, readings.find_training_steps(t.connection, self.reader)

    def _require_at_hand(
        self, t: Transaction, state: ReaderState, token: str
    ) -> Practice:
        practice = find_practice(self.study, t.connection, state)
        if practice is None or practice.case.token != token:
            raise StaleReadingError(_NOT_AT_HAND)
        return practice

    def _keep(
        self,
        t: Transaction,
        state: ReaderState,
        token: str,
        step: readings.Step,
        given: readings.Draft | None = None,
    ) -> None:
        kept = readings.TrainingStep(
            reader=self.reader,
            trial=state.trial,
            token=token,
            step=step,
            answers=given.answers if given else {},
            reasons=given.reasons if given else {},
            simulated=state.simulated,
            recorded_at=t.now,
        )
        readings.keep_training_step(t, kept)


def _has(
    steps: Collection[readings.TrainingStep],
    trial: int,
    token: str,
    step: readings.Step,
) -> bool:
    return any((s.trial, s.token, s.step) == (trial, token, step) for s in steps)
