"""Tables of what comes before and after the cases; all are append-only."""

from sqlalchemy import Boolean, Column, ForeignKey, Integer, Table, Text

from reader_study.store.metadata import metadata

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

TABLES = (acknowledgements, closing_answers, training_steps)
