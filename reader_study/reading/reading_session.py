"""Session of one reader: everything that a screen may ask for."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from reader_study.building.study import Study
from reader_study.clock import Clock, SystemClock
from reader_study.errors import DamagedPictureError, StaleReadingError, StudyError
from reader_study.formats.questionnaire import Answer
from reader_study.reading import answers as reading_answers
from reader_study.reading import closing, recording
from reader_study.reading.reader_state import Due, ReaderState, find_reader_state
from reader_study.reading.recording import Receipt, TrialReceipt
from reader_study.reading.training import TrainingSession, find_practice
from reader_study.store import readings
from reader_study.store import readings as store_readings
from reader_study.store.milestones import require_open
from reader_study.store.store import Store
from reader_study.store.transaction import Transaction, not_before, read_head

Answers = Mapping[str, Answer]
Reasons = Mapping[str, str]


@dataclass(frozen=True)
class Reading:
    """The current reading.

    Attributes:
        token: Names it towards the store; not to be shown.
        pseudo_id: What the reader may see of the case.
        trial: Number of the trial.
        position: Place in the order, from 1.
        n_readings: Readings of the trial.
        draft: Answers kept on the way; empty at first.
        opened_at: Time at which the reader first saw it; empty if only now.
        step: 1 or 2 where a case is read without an aid and then with it; else 0.
        first: Answers to the first step, which stay as they are; None but in a second.
    """

    token: str
    pseudo_id: str
    trial: int
    position: int
    n_readings: int
    draft: store_readings.Draft = field(
        default_factory=lambda: store_readings.Draft({}, {})
    )
    opened_at: str = ""
    step: int = 0
    first: store_readings.Draft | None = None


class ReadingSession:
    """One reader in one study.

    It keeps nothing itself: the place in the study is what the store says, so that a
    second tab, a second device or a restart all see the same.

    Args:
        study: The built study.
        store: Store of the study.
        reader: Name of the reader, who has been let in (see `running.access`).
        clock: The server's clock.
    """

    def __init__(
        self, study: Study, store: Store, reader: str, *, clock: Clock | None = None
    ) -> None:
        self.study = study
        self.store = store
        self.reader = reader
        self.clock = clock or SystemClock()

    def progress(self) -> ReaderState:
        """Return where the reader is in the study.

        Raises:
            ReaderError: If the reader takes no part, also in all that follows.
        """
        with self.store.reading() as connection:
            return self._state(connection)

    def due(self) -> Due:
        """Say what the reader has to do now; whoever shows pages asks this too."""
        with self.store.reading() as connection:
            return _find_due(self.study, connection, self._state(connection))

    @property
    def training(self) -> TrainingSession:
        """The way through the training, which comes before any reading of a trial."""
        return TrainingSession(self.study, self.store, self.reader, self.clock)

    def next_reading(self) -> Reading | None:
        """Return the current reading; it counts as opened from the first time on.

        None: the trial waits for its signature, the washout is not over, or all
        readings are done; `due` says which.

        Raises:
            StudyError: If the study is not open, or training comes first.
        """
        with self.store.reading() as connection:
            found = _find_reading(self.study, connection, self._state(connection))
        if found is None or found.opened_at:
            return found
        with self.store.writing(self.clock) as t:
            found = _find_reading(self.study, t.connection, self._writing(t))
            if found is not None and not found.opened_at:
                trial, n = found.trial, found.position
                recording.record_opening(t, self.reader, trial, found.token, n)
                if self.study.training_fault and n == 1:
                    recording.record_untrained(t, self.reader, trial)
        return found

    def image(self, token: str) -> bytes:
        """Return the image of a reading that this reader has opened, checked.

        Raises:
            DamagedPictureError: If it cannot be shown; `decline` then goes on.
            StudyError: If the reader has not opened it, or its case was withdrawn.
        """
        return self.study.image_bytes(self._shown(token))

    def volume(self, token: str) -> bytes:
        """Return the volume of a reading that this reader has opened, checked.

        Raises:
            DamagedPictureError: If it cannot be shown; `decline` then goes on.
            StudyError: If the reader has not opened it, its case was withdrawn, or the
                study shows montages.
        """
        return self.study.volume_bytes(self._shown(token))

    def picture_ahead(self) -> tuple[str, bytes] | None:
        """Return token and picture of the reading after the current one, checked.

        For a page that fetches it while the current one, which must have been opened,
        is read. It counts as nothing: `next_reading` opens it in its turn. None if
        there is none in this trial, or its picture cannot be shown.
        """
        with self.store.reading() as connection:
            state = self._state(connection)
            if _find_due(self.study, connection, state) is not Due.READING:
                return None
            current, ahead = state.token, state.token_ahead
            if not store_readings.find_opened(connection, self.reader, current):
                return None
        if ahead is None:
            return None
        try:
            return ahead, self.study.shown_bytes(ahead)
        except DamagedPictureError:
            return None

    def save_draft(self, token: str, answers: Answers, reasons: Reasons) -> str:
        """Keep answers on the way, complete or not, and give the server's time.

        Raises:
            AnswersError: If an answer is not on the scale, a text cannot be kept, or a
                mark is not on the picture.
            StaleReadingError: If it is not the current reading.
        """
        reading_answers.check_draft(self.study.questionnaire, answers, reasons)
        self._check_places(token, answers)
        with self.store.writing(self.clock) as t:
            opened = _require_opened(t.connection, self.reader, token)
            _require_at_hand(self._writing(t), opened)
            readings.replace_draft(
                t.connection, opened, store_readings.Draft(answers, reasons), t.now
            )
            return t.now

    def submit(
        self,
        token: str,
        answers: Answers,
        reasons: Reasons,
        *,
        active_seconds: float | None = None,
        seen: object = None,
    ) -> Receipt:
        """Store the answers of a reading, once; sent again, it has the same receipt.

        Args:
            token: Names the reading.
            answers: Answer by question.
            reasons: Explanation by question.
            active_seconds: Seconds of activity, as the reader's browser counted them.
            seen: What was on screen (see `answers.check_seen`): slices of a stack, or
                rows of a montage where the protocol requires all of them.

        Raises:
            AnswersError: If answers are incomplete or not on the scale, a mark is not
                on the picture, or the protocol requires slices that were not on screen.
            StaleReadingError: If it is not the current reading.
            StudyError: If the study is not open, or the store cannot be written.
        """
        asked = self.study.questionnaire
        found = reading_answers.check_complete(asked, answers, reasons)
        self._check_places(token, found)
        seconds = reading_answers.check_seconds(active_seconds)
        given = recording.SubmittedAnswers.of(found, reasons, active_seconds=seconds)
        return self._submit(token, replace(given, seen=self._seen(token, seen)))

    def decline(self, token: str, why: str) -> Receipt:
        """Leave a reading unanswered, with a reason; it counts as missing.

        Where the picture is damaged, a deviation says that it could not be shown.

        Raises:
            StudyError: If there is no reason, or it is not the current reading.
        """
        return self._submit(
            token,
            recording.SubmittedAnswers.of(
                {}, {}, note=reading_answers.check_reason(why)
            ),
        )

    def correct(
        self,
        token: str,
        answers: Answers,
        reasons: Reasons,
        *,
        why: str,
        seen: object = None,
    ) -> Receipt:
        """Store a correction; what was answered before is kept too.

        Args:
            token: Names the reading.
            answers: Answer by question.
            reasons: Explanation by question.
            why: Reason for the correction.
            seen: Of a stack, what was on screen again (see `answers.check_seen`).

        Raises:
            StudyError: If answers or reason are incomplete, or it is not allowed.
        """
        asked = self.study.questionnaire
        found = reading_answers.check_complete(asked, answers, reasons)
        self._check_places(token, found)
        given = recording.SubmittedAnswers.of(
            found, reasons, note=reading_answers.check_reason(why)
        )
        viewed = self._checked(token, seen)
        with self.store.writing(self.clock) as t:
            state = self._writing(t)
            opened = _require_opened(t.connection, self.reader, token)
            stored = store_readings.find_responses(
                t.connection, self.reader, opened.token
            )
            if not stored or not given.same_as(stored[-1]):
                _require_correctable(state, stored)
                n, simulated = len(stored) + 1, state.simulated
                new = recording.record_response(
                    t, opened, given, n, simulated=simulated
                )
                stored = (*stored, new)
                if viewed is not None:
                    recording.record_view(t, opened, viewed, n)
            return recording.receipt_of(t, self.study, stored[-1])

    def answered(self) -> tuple[store_readings.Response, ...]:
        """Return the answers of the current trial, for a last look before signing."""
        with self.store.reading() as connection:
            trial = self._state(connection).trial
            stored = readings.latest(
                store_readings.find_responses(connection, self.reader)
            )
        return tuple(r for r in stored.values() if r.trial == trial)

    def sign(self, trial: int) -> TrialReceipt:
        """Sign a trial, whose answers then stay; again, it has the same receipt.

        Raises:
            StudyError: If readings of the trial are not answered, or it is not open.
        """
        with self.store.writing(self.clock) as t:
            state = self._writing(t)
            signed = readings.find_signatures(t.connection, self.reader)
            signature = signed.get((self.reader, trial))
            if signature is None:
                n = _require_signable(state, trial)
                signature = recording.record_signature(t, self.reader, trial, n)
            return recording.receipt_of_trial(t, signature)

    def answer_closing(self, answers: closing.ClosingAnswers) -> store_readings.Closing:
        """Keep the closing answers, once, after the last trial is signed.

        Raises:
            AnswersError: If numbers do not fit the trials.
            StudyError: If they are not due, or the study is not open.
        """
        return closing.answer_closing(
            self.study, self.store, self.reader, answers, clock=self.clock
        )

    def _check_places(self, token: str, answers: Answers) -> None:
        asked = self.study.questionnaire
        if any(question.marked for question in asked.questions):
            reading_answers.check_places(asked, answers, self.study.grid(token))

    def _checked(self, token: str, given: object) -> reading_answers.Seen | None:
        if given is None or not self.study.counts_slices:
            return None
        return reading_answers.check_seen(given, self.study.n_slices(token))

    def _seen(self, token: str, given: object) -> reading_answers.Seen | None:
        seen = self._checked(token, given)
        if self.study.protocol.require_all_slices:
            what = "rows" if self.study.manifest.volumes is None else "slices"
            n = self.study.n_slices(token)
            reading_answers.require_all_seen(seen, n, what)
        return seen

    def _submit(self, token: str, given: recording.SubmittedAnswers) -> Receipt:
        with self.store.writing(self.clock) as t:
            state = self._writing(t)
            opened = _require_opened(t.connection, self.reader, token)
            for stored in store_readings.find_responses(
                t.connection, self.reader, opened.token
            ):
                if given.same_as(stored):
                    return recording.receipt_of(t, self.study, stored)
            _require_at_hand(state, opened)
            simulated = state.simulated
            new = recording.record_response(t, opened, given, 1, simulated=simulated)
            if given.seen is not None:
                recording.record_view(t, opened, given.seen)
            if not given.answers and self._is_damaged(opened.token):
                recording.record_not_shown(t, self.study, opened)
            return recording.receipt_of(t, self.study, new)

    def _shown(self, token: str) -> str:
        with self.store.reading() as connection:
            state = self._state(connection)
            opened = _require_opened(connection, self.reader, token)
        if opened.token in state.history.withdrawn:
            msg = "The case of this reading was withdrawn; please go on"
            raise StaleReadingError(msg)
        return opened.token

    def _is_damaged(self, token: str) -> bool:
        try:
            self.study.shown_bytes(token)
        except DamagedPictureError:
            return True
        return False

    def _writing(self, t: Transaction) -> ReaderState:
        return find_reader_state(self.study, t.connection, self.reader, t.now)

    def _state(self, connection: Connection) -> ReaderState:
        now = not_before(read_head(connection), self.clock.now())
        return find_reader_state(self.study, connection, self.reader, now)


def _find_due(study: Study, connection: Connection, state: ReaderState) -> Due:
    to_close = study.protocol.closing and state.finished
    if to_close:
        to_close = state.reader not in store_readings.find_closings(connection)
    left = find_practice(study, connection, state)
    return state.due(to_practise=left is not None, to_close=to_close)


def _find_reading(
    study: Study, connection: Connection, state: ReaderState
) -> Reading | None:
    """Return the current reading, if there is one.

    Raises:
        StudyError: If the study is not open, or training comes first.
    """
    require_open(state.phase)
    p = state
    if p.token is None:
        return None
    practice = find_practice(study, connection, state)
    if practice is not None:
        msg = (
            f"The training before trial {p.trial} must be done first; case "
            f"{practice.position} of {practice.n_cases} is at hand"
        )
        raise StudyError(msg)
    opened = store_readings.find_opened(connection, p.reader, p.token)
    return Reading(
        token=p.token,
        pseudo_id=study.manifest.presentation(p.token).pseudo_id,
        trial=p.trial,
        position=p.position,
        n_readings=p.n_readings,
        draft=store_readings.find_draft(connection, p.reader, p.token)
        or store_readings.Draft({}, {}),
        opened_at=opened[p.reader, p.token].opened_at if opened else "",
        step=p.step,
        first=_first_step(connection, p),
    )


def _first_step(
    connection: Connection, state: ReaderState
) -> store_readings.Draft | None:
    """Return what was answered without the aid, where the second step is at hand."""
    if state.token_before is None:
        return None
    found = store_readings.find_responses(connection, state.reader, state.token_before)
    return store_readings.Draft(found[0].answers, found[0].reasons) if found else None


def _require_opened(
    connection: Connection, reader: str, token: object
) -> store_readings.Opened:
    """Return a reading that the reader has seen.

    Raises:
        StaleReadingError: If the reader has not seen such a one.
    """
    # Anything may come over the wire, also what a database refuses as text.
    known = isinstance(token, str) and token.isascii() and token.isprintable()
    opened = store_readings.find_opened(connection, reader, str(token)) if known else {}
    if not opened:
        msg = "This reading has not been opened; nothing was stored"
        raise StaleReadingError(msg)
    return opened[reader, str(token)]


def _require_at_hand(state: ReaderState, opened: store_readings.Opened) -> None:
    """Refuse what is not for the current reading.

    Raises:
        StaleReadingError: If it is for another one.
        StudyError: If the study is not open.
    """
    require_open(state.phase)
    p = state
    if opened.token == p.token:
        return
    if opened.token in state.history.answered:
        what = "has been answered already, otherwise"
    elif opened.token in state.history.withdrawn:
        what = "is of a case that was withdrawn"
    else:
        what = "is not the one at hand"
    msg = (
        f"Reading {opened.position} of trial {opened.trial} {what}; nothing was stored"
    )
    raise StaleReadingError(msg)


def _require_correctable(
    state: ReaderState, stored: tuple[store_readings.Response, ...]
) -> None:
    """Refuse a correction that the protocol does not allow.

    Raises:
        StaleReadingError: If the reading was not answered, is the first of two steps,
            or its trial is signed.
        StudyError: If the protocol allows no corrections, or the study is not open.
    """
    require_open(state.phase)
    if not state.protocol.corrections:
        msg = "The protocol allows no corrections; the answer stays as it is"
        raise StudyError(msg)
    if not stored:
        msg = "A correction must be of an answered reading; nothing was stored"
        raise StaleReadingError(msg)
    if state.step_of(stored[0].position) == 1:
        msg = "The first of two steps stays as it was answered; nothing was stored"
        raise StaleReadingError(msg)
    trial = stored[0].trial
    if trial in state.history.signed:
        msg = f"Trial {trial} is signed; its answers stay as they are"
        raise StaleReadingError(msg)


def _require_signable(state: ReaderState, trial: int) -> int:
    """Return the number of readings of a trial that may be signed.

    Raises:
        StudyError: If readings are not answered, or the study is not open.
    """
    require_open(state.phase)
    p = state
    if trial != p.trial or not p.may_sign:
        msg = (
            f"Trial {trial!r:.20} must be complete to be signed; trial {p.trial} is "
            f"at hand, {p.n_answered} of {p.n_readings} readings answered"
        )
        raise StudyError(msg)
    return p.n_readings
