"""Training on a cohort: its slices are prepared, its patients counted, a run made."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from magic_model.checkpoint import LAST, CheckpointHeader, read_header
from magic_model.data.cohort import read_cohort
from magic_model.data.slice_cache import SliceCache, build_cache
from magic_model.data.slices import SliceGeometry
from magic_model.distributed import World, wait_for_all
from magic_model.errors import DataError
from magic_model.output import require_writable
from magic_model.recipe import Recipe
from magic_model.training.pictures import RunPictures
from magic_model.training.trainer import METRICS, RunSettings, train


def train_cohort(
    cohort: Path,
    recipe: Recipe,
    settings: RunSettings,
    *,
    slices: Path | None = None,
    jobs: int = 1,
) -> CheckpointHeader:
    """Prepare the slices of a cohort and train on them, with pictures of it.

    Args:
        cohort: Folder with cohort.csv.
        recipe: What is trained.
        settings: Where and how.
        slices: Folder of prepared slices, to share them; in the run's if left out.
        jobs: Patients prepared at the same time.

    Returns:
        The header of the last checkpoint.

    Raises:
        DataError: As `train`; or if a folder cannot be written, or more patients cannot
            be prepared than may be left out.
    """
    require_writable(settings.folder)
    cache = prepare_cache(
        cohort,
        require_writable(slices or settings.folder / "slices"),
        _with_pixels(recipe, settings),
        settings.world,
        jobs=jobs,
        progress=settings.preparing,
    )
    _require_patients(cache, settings.allow_missing)
    pictures = RunPictures(
        cache, settings.folder, settings.folder / METRICS, recipe.training.epochs
    )
    return train(recipe, cache, replace(settings, after_epoch=pictures))


def prepare_cache(
    cohort: Path,
    folder: Path,
    recipe: Recipe,
    world: World,
    *,
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> SliceCache:
    """Prepare the slices of a recipe once, by the first process; all read them."""
    if world.is_first:
        geometry = SliceGeometry(
            size=recipe.data.size,
            n_slices=recipe.data.n_slices,
            pixel_mm=recipe.data.pixel_mm or None,
            slab_mm=recipe.data.slab_mm,
        )
        build_cache(
            read_cohort(cohort),
            folder,
            maps=recipe.ranges,
            geometry=geometry,
            jobs=jobs,
            progress=progress,
        )
    wait_for_all(world)
    return SliceCache.open(folder)


def _with_pixels(recipe: Recipe, settings: RunSettings) -> Recipe:
    """Return a recipe with the pixels of the weights that a run goes on from.

    Weights know tissue at the scale they were trained with. A recipe that names pixels
    has the last word; drawn weights take those of the cohort.
    """
    last = settings.folder / LAST
    start = last if last.exists() else settings.init
    sampling = read_header(start).sampling if start is not None else None
    if sampling is None or recipe.data.pixel_mm:
        return recipe
    data = replace(recipe.data, pixel_mm=sampling.pixel_mm)
    return replace(recipe, data=data)


_NAMED = 20  # patients with their reasons; slices/index.json has all


def describe_failures(cache: SliceCache) -> str:
    """Name the patients that could not be prepared, and why; empty if there is none."""
    if not cache.failures:
        return ""
    n_all = len(cache.failures) + len(cache.patients)
    named = [
        failure.reason.removeprefix(f"{failure.patient_id}: ").join(
            (f"{failure.patient_id} (", ")")
        )
        for failure in cache.failures[:_NAMED]
    ]
    if len(cache.failures) > _NAMED:
        named.append(f"and {len(cache.failures) - _NAMED} more in {cache.folder}")
    few = f"{len(cache.failures)} of {n_all} patients cannot be prepared"
    return f"{few}: {'; '.join(named)}"


def _require_patients(cache: SliceCache, allowed: int) -> None:
    """Refuse to train on fewer patients than the cohort has.

    Raises:
        DataError: Naming those that cannot be prepared, if more than are allowed.
    """
    if len(cache.failures) > allowed:
        n = len(cache.failures)
        msg = (
            f"{describe_failures(cache)}. Mend them, take them out of the cohort, or "
            f"train without them by --allow-missing {n} (now {allowed})"
        )
        raise DataError(msg)
