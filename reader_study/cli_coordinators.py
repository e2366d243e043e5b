"""Commands `magic-study coordinator ...`: parse, call, print."""

from typing import Annotated

import typer

from reader_study.cli_readers import By, Database, Folder

Name = Annotated[str, typer.Argument(help="Name of the coordinator.")]

coordinator = typer.Typer(help="Coordinators, who watch a study: add, list, revoke.")


@coordinator.command("add")
def coordinator_add(
    folder: Folder, name: Name, by: By, database: Database = None
) -> None:
    """Add a coordinator and print the passphrase for the monitor."""
    from reader_study.commands import coordinators

    typer.echo(coordinators.add(folder, database, name, by=by))


@coordinator.command("list")
def coordinator_list(folder: Folder, database: Database = None) -> None:
    """List the coordinators."""
    from reader_study.commands import coordinators

    typer.echo(coordinators.show(folder, database))


@coordinator.command("revoke")
def coordinator_revoke(
    folder: Folder, name: Name, by: By, database: Database = None
) -> None:
    """Make a coordinator's passphrase worthless and end the sessions."""
    from reader_study.commands import coordinators

    typer.echo(coordinators.revoke(folder, database, name, by=by))
