"""The first tables, and triggers that keep what was written as it was written."""

from alembic import op
from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Integer,
    PrimaryKeyConstraint,
    Text,
    text,
)

from reader_study.store.migrations.append_only import keep, stop_at_lock

revision = "0001"
down_revision = None

_APPEND_ONLY = {
    "audit_log": ("n",),
    "deviations": ("id",),
    "milestones": ("id",),
    "presentations": ("reader", "trial", "token"),
    "responses": ("reader", "trial", "token", "revision"),
    "signatures": ("reader", "trial"),
}
_READING = ("presentations", "responses", "signatures")


def upgrade() -> None:
    """Create all tables and triggers."""
    _create_readers()
    _create_readings()
    _create_records()
    postgresql = op.get_bind().dialect.name == "postgresql"
    keep(_execute, _APPEND_ONLY, postgresql=postgresql)
    stop_at_lock(_execute, _READING, postgresql=postgresql)


def _execute(statement: str) -> None:
    op.get_bind().exec_driver_sql(statement)


def _text(name: str, *, empty: bool = False) -> Column[str]:
    return Column(name, Text, nullable=empty)


def _number(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def _reader() -> Column[str]:
    return Column("reader", Text, ForeignKey("readers.name"), nullable=False)


def _create_readers() -> None:
    op.create_table(
        "readers",
        Column("name", Text, primary_key=True),
        _text("slot"),
        _text("specialty"),
        Column("years", Float, nullable=False),
        _text("status"),
        _text("reason"),
        _text("replaces"),
        Column("simulated", Boolean, nullable=False),
        _text("added_at"),
    )
    active = text("status = 'active'")
    op.create_index(
        "one_active_reader_per_slot",
        "readers",
        ["slot"],
        unique=True,
        sqlite_where=active,
        postgresql_where=active,
    )
    op.create_table(
        "access_codes",
        Column("id", Text, primary_key=True),
        _reader(),
        *map(_text, ("salt", "code_hash", "issued_at", "expires_at")),
        _text("used_at", empty=True),
        _text("revoked_at", empty=True),
    )
    op.create_index("ix_access_codes_reader", "access_codes", ["reader"])
    op.create_table(
        "attempts",
        Column("reader", Text, primary_key=True),
        _number("failures"),
        _text("blocked_until"),
    )
    op.create_table(
        "sessions",
        Column("id", Text, primary_key=True),
        _reader(),
        *map(_text, ("started_at", "seen_at")),
        _text("ended_at", empty=True),
    )
    op.create_index("ix_sessions_reader", "sessions", ["reader"])


def _create_readings() -> None:
    reading = ("reader", "trial", "token")
    op.create_table(
        "presentations",
        *(_reader(), _number("trial"), _text("token"), _number("position")),
        _text("opened_at"),
        PrimaryKeyConstraint(*reading),
    )
    op.create_table(
        "drafts",
        *(_reader(), _number("trial"), _text("token")),
        *map(_text, ("answers", "reasons", "saved_at")),
        PrimaryKeyConstraint(*reading),
    )
    op.create_table(
        "responses",
        *(_reader(), _number("trial"), _text("token"), _number("revision")),
        _number("position"),
        *map(_text, ("answers", "reasons", "note", "opened_at", "submitted_at")),
        Column("active_seconds", Float),
        Column("simulated", Boolean, nullable=False),
        _number("log_n"),
        _text("salt"),
        PrimaryKeyConstraint(*reading, "revision"),
    )
    op.create_table(
        "signatures",
        *(_reader(), _number("trial"), _number("n_readings"), _text("signed_at")),
        _number("log_n"),
        PrimaryKeyConstraint("reader", "trial"),
    )


def _create_records() -> None:
    op.create_table(
        "deviations",
        Column("id", Integer, primary_key=True, autoincrement=False),
        *(_text("kind"), _text("reader"), _number("trial")),
        *map(_text, ("reason", "recorded_by", "approved_by", "recorded_at")),
    )
    op.create_table(
        "milestones",
        Column("id", Integer, primary_key=True, autoincrement=False),
        *map(_text, ("kind", "details", "recorded_at")),
    )
    op.create_table(
        "audit_log",
        Column("n", Integer, primary_key=True, autoincrement=False),
        *map(_text, ("entry", "previous", "sha256")),
    )
