"""The command `magic-model`: parse, call, print."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from magic_model.cli_network import register
from magic_model.cli_version import add_version
from magic_model.errors import DataError

app = typer.Typer(
    name="magic-model",
    help="Perfusion maps from non-contrast head CT. Research use only.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

_EXTRAS = {
    "highdicom": "dicom",
    "onnxruntime": "onnx",
    "onnxscript": "onnx",
    "pydicom": "dicom",
    "safetensors": "model",
    "tensorboard": "tensorboard",
    "torch": "model",
}
"""Which extra brings a package that a command may miss."""

register(app)
add_version(app)

_INCOMPLETE = 1  # some patients could not be imported

Jobs = Annotated[int, typer.Option(min=1, help="Patients at a time.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of all chance.")]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    try:
        status = app(None if argv is None else list(argv), standalone_mode=False)
    except typer.TyperException as error:
        return _fail(error.format_message())
    except DataError as error:
        return _fail(str(error))
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name not in _EXTRAS:
            raise
        return _fail(f"{name} is not installed; install magic-ctp[{_EXTRAS[name]}]")
    return status if isinstance(status, int) else 0


@app.command()
def phantom(
    out: Annotated[Path, typer.Option(help="Folder of the cohort.")],
    patients: Annotated[int, typer.Option(help="Number of patients.")] = 12,
    severities: Annotated[
        str,
        typer.Option(help="How many of each instead: none,mild_moderate,severe."),
    ] = "",
    seed: Seed = 1,
    full: Annotated[
        bool, typer.Option("--full", help="Whole head at 1 mm instead of a slab.")
    ] = False,
    jobs: Jobs = 1,
) -> None:
    """Make a cohort of digital patients with known truth."""
    from magic_model.commands.phantom import phantom as run

    wanted = severities or patients
    print(run(out, wanted, seed=seed, full=full, jobs=jobs))


@app.command("import")
def import_(
    root: Annotated[Path | None, typer.Argument(help="Data as on disk.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the cohort.")] = None,
    layout: Annotated[str | None, typer.Option(help="How data lie on disk.")] = None,
    check: Annotated[
        Path | None, typer.Option(help="Only check this cohort; change nothing.")
    ] = None,
    seed: Seed = 0,
    jobs: Jobs = 1,
    link: Annotated[
        Path | None,
        typer.Option(help="Also write which patient is which, to keep apart."),
    ] = None,
    register: Annotated[
        bool, typer.Option("--register", help="Move each NCCT onto its maps first.")
    ] = False,
) -> int:
    """Import a data set into a checked cohort, or check one that exists."""
    from magic_model.commands import importing

    if check:
        print(importing.check(check))
        return 0
    if root is None or out is None or layout is None:
        msg = "Give --layout, the data's folder and --out; or --check and a cohort"
        raise DataError(msg)
    request = importing.ImportRequest(layout, root, out, seed, jobs, link, register)
    text, complete = importing.import_data(request)
    print(text)
    return 0 if complete else _INCOMPLETE


def _fail(message: str) -> int:
    print(f"magic-model: {message}", file=sys.stderr)
    return 2


if __name__ == "__main__":  # as torchrun starts it
    sys.exit(main())
