"""Commands `magic-study reader ...`: parse, call, print."""

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[Path, typer.Argument(help="Folder of the built study.")]
Name = Annotated[str, typer.Argument(help="Name of the reader.")]
Database = Annotated[
    str | None,
    typer.Option(help="URL, sqlite:///... or postgresql://...; else the study's own."),
]
By = Annotated[str, typer.Option(help="Your name, for the log.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept.")]
Specialty = Annotated[str, typer.Option(help="Such as neuroradiology.")]
Years = Annotated[float, typer.Option(help="Years of experience.")]

reader = typer.Typer(help="Readers: add, list, codes, exclude, replace.")


@reader.command("add")
def reader_add(
    folder: Folder,
    name: Name,
    specialty: Specialty,
    years: Years,
    by: By,
    slot: Annotated[str, typer.Option(help="Place in the design.")] = "",
    database: Database = None,
) -> None:
    """Add a reader and print a code that lets in once."""
    from reader_study.commands import readers
    from reader_study.running.registry import Profile

    profile = Profile(name, specialty, years, slot)
    typer.echo(readers.add(folder, database, profile, by=by))


@reader.command("list")
def reader_list(folder: Folder, database: Database = None) -> None:
    """List the readers."""
    from reader_study.commands import readers

    typer.echo(readers.show(folder, database))


@reader.command("code")
def reader_code(
    folder: Folder,
    name: Name,
    by: By,
    days: Annotated[float, typer.Option(help="How long it may be used.")] = 14,
    database: Database = None,
) -> None:
    """Print a further code for a reader."""
    from reader_study.commands import readers

    typer.echo(readers.code(folder, database, name, by=by, days=days))


@reader.command("revoke")
def reader_revoke(
    folder: Folder, name: Name, by: By, database: Database = None
) -> None:
    """Make a reader's codes worthless and end the sessions."""
    from reader_study.commands import readers

    typer.echo(readers.revoke(folder, database, name, by=by))


@reader.command("exclude")
def reader_exclude(
    folder: Folder, name: Name, reason: Reason, by: By, database: Database = None
) -> None:
    """Exclude a reader; the answers are kept."""
    from reader_study.commands import readers

    typer.echo(readers.exclude(folder, database, name, reason=reason, by=by))


@reader.command("replace")
def reader_replace(
    folder: Folder,
    name: Name,
    new: Annotated[str, typer.Option(help="Name of the new reader.")],
    specialty: Specialty,
    years: Years,
    reason: Reason,
    by: By,
    database: Database = None,
) -> None:
    """Give a reader's place to another; the answers are kept."""
    from reader_study.commands import readers
    from reader_study.running.registry import Profile

    profile = Profile(new, specialty, years)
    place = (folder, database)
    typer.echo(readers.replace(place, name, profile, reason=reason, by=by))
