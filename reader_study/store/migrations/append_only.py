"""Triggers that refuse to change, remove or replace what was written."""

from collections.abc import Callable, Mapping, Sequence

Execute = Callable[[str], object]

_REFUSE = """
CREATE OR REPLACE FUNCTION magic_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' is append-only',
  ERRCODE = 'integrity_constraint_violation'; END $$
"""

# Bound to its schema: whoever writes by another way must not ask another study's table.
_LOCKED = """
CREATE OR REPLACE FUNCTION magic_refuse_if_locked() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$ BEGIN
IF EXISTS (SELECT 1 FROM milestones WHERE kind = 'locked') THEN
  RAISE EXCEPTION 'the data are locked'
    USING ERRCODE = 'integrity_constraint_violation';
END IF; RETURN NEW; END $$
"""


_WHEN_LOCKED = (
    "WHEN EXISTS (SELECT 1 FROM milestones WHERE kind = 'locked') "
    "BEGIN SELECT RAISE(ABORT, 'the data are locked'); END"
)


def keep(
    execute: Execute, tables: Mapping[str, Sequence[str]], *, postgresql: bool
) -> None:
    """Refuse UPDATE, DELETE and replacing INSERT.

    Args:
        execute: Runs a statement.
        tables: Columns of the primary key of each table.
        postgresql: The database; else SQLite.
    """
    if not postgresql:
        for table, key in tables.items():
            _keep_on_sqlite(execute, table, key)
        return
    execute(_REFUSE)
    for table in tables:
        for each, what in (("ROW", "UPDATE OR DELETE"), ("STATEMENT", "TRUNCATE")):
            execute(
                f"CREATE TRIGGER {table}_keep_{each.lower()} BEFORE {what} ON "
                f"{table} FOR EACH {each} EXECUTE FUNCTION magic_refuse()"
            )


def stop_at_lock(execute: Execute, tables: Sequence[str], *, postgresql: bool) -> None:
    """Refuse INSERT once the data are locked."""
    if postgresql:
        execute(_LOCKED)
    then = "FOR EACH ROW EXECUTE FUNCTION magic_refuse_if_locked()"
    if not postgresql:
        then = _WHEN_LOCKED
    for table in tables:
        execute(f"CREATE TRIGGER {table}_locked BEFORE INSERT ON {table} {then}")


def _keep_on_sqlite(execute: Execute, table: str, key: Sequence[str]) -> None:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    for what in ("UPDATE", "DELETE"):
        execute(
            f"CREATE TRIGGER {table}_keep_{what.lower()} BEFORE {what} ON "
            f"{table} {refuse}"
        )
    # INSERT OR REPLACE removes a row without asking the trigger on DELETE.
    same = " AND ".join(f"{name} = NEW.{name}" for name in key)
    there = f"EXISTS (SELECT 1 FROM {table} WHERE {same})"  # noqa: S608
    execute(
        f"CREATE TRIGGER {table}_keep_insert BEFORE INSERT ON {table} "
        f"WHEN {there} {refuse}"
    )
