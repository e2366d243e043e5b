"""What readers confirm, how they practise, and what they are asked at the end."""

from alembic import op
from sqlalchemy import Boolean, Column, ForeignKey, Integer, PrimaryKeyConstraint, Text

from reader_study.store.migrations.append_only import keep, stop_at_lock

revision = "0003"
down_revision = "0002"

_KEYS = {
    "acknowledgements": ("reader", "kind", "version"),
    "training_steps": ("reader", "trial", "token", "step"),
    "closing_answers": ("reader",),
}


def upgrade() -> None:
    """Create the tables and their triggers."""
    op.create_table(
        "acknowledgements",
        _reader(),
        *map(_text, ("kind", "version", "details", "acknowledged_at")),
        PrimaryKeyConstraint(*_KEYS["acknowledgements"]),
    )
    op.create_table(
        "training_steps",
        *(_reader(), Column("trial", Integer, nullable=False)),
        *map(_text, ("token", "step", "answers", "reasons")),
        Column("simulated", Boolean, nullable=False),
        *map(_text, ("recorded_at", "salt")),
        PrimaryKeyConstraint(*_KEYS["training_steps"]),
    )
    op.create_table(
        "closing_answers",
        _reader(),
        *map(_text, ("recognised", "which", "synthetic", "cues")),
        Column("confidence", Integer, nullable=False),
        Column("simulated", Boolean, nullable=False),
        *map(_text, ("answered_at", "salt")),
        PrimaryKeyConstraint(*_KEYS["closing_answers"]),
    )
    postgresql = op.get_bind().dialect.name == "postgresql"
    keep(_execute, _KEYS, postgresql=postgresql)
    stop_at_lock(_execute, tuple(_KEYS), postgresql=postgresql)


def _execute(statement: str) -> None:
    op.get_bind().exec_driver_sql(statement)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _reader() -> Column[str]:
    return Column("reader", Text, ForeignKey("readers.name"), nullable=False)
