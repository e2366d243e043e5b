"""The site of each reader, in a study of several hospitals."""

from alembic import op
from sqlalchemy import Column, ForeignKey, PrimaryKeyConstraint, Text

from reader_study.store.migrations.append_only import keep, stop_at_lock

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the table and its triggers."""
    op.create_table(
        "reader_sites",
        Column("reader", Text, ForeignKey("readers.name"), nullable=False),
        Column("site", Text, nullable=False),
        PrimaryKeyConstraint("reader"),
    )
    postgresql = op.get_bind().dialect.name == "postgresql"
    keep(_execute, {"reader_sites": ("reader",)}, postgresql=postgresql)
    stop_at_lock(_execute, ("reader_sites",), postgresql=postgresql)


def _execute(statement: str) -> None:
    op.get_bind().exec_driver_sql(statement)
