"""Recipes against one another on one phantom split, at a size that a CPU can train.

python -m benchmarks.quality --work quality [--seeds 3] [--patients 30] [--recipes ...]

Finished runs are not trained again, so that it can be stopped and started.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from magic_model.commands.evaluate import evaluate
from magic_model.commands.generate import GenerateRequest, generate
from magic_model.config import load_recipe
from magic_model.data.cache import build_cache
from magic_model.data.split import Split
from magic_model.data.volume import Kind
from magic_model.phantom.ceiling import brain_voxels, ceiling
from magic_model.phantom.generate import make_cohort
from magic_model.phantom.patient import simulate
from magic_model.phantom.plan import plan_cohort
from magic_model.training.run import RunSettings, train

RECIPES = Path(__file__).with_name("recipes")
COMPARED = ("magic", "paper", "pix2pix", "unet")
PHANTOM_SEED = 11
RESAMPLES = 10_000


def train_all(work: Path, names: list[str], seeds: int, patients: int) -> None:
    """Train every recipe with every seed on the same patients."""
    cohort = make_cohort(work / "cohort", patients, PHANTOM_SEED)
    for seed in range(1, seeds + 1):
        for name in names:
            recipe = load_recipe(RECIPES / f"{name}.toml")
            cache = build_cache(cohort, work / "slices", maps=recipe.ranges)
            run = work / "runs" / f"{name}-{seed}"
            header = train(recipe, cache, RunSettings(folder=run, seed=seed))
            errors = {k: round(v, 3) for k, v in header.validation.items()}
            print(f"{run.name}: validation {errors}", flush=True)


def generate_all(work: Path, runs: list[str]) -> None:
    """Generate the maps of the test patients by each run."""
    for run in runs:
        request = GenerateRequest(
            checkpoint=work / "runs" / run,
            source=work / "cohort",
            out=work / "generated" / run,
            split="test",
        )
        generate(request)


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


def ceilings(patients: int) -> dict[str, float]:
    """Least error of a prediction from the CT number of one voxel, test patients."""
    plan = plan_cohort(patients, PHANTOM_SEED)
    made = [simulate(p.spec, p.rng()) for p in plan if p.split is Split.TEST]
    found = {}
    for kind in (Kind.CBF, Kind.CBV, Kind.MTT, Kind.TTP):
        rows = [brain_voxels(phantom, kind, noise_free=False) for phantom in made]
        hu, values = (np.concatenate(parts) for parts in zip(*rows, strict=True))
        found[str(kind)] = ceiling(hu, values).mae
    return found


def main() -> None:
    """Train, generate, evaluate and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("quality"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--patients", type=int, default=30)
    parser.add_argument("--recipes", nargs="+", default=list(COMPARED))
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    work, names, seeds = chosen.work, chosen.recipes, chosen.seeds
    train_all(work, names, seeds, chosen.patients)
    runs = [f"{name}-{seed}" for name in names for seed in range(1, seeds + 1)]
    generate_all(work, runs)
    folders = [work / "generated" / run for run in runs]
    print(evaluate(work / "cohort", folders, work / "evaluation", runs, 0))
    for metric in (
        "mean_absolute_error",
        "correlation",
        "ssim_in_brain",
        "uqi_in_brain",
    ):
        print(f"\n{metric}, mean over patients of the mean over {seeds} seeds")
        print(pooled(work, metric).to_string())
    print(f"\nleast MAE from one voxel's CT number: {ceilings(chosen.patients)}")


if __name__ == "__main__":
    main()
