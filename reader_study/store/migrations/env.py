"""Run by Alembic: apply versions on the connection that it is given."""

from alembic import context

from reader_study.store.tables import metadata

if hasattr(context, "config"):  # nothing to apply where it is only imported
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        transactional_ddl=True,
    )
    context.run_migrations()
