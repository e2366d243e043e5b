"""Commands `magic-study coordinator ...`: who may watch a study."""

from typing import Annotated

import typer

from reader_study.cli.options import By, Database, Folder, show_help

Name = Annotated[str, typer.Argument(help="Name of the coordinator.")]

coordinator = typer.Typer(help="Coordinators, who watch a study: add, list, revoke.")
coordinator.callback(invoke_without_command=True)(show_help)


@coordinator.command("add")
def add(folder: Folder, name: Name, by: By, database: Database = None) -> None:
    """Add a coordinator and print the passphrase for the monitor."""
    from reader_study import api
    from reader_study.running.access import add_coordinator

    with api.open_study(folder, database=database) as s:
        passphrase = add_coordinator(s.store, name, by=by, clock=s.clock)
    print(
        f"Passphrase for {name}: {passphrase}\n"
        "It opens the monitor until it is revoked, and is shown only here."
    )


@coordinator.command("list")
def show(folder: Folder, database: Database = None) -> None:
    """List the coordinators."""
    from reader_study import api
    from reader_study.store.access import all_coordinators

    with (
        api.open_study(folder, database=database) as s,
        s.store.reading() as connection,
    ):
        found = all_coordinators(connection)
    lines = [
        f"{c.name:<16}{'active' if c.active else 'revoked':<10}since "
        f"{(c.added_at if c.active else c.revoked_at)[:10]}"
        for c in found
    ]
    print("\n".join(lines) or "No coordinators yet")


@coordinator.command("revoke")
def revoke(folder: Folder, name: Name, by: By, database: Database = None) -> None:
    """Make a coordinator's passphrase worthless and end the sessions."""
    from reader_study import api
    from reader_study.running.access import revoke_coordinator

    with api.open_study(folder, database=database) as s:
        number = revoke_coordinator(s.store, name, by=by, clock=s.clock)
    print(f"The passphrase of {name} is worthless now; {number} sessions have ended")
