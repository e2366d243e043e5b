"""The commands of `magic-model` that need a network or what it made."""

from pathlib import Path
from typing import Annotated

import typer

Jobs = Annotated[int, typer.Option(min=1, help="Patients at a time.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of all chance.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Out = Annotated[Path, typer.Option(help="Folder to write to.")]
CohortFolder = Annotated[Path, typer.Option(help="Folder with cohort.csv.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    for command in (train, generate, montage, evaluate, export):
        app.command()(command)


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
    jobs: Jobs = 1,
) -> None:
    """Compare generated maps with the measured ones and with trivial baselines."""
    from magic_model.commands.evaluate import evaluate as run

    print(run(cohort, generated, out, name or [], seed=seed, jobs=jobs))


def export(
    checkpoint: Annotated[Path, typer.Option(help="Checkpoint or folder of a run.")],
    out: Annotated[Path, typer.Option(help="The .onnx file to write.")],
) -> None:
    """Write a checkpoint's generator as an ONNX model for `generate`."""
    from magic_model.inference.onnx import export_onnx

    export_onnx(checkpoint, out)
    print(f"{out}: ONNX model, {out.stat().st_size / 2**20:.1f} MiB")


def _say(text: str) -> None:
    """Print what the first of several processes says; the others say nothing."""
    if text:
        print(text)
