"""Recipes against one another on one phantom split, at a size that a CPU can train.

python -m benchmarks.quality --work quality [--seeds 3] [--patients 30] [--recipes ...]

Finished runs are not trained again, so that it can be stopped and started.
"""

import argparse
from pathlib import Path

import torch

from magic_model.config import load_recipe
from magic_model.data.cache import build_cache
from magic_model.phantom.generate import make_cohort
from magic_model.training.run import RunSettings, train

RECIPES = Path(__file__).with_name("recipes")
COMPARED = ("magic", "paper", "pix2pix", "unet")
PHANTOM_SEED = 11


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
    train_all(chosen.work, chosen.recipes, chosen.seeds, chosen.patients)


if __name__ == "__main__":
    main()
