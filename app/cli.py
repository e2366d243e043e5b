"""The command `magic-app`: parse, call, print."""

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import typer

from app.api import serve_explorer, serve_monitor, serve_reading_room
from app.configuration import StrPath
from app.demonstration.chain import Demonstration, run_demonstration
from app.deployment import write_deployment
from reader_study.cli.options import add_help_and_version
from reader_study.errors import StudyError

app = typer.Typer(
    name="magic-app",
    help="Browser pages of a reader study. Research use only.",
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
add_help_and_version(app)

_EXTRAS = {"pydicom": "dicom", "safetensors": "model", "torch": "model"}
"""Which extra brings a package that the explorer may miss."""


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
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name not in _EXTRAS:
            raise
        return _fail(f"{name} is not installed; install magic-ctp[{_EXTRAS[name]}]")
    return status if isinstance(status, int) else 0


def _offer(name: str, function: Callable[..., object]) -> None:
    """Offer a function as a command; its parameters are arguments and options.

    A parameter that is a dataclass is offered by its fields. The first sentence of the
    docstring is the help.
    """
    parameters = _parameters(function)
    made_of: dict[str, Any] = {
        p.name: p.annotation for p in parameters if is_dataclass(p.annotation)
    }
    offered = [option for p in parameters for option in _as_offered(p)]

    def command(**given: Any) -> None:  # noqa: ANN401
        for group, made in made_of.items():
            fields = [field.name for field in _parameters(made)]
            given[group] = made(**{name: given.pop(name) for name in fields})
        text = function(**given)
        if text is not None:
            print(text)

    # Typer reads both.
    command.__signature__ = inspect.Signature(offered)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in offered}
    summary = (inspect.getdoc(function) or "").partition("\n\n")[0]
    app.command(name, help=summary)(command)


def _parameters(function: Any) -> list[inspect.Parameter]:  # noqa: ANN401
    return list(inspect.signature(function, eval_str=True).parameters.values())


def _as_offered(parameter: inspect.Parameter) -> Iterator[inspect.Parameter]:
    if is_dataclass(parameter.annotation):
        for field in _parameters(parameter.annotation):
            yield from _as_offered(field)
        return
    of_python, option = get_args(parameter.annotation)
    kinds = get_args(of_python) or (of_python,)
    if get_origin(of_python) is not list and set(get_args(StrPath)) <= set(kinds):
        # Typer takes one kind of value: a path.
        others = [kind for kind in kinds if kind not in get_args(StrPath)]
        of_python = reduce(or_, others, Path)
    yield parameter.replace(
        kind=inspect.Parameter.KEYWORD_ONLY, annotation=Annotated[of_python, option]
    )


def _fail(message: str) -> int:
    print(f"magic-app: {message}", file=sys.stderr)
    return 2


_offer("read", serve_reading_room)
_offer("monitor", serve_monitor)
_offer("pilo", serve_explorer)
_offer("deploy", write_deployment)


def _demo(demonstration: Demonstration) -> str:
    """Go the whole way from digital patients to a report; make what is missing."""
    return run_demonstration(demonstration, say=print)


_offer("demo", _demo)

NEIGHBOURS: Mapping[str, str] = {
    "read": "Before: magic-study open. Beside: magic-app monitor, magic-app deploy.",
    "monitor": "Before: magic-study coordinator add. Beside: magic-study status.",
    "pilo": "Before: magic-model train with a recipe that has PILO.",
    "deploy": "Before: magic-study build. Next: the units run magic-app read, monitor.",
    "demo": "Next: magic-app read, on the study that --reading makes.",
}
"""What comes before and after each command, for its help."""

for _command in app.registered_commands:
    _command.epilog = NEIGHBOURS.get(_command.name or "", "")

if __name__ == "__main__":
    sys.exit(main())
