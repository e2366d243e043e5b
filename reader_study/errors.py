"""What the user can mend, as opposed to a fault of the program."""


class StudyError(ValueError):
    """A protocol, a study's files, a key or a request cannot be used."""
