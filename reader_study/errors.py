"""Errors that the user can correct, as opposed to faults of the program."""


class StudyError(ValueError):
    """A protocol, a study's files, a key or a request cannot be used."""


class DamagedPictureError(StudyError):
    """A picture is missing, or not the one that the study was built with."""


class StaleReadingError(StudyError):
    """Answers belong to a reading that is not the current one; show the next one."""


def counted(n: int, noun: str) -> str:
    """Return a number with its noun.

    Examples:
        >>> counted(1, "reader"), counted(2, "reader")
        ('1 reader', '2 readers')
    """
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
