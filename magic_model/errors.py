"""What the user can mend, as opposed to a fault of the program."""


class DataError(Exception):
    """A file, a patient's data or an option cannot be used; the message says why."""
