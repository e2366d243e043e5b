"""Coordinators, who watch a study, and their sessions."""

from alembic import op
from sqlalchemy import Column, ForeignKey, Text, text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables of the coordinators."""
    op.create_table(
        "coordinators",
        Column("id", Text, primary_key=True),
        *map(_text, ("name", "salt", "code_hash", "added_at", "revoked_at")),
    )
    active = text("revoked_at = ''")
    op.create_index(
        "one_active_coordinator_per_name",
        "coordinators",
        ["name"],
        unique=True,
        sqlite_where=active,
        postgresql_where=active,
    )
    op.create_table(
        "coordinator_sessions",
        Column("id", Text, primary_key=True),
        Column("coordinator", Text, ForeignKey("coordinators.id"), nullable=False),
        *map(_text, ("started_at", "seen_at")),
        Column("ended_at", Text),
    )
    op.create_index(
        "ix_coordinator_sessions_coordinator", "coordinator_sessions", ["coordinator"]
    )


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)
