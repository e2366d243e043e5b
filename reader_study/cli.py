"""The command `magic-study`: parse, call, print."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from reader_study.cli_coordinators import coordinator
from reader_study.cli_running import register
from reader_study.cli_version import add_version
from reader_study.errors import StudyError

app = typer.Typer(
    name="magic-study",
    help="Blinded reader studies in two trials. Research use only.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
add_version(app)

PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        help="One passphrase on each line; else MAGIC_STUDY_PASSPHRASE (and _2), "
        "else you are asked."
    ),
]

_LEAKS = 1


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    try:
        status = app(None if argv is None else list(argv), standalone_mode=False)
    except typer.Abort:
        return _fail("given up")
    except typer.TyperException as error:
        return _fail(error.format_message())
    except StudyError as error:
        return _fail(str(error))
    return status if isinstance(status, int) else 0


@app.command()
def init(
    protocol: Annotated[Path, typer.Argument(help="New file.")] = Path("study.toml"),
) -> None:
    """Write a commented protocol to begin with."""
    from reader_study.commands.init import init as run

    print(run(protocol))


@app.command()
def build(
    protocol: Annotated[Path, typer.Argument(help="study.toml")],
    cases: Annotated[
        Path, typer.Option(help="cases.csv: case, severity and two montages each.")
    ],
    out: Annotated[Path, typer.Option(help="New folder of the study.")],
    key: Annotated[Path, typer.Option(help="New file of the key, elsewhere.")],
    two_keepers: Annotated[
        bool, typer.Option("--two-keepers", help="Two people open the key together.")
    ] = False,
    passphrase_file: PassphraseFile = None,
    jobs: Annotated[int, typer.Option(min=1, help="Pictures at a time.")] = 2,
) -> None:
    """Draw, encode, audit and seal a study; all of it or nothing."""
    from reader_study.build.builder import BuildRequest
    from reader_study.commands.build import build as run
    from reader_study.commands.passphrases import new_passphrases

    request = BuildRequest(
        protocol=protocol,
        cases=cases,
        out=out,
        key=key,
        passphrases=new_passphrases(passphrase_file, two_keepers=two_keepers),
        jobs=jobs,
    )
    print(run(request))


@app.command()
def audit(
    folder: Annotated[Path, typer.Argument(help="Folder of the built study.")],
    key: Annotated[
        Path | None, typer.Option(help="Its key; else only equality is checked.")
    ] = None,
    passphrase_file: PassphraseFile = None,
) -> int:
    """Search for what tells the methods apart; status 1 if anything does."""
    from reader_study.commands.audit import audit as run
    from reader_study.commands.passphrases import passphrases_of

    passphrases = passphrases_of(passphrase_file) if key else ()
    text, clean = run(folder, key, passphrases)
    print(text)
    return 0 if clean else _LEAKS


def _fail(message: str) -> int:
    print(f"magic-study: {message}", file=sys.stderr)
    return 2


register(app)
app.add_typer(coordinator, name="coordinator")
