"""Bring the tables of a database to the present version."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from reader_study.errors import StudyError

_FOLDER = Path(__file__).parent / "migrations"


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


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
