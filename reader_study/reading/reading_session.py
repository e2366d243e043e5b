"""A reader's way through the study: everything that a screen may ask for."""

from collections.abc import Mapping

from sqlalchemy import Connection

from reader_study.build.study import Study
from reader_study.clock import Clock, SystemClock
from reader_study.reading import recording
from reader_study.reading.answers import (
    check_complete,
    check_draft,
    check_reason,
    check_seconds,
)
from reader_study.reading.progress import Progress
from reader_study.reading.reading import (
    Reading,
    find_reading,
    require_at_hand,
    require_correctable,
    require_opened,
    require_signable,
)
from reader_study.reading.receipt import Receipt, TrialReceipt
from reader_study.reading.situation import Situation, find_situation
from reader_study.store import readings
from reader_study.store.readings import Draft, Response, find_responses
from reader_study.store.store import Store
from reader_study.store.transaction import Transaction, not_before, read_head

Answers = Mapping[str, int]
Reasons = Mapping[str, str]


class ReadingSession:
    """One reader in one study.

    It keeps nothing itself: the place in the study is what the store says, so that a
    second tab, a second device or a restart all see the same.

    Args:
        study: The built study.
        store: Its store.
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

    def progress(self) -> Progress:
        """Say where the reader stands.

        Raises:
            ReaderError: If the reader takes no part, also in all that follows.
        """
        with self.store.reading() as connection:
            return self._situation(connection).progress

    def next_reading(self) -> Reading | None:
        """Give the reading at hand; it counts as opened from the first time on.

        None: the trial waits for its signature, the washout is not over, or all is
        done; `progress` says which. A `StudyError` if the study is not open.
        """
        with self.store.reading() as connection:
            found = find_reading(self.study, connection, self._situation(connection))
        if found is None or found.opened_at:
            return found
        with self.store.writing(self.clock) as t:
            found = find_reading(self.study, t.connection, self._writing(t))
            if found is not None and not found.opened_at:
                trial, n = found.trial, found.position
                recording.record_opening(t, self.reader, trial, found.token, n)
        return found

    def image(self, token: str) -> bytes:
        """Give the image of a reading that this reader has opened, checked.

        Raises:
            StudyError: If the reader has not opened it, or it was swapped.
        """
        with self.store.reading() as connection:
            self._situation(connection)
            opened = require_opened(connection, self.reader, token)
        return self.study.image_bytes(opened.token)

    def save_draft(self, token: str, answers: Answers, reasons: Reasons) -> str:
        """Keep answers on the way, complete or not, and give the server's time.

        Raises:
            AnswersError: If an answer is not on the scale or a text cannot be kept.
            StaleReadingError: If it is not the reading at hand.
        """
        check_draft(self.study.questionnaire, answers, reasons)
        with self.store.writing(self.clock) as t:
            opened = require_opened(t.connection, self.reader, token)
            require_at_hand(self._writing(t), opened)
            readings.replace_draft(t.connection, opened, Draft(answers, reasons), t.now)
            return t.now

    def submit(
        self,
        token: str,
        answers: Answers,
        reasons: Reasons,
        *,
        active_seconds: float | None = None,
    ) -> Receipt:
        """Store the answers of a reading, once; sent again, it has the same receipt.

        Raises:
            AnswersError: If answers are incomplete or not on the scale.
            StaleReadingError: If it is not the reading at hand.
            StudyError: If the study is not open, or the store cannot be written.
        """
        check_complete(self.study.questionnaire, answers, reasons)
        seconds = check_seconds(active_seconds)
        return self._submit(
            token, recording.Given.of(answers, reasons, active_seconds=seconds)
        )

    def decline(self, token: str, why: str) -> Receipt:
        """Leave a reading unanswered, with a reason; it counts as missing.

        Raises:
            StudyError: If there is no reason, or it is not the reading at hand.
        """
        return self._submit(token, recording.Given.of({}, {}, note=check_reason(why)))

    def correct(
        self, token: str, answers: Answers, reasons: Reasons, *, why: str
    ) -> Receipt:
        """Store a correction beside what was answered before.

        Raises:
            StudyError: If answers or reason are incomplete, or it is not allowed.
        """
        check_complete(self.study.questionnaire, answers, reasons)
        given = recording.Given.of(answers, reasons, note=check_reason(why))
        with self.store.writing(self.clock) as t:
            situation = self._writing(t)
            opened = require_opened(t.connection, self.reader, token)
            stored = find_responses(t.connection, self.reader, opened.token)
            if not stored or not given.same_as(stored[-1]):
                require_correctable(situation, stored)
                n, simulated = len(stored) + 1, situation.simulated
                new = recording.record_response(
                    t, opened, given, n, simulated=simulated
                )
                stored = (*stored, new)
            return recording.receipt_of(t, self.study, stored[-1])

    def answered(self) -> tuple[Response, ...]:
        """Give the answers of the trial at hand, for a last look before signing."""
        with self.store.reading() as connection:
            trial = self._situation(connection).progress.trial
            stored = readings.latest(find_responses(connection, self.reader))
        return tuple(r for r in stored.values() if r.trial == trial)

    def sign(self, trial: int) -> TrialReceipt:
        """Sign a trial, whose answers then stay; again, it has the same receipt.

        Raises:
            StudyError: If readings of the trial are not answered, or it is not open.
        """
        with self.store.writing(self.clock) as t:
            situation = self._writing(t)
            signed = readings.find_signatures(t.connection, self.reader)
            signature = signed.get((self.reader, trial))
            if signature is None:
                n = require_signable(situation, trial)
                signature = recording.record_signature(t, self.reader, trial, n)
            return recording.receipt_of_trial(t, signature)

    def _submit(self, token: str, given: recording.Given) -> Receipt:
        with self.store.writing(self.clock) as t:
            situation = self._writing(t)
            opened = require_opened(t.connection, self.reader, token)
            for stored in find_responses(t.connection, self.reader, opened.token):
                if given.same_as(stored):
                    return recording.receipt_of(t, self.study, stored)
            require_at_hand(situation, opened)
            simulated = situation.simulated
            new = recording.record_response(t, opened, given, 1, simulated=simulated)
            return recording.receipt_of(t, self.study, new)

    def _writing(self, t: Transaction) -> Situation:
        return find_situation(self.study, t.connection, self.reader, t.now)

    def _situation(self, connection: Connection) -> Situation:
        now = not_before(read_head(connection), self.clock.now())
        return find_situation(self.study, connection, self.reader, now)
