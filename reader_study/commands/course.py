"""The commands `open`, `status`, `amend`, `early`, `lock`, `verify` and `export`."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from reader_study.clock import SystemClock
from reader_study.commands.store_of import (
    LOCK_RECORD,
    read_anchors,
    running,
    write_new,
)
from reader_study.errors import StudyError
from reader_study.reading.recording import short_code
from reader_study.running import lifecycle
from reader_study.running.export import masked_csv
from reader_study.running.flow import read_flow
from reader_study.running.lifecycle import Amendment, EarlyStart
from reader_study.running.status import Status, TrialStatus, read_status
from reader_study.store.milestones import Phase
from reader_study.store.readings import find_responses
from reader_study.store.verifying import verify as verify_store


def open_(folder: Path, database: str | None, *, by: str) -> str:
    """Let readers begin."""
    with running(folder, database) as (study, store):
        head = lifecycle.open_for_reading(study, store, by=by, clock=SystemClock())
    commitment = study.manifest.commitment
    return f"Open. Entry {short_code(head)}; commitment to the key {commitment}"


def status(folder: Path, database: str | None, *, as_json: bool) -> str:
    """Show how far everybody has come; never an answer."""
    with running(folder, database) as (study, store):
        with store.reading() as connection:
            flow = read_flow(study, connection)
        problems = (
            lifecycle.readiness(study, store)
            if flow.status.phase is Phase.BUILT
            else []
        )
    if as_json:
        return json.dumps(flow.to_record().to_dict() | {"problems": problems}, indent=2)
    lines = [*_heading(flow.status), *map(_line, flow.status.trials)]
    lines += _closing(flow.status)
    lines += [f"Cannot be opened: {problem}" for problem in problems]
    return "\n".join(lines)


def amend(folder: Path, database: str | None, amendment: Amendment) -> str:
    """Record an amendment of the protocol."""
    with running(folder, database) as (study, store):
        head = lifecycle.amend(study, store, amendment, clock=SystemClock())
    return f"Amended. Entry {short_code(head)}"


def early(folder: Path, database: str | None, start: EarlyStart) -> str:
    """Record that a reader may begin a trial early."""
    with running(folder, database) as (study, store):
        clock = SystemClock()
        head = lifecycle.permit_early_start(study, store, start, clock=clock)
    return f"Recorded as a deviation. Entry {short_code(head)}"


def lock(folder: Path, database: str | None, *, by: str, incomplete: str) -> str:
    """Freeze the data and write the lock record."""
    with running(folder, database) as (study, store):
        record = lifecycle.lock(
            study, store, by=by, clock=SystemClock(), incomplete=incomplete
        )
        with store.reading() as connection:
            left = _closing(read_status(study, connection))
    path = folder / LOCK_RECORD
    write_new(path, json.dumps(record, indent=2) + "\n")
    return "\n".join(
        [
            f"Locked: {record['n_responses']} answers, SHA-256 {record['data_sha256']}",
            *left,
            f"Keep a copy of {path} elsewhere; it anchors the log.",
        ]
    )


def verify(
    folder: Path, database: str | None, anchors: Sequence[Path]
) -> tuple[str, bool]:
    """Check the log and everything that it covers.

    Returns:
        What to print, and whether all is as it was written.
    """
    with running(folder, database) as (study, store):
        known = read_anchors(study, anchors)
        with store.reading() as connection:
            found = verify_store(connection, known)
    if found.faults:
        return "\n".join([*found.faults, f"{len(found.faults)} faults"]), False
    anchored = f", {len(known)} anchors fit" if known else ""
    text = f"{found.head.n} entries verified{anchored}; last {found.head.sha256}"
    return text, True


def export(folder: Path, database: str | None, out: Path, *, by: str) -> str:
    """Write all answers without what the images are; the log keeps that it was done."""
    with running(folder, database) as (study, store):
        with store.reading() as connection:
            responses = find_responses(connection)
        text = masked_csv(study, responses)
        write_new(out, text)
        details: Mapping[str, object] = {
            "rows": len(responses),
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
        }
        with store.writing(SystemClock()) as t:
            t.log("answers.exported", by, details)
    return f"{out}: {len(responses)} answers, masked"


def set_values(texts: Sequence[str]) -> dict[str, float | bool]:
    """Read settings such as `washout_days=14`.

    Raises:
        StudyError: If a setting is not so written.
    """
    values: dict[str, float | bool] = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            read = json.loads(value)
        except json.JSONDecodeError:
            read = None
        if not isinstance(read, bool | int | float):
            msg = f"A setting must be such as washout_days=14, got {text!r}"
            raise StudyError(msg)
        values[name.strip()] = read
    return values


def _heading(status: Status) -> list[str]:
    simulated = ", SIMULATED" if status.simulated else ""
    active = sum(reader.active for reader in status.readers)
    return [
        f"{status.title}: {status.phase}{simulated}",
        f"{active} of {status.n_planned} readers, {status.n_deviations} deviations, "
        f"washout {status.washout_days:g} days, log {short_code(status.head)}",
        f"{'reader':<16}trial assigned opened submitted declined corrected missing "
        "median s  active s  signed",
    ]


def _closing(status: Status) -> list[str]:
    names = ", ".join(status.closing_missing)
    return [f"Closing questions not answered by {names}"] if names else []


def _line(trial: TrialStatus) -> str:
    t = trial
    return (
        f"{t.reader:<16}{t.trial:>5}{t.n_assigned:>9}{t.n_opened:>7}"
        f"{t.n_submitted:>10}{t.n_declined:>9}{t.n_corrected:>10}{t.n_missing:>8}"
        f"{_seconds(t.seconds):>9}{_seconds(t.active_seconds):>10}  "
        f"{t.signed_at or '-'}"
    )


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"
