"""Milestones of a study, the phase that follows from them, and deviations."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Table, func, select

from reader_study.errors import StudyError
from reader_study.formats.canonical import canonical_bytes, sha256_of
from reader_study.formats.manifest import program_version
from reader_study.formats.protocol import Protocol
from reader_study.store.stored import damaged, stored_json, stored_word
from reader_study.store.tables import COVERED, FROZEN, deviations, metadata, milestones
from reader_study.store.transaction import Head, Transaction, row_digest

AMENDABLE = ("corrections", "n_readers", "washout_days")
"""Settings that an amendment may change while readers read; the design is fixed."""

_PROGRAM = "program"
"""Detail of each stored milestone beside its own: the program's version."""


class MilestoneKind(StrEnum):
    """What can happen to a study."""

    CREATED = "created"
    SIMULATED = "simulated"
    OPENED = "opened"
    SERVED = "served"
    """While open, by another version of the program than before."""
    AMENDED = "amended"
    WITHDRAWN = "withdrawn"
    LOCKED = "locked"
    UNBLINDED = "unblinded"


@dataclass(frozen=True)
class Milestone:
    """Something that happened to a study.

    Attributes:
        kind: What happened.
        details: Particulars of it.
        recorded_at: Time of the server.
        program: Version of the program that recorded it; empty where it was earlier
            than those that say so.
    """

    kind: MilestoneKind
    details: Mapping[str, Any]
    recorded_at: str
    program: str = ""

    def detail(self, name: str) -> Any:  # noqa: ANN401
        """Return one of the details.

        Raises:
            StudyError: If it is not there, as in a damaged database.
        """
        if name not in self.details:
            where = f"milestones, {self.kind} of {self.recorded_at},"
            raise damaged(where)
        return self.details[name]


@dataclass(frozen=True)
class Deviation:
    """Something that went otherwise than the protocol says.

    Attributes:
        kind: Kind of deviation, such as `early_start`.
        reader: Name of the reader concerned; empty if none in particular.
        trial: Number of the trial; 0 if none in particular.
        reason: Reason for it.
        recorded_by: Name of who recorded it.
        approved_by: Second person; empty where none is asked for.
        recorded_at: Time of the server.
    """

    kind: str
    reader: str
    trial: int
    reason: str
    recorded_by: str
    approved_by: str = ""
    recorded_at: str = ""


def find_milestones(connection: Connection) -> tuple[Milestone, ...]:
    """Return all milestones in their order."""
    rows = connection.execute(select(milestones).order_by(milestones.c.id))
    return tuple(map(_milestone, rows))


def _milestone(row: Any) -> Milestone:  # noqa: ANN401  (a row of SQLAlchemy)
    where = f"milestones [{row.id}]"
    details = dict(stored_json(row.details, where))
    program = str(details.pop(_PROGRAM, ""))
    kind = stored_word(MilestoneKind, row.kind, where)
    return Milestone(kind, details, row.recorded_at, program)


def add_milestone(
    transaction: Transaction,
    kind: MilestoneKind,
    actor: str,
    details: Mapping[str, object],
) -> Head:
    """Record a milestone, and the version of the program that does."""
    row = {
        "id": _next_id(transaction.connection, milestones),
        "kind": kind.value,
        "details": canonical_bytes({**details, _PROGRAM: program_version()}).decode(),
        "recorded_at": transaction.now,
    }
    return transaction.keep(milestones, row, f"study.{kind}", actor, {})


def find_deviations(connection: Connection) -> tuple[Deviation, ...]:
    """Return all deviations in their order."""
    rows = connection.execute(select(deviations).order_by(deviations.c.id)).mappings()
    return tuple(
        Deviation(**{name: row[name] for name in row if name != "id"}) for row in rows
    )


def add_deviation(transaction: Transaction, deviation: Deviation) -> Head:
    """Record a deviation; its words stay out of the log."""
    row = {
        **vars(deviation),
        "id": _next_id(transaction.connection, deviations),
        "recorded_at": transaction.now,
    }
    details = {
        "kind": deviation.kind,
        "reader": deviation.reader,
        "trial": deviation.trial,
    }
    return transaction.keep(
        deviations, row, "deviation.recorded", deviation.recorded_by, details
    )


def data_sha256(connection: Connection) -> str:
    """Return the hash of everything that the data lock freezes."""
    digests = []
    for name in FROZEN:
        table = metadata.tables[name]
        rows = connection.execute(select(table)).mappings()
        digests += [row_digest(name, dict(row), COVERED[name]) for row in rows]
    return sha256_of(sorted(digests))


class Phase(StrEnum):
    """How far a study has come."""

    BUILT = "built"
    OPEN = "open"
    LOCKED = "locked"
    UNBLINDED = "unblinded"


_REACHED = (
    (MilestoneKind.UNBLINDED, Phase.UNBLINDED),
    (MilestoneKind.LOCKED, Phase.LOCKED),
    (MilestoneKind.OPENED, Phase.OPEN),
)


def phase_of(milestones: Iterable[Milestone]) -> Phase:
    """Return the last phase that was reached."""
    kinds = {milestone.kind for milestone in milestones}
    return next((phase for kind, phase in _REACHED if kind in kinds), Phase.BUILT)


def is_simulated(milestones: Iterable[Milestone]) -> bool:
    """Whether bots have read; it stays so for ever."""
    return any(milestone.kind is MilestoneKind.SIMULATED for milestone in milestones)


def withdrawn_tokens(milestones: Iterable[Milestone]) -> frozenset[str]:
    """Return the tokens by which cases were withdrawn."""
    found = (m for m in milestones if m.kind is MilestoneKind.WITHDRAWN)
    return frozenset(token for m in found for token in m.detail("tokens"))


def require_open(phase: Phase) -> None:
    """Refuse readings before the study is opened and after the data lock.

    Raises:
        StudyError: If the study is not open.
    """
    if phase is not Phase.OPEN:
        why = (
            "is not open yet" if phase is Phase.BUILT else "is closed, data are locked"
        )
        msg = f"The study {why}; no answer was stored"
        raise StudyError(msg)


def effective_protocol(protocol: Protocol, milestones: Sequence[Milestone]) -> Protocol:
    """Return the protocol with all amendments.

    Raises:
        StudyError: If an amended value cannot be used.
    """
    for milestone in milestones:
        if milestone.kind is MilestoneKind.AMENDED:
            settings = milestone.detail("settings")
            layout = protocol.layout
            if "washout_days" in settings and layout is not None:
                layout = replace(layout, washout_days=())  # amended for all of them
            protocol = replace(protocol, layout=layout, **settings)
    return protocol


def _next_id(connection: Connection, table: Table) -> int:
    newest = connection.execute(select(func.max(table.c.id))).scalar()
    return int(newest or 0) + 1
