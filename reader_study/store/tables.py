"""Tables of the store."""

from collections.abc import Mapping

import sqlalchemy as sa

metadata = sa.MetaData()


acknowledgements = sa.Table(
    "acknowledgements",
    metadata,
    sa.Column("reader", sa.Text, sa.ForeignKey("readers.name"), primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("version", sa.Text, primary_key=True),
    sa.Column("details", sa.Text, nullable=False),
    sa.Column("acknowledged_at", sa.Text, nullable=False),
)

training_steps = sa.Table(
    "training_steps",
    metadata,
    sa.Column("reader", sa.Text, sa.ForeignKey("readers.name"), primary_key=True),
    sa.Column("trial", sa.Integer, primary_key=True),
    sa.Column("token", sa.Text, primary_key=True),  # empty: all that was left
    sa.Column("step", sa.Text, primary_key=True),  # answered, seen, skipped
    sa.Column("answers", sa.Text, nullable=False),
    sa.Column("reasons", sa.Text, nullable=False),
    sa.Column("simulated", sa.Boolean, nullable=False),
    sa.Column("recorded_at", sa.Text, nullable=False),
    # The log shows the hash of a row; without salt it would show the answers.
    sa.Column("salt", sa.Text, nullable=False),
)

closing_answers = sa.Table(
    "closing_answers",
    metadata,
    sa.Column("reader", sa.Text, sa.ForeignKey("readers.name"), primary_key=True),
    sa.Column("recognised", sa.Text, nullable=False),
    sa.Column("which", sa.Text, nullable=False),
    sa.Column("synthetic", sa.Text, nullable=False),  # number believed, by trial
    sa.Column("cues", sa.Text, nullable=False),
    sa.Column("confidence", sa.Integer, nullable=False),
    sa.Column("simulated", sa.Boolean, nullable=False),
    sa.Column("answered_at", sa.Text, nullable=False),
    sa.Column("salt", sa.Text, nullable=False),
)

_TABLES = (acknowledgements, closing_answers, training_steps)


readers = sa.Table(
    "readers",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("slot", sa.Text, nullable=False),
    sa.Column("specialty", sa.Text, nullable=False),
    sa.Column("years", sa.Float, nullable=False),
    sa.Column("status", sa.Text, nullable=False),  # active, excluded, replaced
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("replaces", sa.Text, nullable=False),
    sa.Column("simulated", sa.Boolean, nullable=False),
    sa.Column("added_at", sa.Text, nullable=False),
    sa.Index(
        "one_active_reader_per_slot",
        "slot",
        unique=True,
        sqlite_where=sa.text("status = 'active'"),
        postgresql_where=sa.text("status = 'active'"),
    ),
)

reader_sites = sa.Table(
    "reader_sites",
    metadata,
    sa.Column("reader", sa.Text, sa.ForeignKey("readers.name"), primary_key=True),
    sa.Column("site", sa.Text, nullable=False),
)

access_codes = sa.Table(
    "access_codes",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column(
        "reader", sa.Text, sa.ForeignKey("readers.name"), nullable=False, index=True
    ),
    sa.Column("salt", sa.Text, nullable=False),
    sa.Column("code_hash", sa.Text, nullable=False),
    sa.Column("issued_at", sa.Text, nullable=False),
    sa.Column("expires_at", sa.Text, nullable=False),
    sa.Column("used_at", sa.Text),
    sa.Column("revoked_at", sa.Text),
)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("reader", sa.Text, primary_key=True),  # empty: all together
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("blocked_until", sa.Text, nullable=False),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column(
        "id", sa.Text, primary_key=True
    ),  # hash of what the reader's browser holds
    sa.Column(
        "reader", sa.Text, sa.ForeignKey("readers.name"), nullable=False, index=True
    ),
    sa.Column("started_at", sa.Text, nullable=False),
    sa.Column("seen_at", sa.Text, nullable=False),
    sa.Column("ended_at", sa.Text),
)

