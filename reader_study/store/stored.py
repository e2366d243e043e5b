"""What a row holds as text, read back; a damaged one is named."""

import json
from enum import StrEnum
from typing import Any, TypeVar

from reader_study.errors import StudyError

BACKUP = "put back the newest copy of the database that magic-study verify finds whole"

_Word = TypeVar("_Word", bound=StrEnum)


def stored_json(text: object, where: str) -> Any:  # noqa: ANN401
    """Return a value that was stored as JSON.

    Args:
        text: What the column holds.
        where: Table and key of the row.

    Raises:
        StudyError: If it is damaged.
    """
    try:
        return json.loads(str(text))
    except json.JSONDecodeError as error:
        raise damaged(where) from error


def stored_word(words: type[_Word], text: object, where: str) -> _Word:
    """Return a word that was stored, of those that there are.

    Raises:
        StudyError: If it is damaged.
    """
    try:
        return words(str(text))
    except ValueError as error:
        raise damaged(where) from error


def damaged(where: str) -> StudyError:
    """Return the error that names a row which cannot be used as it is."""
    return StudyError(f"The database is damaged: {where} cannot be read; {BACKUP}")
