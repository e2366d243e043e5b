"""State of a reader: which reading is next, and whether it may be read now."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import cached_property

from sqlalchemy import Connection

from reader_study.building.study import Study
from reader_study.clock import from_text, to_text
from reader_study.errors import StudyError
from reader_study.formats.protocol import Protocol
from reader_study.store import milestones as store_milestones
from reader_study.store.readers import find_reader
from reader_study.store.readings import answered_tokens, find_signatures

EARLY_START = "early_start"
"""Deviation that lets a trial begin before the washout is over."""


class ReaderError(StudyError):
    """Somebody is not, or no longer, a reader of this study."""


class Due(StrEnum):
    """What a reader has to do now, in the order in which it comes in a trial."""

    NOT_OPEN = "not open"
    """Nothing: the study is not open yet, or the data are locked."""

    WASHOUT = "washout"
    """To wait until the washout is over."""

    TRAINING = "training"
    """To go through the training before the current trial, in `training`."""

    READING = "reading"
    """To answer or decline `next_reading`."""

    SIGNATURE = "signature"
    """To `sign` the current trial."""

    CLOSING = "closing"
    """To answer the closing questions, with `answer_closing`."""

    NOTHING = "nothing"
    """Nothing: all is done."""


@dataclass(frozen=True)
class ReaderHistory:
    """What a reader has done so far.

    Attributes:
        reader: Name of the reader.
        orders: Tokens in the order of presentation, by trial.
        answered: Tokens that have a response.
        signed: Time of the signature, by trial.
        early: Trials that may begin before the washout is over.
        withdrawn: Tokens of cases that are not shown any more.
    """

    reader: str
    orders: Mapping[int, Sequence[str]]
    answered: Collection[str] = ()
    signed: Mapping[int, str] = field(default_factory=dict)
    early: Collection[int] = ()
    withdrawn: Collection[str] = ()


@dataclass(frozen=True)
class ReaderState:
    """What a reader may do at one moment; all that a screen shows follows from it.

    Attributes:
        history: What the reader has done so far.
        protocol: The protocol with all amendments.
        phase: How far the study has come.
        now: Time of the server.
        simulated: Whether the study has bots, or the reader is one.
    """

    history: ReaderHistory
    protocol: Protocol
    phase: store_milestones.Phase
    now: str
    simulated: bool = False

    @property
    def reader(self) -> str:
        """Name of the reader."""
        return self.history.reader

    @cached_property
    def finished(self) -> bool:
        """Whether all trials are signed."""
        return not self._unsigned

    @cached_property
    def trial(self) -> int:
        """The current trial; the last one when all are signed."""
        return self._unsigned[0] if self._unsigned else max(self.history.orders)

    @property
    def n_readings(self) -> int:
        """Number of readings of the current trial."""
        return len(self.history.orders[self.trial])

    @property
    def n_answered(self) -> int:
        """Number of readings of the current trial that are answered or withdrawn."""
        return self.n_readings - len(self._left)

    @cached_property
    def washout_until(self) -> str | None:
        """Time before which the current trial may not begin; None if it may now."""
        signed = self.history.signed
        earlier = [signed[trial] for trial in signed if trial < self.trial]
        if self.finished or not earlier or self.trial in self.history.early:
            return None
        washout = timedelta(days=self.protocol.washout_before(self.trial))
        until = to_text(from_text(max(earlier)) + washout)
        return until if self.now < until else None

    @property
    def may_sign(self) -> bool:
        """Whether the current trial is answered and waits for the signature."""
        return self._may_go_on and not self._left

    @property
    def token(self) -> str | None:
        """The next reading; None if there is none to read now."""
        return self._left[0] if self._may_go_on and self._left else None

    @property
    def token_ahead(self) -> str | None:
        """The reading after the next one in this trial; None if there is none.

        Nor is there while a first step is at hand: the second is locked until then.
        """
        if self.step == 1 or not self._may_go_on or len(self._left) < 2:
            return None
        return self._left[1]

    def step_of(self, position: int) -> int:
        """Return which step of its case a place of the order is.

        1 without the aid, 2 with it; 0 where cases are read in one.
        """
        if self.protocol.design.display != "aided":
            return 0
        return 2 - position % 2

    @property
    def step(self) -> int:
        """Which step of its case the next reading is; 0 where cases are read in one."""
        return self.step_of(self.position) if self.position else 0

    @property
    def token_before(self) -> str | None:
        """The first step of the case whose second is at hand; None otherwise."""
        if self.step != 2:
            return None
        return self.history.orders[self.trial][self.position - 2]

    @property
    def position(self) -> int:
        """Place of the next reading in the order, from 1; 0 if there is none."""
        if self.token is None:
            return 0
        return self.history.orders[self.trial].index(self.token) + 1

    def due(self, *, to_practise: bool = False, to_close: bool = False) -> Due:
        """Return what the reader has to do now.

        Args:
            to_practise: Whether training before the current trial is left.
            to_close: Whether closing questions are asked and not answered.
        """
        is_open = self.phase is store_milestones.Phase.OPEN
        if self.finished:
            return Due.CLOSING if to_close and is_open else Due.NOTHING
        needs = (
            (Due.NOT_OPEN, not is_open),
            (Due.WASHOUT, self.washout_until is not None),
            (Due.SIGNATURE, self.may_sign),
            (Due.TRAINING, to_practise),
        )
        return next((due for due, needed in needs if needed), Due.READING)

    @property
    def _may_go_on(self) -> bool:
        return not self.finished and self.washout_until is None

    @cached_property
    def _unsigned(self) -> list[int]:
        trials = sorted(self.history.orders)
        return [trial for trial in trials if trial not in self.history.signed]

    @cached_property
    def _left(self) -> list[str]:
        if self.finished:
            return []
        order = self.history.orders[self.trial]
        done = {*self.history.answered, *self.history.withdrawn}
        return [token for token in order if token not in done]


def find_reader_state(
    study: Study, connection: Connection, name: str, now: str
) -> ReaderState:
    """Return the state of a reader.

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
    milestones = store_milestones.find_milestones(connection)
    signed = find_signatures(connection, name)
    early = {
        deviation.trial
        for deviation in store_milestones.find_deviations(connection)
        if deviation.kind == EARLY_START and deviation.reader == name
    }
    history = ReaderHistory(
        name,
        study.manifest.slot(reader.slot).orders,
        answered_tokens(connection, name),
        {trial: signature.signed_at for (_, trial), signature in signed.items()},
        early,
        store_milestones.withdrawn_tokens(milestones),
    )
    return ReaderState(
        history,
        store_milestones.effective_protocol(study.protocol, milestones),
        store_milestones.phase_of(milestones),
        now,
        simulated=reader.simulated or store_milestones.is_simulated(milestones),
    )
