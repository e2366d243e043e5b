"""The command `magic-analyze`: parse, call, print."""

import gc
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from analysis.commands.accuracy import accuracy
from analysis.commands.counts import recover, table
from analysis.commands.deposit import deposit
from analysis.commands.power import power
from analysis.commands.report import report
from analysis.commands.reproduce import reproduce
from analysis.commands.tidy import tidy
from analysis.errors import InputError
from reader_study.formats.checking import FormatError

_DISTRIBUTION = "magic-ctp"
_SELDOM = 20_000  # new objects; at 700 looking for waste is a twentieth of a report


def _add_version(app: typer.Typer) -> None:
    """Let the program say its name and version, and stop."""

    def say(wanted: bool) -> None:
        if wanted:
            from importlib.metadata import version

            print(f"{app.info.name} {version(_DISTRIBUTION)}")
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


app = typer.Typer(
    name="magic-analyze",
    help="Agreement between two methods that several readers have rated. "
    "Research use only.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
_add_version(app)

for command in (reproduce, report, accuracy, deposit, tidy, table, recover, power):
    app.command()(command)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status; without one, show the help."""
    given = list(sys.argv[1:] if argv is None else argv)
    gc.set_threshold(_SELDOM)
    try:
        status = app(given or ["--help"], standalone_mode=False)
    except typer.TyperException as error:
        return _fail(error.format_message())
    except (InputError, FormatError) as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(
            f"{error.filename}: {error.strerror}" if error.filename else str(error)
        )
    return status if isinstance(status, int) else 0


def _fail(message: str) -> int:
    print(f"magic-analyze: {message}", file=sys.stderr)
    return 2
