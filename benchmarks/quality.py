"""Recipes against one another on one phantom split.

python -m benchmarks.quality --work quality [--seeds 3] [--patients 30] [--recipes ...]
python -m benchmarks.quality --work quality --full --epochs 30   (needs a GPU)

Without `--full` the recipes are at a size that a CPU can train, else as shipped.
Finished runs are not trained again, so that it can be stopped and started.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from joblib import Parallel, delayed

from magic_model.data.slice_cache import SliceCache
from magic_model.data.split import Split
from magic_model.data.volume import Kind
from magic_model.distributed import World, choose_device
from magic_model.evaluation.result import evaluate_folders
from magic_model.evaluation.writing import describe, write_evaluation
from magic_model.inference.generate import Generation
from magic_model.inference.opened import open_model
from magic_model.inference.prepare import find_sources
from magic_model.phantom.ceiling import brain_voxels, ceiling
from magic_model.phantom.generate import PlannedPatient, make_cohort, plan_cohort
from magic_model.phantom.patient import Contents, Phantom, simulate
from magic_model.recipe import Recipe
from magic_model.recipes.files import load_recipe
from magic_model.training.cohort import prepare_cache
from magic_model.training.trainer import RunSettings, train

RECIPES = Path(__file__).with_name("recipes")
COMPARED = ("magic", "paper", "pix2pix", "unet")
PHANTOM_SEED = 11
RESAMPLES = 10_000


@dataclass(frozen=True)
class Run:
    """One recipe trained from one seed.

    Attributes:
        name: Of the recipe.
        seed: Of the training.
        full: The recipe as shipped, not the small one.
        epochs: In place of the recipe's.
    """

    name: str
    seed: int
    full: bool
    epochs: int | None

    @property
    def title(self) -> str:
        """Name of the run and its folders."""
        return f"{self.name}-{self.seed}"

    def recipe(self) -> Recipe:
        """Load the recipe."""
        recipe = load_recipe(self.name if self.full else RECIPES / f"{self.name}.toml")
        if self.epochs is None:
            return recipe
        return replace(recipe, training=replace(recipe.training, epochs=self.epochs))


def prepare(work: Path, runs: Sequence[Run], patients: int, jobs: int) -> None:
    """Make the patients, and the slices that each recipe sees."""
    make_cohort(
        work / "cohort",
        patients,
        PHANTOM_SEED,
        contents=Contents(exact=True),
        jobs=jobs,
    )
    recipes = (run.recipe() for run in runs)
    for folder, recipe in {slices_of(work, one): one for one in recipes}.items():
        prepare_cache(work / "cohort", folder, recipe, World(), jobs=jobs)


def slices_of(work: Path, recipe: Recipe) -> Path:
    """Return the folder of the slices that a recipe sees: single planes, or slabs."""
    slab = recipe.data.slab_mm
    return work / (f"slices-{slab:g}-mm" if slab else "slices")


def train_and_generate(work: Path, run: Run, threads: int) -> None:
    """Train a run, and generate the maps of the test patients by it."""
    torch.set_num_threads(threads)
    folder = work / "runs" / run.title
    settings = RunSettings(
        folder=folder,
        seed=run.seed,
        device=choose_device("auto"),
        progress=_teller(run),
    )
    recipe = run.recipe()
    header = train(recipe, SliceCache.open(slices_of(work, recipe)), settings)
    errors = {k: round(v, 3) for k, v in header.validation.items()}
    print(
        f"{run.title}: epoch {header.best and header.best[1]} of {header.epoch} "
        f"is the best; validation of the last {errors}",
        flush=True,
    )
    generation = Generation(open_model(folder, choose_device("auto")))
    sources = find_sources(work / "cohort", split="test")
    generation.run(sources, work / "generated" / run.title)


def _teller(run: Run) -> Callable[[int, int, dict[str, float]], None]:
    """Say now and then how far a run is, and after how long."""
    start = time.monotonic()

    def tell(done: int, of_all: int, losses: dict[str, float]) -> None:
        if done * 5 // of_all != (done - 1) * 5 // of_all:
            seconds = time.monotonic() - start
            far = f"step {done} of {of_all} after {seconds:.0f} s"
            print(f"{run.title}: {far}, L1 {losses['l1']:.4f}", flush=True)

    return tell


def pooled(work: Path, metric: str) -> pd.DataFrame:
    """Mean over patients, each the mean of its seeds, with a bootstrap interval.

    Returns:
        One row per method, one column per map, as text.
    """
    scores = pd.read_csv(work / "evaluation" / "patients.csv")
    scores = scores[scores["metric"] == metric]
    recipe = scores["method"].str.replace(r"-\d+$", "", regex=True)
    keys = [recipe.rename("recipe"), "map", "patient_id"]
    per_patient = scores.groupby(keys)["value"].mean()
    rng = np.random.default_rng(0)

    def told(values: pd.Series) -> str:
        drawn = rng.choice(values.to_numpy(), (RESAMPLES, len(values))).mean(axis=1)
        low, high = np.quantile(drawn, [0.025, 0.975])
        return f"{values.mean():.3g} ({low:.3g} to {high:.3g})"

    table = per_patient.groupby(["recipe", "map"]).agg(told).reset_index()
    return table.pivot_table(
        index="recipe", columns="map", values="value", aggfunc="first"
    )


def ceilings(patients: int, jobs: int) -> dict[str, float]:
    """Least error of a prediction from the CT number of one voxel, test patients."""
    plan = plan_cohort(patients, PHANTOM_SEED)
    tested = [planned for planned in plan if planned.split is Split.TEST]
    made = Parallel(n_jobs=jobs)(delayed(_simulated)(planned) for planned in tested)
    found = {}
    for kind in (Kind.CBF, Kind.CBV, Kind.MTT, Kind.TTP):
        rows = [brain_voxels(phantom, kind, noise_free=False) for phantom in made]
        hu, values = (np.concatenate(parts) for parts in zip(*rows, strict=True))
        found[str(kind)] = ceiling(hu, values).mae
    return found


def _simulated(planned: PlannedPatient) -> Phantom:
    return simulate(planned.spec, planned.rng())


def main() -> None:
    """Train, generate, evaluate and print."""
    chosen = _options()
    work, jobs = chosen.work, chosen.jobs
    runs = [
        Run(name, seed, chosen.full, chosen.epochs)
        for seed in range(1, chosen.seeds + 1)
        for name in chosen.recipes
    ]
    prepare(work, runs, chosen.patients, jobs)
    Parallel(n_jobs=chosen.at_once)(
        delayed(train_and_generate)(work, run, chosen.threads) for run in runs
    )
    titles = [run.title for run in runs]
    folders = [work / "generated" / title for title in titles]
    out = work / "evaluation"
    found = evaluate_folders(work / "cohort", folders, titles, seed=0, jobs=jobs)
    write_evaluation(found, out)
    print(describe(found))
    _print_pooled(work, chosen.seeds)
    ceiling_of_all = ceilings(chosen.patients, jobs)
    print(f"\nleast MAE from one voxel's CT number: {ceiling_of_all}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("quality"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--patients", type=int, default=30)
    parser.add_argument("--recipes", nargs="+", default=list(COMPARED))
    parser.add_argument("--full", action="store_true", help="recipes as shipped")
    parser.add_argument("--epochs", type=int, help="in place of the recipes'")
    parser.add_argument("--threads", type=int, default=1, help="of each run")
    parser.add_argument("--at-once", type=int, default=1, help="runs at a time")
    parser.add_argument("--jobs", type=int, default=1, help="patients at a time")
    return parser.parse_args()


def _print_pooled(work: Path, seeds: int) -> None:
    for metric in (
        "mean_absolute_error",
        "correlation",
        "ssim_in_brain",
        "uqi_in_brain",
    ):
        print(f"\n{metric}, mean over patients of the mean over {seeds} seeds")
        print(pooled(work, metric).to_string())


if __name__ == "__main__":
    main()