session_pins = sa.Table(
    "session_pins",
    metadata,
    sa.Column("session", sa.Text, primary_key=True),  # as in sessions.id
    sa.Column("reader", sa.Text, sa.ForeignKey("readers.name"), nullable=False),
    sa.Column("salt", sa.Text, nullable=False),
    sa.Column("pin_hash", sa.Text, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("asleep_since", sa.Text, nullable=False),  # empty: the session runs
)

coordinators = sa.Table(
    "coordinators",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("salt", sa.Text, nullable=False),
    sa.Column("code_hash", sa.Text, nullable=False),
    sa.Column("added_at", sa.Text, nullable=False),
    sa.Column("revoked_at", sa.Text, nullable=False),  # empty: may sign in
    sa.Index(
        "one_active_coordinator_per_name",
        "name",
        unique=True,
        sqlite_where=sa.text("revoked_at = ''"),
        postgresql_where=sa.text("revoked_at = ''"),
    ),
)

coordinator_sessions = sa.Table(
    "coordinator_sessions",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # hash of what the browser holds
    sa.Column(
        "coordinator",
        sa.Text,
        sa.ForeignKey("coordinators.id"),
        nullable=False,
        index=True,
    ),
    sa.Column("started_at", sa.Text, nullable=False),
    sa.Column("seen_at", sa.Text, nullable=False),
    sa.Column("ended_at", sa.Text),
)

presentations = sa.Table(
    "presentations",
    metadata,
    sa.Column("reader", sa.Text, sa.ForeignKey("readers.name"), primary_key=True),
    sa.Column("trial", sa.Integer, primary_key=True),
    sa.Column("token", sa.Text, primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("opened_at", sa.Text, nullable=False),
)

drafts = sa.Table(
    "drafts",
    metadata,
    sa.Column("reader", sa.Text, sa.ForeignKey("readers.name"), primary_key=True),
    sa.Column("trial", sa.Integer, primary_key=True),
    sa.Column("token", sa.Text, primary_key=True),
    sa.Column("answers", sa.Text, nullable=False),
    sa.Column("reasons", sa.Text, nullable=False),
    sa.Column("saved_at", sa.Text, nullable=False),
)

responses = sa.Table(
    "responses",
    metadata,
    sa.Column("reader", sa.Text, sa.ForeignKey("readers.name"), primary_key=True),
    sa.Column("trial", sa.Integer, primary_key=True),
    sa.Column("token", sa.Text, primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("answers", sa.Text, nullable=False),
    sa.Column("reasons", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),  # why corrected, or why not answered
    sa.Column("opened_at", sa.Text, nullable=False),
    sa.Column("submitted_at", sa.Text, nullable=False),
    sa.Column("active_seconds", sa.Float),
    sa.Column("simulated", sa.Boolean, nullable=False),
    sa.Column("log_n", sa.Integer, nullable=False),
    # The log shows the hash of a row; without salt it would show the answers.
    sa.Column("salt", sa.Text, nullable=False),
)

views = sa.Table(
    "views",
    metadata,
    sa.Column("reader", sa.Text, sa.ForeignKey("readers.name"), primary_key=True),
    sa.Column("trial", sa.Integer, primary_key=True),
    sa.Column("token", sa.Text, primary_key=True),
    sa.Column("seen", sa.Text, nullable=False),  # seconds by slice, as JSON
    sa.Column("salt", sa.Text, nullable=False),
)

views_again = sa.Table(
    "views_again",
    metadata,
    sa.Column("reader", sa.Text, sa.ForeignKey("readers.name"), primary_key=True),
    sa.Column("trial", sa.Integer, primary_key=True),
    sa.Column("token", sa.Text, primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True),  # of the correction, from 2
    sa.Column("seen", sa.Text, nullable=False),
    sa.Column("salt", sa.Text, nullable=False),
)

signatures = sa.Table(
    "signatures",
    metadata,
    sa.Column("reader", sa.Text, sa.ForeignKey("readers.name"), primary_key=True),
    sa.Column("trial", sa.Integer, primary_key=True),
    sa.Column("n_readings", sa.Integer, nullable=False),
    sa.Column("signed_at", sa.Text, nullable=False),
    sa.Column("log_n", sa.Integer, nullable=False),
)

deviations = sa.Table(
    "deviations",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("reader", sa.Text, nullable=False),
    sa.Column("trial", sa.Integer, nullable=False),  # 0: none in particular
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("recorded_by", sa.Text, nullable=False),
    sa.Column("approved_by", sa.Text, nullable=False),
    sa.Column("recorded_at", sa.Text, nullable=False),
)

milestones = sa.Table(
    "milestones",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("details", sa.Text, nullable=False),
    sa.Column("recorded_at", sa.Text, nullable=False),
)

audit_log = sa.Table(
    "audit_log",
    metadata,
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("entry", sa.Text, nullable=False),
    sa.Column("previous", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
)

COVERED: Mapping[str, tuple[str, ...]] = {
    "access_codes": ("id", "reader", "salt", "code_hash", "issued_at", "expires_at"),
    **{
        table.name: tuple(column.name for column in table.columns)
        for table in (
            *_TABLES, coordinators, deviations, milestones, presentations,
            reader_sites, readers, responses, signatures, views, views_again,
        )
    },
}  # fmt: skip
"""Columns whose content the log covers; a changed row is found by `verify`."""

FROZEN = (
    "acknowledgements", "closing_answers", "deviations", "presentations",
    "reader_sites", "readers", "responses", "signatures", "training_steps", "views",
    "views_again",
)  # fmt: skip
"""Tables that the data lock hashes."""
