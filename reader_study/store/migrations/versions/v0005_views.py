"""What was on screen before an answer, where readers scroll through stacks."""

from alembic import op
from sqlalchemy import Column, ForeignKey, Integer, PrimaryKeyConstraint, Text

from reader_study.store.migrations.append_only import keep, stop_at_lock

revision = "0005"
down_revision = "0004"

_KEY = ("reader", "trial", "token")


def upgrade() -> None:
    """Create the table and its triggers."""
    op.create_table(
        "views",
        Column("reader", Text, ForeignKey("readers.name"), nullable=False),
        Column("trial", Integer, nullable=False),
        *(Column(name, Text, nullable=False) for name in ("token", "seen", "salt")),
        PrimaryKeyConstraint(*_KEY),
    )
    postgresql = op.get_bind().dialect.name == "postgresql"
    keep(_execute, {"views": _KEY}, postgresql=postgresql)
    stop_at_lock(_execute, ("views",), postgresql=postgresql)


def _execute(statement: str) -> None:
    op.get_bind().exec_driver_sql(statement)
