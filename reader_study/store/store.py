"""The store of a study: open it, read from it, write to it."""

import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event, exc, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.schema import CreateSchema

from reader_study.clock import Clock
from reader_study.errors import StudyError
from reader_study.store.transaction import Transaction, begin

_FOLDER = Path(__file__).parent / "migrations"

READS_ONLY = "reads_only"
"""Execution option of a transaction that writes nothing."""

_BUSY_SECONDS = 60
_WRITE_LOCK = 0x4D414749  # any number, the same in all processes of a study
_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}


def migrate(connection: Connection) -> None:
    """Create or alter tables as far as needed, within the transaction begun.

    Raises:
        StudyError: If the database is of a later version than this program.
    """
    if is_current(connection):
        return
    config = _config()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        msg = f"The database was made by a later version of this program: {error}"
        raise StudyError(msg) from error


def is_current(connection: Connection) -> bool:
    """Whether the tables are of the present version."""
    wanted = ScriptDirectory.from_config(_config()).get_current_head()
    return MigrationContext.configure(connection).get_current_revision() == wanted


@contextmanager
def write_lock(engine: Engine) -> Iterator[None]:
    """Hold the turn while the block runs.

    BEGIN IMMEDIATE alone keeps the data right, but SQLite waits by trying again and
    again, so that some of many writers wait for seconds while others overtake them.
    The system's file lock wakes the next one at once. Where it cannot be had, SQLite's
    own waiting remains.
    """
    path = engine.url.database or ""
    with ExitStack() as stack:
        if engine.dialect.name == "sqlite" and not path.startswith("file:"):
            with suppress(OSError):
                _lock(stack.enter_context(Path(f"{path}-turn").open("ab")))
        yield


def make_engine(url: str, schema: str = "") -> Engine:
    """Prepare connections to a database.

    Args:
        url: `sqlite:///path` or `postgresql://user@host/name`.
        schema: In which all tables are, on PostgreSQL; empty for the user's own.

    Raises:
        StudyError: If the URL is of another kind of database.
    """
    try:
        parsed = make_url(url)
    except exc.ArgumentError as error:
        msg = f"Database must be a URL such as sqlite:///study.sqlite, got {url!r}"
        raise StudyError(msg) from error
    backend = parsed.get_backend_name()
    if backend not in _DRIVERS:
        msg = f"Database must be sqlite or postgresql, got {backend}"
        raise StudyError(msg)
    parsed = parsed.set(drivername=_DRIVERS[backend])
    try:
        if backend == "sqlite":
            return _sqlite(parsed.render_as_string(hide_password=False))
        return _postgresql(parsed, schema)
    except (ModuleNotFoundError, exc.SQLAlchemyError) as error:
        msg = f"Database {parsed.render_as_string()} cannot be used: {error}"
        raise StudyError(msg) from error


def take_turn(connection: Connection) -> None:
    """Wait until no other transaction writes; SQLite's BEGIN has done so already.

    Studies that share a database do not wait for one another.
    """
    if connection.dialect.name == "postgresql":
        schema = connection.scalar(text("SELECT current_schema()"))
        if schema in {None, "public"}:
            _lock_all(connection)
            return
        connection.execute(
            text("SELECT pg_advisory_xact_lock(:key, hashtext(:schema))"),
            {"key": _WRITE_LOCK, "schema": schema},
        )


def has_schema(connection: Connection, schema: str) -> bool:
    """Whether a database of PostgreSQL has a schema; no other kind has any."""
    if connection.dialect.name != "postgresql":
        return False
    there = text("SELECT to_regnamespace(:schema) IS NOT NULL")
    return bool(connection.scalar(there, {"schema": schema}))


def add_schema(store: "Store", schema: str) -> None:
    """Make room for a further study in a database of PostgreSQL, unless it is there.

    Raises:
        StudyError: If the database's user may not.
    """
    try:
        with _mendable(), store.engine.begin() as connection:
            _lock_all(connection)
            connection.execute(CreateSchema(schema, if_not_exists=True))
    except exc.ProgrammingError as error:
        msg = (
            "The database is of another study, and its user must be allowed to create "
            f"a schema for a further one, got {str(error.orig).strip()}"
        )
        raise StudyError(msg) from error


def _lock_all(connection: Connection) -> None:
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _WRITE_LOCK})


