"""What the user can mend, as opposed to a fault of the program."""

from collections.abc import Iterator
from contextlib import contextmanager


class InputError(ValueError):
    """An option, an input file or an output folder cannot be used."""


@contextmanager
def user_input() -> Iterator[None]:
    """Turn what a validated object refuses into an `InputError`.

    Only for building such objects from what the user gave; a ValueError elsewhere is a
    fault of the program and stays one.
    """
    try:
        yield
    except ValueError as error:
        raise InputError(str(error)) from error
