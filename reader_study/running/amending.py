"""What goes otherwise than planned: amendments of the protocol, and early starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reader_study.build.study import Study
from reader_study.clock import Clock
from reader_study.errors import StudyError
from reader_study.reading.answers import check_reason, check_text
from reader_study.reading.situation import EARLY_START
from reader_study.store.chain import Head
from reader_study.store.milestones import (
    Deviation,
    Kind,
    add_deviation,
    add_milestone,
    find_milestones,
)
from reader_study.store.phase import AMENDABLE, Phase, amended, phase_of
from reader_study.store.readers import find_reader
from reader_study.store.store import Store
from reader_study.store.transaction import Transaction


@dataclass(frozen=True)
class Amendment:
    """A change of the protocol; study.toml itself stays as it was built.

    Attributes:
        change: What is done otherwise, in words.
        reason: Why.
        by: Who decided.
        settings: Those of `AMENDABLE` that take effect by themselves.
    """

    change: str
    reason: str
    by: str
    settings: Mapping[str, float | bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for text in (self.change, self.reason, self.by):
            check_reason(text)
        unknown = sorted(set(self.settings) - set(AMENDABLE))
        if unknown:
            msg = f"Only {', '.join(AMENDABLE)} can be amended, got {unknown[0]}"
            raise StudyError(msg)


@dataclass(frozen=True)
class EarlyStart:
    """Leave to begin a trial before the washout is over.

    Attributes:
        reader: Who may begin.
        trial: Which trial.
        reason: Why.
        by: Who records it.
        second: Who approves it.
    """

    reader: str
    trial: int
    reason: str
    by: str
    second: str

    def __post_init__(self) -> None:
        check_reason(self.reason)
        require_two(self.by, self.second)


def amend(study: Study, store: Store, amendment: Amendment, *, clock: Clock) -> Head:
    """Record an amendment.

    Raises:
        StudyError: If the protocol cannot have such values, or the data are locked.
    """
    with store.writing(clock) as t:
        milestones = find_milestones(t.connection)
        if phase_of(milestones) in {Phase.LOCKED, Phase.UNBLINDED}:
            msg = "The data are locked; the protocol stays as it is"
            raise StudyError(msg)
        head = add_milestone(t, Kind.AMENDED, amendment.by, vars(amendment))
        amended(study.protocol, find_milestones(t.connection))
        return head


def permit_early_start(
    study: Study, store: Store, start: EarlyStart, *, clock: Clock
) -> Head:
    """Record that a reader may begin early: a deviation that two people stand for.

    Raises:
        StudyError: If there is no such reader or trial, or the study is not open.
    """
    with store.writing(clock) as t:
        require_phase(t, Phase.OPEN, "deviated from")
        reader = find_reader(t.connection, start.reader)
        if reader is None:
            msg = f"There is no reader {start.reader!r}"
            raise StudyError(msg)
        study.manifest.orders(reader.slot, start.trial)
        deviation = Deviation(
            EARLY_START, start.reader, start.trial, start.reason, start.by, start.second
        )
        return add_deviation(t, deviation)


def require_two(first: str, second: str) -> None:
    """Refuse where two people must agree and there are not two names.

    Raises:
        StudyError: If a name is missing or both are the same.
    """
    names = [check_text(name, "A name").strip() for name in (first, second)]
    if not all(names) or names[0].casefold() == names[1].casefold():
        msg = f"Two different names must be given, got {names[0]!r} and {names[1]!r}"
        raise StudyError(msg)


def require_phase(t: Transaction, phase: Phase, what: str) -> None:
    """Refuse what a study may only be in one phase.

    Raises:
        StudyError: If it is in another one.
    """
    found = phase_of(find_milestones(t.connection))
    if found is not phase:
        msg = f"A study must be {phase} to be {what}, this one is {found}"
        raise StudyError(msg)
