"""Confirmations before reading: each is stored once, with its version."""

from collections.abc import Mapping
from enum import StrEnum

from reader_study.clock import Clock
from reader_study.store import readers
from reader_study.store.milestones import find_milestones, phase_of, require_open
from reader_study.store.store import Store


class Confirmation(StrEnum):
    """What can be confirmed."""

    INSTRUCTIONS = "instructions.accepted"
    """Instructions read, and consent to take part."""

    DISPLAY = "display.checked"


def acknowledge(
    store: Store,
    reader: str,
    kind: Confirmation,
    version: str,
    *,
    clock: Clock,
    details: Mapping[str, object] | None = None,
) -> None:
    """Keep that a reader has confirmed something; sent again, it is one record.

    Args:
        store: Store of the study.
        reader: Name of the reader, who has signed in (see `running.access`).
        kind: What is confirmed.
        version: Version of it, such as the protocol's hash.
        clock: The server's clock.
        details: Particulars, such as the size of the window.

    Raises:
        StudyError: If the study is not open, or the store cannot be written.
    """
    with store.writing(clock) as t:
        there = readers.find_acknowledgements(t.connection, reader)
        if (kind, version) not in {(a.kind, a.version) for a in there}:
            require_open(phase_of(find_milestones(t.connection)))
            readers.keep_acknowledgement(t, reader, kind.value, version, details or {})


def acknowledged_versions(store: Store, reader: str, kind: Confirmation) -> set[str]:
    """Return the versions that a reader has confirmed."""
    with store.reading() as connection:
        found = readers.find_acknowledgements(connection, reader)
    return {a.version for a in found if a.kind == kind}
