"""The command `magic-model`: parse, call, print."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

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
    "joblib": "data",
    "nibabel": "data",
    "nilearn": "data",
    "onnxruntime": "onnx",
    "onnxscript": "onnx",
    "pydicom": "dicom",
    "rich": "data",
    "safetensors": "model",
    "tensorboard": "tensorboard",
    "torch": "model",
}
"""Which extra brings a package that a command may miss."""

_INCOMPLETE = 1  # some patients could not be imported

Jobs = Annotated[int, typer.Option(min=1, help="Patients at a time.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of all chance.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Out = Annotated[Path, typer.Option(help="Folder to write to.")]
CohortFolder = Annotated[Path, typer.Option(help="Folder with cohort.csv.")]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    try:
        status = app(None if argv is None else list(argv), standalone_mode=False)
    except typer.TyperException as error:
        return _fail(error.format_message())
    except DataError as error:
        return _fail(str(error))
    except ModuleNotFoundError as error:
        if error.name not in _EXTRAS:
            raise
        extra = _EXTRAS[error.name]
        return _fail(f"{error.name} is not installed; install magic-ctp[{extra}]")
    return status if isinstance(status, int) else 0


@app.command()
def phantom(
    out: Annotated[Path, typer.Option(help="Folder of the cohort.")],
    patients: Annotated[int, typer.Option(help="Number of patients.")] = 12,
    seed: Seed = 1,
    full: Annotated[
        bool, typer.Option("--full", help="Whole head at 1 mm instead of a slab.")
    ] = False,
    jobs: Jobs = 1,
) -> None:
    """Make a cohort of digital patients with known truth."""
    from magic_model.commands.phantom import phantom as run

    print(run(out, patients=patients, seed=seed, full=full, jobs=jobs))


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


@app.command()
def train(
    cohort: CohortFolder,
    out: Out,
    recipe: Annotated[
        str, typer.Option(help="A shipped recipe, or a TOML file.")
    ] = "magic",
    epochs: Annotated[
        int | None, typer.Option(min=1, help="In place of the recipe's.")
    ] = None,
    seed: Seed = 1,
    device: Device = "auto",
    save_every: Annotated[
        int, typer.Option(min=0, help="Steps between checkpoints; 0: once an epoch.")
    ] = 0,
    slices: Annotated[
        Path | None, typer.Option(help="Folder of prepared slices, to share them.")
    ] = None,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write TensorBoard's files too.")
    ] = False,
    jobs: Jobs = 1,
) -> None:
    """Train a recipe on a cohort, or go on where the folder's run stopped."""
    from magic_model.commands.train import TrainRequest, run_training

    _say(
        run_training(
            TrainRequest(
                recipe=recipe,
                cohort=cohort,
                out=out,
                slices=slices,
                epochs=epochs,
                seed=seed,
                device=device,
                save_every=save_every,
                tensorboard=tensorboard,
                jobs=jobs,
            )
        )
    )


@app.command()
def generate(
    checkpoint: Annotated[
        Path, typer.Option(help="Checkpoint, folder of a run, or ONNX model.")
    ],
    input_: Annotated[
        Path,
        typer.Option(
            "--input", help="NIfTI file, DICOM folder, or folder of a cohort."
        ),
    ],
    out: Out,
    name: Annotated[
        str, typer.Option(help="Study-local name of a single volume.")
    ] = "case-1",
    split: Annotated[
        str, typer.Option(help="Part of a cohort: train, val, test or all.")
    ] = "all",
    ratio: Annotated[
        float, typer.Option(help="Perfusion information ratio; 1: as trained.")
    ] = 1.0,
    spacing: Annotated[
        float | None, typer.Option(help="Distance of slices in mm; else the NCCT's.")
    ] = None,
    every: Annotated[
        bool,
        typer.Option("--every", help="Every NCCT slice even where maps are measured."),
    ] = False,
    batch: Annotated[int, typer.Option(min=1, help="Slices at a time.")] = 4,
    device: Device = "auto",
    dicom: Annotated[
        bool, typer.Option("--dicom", help="Write Parametric Maps too.")
    ] = False,
    pictures: Annotated[
        bool, typer.Option("--pictures", help="Draw ratios and resolution too.")
    ] = False,
) -> None:
    """Generate perfusion maps from non-contrast CT. Research use only."""
    from magic_model.commands.generate import GenerateRequest
    from magic_model.commands.generate import generate as run

    _say(
        run(
            GenerateRequest(
                checkpoint=checkpoint,
                source=input_,
                out=out,
                name=name,
                split=split,
                ratio=ratio,
                spacing_mm=spacing,
                every=every,
                batch_size=batch,
                device=device,
                dicom=dicom,
                pictures=pictures,
            )
        )
    )


@app.command()
def montage(
    cohort: CohortFolder,
    generated: Annotated[Path, typer.Option(help="Folder with generated.csv.")],
    out: Out,
    split: Annotated[str, typer.Option(help="train, val, test or all.")] = "test",
    slices: Annotated[int, typer.Option(help="Rows of a montage.")] = 10,
    panel: Annotated[int, typer.Option(help="Pixels of a panel's side.")] = 256,
) -> None:
    """Draw each patient's measured and generated maps alike; write cases.csv."""
    from magic_model.commands.montage import montage as run

    print(run(cohort, generated, out, split=split, slices=slices, panel=panel))


@app.command()
def evaluate(
    cohort: CohortFolder,
    generated: Annotated[
        list[Path], typer.Option(help="Folder with generated.csv; may be repeated.")
    ],
    out: Out,
    name: Annotated[
        list[str] | None, typer.Option(help="Name of each in tables.")
    ] = None,
    seed: Seed = 1,
) -> None:
    """Compare generated maps with the measured ones and with trivial baselines."""
    from magic_model.commands.evaluate import evaluate as run

    print(run(cohort, generated, out, name or [], seed))


@app.command()
def export(
    checkpoint: Annotated[Path, typer.Option(help="Checkpoint or folder of a run.")],
    out: Annotated[Path, typer.Option(help="The .onnx file to write.")],
) -> None:
    """Write a checkpoint's generator as an ONNX model for `generate`."""
    from magic_model.inference.onnx_export import export_onnx

    export_onnx(checkpoint, out)
    print(f"{out}: ONNX model, {out.stat().st_size / 2**20:.1f} MiB")


def _say(text: str) -> None:
    """Print what the first of several processes says; the others say nothing."""
    if text:
        print(text)


def _fail(message: str) -> int:
    print(f"magic-model: {message}", file=sys.stderr)
    return 2
