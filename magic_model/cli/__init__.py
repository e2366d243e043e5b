"""The command `magic-model`: parse, call, print."""

import sys
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from magic_model.cli import cohorts, networks, perfusion
from magic_model.errors import DataError, missing_extra

app = typer.Typer(
    name="magic-model",
    help="Perfusion maps from non-contrast head CT. Research use only.",
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


NEIGHBOURS: Mapping[str, str] = {
    "phantom": "Next: magic-model train, or generate with a trained network.",
    "import": "Beside: magic-model perfusion, for raw series. Next: magic-model train.",
    "perfusion": "Next: magic-model import.",
    "train": "Before: magic-model import or phantom. Next: magic-model generate.",
    "load-weights": "Beside: magic-model train. Next: magic-model generate.",
    "generate": "Before: magic-model train. Next: magic-model montage, evaluate.",
    "montage": "Before: magic-model generate. Next: magic-study build.",
    "evaluate": "Before: magic-model generate. Beside: magic-model ceiling.",
    "ceiling": "Beside: magic-model evaluate.",
    "card": "Before: magic-model train, evaluate.",
    "export": "Before: magic-model train. Next: magic-model generate.",
}
"""What comes before and after each command, for its help."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    given = None if argv is None else list(argv)
    try:
        status = app(given, standalone_mode=False, prog_name=app.info.name)
    except typer.TyperException as error:
        return _fail(error.format_message())
    except DataError as error:
        return _fail(str(error))
    except ModuleNotFoundError as error:
        sentence = missing_extra(error)
        if sentence is None:
            raise
        return _fail(sentence)
    return status if isinstance(status, int) else 0


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"{app.info.name} {version('magic-ctp')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _program(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback acts
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the version.",
        ),
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())


cohorts.register(app)
networks.register(app)
perfusion.register(app)

for _command in app.registered_commands:
    _name = getattr(_command.callback, "__name__", "")
    _command.epilog = NEIGHBOURS.get(
        _command.name or _name.strip("_").replace("_", "-"), ""
    )


def _fail(message: str) -> int:
    print(f"magic-model: {message}", file=sys.stderr)
    return 2
