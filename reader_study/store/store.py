"""The store of a study: open it, read from it, write to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError

from reader_study.clock import Clock
from reader_study.errors import StudyError
from reader_study.store.engine import (
    READS_ONLY,
    is_current,
    make_engine,
    migrate,
    take_turn,
    use_wal,
    write_lock,
)
from reader_study.store.transaction import Transaction, begin

_OF_THE_PROGRAM = (DataError, IntegrityError, ProgrammingError)


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


def open_store(url: str) -> Store:
    """Open a database, creating or updating its tables where needed.

    Args:
        url: `sqlite:///path` or `postgresql://user@host/name`.

    Raises:
        StudyError: If it cannot be used, or a later version has written it.
    """
    store = Store(make_engine(url))
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
    """Tell what happened to the database, without the statement and its values."""
    try:
        yield
    except _OF_THE_PROGRAM:
        raise
    except DBAPIError as error:
        msg = f"The database cannot be used: {str(error.orig).strip()}"
        raise StudyError(msg) from error
