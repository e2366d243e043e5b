"""The course of a study: when it may be opened, open it, lock the data."""

from collections.abc import Mapping

from reader_study.build.study import Study
from reader_study.clock import Clock
from reader_study.errors import StudyError
from reader_study.reading.answers import check_reason
from reader_study.running.amending import require_phase
from reader_study.running.status import Status, read_status
from reader_study.store.chain import Head
from reader_study.store.milestones import (
    Deviation,
    Kind,
    add_deviation,
    add_milestone,
    data_sha256,
)
from reader_study.store.phase import Phase
from reader_study.store.readings import count_responses
from reader_study.store.store import Store
from reader_study.store.verifying import verify

INCOMPLETE_LOCK = "incomplete_lock"
"""Deviation that says why data were locked before all trials were signed."""


def readiness(study: Study, store: Store) -> list[str]:
    """Say why the study cannot be opened; empty if it can."""
    with store.reading() as connection:
        status = read_status(study, connection)
        faults = verify(connection).faults
    problems = [*missing_readers(status), *faults]
    if status.phase is not Phase.BUILT:
        problems.append(f"it is {status.phase} already")
    try:
        study.check_images()
    except StudyError as error:
        problems.append(str(error))
    return problems


def open_for_reading(study: Study, store: Store, *, by: str, clock: Clock) -> Head:
    """Let readers begin.

    Raises:
        StudyError: If the study is not ready; every reason is named.
    """
    actor = check_reason(by)
    problems = readiness(study, store)
    if problems:
        raise StudyError("The study cannot be opened: " + "; ".join(problems))
    with store.writing(clock) as t:
        require_phase(t, Phase.BUILT, "opened")
        readers = [reader.name for reader in read_status(study, t.connection).readers]
        return add_milestone(t, Kind.OPENED, actor, {"readers": readers})


def lock(
    study: Study, store: Store, *, by: str, clock: Clock, incomplete: str = ""
) -> Mapping[str, object]:
    """Freeze the data: no answer, reader or deviation is added any more.

    Args:
        study: The built study.
        store: Its store.
        by: Who locks.
        clock: The server's clock.
        incomplete: Why data are locked although trials are not signed; a deviation.

    Returns:
        The lock record, to be kept elsewhere as an anchor.

    Raises:
        StudyError: If trials are not signed and no reason is given, or the log does
            not verify.
    """
    actor = check_reason(by)
    with store.writing(clock) as t:
        require_phase(t, Phase.OPEN, "locked")
        faults = verify(t.connection).faults
        if faults:
            raise StudyError("The data cannot be locked: " + "; ".join(faults))
        unsigned = unsigned_trials(read_status(study, t.connection))
        if unsigned and not incomplete:
            msg = "The data cannot be locked: " + "; ".join(unsigned)
            raise StudyError(msg)
        if unsigned:
            kept = check_reason(incomplete)
            add_deviation(t, Deviation(INCOMPLETE_LOCK, "", 0, kept, actor))
        record: dict[str, object] = {
            "study_id": study.manifest.study_id,
            "data_sha256": data_sha256(t.connection),
            "n_responses": count_responses(t.connection),
            "by": actor,
            "locked_at": t.now,
        }
        head = add_milestone(t, Kind.LOCKED, actor, record)
    return record | {"head": vars(head)}


def missing_readers(status: Status) -> list[str]:
    """Say how many readers are missing before the study can be opened."""
    active = sum(reader.active for reader in status.readers)
    if active >= status.n_planned:
        return []
    return [f"{status.n_planned} readers must be there, got {active}"]


def unsigned_trials(status: Status) -> list[str]:
    """Name the trials that must be signed before the data can be locked."""
    active = {reader.name for reader in status.readers if reader.active}
    return [
        f"{trial.reader} has not signed trial {trial.trial} "
        f"({trial.n_submitted + trial.n_declined} of {trial.n_assigned} answered)"
        for trial in status.trials
        if trial.reader in active and not trial.signed_at
    ]
