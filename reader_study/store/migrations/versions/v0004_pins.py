"""PINs that let a reader back in at the same browser."""

from alembic import op
from sqlalchemy import Column, ForeignKey, Integer, Text

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "session_pins",
        Column("session", Text, primary_key=True),
        Column("reader", Text, ForeignKey("readers.name"), nullable=False),
        Column("salt", Text, nullable=False),
        Column("pin_hash", Text, nullable=False),
        Column("tries", Integer, nullable=False),
        Column("asleep_since", Text, nullable=False),
    )
