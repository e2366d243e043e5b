"""What the user can mend, as opposed to a fault of the program."""


def counted(count: int, noun: str) -> str:
    """Say how many there are of something.

    Examples:
        >>> counted(1, "patient"), counted(20, "patient")
        ('1 patient', '20 patients')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


class DataError(Exception):
    """A file, a patient's data or an option cannot be used; the message says why."""
