"""`magic-model train`: train a recipe on a cohort."""

import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from magic_model.checkpoint import LAST, CheckpointHeader, checkpoint_of
from magic_model.data.cohort import read_cohort
from magic_model.data.slice_cache import SliceCache, build_cache
from magic_model.data.slices import SliceGeometry
from magic_model.distributed import World, joined, wait_for_all
from magic_model.errors import counted
from magic_model.recipe import Recipe, load_recipe
from magic_model.training.trainer import Progress, RunSettings, train
from magic_model.training.validation import draw_samples


@dataclass(frozen=True, kw_only=True)
class TrainRequest:
    """What the user asks."""

    recipe: str
    cohort: Path
    out: Path
    slices: Path | None = None
    epochs: int | None = None
    seed: int = 1
    device: str = "auto"
    save_every: int = 0
    tensorboard: bool = False
    jobs: int = 1


def run_training(request: TrainRequest) -> str:
    """Train and say what came out; only the first process says it."""
    recipe = _recipe(request)
    with joined(request.device) as (world, device):
        cache = _slices(request, recipe, world)
        with _shown(world) as progress:
            header = train(
                recipe,
                cache,
                RunSettings(
                    folder=request.out,
                    seed=request.seed,
                    world=world,
                    device=device,
                    save_every=request.save_every,
                    tensorboard=request.tensorboard,
                    progress=progress,
                    after_epoch=lambda epoch, nets: draw_samples(
                        nets.generator, cache, request.out, epoch
                    ),
                ),
            )
        return _described(header, request.out) if world.is_first else ""


def _recipe(request: TrainRequest) -> Recipe:
    from dataclasses import replace

    recipe = load_recipe(request.recipe)
    if request.epochs is None:
        return recipe
    return replace(recipe, training=replace(recipe.training, epochs=request.epochs))


def _slices(request: TrainRequest, recipe: Recipe, world: World) -> SliceCache:
    """Prepare the slices once, by the first process; all read them."""
    folder = request.slices or request.out / "slices"
    if world.is_first:
        geometry = SliceGeometry(size=recipe.data.size, n_slices=recipe.data.n_slices)
        build_cache(
            read_cohort(request.cohort),
            folder,
            maps=recipe.ranges,
            geometry=geometry,
            jobs=request.jobs,
        )
    wait_for_all(world)
    return SliceCache.open(folder)


def _described(header: CheckpointHeader, out: Path) -> str:
    epochs = counted(header.epoch, "epoch")
    lines = [f"Trained {header.recipe.name} for {epochs}; {out / LAST}"]
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
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024 ** (3 if sys.platform == "darwin" else 2)


@contextmanager
def _shown(world: World) -> Iterator[Progress | None]:
    if not world.is_first:
        yield None
        return
    columns = (
        "training",
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        "{task.description}",
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def update(done: int, of_all: int, losses: dict[str, float]) -> None:
            text = f"L1 {losses['l1']:.4f}, total {losses['total']:.3g}"
            bar.update(task, completed=done, total=of_all, description=text)

        yield update
