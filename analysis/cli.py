"""The command `magic-analyze`: parse, call, print."""

import gc
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from analysis.commands.accuracy import accuracy
from analysis.commands.counts import recover, table
from analysis.commands.deposit import deposit
from analysis.commands.doctor import doctor
from analysis.commands.dossier import dossier
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
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
_add_version(app)

for command in (
    reproduce, report, accuracy, dossier, deposit, tidy, table, recover, power, doctor,
):  # fmt: skip
    app.command()(command)


NEIGHBOURS: Mapping[str, str] = {
    "reproduce": "Next: magic-analyze report, for readings of your own.",
    "report": "Before: magic-study unblind, or magic-analyze tidy for files in another "
    "form. Next: magic-analyze dossier and deposit.",
    "accuracy": "Next: magic-analyze power --pilot plans the next study.",
    "dossier": "Before: magic-analyze report. Beside: magic-study preregister, "
    "magic-analyze deposit.",
    "deposit": "Before: magic-analyze report. Beside: magic-analyze dossier.",
    "tidy": "Next: magic-analyze report.",
    "table": "Beside: magic-analyze report, for readings instead of counts.",
    "recover": "Next: magic-analyze table, for a table that was recovered.",
    "power": "Next: magic-study init, and magic-study preregister --power.",
    "doctor": "Beside: magic-study verify, where a study is at fault.",
}
"""What comes before and after each command, for its help."""

for _command in app.registered_commands:
    _name = getattr(_command.callback, "__name__", "")
    _command.epilog = NEIGHBOURS.get(_command.name or _name, "")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status; without one, show the help."""
    given = list(sys.argv[1:] if argv is None else argv)
    gc.set_threshold(_SELDOM)
    try:
        status = app(
            given or ["--help"], standalone_mode=False, prog_name=app.info.name
        )
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
