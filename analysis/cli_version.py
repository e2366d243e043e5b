"""The option `--version` of `magic-analyze`."""

from typing import Annotated

import typer

DISTRIBUTION = "magic-ctp"


def add_version(app: typer.Typer) -> None:
    """Let the program say its name and version, and stop."""

    def say(wanted: bool) -> None:
        if wanted:
            from importlib.metadata import version

            print(f"{app.info.name} {version(DISTRIBUTION)}")
            raise typer.Exit

    @app.callback()
    def program(
        version: Annotated[
            bool,
            typer.Option(
                "--version", callback=say, is_eager=True, help="Print the version."
            ),
        ] = False,
    ) -> None: ...
