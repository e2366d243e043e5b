"""The command `magic-study`: parse, call, print."""

import sys
from collections.abc import Mapping, Sequence

import typer

from reader_study.cli import building, keys, panel, study_lifecycle
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
panel.register(app)
app.add_typer(coordinator, name="coordinator")


NEIGHBOURS: Mapping[str, str] = {
    "init": "Before: magic-analyze power. Next: magic-study preregister, build.",
    "preview": "Before: magic-study init. Next: magic-study build.",
    "plan": "Before: magic-study init. Beside: magic-study preview, magic-analyze "
    "power. Next: magic-study preregister, build.",
    "preregister": "Before: magic-analyze power --json. Next: magic-study build. At "
    "the end magic-analyze report says if it answers the text.",
    "build": "Before: magic-model montage makes cases.csv. Next: magic-study audit, "
    "reader add, open.",
    "audit": "Before: magic-study build. Next: magic-study open.",
    "open": "Before: magic-study reader add. Next: magic-app read, magic-app monitor.",
    "status": "Beside: magic-app monitor. Next: magic-study lock.",
    "early": "Beside: magic-study amend, for a washout that changes for all.",
    "amend": "Beside: magic-study early, for one reader.",
    "lock": "Before: magic-study status. Next: magic-study unblind.",
    "verify": "Beside: magic-study restore, for files that are damaged.",
    "export": "Beside: magic-study status. At the end: magic-study unblind.",
    "simulate": "Before: magic-study build. Next: magic-study lock.",
    "unblind": "Before: magic-study lock. Next: magic-analyze report.",
    "disagreements": "Before: magic-study lock. Next: magic-study build, of the "
    "adjudication; magic-study truth.",
    "truth": "Before: magic-study disagreements. Next: magic-study build, of the "
    "study that reads against it.",
    "restore": "Before: magic-study verify or audit names what is damaged.",
    "reader": "Before: magic-study build. Next: magic-study open, magic-app read.",
    "case": "Beside: magic-study status. At the end: magic-study unblind.",
    "pictures": "Beside: magic-study restore, magic-study verify.",
    "coordinator": "Next: magic-app monitor.",
}
"""What comes before and after each command, for its help."""

for _command in app.registered_commands:
    _name = getattr(_command.callback, "__name__", "")
    _command.epilog = NEIGHBOURS.get(_command.name or _name, "")
for _group in app.registered_groups:
    _group.epilog = NEIGHBOURS.get(_group.name or "", "")


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
