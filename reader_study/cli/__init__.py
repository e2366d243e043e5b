"""The command `magic-study`: parse, call, print."""

import sys
from collections.abc import Sequence

import typer

from reader_study.cli import building, keys, study_lifecycle
from reader_study.cli.cases import case
from reader_study.cli.options import add_help_and_version
from reader_study.cli.people import coordinator, reader
from reader_study.errors import StudyError

app = typer.Typer(
    name="magic-study",
    help="Blinded reader studies in two trials. Research use only.",
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
add_help_and_version(app)
building.register(app)
app.add_typer(reader, name="reader")
study_lifecycle.register(app)
app.add_typer(case, name="case")
keys.register(app)
app.add_typer(coordinator, name="coordinator")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    given = None if argv is None else list(argv)
    try:
        status = app(given, standalone_mode=False, prog_name=app.info.name)
    except typer.Abort:
        return _fail("given up")
    except typer.TyperException as error:
        return _fail(error.format_message())
    except StudyError as error:
        return _fail(str(error))
    return status if isinstance(status, int) else 0


def _fail(message: str) -> int:
    print(f"magic-study: {message}", file=sys.stderr)
    return 2
