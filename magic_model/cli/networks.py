"""The commands that need a network or what it made: `train` to `export`."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from magic_model.batch import INCOMPLETE
from magic_model.cli.options import (
    ArchiveLink,
    ArchivePart,
    CohortFolder,
    Device,
    Jobs,
    KeepGoing,
    OfMany,
    Out,
    Scheduler,
    Seed,
    Series,
)
from magic_model.errors import DataError, pluralize

if TYPE_CHECKING:
    from magic_model.checkpoint import CheckpointHeader
    from magic_model.inference.generate import Generated, Generation
    from magic_model.inference.prepare import Source


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    commands: tuple[Callable[..., object], ...] = (
        train,
        load_weights,
        generate,
        montage,
        evaluate,
        ceiling,
        card,
        export,
    )
    for command in commands:
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
    init: Annotated[
        Path | None,
        typer.Option(help="Checkpoint whose weights a new run starts from."),
    ] = None,
    allow_missing: Annotated[
        int, typer.Option(min=0, help="Patients that may fail to be prepared.")
    ] = 0,
) -> None:
    """Train a recipe on a cohort, go on where the folder's run stopped, or further."""
    from magic_model.checkpoint import checkpoint_of
    from magic_model.cli.progress import training_progress
    from magic_model.distributed import process_group
    from magic_model.recipes.files import load_recipe
    from magic_model.training.cohort import train_cohort
    from magic_model.training.trainer import RunSettings

    wanted = load_recipe(recipe).with_epochs(epochs)
    with process_group(device) as (world, place):
        settings = RunSettings(
            folder=out,
            seed=seed,
            world=world,
            device=place,
            save_every=save_every,
            tensorboard=tensorboard,
            init=checkpoint_of(init) if init else None,
            allow_missing=allow_missing,
        )
        with training_progress(shown=world.is_first) as progress:
            header = train_cohort(
                cohort,
                wanted,
                replace(
                    settings,
                    preparing=progress.preparing,
                    progress=progress.training,
                    epochs=progress.epochs,
                ),
                slices=slices,
                jobs=jobs,
            )
        if world.is_first:
            print(_trained(header, out, slices or out / "slices"))


def _trained(header: "CheckpointHeader", out: Path, slices: Path) -> str:
    from magic_model.checkpoint import LAST, checkpoint_of
    from magic_model.data.slice_cache import SliceCache
    from magic_model.training.cohort import describe_failures

    epochs = pluralize(header.epoch, "epoch")
    lines = [f"Trained {header.recipe.name} for {epochs}; {out / LAST}"]
    left_out = describe_failures(SliceCache.open(slices))
    if left_out:
        lines.append(f"Left out: {left_out}")
    if header.best is not None:
        lines.append(
            f"Best on validation: epoch {header.best[1]}, {checkpoint_of(out)}"
        )
    errors = ", ".join(
        f"{name.upper()} {error:.3g}" for name, error in header.validation.items()
    )
    if errors:
        lines.append(f"Mean absolute error inside the brain, last epoch: {errors}")
    lines.append(f"Peak memory: {_peak_gib():.2f} GiB")
    return "\n".join(lines)


def _peak_gib() -> float:
    import resource
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024 ** (3 if sys.platform == "darwin" else 2)


def load_weights(
    file: Annotated[
        Path,
        typer.Argument(
            help="Checkpoint of this package, or weights of the authors' layout."
        ),
    ],
    sha256: Annotated[
        str, typer.Option(help="Hash of the file, as published beside it.")
    ],
    out: Out,
) -> None:
    """Put published weights into the folder of a run, if they are what is meant."""
    from magic_model.weights import load_published

    loaded = load_published(file, sha256, out)
    recipe = loaded.header.recipe
    print(f"{loaded.checkpoint}: {recipe.name}, {', '.join(recipe.maps)}")
    for note in loaded.notes:
        print(f"- {note}")
    print("Research use only.")


