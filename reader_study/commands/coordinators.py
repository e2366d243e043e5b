"""The commands `magic-study coordinator ...`."""

from pathlib import Path

from reader_study.clock import SystemClock
from reader_study.commands.store_of import running
from reader_study.running import coordinators
from reader_study.store.access import all_coordinators


def add(folder: Path, database: str | None, name: str, *, by: str) -> str:
    """Open an account and give its passphrase to hand over."""
    with running(folder, database) as (_, store):
        passphrase = coordinators.add_coordinator(
            store, name, by=by, clock=SystemClock()
        )
    return (
        f"Passphrase for {name}: {passphrase}\n"
        "It opens the monitor until it is revoked, and is shown only here."
    )


def show(folder: Path, database: str | None) -> str:
    """List the coordinators."""
    with running(folder, database) as (_, store), store.reading() as connection:
        found = all_coordinators(connection)
    lines = [
        f"{c.name:<16}{'active' if c.active else 'revoked':<10}since "
        f"{(c.added_at if c.active else c.revoked_at)[:10]}"
        for c in found
    ]
    return "\n".join(lines) or "No coordinators yet"


def revoke(folder: Path, database: str | None, name: str, *, by: str) -> str:
    """Close an account and end its sessions."""
    with running(folder, database) as (_, store):
        number = coordinators.revoke_coordinator(
            store, name, by=by, clock=SystemClock()
        )
    return f"The passphrase of {name} is worthless now; {number} sessions have ended"
