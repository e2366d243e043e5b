"""Errors that the user can correct, as opposed to faults of the program."""


class StudyError(ValueError):
    """A protocol, a study's files, a key or a request cannot be used."""


class DamagedPictureError(StudyError):
    """A picture is missing, or not the one that the study was built with."""
