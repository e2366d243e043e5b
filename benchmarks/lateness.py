"""Whether the probability of late tissue is as often right as it says.

python -m benchmarks.lateness --checkpoint RUN --cohort COHORT [--work FOLDER]

RUN is of a recipe with `generator.late`, COHORT the one it was trained on. On the
patients of the test split, in the brain: the probability that the network gives beside
the share of tissue that is late as measured, by tenths of probability and with the
expected error of calibration (Naeini 2015, doi:10.1609/aaai.v29i1.9602); Brier's score
beside that of one probability for all, the share in the training split; and the area
under the ROC curve of each patient with such tissue.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from magic_model.checkpoint import checkpoint_of, load_generator
from magic_model.data.slice_cache import SliceCache
from magic_model.data.split import Split
from magic_model.distributed import World
from magic_model.losses import late_tissue
from magic_model.networks.generator import Generator, brain_seen
from magic_model.training.batches import crop_to_brain, load_batch
from magic_model.training.cohort import prepare_cache

TENTHS = np.linspace(0, 1, 11)
LEAST = 0.005  # of a brain that is late, to rank its tissue
EVERY = 4  # slices of the training split


def told(
    generator: Generator, cache: SliceCache
) -> dict[str, tuple[NDArray[np.float64], NDArray[np.bool_]]]:
    """Return probability and truth in the brain of each patient of the test split."""
    found: dict[str, list[tuple[NDArray[np.float64], NDArray[np.bool_]]]] = {}
    for index in cache.of_split(Split.TEST):
        batch = load_batch(cache, np.array([index]))
        if generator.window:
            batch = crop_to_brain(batch, brain_seen(batch.ncct), generator.window)
        late = late_tissue(tuple(cache.maps), batch.maps, batch.mask)
        if late is None:
            sys.exit("The maps have no times")
        with torch.inference_mode():
            logit = generator(batch.ncct, late=torch.zeros_like(late))[:, -1:]
        inside = batch.mask > 0
        pair = logit.sigmoid()[inside].double().numpy(), late[inside].numpy() > 0
        found.setdefault(cache.patient_of(int(index)).patient_id, []).append(pair)
    return {
        patient: (
            np.concatenate([p for p, _ in of]),
            np.concatenate([t for _, t in of]),
        )
        for patient, of in found.items()
    }


def usual_share(cache: SliceCache) -> float:
    """Return the share of late tissue in the brains of the training split."""
    shares = []
    for index in cache.of_split(Split.TRAIN)[::EVERY]:
        batch = load_batch(cache, np.array([index]))
        late = late_tissue(tuple(cache.maps), batch.maps, batch.mask)
        if late is not None:
            shares.append(float((late.sum() / batch.mask.sum().clamp(min=1)).item()))
    return float(np.mean(shares))


def main() -> None:
    """Print calibration, Brier's scores and areas."""
    chosen = _options()
    generator, header = load_generator(checkpoint_of(chosen.checkpoint))
    if not getattr(header.recipe.generator, "late", 0):
        sys.exit(
            f"{chosen.checkpoint}: recipe {header.recipe.name} tells no late tissue"
        )
    generator.eval()
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.work or Path(scratch)
        prepare_cache(chosen.cohort, folder / "slices", header.recipe, World(), jobs=1)
        cache = SliceCache.open(folder / "slices")
        patients, usual = told(generator, cache), usual_share(cache)
    share = np.concatenate([p for p, _ in patients.values()])
    late = np.concatenate([t for _, t in patients.values()])
    which = np.digitize(share, TENTHS[1:-1])
    table = pd.DataFrame({"tenth": which, "told": share, "late": late})
    by_tenth = table.groupby("tenth").agg(
        told=("told", "mean"), late=("late", "mean"), pixels=("late", "size")
    )
    print(f"{len(patients)} patients, {late.mean():.2%} of the brain is late")
    print(by_tenth.round(3).to_string())
    apart = (by_tenth["told"] - by_tenth["late"]).abs()
    error = np.average(apart, weights=by_tenth["pixels"])
    print(f"expected error of calibration {error:.4f}")
    brier, alone = np.mean((share - late) ** 2), np.mean((usual - late) ** 2)
    print(f"Brier {brier:.4f}; of {usual:.3f} for all {alone:.4f}")
    areas = {
        patient: roc_auc_score(truth, given)
        for patient, (given, truth) in patients.items()
        if truth.mean() > LEAST
    }
    listed = ", ".join(f"{patient} {area:.2f}" for patient, area in areas.items())
    print(f"AUC {np.mean(list(areas.values())):.2f} ({listed})")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--cohort", type=Path, required=True)
    parser.add_argument("--work", type=Path, help="keeps the slices")
    return parser.parse_args()


if __name__ == "__main__":
    main()
