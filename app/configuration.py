"""Settings of Streamlit, and names in the environment that say what is served."""

import os
import tomllib
from collections.abc import Sequence
from importlib.resources import files
from os import PathLike
from pathlib import Path
from typing import Any

StrPath = str | PathLike[str]

LOOPBACK = ("127.0.0.1", "localhost")
"""Names by which a machine calls itself."""

STUDY = "READING_STUDY"
"""Environment variable: folder of the study; of several, parted as in PATH."""

DATABASE = "READING_DATABASE"
"""Environment variable: URL of the database; empty for the study's own."""

ACCOUNTS = "READING_ACCOUNTS"
"""Environment variable: file of hospital accounts; empty for none."""

CHECKPOINT = "MAGIC_PILO_CHECKPOINT"
"""Environment variable: network of the explorer."""

INPUT = "MAGIC_PILO_INPUT"
"""Environment variable: NCCT of the explorer."""

LAST_PORT = 65535


def serve_folders(folders: Sequence[Path]) -> None:
    """Let the environment name the studies to be served.

    Raises:
        StudyError: If a path holds what parts several.
    """
    resolved = [str(folder.resolve()) for folder in folders]
    if len(resolved) > 1 and any(os.pathsep in path for path in resolved):
        from reader_study.errors import StudyError  # the explorer knows no study

        msg = f"Paths of several studies must have no {os.pathsep}, got {resolved}"
        raise StudyError(msg)
    os.environ[STUDY] = os.pathsep.join(resolved)


def served_folders() -> tuple[Path, ...]:
    """Return the folders of the studies that the environment names."""
    given = os.environ.get(STUDY, "")
    if Path(given).is_dir():  # also where a name holds what parts several
        return (Path(given),)
    return tuple(Path(folder) for folder in given.split(os.pathsep))


def settings(port: int, *, hosts: Sequence[str] = LOOPBACK) -> dict[str, Any]:
    """Return the shipped settings, which a server gives precedence over all others.

    Args:
        port: Port on which the server listens.
        hosts: Names under which it answers, as browsers know it.

    Raises:
        ValueError: If `port` is no port.

    Examples:
        >>> settings(8501)["server.address"]
        '127.0.0.1'
        >>> settings(8501, hosts=["reading.example.org"])["server.allowedHosts"]
        ['reading.example.org']
    """
    require_port(port)
    text = files("app").joinpath(".streamlit/config.toml").read_text("utf-8")
    shipped = {
        f"{section}.{name}": value
        for section, values in tomllib.loads(text).items()
        for name, value in values.items()
    }
    return shipped | {"server.port": port, "server.allowedHosts": list(hosts)}


def require_port(port: object) -> None:
    """Refuse what is no port.

    Raises:
        ValueError: If so.
    """
    if (
        not isinstance(port, int)
        or isinstance(port, bool)
        or not 1 <= port <= LAST_PORT
    ):
        msg = f"port must be a whole number from 1 to {LAST_PORT}, got {port!r}"
        raise ValueError(msg)


def as_path(value: object, name: str) -> Path:
    """Return a path that was given as a text, or as one.

    Raises:
        TypeError: If it is neither.
    """
    if not isinstance(value, str | PathLike):
        msg = f"{name} must be a path, got {value!r}"
        raise TypeError(msg)
    return Path(value)
