"""What readers confirm before they read: entries of the study's log."""

import json
from collections.abc import Mapping
from enum import StrEnum

from sqlalchemy import select

from reader_study.clock import Clock
from reader_study.store.store import Store
from reader_study.store.tables import audit_log


class Kind(StrEnum):
    """What can be confirmed."""

    INSTRUCTIONS = "instructions.accepted"
    DISPLAY = "display.checked"


def acknowledge(
    store: Store,
    reader: str,
    kind: Kind,
    version: str,
    *,
    clock: Clock,
    details: Mapping[str, object] | None = None,
) -> None:
    """Log that a reader has confirmed something; sent again, it is one entry.

    Args:
        store: Of the study.
        reader: Who.
        kind: What.
        version: Of what was confirmed, such as the protocol's hash.
        clock: The server's clock.
        details: Particulars, such as the size of the window.

    Raises:
        StudyError: If the store cannot be written.
    """
    if version in acknowledged_versions(store, reader, kind):
        return
    with store.writing(clock) as t:
        t.log(kind.value, reader, {"version": version, **(details or {})})


def acknowledged_versions(store: Store, reader: str, kind: Kind) -> set[str]:
    """Give the versions that a reader has confirmed."""
    # The log is canonical JSON, so its text can be searched before it is parsed.
    wanted = audit_log.c.entry.contains(f'"event":"{kind.value}"', autoescape=True)
    with store.reading() as connection:
        entries = connection.scalars(select(audit_log.c.entry).where(wanted)).all()
    parsed = [json.loads(entry) for entry in entries]
    return {e["details"]["version"] for e in parsed if e["actor"] == reader}
