"""Options that several commands share, each written once, and passphrases."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from reader_study.errors import StudyError

if TYPE_CHECKING:
    from reader_study.api import RunningStudy

DISTRIBUTION = "magic-ctp"
VARIABLES = ("MAGIC_STUDY_PASSPHRASE", "MAGIC_STUDY_PASSPHRASE_2")

Folder = Annotated[Path, typer.Argument(help="Folder of the built study.")]
Database = Annotated[
    str | None,
    typer.Option(help="URL, sqlite:///... or postgresql://...; else the study's own."),
]
By = Annotated[str, typer.Option(help="Your name, for the log.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept.")]
ReaderName = Annotated[str, typer.Argument(help="Name of the reader.")]
Key = Annotated[Path, typer.Option(help="The sealed key.")]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        help="One passphrase on each line; else MAGIC_STUDY_PASSPHRASE (and _2), "
        "else you are asked."
    ),
]
Anchors = Annotated[
    list[Path] | None,
    typer.Option("--anchor", help="Receipt or lock record that the log must fit."),
]


AcceptDamage = Annotated[
    str,
    typer.Option(help="Why to go on although the database is damaged; it is kept."),
]


@contextmanager
def opened(
    folder: Path, database: str | None, accept_damage: str = ""
) -> Iterator["RunningStudy"]:
    """Open a study for one command, and name damaged pictures after it."""
    from reader_study import api

    with api.open_study(folder, database=database) as study:
        study.accept_damage = accept_damage
        yield study
        for fault in study.damage():
            print(f"Damaged: {fault}", file=sys.stderr)


def add_help_and_version(app: typer.Typer) -> None:
    """Let a program show its help without a command, and its version on request."""

    def show_version(wanted: bool) -> None:
        if wanted:
            from importlib.metadata import version

            print(f"{app.info.name} {version(DISTRIBUTION)}")
            raise typer.Exit

    @app.callback(invoke_without_command=True)
    def program(
        context: typer.Context,
        version: Annotated[
            bool,
            typer.Option(
                "--version",
                callback=show_version,
                is_eager=True,
                help="Print the version.",
            ),
        ] = False,
    ) -> None:
        del version  # printed by its callback
        show_help(context)


def show_help(context: typer.Context) -> None:
    """Print the help where no command is given."""
    if context.invoked_subcommand is None:
        print(context.get_help())


def new_passphrases(path: Path | None, *, two_keepers: bool) -> tuple[str, ...]:
    """Return the passphrases of a new key; people type each of them twice.

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
    """Return the passphrases of a key that exists.

    Raises:
        StudyError: If the file holds none.
    """
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


@contextmanager
def new_private_file(path: Path) -> Iterator[TextIO]:
    """Open a file that nobody else can read; it is gone again where something fails.

    Raises:
        StudyError: If it is there already, or cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        msg = f"{path} must be a new file: {error.strerror}"
        raise StudyError(msg) from error
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            yield file
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _known(path: Path | None) -> tuple[str, ...]:
    if path is None:
        return tuple(os.environ[name] for name in VARIABLES if os.environ.get(name))
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})"
        raise StudyError(msg) from error
    lines = tuple(line for line in text.splitlines() if line.strip())
    if not lines:
        msg = f"{path} must hold a passphrase, got none"
        raise StudyError(msg)
    return lines
