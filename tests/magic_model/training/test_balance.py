import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from magic_model.checkpoint import BEST, LAST, load_generator, read_header
from magic_model.data.slice_cache import SliceCache
from magic_model.data.split import Split
from magic_model.networks import build_generator
from magic_model.networks.pilo import anatomy_of
from magic_model.ratio import Balance
from magic_model.training.balance import learn_balance
from magic_model.training.trainer import train
from tests.magic_model.training.conftest import make_cache, make_recipe

CPU = torch.device("cpu")


def test_it_is_learnt_when_training_is_done_and_read_again(cache, settings):
    recipe = make_recipe("residual", epochs=1)
    header = train(recipe, cache, settings())
    assert header.balance is None  # of the last checkpoint, which trains on
    folder = settings().folder
    found = read_header(folder / BEST).balance
    assert set(found) == set(recipe.maps)
    generator, _ = load_generator(folder)
    assert generator.pilo["ttp"].balance == found["ttp"]


def test_it_is_what_the_slices_say(cache, settings):
    """Against numpy on every slice that was trained on."""
    train(make_recipe("residual", epochs=1), cache, settings())
    generator, header = load_generator(settings().folder)
    indices = cache.of_split(Split.TRAIN)
    ncct = torch.from_numpy(cache.ncct[indices].astype(np.float32))
    with torch.inference_mode():
        mapped = generator(ncct).double().numpy()
    inside = cache.mask[indices]
    middle = anatomy_of(ncct)[:, 0].double().numpy()[inside]
    for channel, name in enumerate(header.recipe.maps):
        output = np.arctanh(mapped[:, channel][inside])
        known = header.balance[name]
        wanted = Balance(
            output.mean(),
            output.std(),
            middle.mean(),
            middle.std(),
            np.corrcoef(output, middle)[0, 1],
        )
        for part in ("mean", "sd", "ncct_mean", "ncct_sd", "correlation"):
            assert getattr(known, part) == pytest.approx(
                getattr(wanted, part), abs=2e-5
            )


def test_without_pilo_there_is_none(cache, settings):
    train(make_recipe("single", epochs=1), cache, settings())
    assert read_header(settings().folder / BEST).balance is None


def test_a_finished_run_of_earlier_gets_it_by_the_same_command(cache, settings):
    recipe = make_recipe("residual", epochs=1)
    train(recipe, cache, settings())
    folder = settings().folder
    whole = (folder / BEST).read_bytes()
    _forget(folder / BEST)
    before, earlier = load_generator(folder)
    assert earlier.balance is None
    assert before.pilo["cbf"].balance is None
    train(recipe, cache, settings())
    assert (folder / BEST).read_bytes() == whole


def test_weights_that_are_trained_on_do_not_keep_it(cache_maker, settings):
    """Without validation the last checkpoint is the one that generates."""
    cache = cache_maker("train", "train")
    train(make_recipe("residual", epochs=1), cache, settings())
    first = read_header(settings().folder / LAST).balance
    train(make_recipe("residual", epochs=3), cache, settings())
    second = read_header(settings().folder / LAST).balance
    assert first is not None
    assert second is not None
    assert first["cbf"] != second["cbf"]


def test_a_flat_ncct_has_none(tmp_path):
    make_cache(tmp_path, ("train",))
    array = np.load(tmp_path / "ncct.npy")
    np.save(tmp_path / "ncct.npy", np.zeros_like(array))
    cache = SliceCache.open(tmp_path)
    generator = build_generator(make_recipe("residual"))
    assert learn_balance(generator, cache, cache.of_split(Split.TRAIN), CPU) == {}


def _forget(path):
    """Write a checkpoint as versions before wrote it."""
    with safe_open(path, framework="pt") as file:
        plain = json.loads(file.metadata()["magic_model"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    del plain["balance"]
    save_file(tensors, path, metadata={"magic_model": json.dumps(plain)})