def use_wal(engine: Engine) -> None:
    """Let readers read while one writes, on SQLite; the file remembers it."""
    if engine.dialect.name != "sqlite":
        return
    deadline = time.monotonic() + _BUSY_SECONDS
    while not _has_wal(engine):
        # Where several processes open a new file at once, SQLite does not wait.
        if time.monotonic() > deadline:
            msg = "The database is locked by another program"
            raise StudyError(msg)
        time.sleep(0.02)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _lock(file: IO[bytes]) -> None:
    if sys.platform != "win32":
        from fcntl import LOCK_EX, flock

        flock(file, LOCK_EX)


def _has_wal(engine: Engine) -> bool:
    # Outside of any transaction, hence without SQLAlchemy, which would begin one.
    try:
        with closing(engine.raw_connection()) as connection:
            cursor = connection.cursor()
            cursor.execute("PRAGMA journal_mode")
            if cursor.fetchone() != ("wal",):
                cursor.execute("PRAGMA journal_mode=WAL")
    except (sqlite3.DatabaseError, exc.DBAPIError) as error:
        why = error.orig if isinstance(error, exc.DBAPIError) else error
        # Not by the words: they may quote a damaged schema, which has any words.
        if getattr(why, "sqlite_errorcode", 0) & 0xFF in _LOCKED:
            return False
        msg = f"The database cannot be used: {why}"
        raise StudyError(msg) from error
    return True


def _postgresql(url: URL, schema: str) -> Engine:
    settings: dict[str, Any] = {}
    if schema:
        given = url.query.get("options", "")
        settings["options"] = f"{given} -csearch_path={schema}".strip()
    return create_engine(
        url, pool_size=10, max_overflow=50, pool_pre_ping=True, connect_args=settings
    )


def _sqlite(url: str) -> Engine:
    engine = create_engine(
        url,
        pool_size=10,
        max_overflow=100,
        connect_args={"timeout": _BUSY_SECONDS},
    )
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    return engine


def _set_up(connection: Any, _record: object) -> None:  # noqa: ANN401
    # SQLAlchemy says BEGIN itself; else the driver would begin late, and a
    # transaction that reads before it writes could fail instead of waiting.
    connection.isolation_level = None
    # A byte that a disk has changed is read as another letter and found by `verify`,
    # where an error would name no row.
    connection.text_factory = _text
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA recursive_triggers=ON")
    cursor.close()


def _text(stored: bytes) -> str:
    return stored.decode("utf-8", "replace")


def _begin(connection: Connection) -> None:
    reads_only = connection.get_execution_options().get(READS_ONLY, False)
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")


_OF_THE_PROGRAM = (exc.DataError, exc.IntegrityError, exc.ProgrammingError)


@dataclass(frozen=True)
class Store:
    """A database with the tables of a study."""

    engine: Engine

    @contextmanager
    def writing(self, clock: Clock) -> Iterator[Transaction]:
        """Write alone, and durably once the block is left without an error.

        Raises:
            StudyError: If the database cannot be written: full, read-only, gone.
        """
        with (
            _mendable(),
            write_lock(self.engine),
            self.engine.begin() as connection,
        ):
            take_turn(connection)
            yield begin(connection, clock.now())

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Read the state of one moment.

        Raises:
            StudyError: If the database cannot be read.
        """
        options: dict[str, object] = {READS_ONLY: True}
        if self.engine.dialect.name == "postgresql":
            options["isolation_level"] = "REPEATABLE READ"
        readers_view = self.engine.execution_options(**options)
        with _mendable(), readers_view.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def open_store(url: str, schema: str = "") -> Store:
    """Open a database, creating or updating its tables where needed.

    Args:
        url: `sqlite:///path` or `postgresql://user@host/name`.
        schema: In which the tables are, on PostgreSQL; empty for the user's own.

    Raises:
        StudyError: If it cannot be used, or a later version has written it.
    """
    store = Store(make_engine(url, schema))
    try:
        _prepare(store)
    except StudyError:
        store.close()
        raise
    return store


def _prepare(store: Store) -> None:
    with _mendable():
        use_wal(store.engine)
    with store.reading() as connection:
        current = is_current(connection)
    if not current:
        with _mendable(), store.engine.begin() as connection:
            take_turn(connection)
            migrate(connection)


@contextmanager
def _mendable() -> Iterator[None]:
    """Report a database error without the statement and its values."""
    try:
        yield
    except _OF_THE_PROGRAM:
        raise
    except exc.DBAPIError as error:
        msg = f"The database cannot be used: {str(error.orig).strip()}"
        raise StudyError(msg) from error
