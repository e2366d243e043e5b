"""A training run in a process of its own, or one of many; it prints each step."""

import json
import sys
from pathlib import Path

from safetensors.torch import save_file

from magic_model.data.slice_cache import SliceCache
from magic_model.distributed import process_group
from magic_model.recipes.files import recipe_from_table
from magic_model.training.adversaries import tensors_of
from magic_model.training.trainer import RunSettings, Trainer


def told(done, _total, _losses):
    print(done, flush=True)


def main(recipe: str, slices: str, folder: str, save_every: str) -> None:
    with process_group("cpu") as (world, device):
        settings = RunSettings(
            folder=Path(folder),
            seed=1,
            world=world,
            device=device,
            save_every=int(save_every),
            progress=told if world.is_first else None,
        )
        table = json.loads(Path(recipe).read_text(encoding="utf-8"))
        run = Trainer(recipe_from_table(table), SliceCache.open(Path(slices)), settings)
        run.fit()
        if world.size > 1:  # each process shows what it has
            save_file(tensors_of(run.nets), Path(folder) / f"{world.rank}.safetensors")


if __name__ == "__main__":
    main(*sys.argv[1:])
