"""Slices of made-up patients whose maps follow from their NCCT."""

import json
from itertools import accumulate

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from scipy import ndimage

from magic_model.data.slice_cache import SliceCache
from magic_model.maps import PAPER_MAPS
from magic_model.recipes.files import recipe_from_table
from magic_model.training.trainer import RunSettings

SIZE = 32
PER_PATIENT = 4


def made_slices(n, n_maps, size, rng):
    """NCCT in [-1, 1], maps that are smooth functions of it, and the brain."""
    noise = rng.normal(size=(n, 3, size, size))
    ncct = ndimage.gaussian_filter(noise, (0, 0, 3, 3))
    ncct = np.clip(ncct / ncct.std() / 3, -1, 1)
    signs = np.resize([1, -1], n_maps)[:, None, None]
    maps = np.tanh(2 * signs * ncct[:, 1:2])
    rows, columns = np.indices((size, size)) - (size - 1) / 2
    mask = np.hypot(rows, columns) < 0.45 * size
    maps = np.where(mask, maps, -1)
    return ncct, maps, np.broadcast_to(mask, (n, size, size))


def make_cache(
    folder, splits=("train", "train", "train", "val"), maps=PAPER_MAPS, reach=1.0
):
    """Write the files of a slice cache, four slices for each patient.

    The values in it are those in [-1, 1]; with reach they stand for more.
    """
    recipe = make_recipe(maps=maps, reach=reach)
    rng = np.random.default_rng(0)
    arrays = made_slices(PER_PATIENT * len(splits), len(maps), SIZE, rng)
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in zip(("ncct", "maps", "mask"), arrays, strict=True):
        kind = bool if name == "mask" else np.float16
        np.save(folder / f"{name}.npy", array.astype(kind))
    firsts = accumulate([PER_PATIENT] * len(splits), initial=0)
    index = {
        "schema": 2,
        "sampling": {"pixel_mm": 1.0, "offset_mm": 4.0, "slice_mm": 1.0},
        "fingerprint": "made up",
        "maps": recipe.ranges,
        "window": [0, 80],
        "patients": [
            {
                "patient_id": f"P{number}",
                "split": split,
                "first": first,
                "heights": [0.0, 5.0, 10.0, 15.0],
            }
            for number, (split, first) in enumerate(zip(splits, firsts, strict=False))
        ],
        "failures": [],
    }
    (folder / "index.json").write_text(json.dumps(index), encoding="utf-8")
    return SliceCache.open(folder)


TABLES = {
    # As in `paper`: dropout, normalised batches, one discriminator per map.
    "branches": {
        "generator": {"levels": 2, "shared": 1, "width": 4},
        "adversarial": {"width": 4, "logits": False},
    },
    # As in `magic`: groups, one discriminator, masked.
    "residual": {
        "generator": {
            "family": "residual",
            "levels": 2,
            "width": 4,
            "norm": "group",
        },
        "adversarial": {"width": 4, "per_map": False, "norm": "group"},
        "loss": {"masked": True},
    },
    # As in `small`: L1 alone, late tissue apart, convolutions by Muon.
    "late": {
        "generator": {
            "family": "residual",
            "levels": 2,
            "width": 8,
            "norm": "batch",
            "patch": 2,
            "fine": 3,
            "intervals": True,
            "late": 0.3,
        },
        "loss": {
            "adversarial": 0,
            "extrema": 0,
            "multimodal": 0,
            "lateness": 25,
            "masked": True,
        },
        "training": {"muon": 0.01},
    },
    # As in `unet`: L1 alone.
    "single": {
        "generator": {
            "family": "single",
            "levels": 2,
            "shared": 1,
            "width": 4,
            "pilo": False,
        },
        "loss": {"adversarial": 0, "extrema": 0, "multimodal": 0},
    },
}


def make_recipe(
    kind="single", maps=PAPER_MAPS, loss=None, dropout=None, reach=1.0, **training
):
    data = {"size": SIZE, "reach": reach}
    table = {"name": kind, "maps": list(maps), "data": data, **TABLES[kind]}
    table["loss"] = table.get("loss", {}) | (loss or {})
    if dropout is not None and kind in {"branches", "single"}:
        table["generator"] = table["generator"] | {"dropout": dropout}
    table["training"] = {
        "epochs": 2,
        "batch_size": 4,
        "learning_rate": 1e-3,
        **table.get("training", {}),
        **training,
    }
    return recipe_from_table(table)


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """12 slices to train on, 4 to validate with."""
    return make_cache(tmp_path_factory.mktemp("slices"))


@pytest.fixture
def cache_maker(tmp_path):
    def made(*splits, maps=PAPER_MAPS, reach=1.0):
        folder = tmp_path / "cache" / "-".join([*splits, f"{reach:g}"])
        return make_cache(folder, splits, maps, reach)

    return made


@pytest.fixture
def recipe():
    return make_recipe


@pytest.fixture
def settings(tmp_path):
    def to(name="run", seed=1, **others):
        return RunSettings(folder=tmp_path / name, seed=seed, **others)

    return to


@pytest.fixture(scope="session")
def same_tensors():
    """Whether two checkpoints hold the same tensors, bit by bit."""

    def compared(one, other):
        first, second = load_file(one), load_file(other)
        assert first.keys() == second.keys()
        return all(torch.equal(first[name], second[name]) for name in first)

    return compared


@pytest.fixture(scope="session")
def lines_of():
    """Lines of steps and lines of epochs in a run's metrics."""

    def read(folder):
        text = (folder / "metrics.jsonl").read_text(encoding="utf-8")
        lines = [json.loads(line) for line in text.splitlines()]
        return [x for x in lines if "step" in x], [x for x in lines if "step" not in x]

    return read
