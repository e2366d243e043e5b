"""Tables of the store."""

from collections.abc import Mapping

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    text,
)

metadata = MetaData()


acknowledgements = Table(
    "acknowledgements",
    metadata,
    Column("reader", Text, ForeignKey("readers.name"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("version", Text, primary_key=True),
    Column("details", Text, nullable=False),
    Column("acknowledged_at", Text, nullable=False),
)

training_steps = Table(
    "training_steps",
    metadata,
    Column("reader", Text, ForeignKey("readers.name"), primary_key=True),
    Column("trial", Integer, primary_key=True),
    Column("token", Text, primary_key=True),  # empty: all that was left
    Column("step", Text, primary_key=True),  # answered, seen, skipped
    Column("answers", Text, nullable=False),
    Column("reasons", Text, nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("recorded_at", Text, nullable=False),
    # The log shows the hash of a row; without salt it would show the answers.
    Column("salt", Text, nullable=False),
)

closing_answers = Table(
    "closing_answers",
    metadata,
    Column("reader", Text, ForeignKey("readers.name"), primary_key=True),
    Column("recognised", Text, nullable=False),
    Column("which", Text, nullable=False),
    Column("synthetic", Text, nullable=False),  # number believed, by trial
    Column("cues", Text, nullable=False),
    Column("confidence", Integer, nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("answered_at", Text, nullable=False),
    Column("salt", Text, nullable=False),
)

_TABLES = (acknowledgements, closing_answers, training_steps)


readers = Table(
    "readers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("slot", Text, nullable=False),
    Column("specialty", Text, nullable=False),
    Column("years", Float, nullable=False),
    Column("status", Text, nullable=False),  # active, excluded, replaced
    Column("reason", Text, nullable=False),
    Column("replaces", Text, nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("added_at", Text, nullable=False),
    Index(
        "one_active_reader_per_slot",
        "slot",
        unique=True,
        sqlite_where=text("status = 'active'"),
        postgresql_where=text("status = 'active'"),
    ),
)

access_codes = Table(
    "access_codes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("reader", Text, ForeignKey("readers.name"), nullable=False, index=True),
    Column("salt", Text, nullable=False),
    Column("code_hash", Text, nullable=False),
    Column("issued_at", Text, nullable=False),
    Column("expires_at", Text, nullable=False),
    Column("used_at", Text),
    Column("revoked_at", Text),
)

attempts = Table(
    "attempts",
    metadata,
    Column("reader", Text, primary_key=True),  # empty: all together
    Column("failures", Integer, nullable=False),
    Column("blocked_until", Text, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True),  # hash of what the reader's browser holds
    Column("reader", Text, ForeignKey("readers.name"), nullable=False, index=True),
    Column("started_at", Text, nullable=False),
    Column("seen_at", Text, nullable=False),
    Column("ended_at", Text),
)

coordinators = Table(
    "coordinators",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("salt", Text, nullable=False),
    Column("code_hash", Text, nullable=False),
    Column("added_at", Text, nullable=False),
    Column("revoked_at", Text, nullable=False),  # empty: may sign in
    Index(
        "one_active_coordinator_per_name",
        "name",
        unique=True,
        sqlite_where=text("revoked_at = ''"),
        postgresql_where=text("revoked_at = ''"),
    ),
)

coordinator_sessions = Table(
    "coordinator_sessions",
    metadata,
    Column("id", Text, primary_key=True),  # hash of what the browser holds
    Column(
        "coordinator", Text, ForeignKey("coordinators.id"), nullable=False, index=True
    ),
    Column("started_at", Text, nullable=False),
    Column("seen_at", Text, nullable=False),
    Column("ended_at", Text),
)

presentations = Table(
    "presentations",
    metadata,
    Column("reader", Text, ForeignKey("readers.name"), primary_key=True),
    Column("trial", Integer, primary_key=True),
    Column("token", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("opened_at", Text, nullable=False),
)

drafts = Table(
    "drafts",
    metadata,
    Column("reader", Text, ForeignKey("readers.name"), primary_key=True),
    Column("trial", Integer, primary_key=True),
    Column("token", Text, primary_key=True),
    Column("answers", Text, nullable=False),
    Column("reasons", Text, nullable=False),
    Column("saved_at", Text, nullable=False),
)

responses = Table(
    "responses",
    metadata,
    Column("reader", Text, ForeignKey("readers.name"), primary_key=True),
    Column("trial", Integer, primary_key=True),
    Column("token", Text, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("answers", Text, nullable=False),
    Column("reasons", Text, nullable=False),
    Column("note", Text, nullable=False),  # why corrected, or why not answered
    Column("opened_at", Text, nullable=False),
    Column("submitted_at", Text, nullable=False),
    Column("active_seconds", Float),
    Column("simulated", Boolean, nullable=False),
    Column("log_n", Integer, nullable=False),
    # The log shows the hash of a row; without salt it would show the answers.
    Column("salt", Text, nullable=False),
)

signatures = Table(
    "signatures",
    metadata,
    Column("reader", Text, ForeignKey("readers.name"), primary_key=True),
    Column("trial", Integer, primary_key=True),
    Column("n_readings", Integer, nullable=False),
    Column("signed_at", Text, nullable=False),
    Column("log_n", Integer, nullable=False),
)

deviations = Table(
    "deviations",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("reader", Text, nullable=False),
    Column("trial", Integer, nullable=False),  # 0: none in particular
    Column("reason", Text, nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("approved_by", Text, nullable=False),
    Column("recorded_at", Text, nullable=False),
)

milestones = Table(
    "milestones",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("recorded_at", Text, nullable=False),
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("entry", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("sha256", Text, nullable=False),
)

COVERED: Mapping[str, tuple[str, ...]] = {
    "access_codes": ("id", "reader", "salt", "code_hash", "issued_at", "expires_at"),
    **{
        table.name: tuple(column.name for column in table.columns)
        for table in (
            *_TABLES, coordinators, deviations, milestones, presentations,
            readers, responses, signatures,
        )
    },
}  # fmt: skip
"""Columns whose content the log covers; a changed row is found by `verify`."""

FROZEN = (
    "acknowledgements", "closing_answers", "deviations", "presentations", "readers",
    "responses", "signatures", "training_steps",
)  # fmt: skip
"""Tables that the data lock hashes."""
