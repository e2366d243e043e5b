"""Recipes against one another on one phantom split.

python -m benchmarks.quality --work quality [--seeds 3] [--patients 30] [--recipes ...]
python -m benchmarks.quality --work quality --full --epochs 30   (needs a GPU)
python -m benchmarks.quality --work quality --recipes small --seeds 1 --order

Without `--full` the recipes are at a size that a CPU can train where there is one, else
as shipped. Boosted trees and trivial predictors stand beside them. With `--order` it
fails if a recipe has larger errors than the trees as a mean over the maps. Finished
runs are not trained again, so that it can be stopped and started.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from joblib import Parallel, delayed

from magic_model.data.slice_cache import SliceCache
from magic_model.distributed import World, choose_device
from magic_model.evaluation.ceiling import CohortCeiling, cohort_ceiling
from magic_model.evaluation.metric import Metric
from magic_model.evaluation.predictors import BOOSTING
from magic_model.evaluation.result import evaluate_selection, select_folders
from magic_model.evaluation.writing import describe, write_evaluation
from magic_model.inference.generate import Generation
from magic_model.inference.opened import open_model
from magic_model.inference.prepare import find_sources
from magic_model.phantom.generate import make_cohort
from magic_model.phantom.patient import Contents
from magic_model.recipe import Recipe
from magic_model.recipes.files import load_recipe
from magic_model.training.cohort import prepare_cache
from magic_model.training.trainer import RunSettings, train

RECIPES = Path(__file__).with_name("recipes")
COMPARED = ("magic", "paper", "pix2pix", "unet")
PHANTOM_SEED = 11
RESAMPLES = 10_000
PER_MAP = (
    Metric.MAE,
    Metric.MAE_SHOWN,
    Metric.CORRELATION,
    Metric.SSIM_IN_BRAIN,
    Metric.UQI_IN_BRAIN,
)
LESIONS = (
    Metric.CORE_DICE,
    Metric.AT_RISK_DICE,
    Metric.CORE_AUC,
    Metric.AT_RISK_AUC,
)


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
        reduced = RECIPES / f"{self.name}.toml"
        shipped = self.full or not reduced.exists()
        recipe = load_recipe(self.name if shipped else reduced)
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
    """Return the folder of the slices that a recipe sees."""
    data = recipe.data
    return work / f"slices-{data.slab_mm:g}-mm-to-{data.reach:g}"


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


def pooled(scores: pd.DataFrame, column: str) -> pd.DataFrame:
    """Mean over patients, each the mean of its seeds, with a bootstrap interval.

    Args:
        scores: Rows of method, patient_id, value.
        column: What is to have a column each.

    Returns:
        One row per recipe, as text.
    """
    recipe = scores["method"].str.replace(r"-\d+$", "", regex=True)
    keys = [recipe.rename("recipe"), column, "patient_id"]
    per_patient = scores.groupby(keys)["value"].mean().dropna()
    rng = np.random.default_rng(0)

    def told(values: pd.Series) -> str:
        drawn = rng.choice(values.to_numpy(), (RESAMPLES, len(values))).mean(axis=1)
        low, high = np.quantile(drawn, [0.025, 0.975])
        return f"{values.mean():.3g} ({low:.3g} to {high:.3g})"

    table = per_patient.groupby(["recipe", column]).agg(told).reset_index()
    return table.pivot_table(
        index="recipe", columns=column, values="value", aggfunc="first"
    )


def over_trees(scores: pd.DataFrame) -> pd.DataFrame:
    """Mean errors of each recipe over those of boosted trees, and the mean over maps.

    Of the maps as shown: trees know no range, and vessels lie above it.
    """
    errors = scores[scores["metric"] == Metric.MAE_SHOWN]
    recipe = errors["method"].str.replace(r"-\d+$", "", regex=True).rename("recipe")
    means = errors.pivot_table(index=recipe, columns="map", values="value")
    ratios = means / means.loc[BOOSTING]
    return ratios.assign(all=ratios.mean(axis=1))


def main() -> int:
    """Train, generate, evaluate and print; status 1 if the order does not hold."""
    chosen = _options()
    if chosen.work is not None:
        return compare(chosen, chosen.work)
    with tempfile.TemporaryDirectory() as work:
        return compare(chosen, Path(work))


def compare(chosen: argparse.Namespace, work: Path) -> int:
    """Do it all in a folder; return the status."""
    jobs = chosen.jobs
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
    selection = select_folders(work / "cohort", folders, titles)
    found = evaluate_selection(selection, seed=0, jobs=jobs, boosting=True)
    write_evaluation(found, work / "evaluation")
    print(describe(found))
    scores = pd.read_csv(work / "evaluation" / "patients.csv")
    held = cohort_ceiling(work / "cohort", jobs=jobs)
    _print_pooled(scores, held, chosen.seeds)
    print(f"\n{held.describe()}")
    ratios = over_trees(scores)
    print(f"\nerrors as shown over those of boosted trees\n{ratios.round(3)}")
    behind = ratios.loc[chosen.recipes, "all"] > 1
    return int(chosen.order and behind.any())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, help="kept; else in a folder for a while")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--patients", type=int, default=30)
    parser.add_argument("--recipes", nargs="+", default=list(COMPARED))
    parser.add_argument("--full", action="store_true", help="recipes as shipped")
    parser.add_argument("--epochs", type=int, help="in place of the recipes'")
    parser.add_argument("--threads", type=int, default=1, help="of each run")
    parser.add_argument("--at-once", type=int, default=1, help="runs at a time")
    parser.add_argument("--jobs", type=int, default=1, help="patients at a time")
    parser.add_argument("--order", action="store_true", help="fail if behind the trees")
    return parser.parse_args()


def _print_pooled(scores: pd.DataFrame, held: CohortCeiling, seeds: int) -> None:
    told = f"mean over patients of the mean over {seeds} seeds"
    for metric in PER_MAP:
        rows = scores[scores["metric"] == metric]
        print(f"\n{metric}, {told}\n{pooled(rows, 'map').to_string()}")
    lesions = scores[scores["metric"].isin(LESIONS)]
    print(f"\nlesions, {told}\n{pooled(lesions, 'metric').to_string()}")
    seen = [core.patient_id for core in held.lesions if core.is_visible]
    cores = lesions[lesions["patient_id"].isin(seen)]
    if seen:
        print(f"\nthe {len(seen)} whose core shows, {told}")
        print(pooled(cores, "metric").to_string())


if __name__ == "__main__":
    sys.exit(main())
