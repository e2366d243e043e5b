"""`magic-study init`: a protocol to begin with."""

from pathlib import Path

from reader_study.errors import StudyError
from reader_study.formats.protocol import template


def init(path: Path) -> str:
    """Write a commented protocol.

    Raises:
        StudyError: If the file exists or cannot be written.
    """
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(template())
    except FileExistsError as error:
        msg = f"{path} exists already and is not written over"
        raise StudyError(msg) from error
    except OSError as error:
        msg = f"{path}: cannot be written ({error.strerror})"
        raise StudyError(msg) from error
    return f"{path} written. Read it, change it, then: magic-study build {path} ..."
