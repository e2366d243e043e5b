"""Passphrases from a file, the environment, or a person at the keyboard."""

import os
from pathlib import Path

import typer

from reader_study.commands.store_of import read_passphrases
from reader_study.errors import StudyError

VARIABLES = ("MAGIC_STUDY_PASSPHRASE", "MAGIC_STUDY_PASSPHRASE_2")


def new_passphrases(path: Path | None, *, two_keepers: bool) -> tuple[str, ...]:
    """Give the passphrases of a new key; people type each of them twice.

    Raises:
        StudyError: If two keepers are asked for and other than two passphrases given.
    """
    known = _known(path)
    if known and two_keepers and len(known) != 2:
        msg = f"Two keepers must have a passphrase each, got {len(known)}"
        raise StudyError(msg)
    if known:
        return known
    people = ("Passphrase of the first keeper", "Passphrase of the second keeper")
    return tuple(
        typer.prompt(person, hide_input=True, confirmation_prompt=True)
        for person in (people if two_keepers else ("Passphrase of the key",))
    )


def passphrases_of(path: Path | None) -> tuple[str, ...]:
    """Give the passphrases of a key that exists."""
    known = _known(path)
    if known:
        return known
    first: str = typer.prompt("Passphrase", hide_input=True)
    second: str = typer.prompt(
        "Second passphrase, empty if the key has one",
        default="",
        hide_input=True,
        show_default=False,
    )
    return (first, second) if second else (first,)


def _known(path: Path | None) -> tuple[str, ...]:
    if path is not None:
        return tuple(read_passphrases(path))
    return tuple(os.environ[name] for name in VARIABLES if os.environ.get(name))
