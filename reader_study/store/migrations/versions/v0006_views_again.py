"""What was on screen before a correction, where readers scroll through stacks."""

from alembic import op
from sqlalchemy import Column, ForeignKey, Integer, PrimaryKeyConstraint, Text

from reader_study.store.migrations.append_only import keep, stop_at_lock

revision = "0006"
down_revision = "0005"

_KEY = ("reader", "trial", "token", "revision")


def upgrade() -> None:
    """Create the table and its triggers."""
    op.create_table(
        "views_again",
        Column("reader", Text, ForeignKey("readers.name"), nullable=False),
        Column("trial", Integer, nullable=False),
        Column("token", Text, nullable=False),
        Column("revision", Integer, nullable=False),
        *(Column(name, Text, nullable=False) for name in ("seen", "salt")),
        PrimaryKeyConstraint(*_KEY),
    )
    postgresql = op.get_bind().dialect.name == "postgresql"
    keep(_execute, {"views_again": _KEY}, postgresql=postgresql)
    stop_at_lock(_execute, ("views_again",), postgresql=postgresql)


def _execute(statement: str) -> None:
    op.get_bind().exec_driver_sql(statement)
