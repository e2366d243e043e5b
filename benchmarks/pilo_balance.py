"""What the perfusion information ratio moves: anatomy against perfusion, map by map.

python -m benchmarks.pilo_balance [--checkpoint RUN --cohort COHORT] [--work FOLDER]

Without a checkpoint a small network is trained on digital patients for some minutes. On
patients of the test split maps are generated along the ratio, with the balance of the
checkpoint and without it, as versions before did. Printed are, in the brain and as a
mean over patients, the correlation with the NCCT (over 3x3 pixels, as its noise is
nobody's anatomy), that with the map as trained, and the spread over that of the map as
trained. It fails if a low ratio does not show the NCCT or is pale, a high one still
shows it, or a ratio of 1 is not the output as trained bit by bit.
"""

import argparse
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from magic_model.checkpoint import checkpoint_of, read_header, rewrite_header
from magic_model.data.normalise import scale_hounsfield
from magic_model.data.slices import SliceStack
from magic_model.inference.model import TorchBackend
from magic_model.inference.prepare import find_sources
from magic_model.maps import MAP_SPECS
from magic_model.networks.pilo import anatomy_of
from magic_model.phantom.generate import make_cohort
from magic_model.phantom.patient import Contents
from magic_model.recipes.files import load_recipe
from magic_model.training.cohort import train_cohort
from magic_model.training.trainer import RunSettings

PATIENTS, SEED, EPOCHS = 6, 11, 8
RATIOS = (1 / 8, 1 / 4, 1 / 2, 1.0, 2.0, 4.0, 8.0)
EVERY = 3  # slices of a patient
_FIGURES = ("r with NCCT", "r with trained", "spread")
_SHOWN, _GONE = 0.9, 0.6  # |r| with the NCCT at 1/8; at 8, of that at 1
_NOTHING, _PALE = 0.15, 0.6  # an r that tells nothing; a spread that is still seen


def trained(work: Path) -> tuple[Path, Path]:
    """Train a small network; return the folders of its run and of its cohort."""
    cohort, run = work / "cohort", work / "run"
    make_cohort(cohort, PATIENTS, SEED, contents=Contents(exact=True))
    recipe = load_recipe("tiny").with_epochs(EPOCHS)
    train_cohort(cohort, recipe, RunSettings(folder=run, seed=1))
    return run, cohort


def along_ratios(backend: TorchBackend, stack: SliceStack) -> NDArray[np.float64]:
    """Measure a patient: `(maps, ratios, figures)`."""
    inside = stack.mask[::EVERY]
    ncct = scale_hounsfield(stack.ncct[::EVERY])
    cached = backend.features(ncct)
    by_ratio = [cached.predict(ratio) for ratio in RATIOS]
    as_trained = by_ratio[RATIOS.index(1.0)]
    seen = anatomy_of(torch.from_numpy(ncct))[:, 0].numpy()[inside]
    rows = []
    for channel in range(len(backend.maps)):
        trained_map = as_trained[:, channel][inside]
        made = [maps[:, channel][inside] for maps in by_ratio]
        rows.append([_figures(one, seen, trained_map) for one in made])
    return np.array(rows)


def without_balance(run: Path, folder: Path) -> TorchBackend:
    """Open the same network as earlier versions wrote it."""
    copied = folder / "before.safetensors"
    shutil.copyfile(checkpoint_of(run), copied)
    rewrite_header(copied, replace(read_header(copied), balance=None))
    return TorchBackend(copied)


def _figures(
    made: NDArray[np.float32], ncct: NDArray[np.float32], trained: NDArray[np.float32]
) -> tuple[float, float, float]:
    alike = np.corrcoef([made, ncct, trained])[0]
    return float(alike[1]), float(alike[2]), float(made.std() / trained.std())


def measure(run: Path, cohort: Path, folder: Path) -> pd.DataFrame:
    """Return a row per map and ratio: figures with balance, and without it.

    Raises:
        RuntimeError: If the run has no balance, or if that changes a ratio of 1.
    """
    backend, before = TorchBackend(run), without_balance(run, folder)
    stacks = [
        source.slices(
            source.load(), backend.size, None, every=False, sampling=backend.sampling
        )
        for source in find_sources(cohort, split="test")
    ]
    ncct = scale_hounsfield(stacks[0].ncct[:1])
    same = np.array_equal(backend.predict(ncct), before.predict(ncct))
    if not (backend.balanced and same):
        msg = f"{run}: must have a balance that leaves a ratio of 1 bit by bit"
        raise RuntimeError(msg)
    parts = {
        title: np.mean([along_ratios(network, stack) for stack in stacks], axis=0)
        for title, network in (("balanced", backend), ("before", before))
    }
    index = pd.MultiIndex.from_product(
        [[MAP_SPECS[name].title for name in backend.maps], RATIOS],
        names=["map", "ratio"],
    )
    flat = np.concatenate([part.reshape(len(index), -1) for part in parts.values()], 1)
    columns = pd.MultiIndex.from_product([list(parts), _FIGURES])
    print(f"{len(stacks)} test patients, recipe {backend.recipe_name}")
    return pd.DataFrame(flat, index, columns)


def require_balance(found: pd.DataFrame) -> None:
    """Refuse ratios that do not move between anatomy and perfusion.

    Raises:
        RuntimeError: If those of a map do not.
    """
    for name, rows in found["balanced"].groupby(level="map"):
        by_ratio = rows.droplevel("map").abs()
        alike, spread = by_ratio["r with NCCT"], by_ratio["spread"]
        gone = alike[RATIOS[-1]] <= max(_GONE * alike[1.0], _NOTHING)
        if not (alike[RATIOS[0]] >= _SHOWN and spread.min() >= _PALE and gone):
            msg = f"{name}: ratios must move between anatomy and perfusion"
            raise RuntimeError(msg)


def main() -> None:
    """Train if need be, measure, print and check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--cohort", type=Path)
    parser.add_argument("--work", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        places = chosen.checkpoint, chosen.cohort
        run, cohort = places if all(places) else trained(chosen.work or Path(folder))
        found = measure(run, cohort, Path(folder))
    print(found.to_string(float_format="{:.2f}".format))
    require_balance(found)


if __name__ == "__main__":
    main()