def card(
    checkpoint: Annotated[Path, typer.Option(help="Checkpoint or folder of a run.")],
    out: Annotated[Path, typer.Option(help="The .md file to write.")],
    evaluation: Annotated[
        Path | None, typer.Option(help="Folder that evaluate wrote of its maps.")
    ] = None,
) -> None:
    """Write the model card of a network, from its header and an evaluation."""
    from magic_model.model_card import model_card
    from magic_model.output import require_writable

    text = model_card(checkpoint, evaluation)
    require_writable(out.parent)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8")
    print(f"{out}: model card")


def generate(
    checkpoint: Annotated[
        Path, typer.Option(help="Checkpoint, folder of a run, or ONNX model.")
    ],
    input_: Annotated[
        str,
        typer.Option(
            "--input",
            help="NIfTI file, DICOM folder, folder of a cohort, or an archive.",
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
    bfloat16: Annotated[
        bool,
        typer.Option(
            "--bfloat16", help="bfloat16 where the CPU has it, less exact; no ONNX."
        ),
    ] = False,
    dicom: Annotated[
        bool, typer.Option("--dicom", help="Write DICOM too: maps, pictures, report.")
    ] = False,
    bids: Annotated[
        bool, typer.Option("--bids", help="Write BIDS derivatives into bids/ too.")
    ] = False,
    pictures: Annotated[
        bool, typer.Option("--pictures", help="Draw ratios and resolution too.")
    ] = False,
    series: Series = "",
    texture: Annotated[
        bool,
        typer.Option(
            "--texture/--no-texture", help="Sampled texture of a network that has it."
        ),
    ] = True,
    seed: Seed = 1,
    part: ArchivePart = "",
    keep_going: KeepGoing = False,
    scheduler: Scheduler = "",
    archive: OfMany = False,
    link: ArchiveLink = None,
) -> int:
    """Generate perfusion maps from non-contrast CT. Research use only."""
    from magic_model.archives.door import is_address, resolved
    from magic_model.batch import Archive, Part
    from magic_model.cli.progress import slices_progress
    from magic_model.distributed import process_group
    from magic_model.inference.generate import Generation, GenerationSettings
    from magic_model.inference.opened import open_model
    from magic_model.inference.prepare import find_sources
    from magic_model.inference.write import require_apart

    settings = GenerationSettings(
        ratio=ratio,
        spacing_mm=spacing,
        every=every,
        batch_size=batch,
        dicom=dicom,
        pictures=pictures,
        texture=texture,
        seed=seed,
        bids=bids,
    )
    how = Archive(Part.parse(part), keep_going, scheduler)
    if bids and how.part.of > 1:
        msg = "--bids must be given without --part: a run of the whole, after the parts"
        raise DataError(msg)
    with process_group(device) as (world, place):
        if scheduler:  # whose workers have working directories of their own
            input_, out = resolved(input_), out.resolve()
        if archive or is_address(input_):
            sources = _in_archive(input_, series, link)
        else:
            sources = find_sources(Path(input_), name, split, series=series)
        if world.is_first:
            _tell_series(sources)
        require_apart(sources, out)
        opened = open_model(checkpoint, place, bfloat16=bfloat16)
        generation = Generation(replace(opened, device=device), settings)
        with slices_progress(len(sources), shown=world.is_first) as progress:
            found = generation.run(sources, out, world, progress, how)
        if world.is_first:
            print(_generated(found, generation, out))
        return INCOMPLETE if found.outcome.failures else 0


def _tell_series(sources: "list[Source]") -> None:
    from magic_model.data.dicom.table import describe_series

    for source in sources:
        if source.series:
            print(describe_series(source.series))


def _in_archive(address: str, series: str, link: Path | None) -> "list[Source]":
    from magic_model.archives.door import links
    from magic_model.importing.cohort import write_link
    from magic_model.inference.prepare import find_in_archive

    if series:
        msg = "--archive must be given without --series, which is of one patient"
        raise DataError(msg)
    sources = find_in_archive(address)
    if link:
        write_link(dict(links([each.entry for each in sources if each.entry])), link)
    return sources


def _generated(found: "Generated", generation: "Generation", out: Path) -> str:
    names = ", ".join(str(name) for name in generation.model.backend.maps)
    done = found.patients
    lines = [f"{pluralize(len(done), 'patient')} in {out}: {names}"]
    lines += _noted([(m.patient.patient_id, m.notes) for m in done])
    missing = found.outcome.describe(out)
    return "\n".join([*lines, *([missing] if missing else []), "Research use only."])


def _noted(done: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    """Return each note once, with the patients that it is about."""
    whom: dict[str, list[str]] = {}
    for patient, notes in done:
        for note in dict.fromkeys(notes):  # of one patient twice is not of two
            whom.setdefault(note, []).append(patient)
    shared = f"all {pluralize(len(done), 'patient')}"
    return [
        f"  {shared if len(ids) == len(done) > 1 else ', '.join(ids)}: {note}"
        for note, ids in whom.items()
    ]


def montage(
    cohort: CohortFolder,
    generated: Annotated[Path, typer.Option(help="Folder with generated.csv.")],
    out: Out,
    split: Annotated[str, typer.Option(help="train, val, test or all.")] = "test",
    slices: Annotated[int, typer.Option(help="Rows of a montage.")] = 10,
    panel: Annotated[int, typer.Option(help="Pixels of a panel's side.")] = 256,
    volumes: Annotated[
        bool, typer.Option("--volumes", help="Write volumes for stack reading too.")
    ] = False,
) -> None:
    """Draw each patient's measured and generated maps alike; write cases.csv."""
    from magic_model.cli.progress import patients_progress
    from magic_model.montage.cases import add_volumes, draw_cases
    from magic_model.montage.picture import MontageLayout
    from magic_model.montage.volumes import VolumeLayout

    layout = MontageLayout(rows=slices, panel=panel)
    with patients_progress("montages") as progress:
        drawn = draw_cases(
            cohort,
            generated,
            out,
            split=split,
            layout=layout,
            progress=progress,
        )
    if volumes:
        drawn = add_volumes(drawn, cohort, generated, VolumeLayout())
    print(drawn.describe())


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
    boosting: Annotated[
        bool,
        typer.Option(
            "--boosting", help="Also compare with boosted trees (training split)."
        ),
    ] = False,
    realism: Annotated[
        bool,
        typer.Option(
            "--realism", help="Also measure how real maps look, by a machine too."
        ),
    ] = False,
) -> None:
    """Compare generated maps with the measured ones and with trivial baselines."""
    from magic_model.cli.progress import patients_progress
    from magic_model.evaluation.result import evaluate_selection, select_folders
    from magic_model.evaluation.writing import PAGE, RESULTS, describe, write_evaluation
    from magic_model.output import require_writable

    require_writable(out)
    with patients_progress("evaluating") as progress:
        chosen = select_folders(cohort, generated, name)
        found = evaluate_selection(
            chosen, seed, progress, jobs=jobs, boosting=boosting, realism=realism
        )
    write_evaluation(found, out)
    print(
        f"{describe(found)}\n"
        f"Tables, figures and {RESULTS} in {out}\n"
        f"Report: {out / PAGE}"
    )


def ceiling(
    cohort: CohortFolder,
    split: Annotated[
        Literal["train", "val", "test"], typer.Option(help="Whose patients.")
    ] = "test",
    seed: Seed = 1,
    jobs: Jobs = 1,
) -> None:
    """Print what the NCCT of a cohort holds, per map and per lesion."""
    from magic_model.data.split import Split
    from magic_model.evaluation.ceiling import cohort_ceiling

    found = cohort_ceiling(cohort, split=Split(split), seed=seed, jobs=jobs)
    print(found.describe())


def export(
    checkpoint: Annotated[Path, typer.Option(help="Checkpoint or folder of a run.")],
    out: Annotated[Path, typer.Option(help="The .onnx file to write.")],
) -> None:
    """Write a checkpoint's generator as an ONNX model for `generate`."""
    from magic_model.inference.onnx import export_onnx

    export_onnx(checkpoint, out)
    print(f"{out}: ONNX model, {out.stat().st_size / 2**20:.1f} MiB")
