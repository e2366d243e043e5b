"""What all commands on a running study begin with."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from reader_study.build.study import Study, open_study
from reader_study.errors import StudyError
from reader_study.running.study_store import open_study_store
from reader_study.store.store import Store
from reader_study.store.transaction import Head

LOCK_RECORD = "lock.json"


@contextmanager
def running(folder: Path, database: str | None) -> Iterator[tuple[Study, Store]]:
    """Open a study and its store, and close it at the end."""
    study = open_study(folder)
    store = open_study_store(study, database)
    try:
        yield study, store
    finally:
        store.close()


def read_anchors(study: Study, paths: Sequence[Path]) -> list[Head]:
    """Read entries of the log from receipts, from lock records and the study's own.

    Raises:
        StudyError: If a file holds no `head`.
    """
    own = study.folder / LOCK_RECORD
    return [_anchor(path) for path in [*paths, *([own] if own.exists() else [])]]


def read_passphrases(path: Path) -> list[str]:
    """Read one passphrase from each line of a file.

    Raises:
        StudyError: If there is none.
    """
    lines = [line for line in _read(path).splitlines() if line.strip()]
    if not lines:
        msg = f"{path} must hold a passphrase, got none"
        raise StudyError(msg)
    return lines


def write_new(path: Path, content: str) -> None:
    """Write a file that is not there yet.

    Raises:
        StudyError: If it is, or cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="") as file:
            file.write(content)
    except FileExistsError as error:
        msg = f"{path} exists already; it is not written over"
        raise StudyError(msg) from error
    except OSError as error:
        msg = f"{path}: cannot be written ({error.strerror})"
        raise StudyError(msg) from error


def _anchor(path: Path) -> Head:
    try:
        content = json.loads(_read(path))
        head = content["head"]
        return Head(int(head["n"]), str(head["sha256"]), str(head.get("time", "")))
    except (json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        msg = f"{path} must be a receipt or a lock record with a head"
        raise StudyError(msg) from error


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})"
        raise StudyError(msg) from error
