import errno
import json
import os
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from magic_model.checkpoint import (
    BEST,
    LAST,
    CheckpointHeader,
    checkpoint_of,
    load_generator,
    load_weights,
    read_header,
    read_tensors,
    save_checkpoint,
)
from magic_model.data.sampling import Sampling
from magic_model.errors import DataError
from magic_model.maps import PerfusionMap
from magic_model.networks import build_generator
from magic_model.ratio import Balance
from magic_model.recipes.files import recipe_from_table

RECIPE = recipe_from_table(
    {
        "name": "small",
        "maps": ["ttp", "cbf"],
        "data": {"size": 16},
        "generator": {"levels": 2, "shared": 1, "width": 2},
        "loss": {"adversarial": 0, "multimodal": 0},
    }
)
HEADER = CheckpointHeader(
    recipe=RECIPE,
    ranges=RECIPE.ranges,
    data="fingerprint of slices",
    seed=2**40,
    epoch=3,
    step=17,
    validation={"ttp": 1.25, "cbf": 1 / 3},
    best=(0.1 + 0.2, 2),
    sampling=Sampling(pixel_mm=0.1 + 0.8, offset_mm=4.0, slice_mm=5.0),
    init="fingerprint of weights",
    balance={PerfusionMap.CBF: Balance(0.1, 0.2, -0.3, 0.4 / 3, -0.5)},
)


@pytest.fixture
def generator():
    torch.manual_seed(0)
    return build_generator(RECIPE)


@pytest.fixture
def tensors(generator):
    """Of every kind that training keeps, and some that are hard to keep."""
    state = {f"generator.{n}": t for n, t in generator.state_dict().items()}
    image = torch.rand(1, 2, 3, 4)
    return state | {
        "adam.0.step": torch.tensor(7.0),
        "adam.0.exp_avg": image.to(memory_format=torch.channels_last),
        "odd.half": torch.rand(5).bfloat16(),
        "odd.special": torch.tensor([torch.nan, -torch.inf, -0.0, 1e-45]),
        "odd.part": torch.arange(6)[::2],
    }


@pytest.fixture
def path(tmp_path, tensors):
    file = tmp_path / "run" / LAST
    save_checkpoint(file, HEADER, tensors)
    return file


def rewritten(path, **changes):
    """The checkpoint with other words in its header; None takes one out."""
    with safe_open(path, framework="pt") as file:
        plain = json.loads(file.metadata()["magic_model"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    plain |= changes
    plain = {key: value for key, value in plain.items() if value is not None}
    save_file(tensors, path, metadata={"magic_model": json.dumps(plain)})


def bits(tensor):
    return tensor.contiguous().view(-1).view(torch.uint8).tolist()


def refusal(path, read=read_header):
    with pytest.raises(DataError) as caught:
        read(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    return message


def test_what_is_written_is_read_bit_by_bit(path, tensors):
    for part in ("generator", "adam", "odd"):
        read = read_tensors(path, part)
        kept = {n.removeprefix(f"{part}."): t for n, t in tensors.items() if part in n}
        assert read.keys() == kept.keys()
        for name, tensor in kept.items():
            assert (read[name].dtype, read[name].shape) == (tensor.dtype, tensor.shape)
            assert bits(read[name]) == bits(tensor)


def test_a_checkpoint_of_version_0_1_says_nothing_of_millimetres(path):
    """And holds keys that its generator does not heed."""
    unheeded = RECIPE.to_dict()
    unheeded["generator"] |= {"mirror": True, "patch": 4}
    rewritten(path, sampling=None, init=None, balance=None, recipe=unheeded)
    header = read_header(path)
    assert header == replace(HEADER, sampling=None, init="", balance=None)


def test_the_header_is_read_as_it_was_written(path):
    header = read_header(path)
    assert header == HEADER
    assert header.recipe.fingerprint == RECIPE.fingerprint
    save_checkpoint(path, replace(HEADER, best=None, validation={}), {})
    assert read_header(path).best is None


def test_the_file_is_plain_safetensors(path):
    with safe_open(path, framework="np") as file:
        assert "generator.pilo.cbf.mix.weight" in file.keys()  # noqa: SIM118


def test_a_generator_comes_back_ready_to_generate(path, generator):
    loaded, header = load_generator(path)
    assert header == HEADER
    assert not loaded.training
    ncct = torch.rand(1, 3, 16, 16)
    assert torch.equal(loaded(ncct), generator.eval()(ncct))
    assert all(p.requires_grad and not p.is_meta for p in loaded.parameters())


def test_the_folder_of_a_run_stands_for_its_best_checkpoint(path):
    folder = path.parent
    assert checkpoint_of(folder) == path
    path.with_name(BEST).write_bytes(path.read_bytes())
    assert checkpoint_of(folder) == folder / BEST
    assert checkpoint_of(path) == path
    assert load_generator(folder)[1] == HEADER


def test_a_folder_without_checkpoint_is_refused(tmp_path):
    assert refusal(tmp_path, load_generator).endswith(
        "must hold best.safetensors or last.safetensors, got neither"
    )


def test_a_checkpoint_that_is_not_there_is_refused(tmp_path):
    assert "no such checkpoint" in refusal(tmp_path / "none.safetensors")


def _cut(data):
    return data[: len(data) // 2]


def _cut_in_header(data):
    return data[:100]


def _flipped(data):
    return bytes([*data[:9], data[9] ^ 0xFF, *data[10:]])


@pytest.mark.parametrize(
    "damage",
    [
        _cut,
        _cut_in_header,
        _flipped,
        lambda _: b"",
        lambda _: b"\0" * 64,
        lambda d: d * 2,
    ],
)
@pytest.mark.parametrize(
    "read", [read_header, load_generator, lambda path: read_tensors(path, "generator")]
)
def test_a_damaged_file_is_refused(path, damage, read):
    path.write_bytes(damage(path.read_bytes()))
    assert "not a readable checkpoint" in refusal(path, read)


def test_a_foreign_safetensors_file_is_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    save_file({"weight": torch.zeros(3)}, path)
    assert "a safetensors file, but no checkpoint of magic-model" in refusal(path)


@pytest.mark.parametrize("metadata", ["not JSON", "[]", "3", "null", "{}"])
def test_a_header_that_is_none_is_refused(tmp_path, metadata):
    path = tmp_path / "model.safetensors"
    save_file({"w": torch.zeros(3)}, path, metadata={"magic_model": metadata})
    assert refusal(path)


@pytest.mark.parametrize("schema", [0, 2, "1", None])
def test_another_schema_is_refused(path, schema):
    rewritten(path, schema=schema)
    assert refusal(path).endswith("must be a checkpoint of schema 1, got another")


@pytest.mark.parametrize(
    "change",
    [
        {"recipe": None},
        {"ranges": None},
        {"best": None, "data": None},
        {"colour": 1},
        {"ranges": {"adc": [0, 1]}},
        {"ranges": {"cbf": [0]}},
        {"ranges": [1, 2]},
        {"balance": {"adc": {}}},
        {"balance": {"cbf": {"mean": 0}}},
    ],
)
def test_a_header_of_another_kind_is_refused(path, change):
    rewritten(path, **change)
    assert "header is not that of a checkpoint" in refusal(path)


def test_maps_of_other_ranges_are_refused(path):
    rewritten(path, ranges={"ttp": [0, 25], "cbf": [0, 100]})
    assert "range of cbf must be (0.0, 60.0), got (0, 100)" in refusal(path)
    rewritten(path, ranges={"ttp": [0, 25]})
    assert "range of cbf must be (0.0, 60.0), got none" in refusal(path)


def test_a_recipe_that_is_not_valid_is_refused(path):
    table = RECIPE.to_dict()
    table["generator"]["width"] = 0
    rewritten(path, recipe=table)
    assert "generator.width must be 1 or more, got 0" in refusal(path)


@pytest.mark.parametrize("value", [{"width": 3}, {"pilo": False}, {"levels": 3}])
def test_weights_that_do_not_fit_the_recipe_are_refused(path, value):
    table = RECIPE.to_dict()
    table["generator"] |= value
    rewritten(path, recipe=table)
    assert "weights do not fit the recipe it names (" in refusal(path, load_generator)


def test_weights_of_another_network_are_refused(path, generator):
    def load(file):
        load_weights(generator, {"weight": torch.zeros(1)}, file)

    assert "weights do not fit" in refusal(path, load)


class Payload:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.write_text, (self.path, "ran")


@pytest.mark.parametrize("write", [torch.save, None])
def test_nothing_is_unpickled(tmp_path, write):
    trace, file = tmp_path / "trace", tmp_path / LAST
    if write:
        write({"generator.weight": Payload(trace)}, file)
    else:
        file.write_bytes(pickle.dumps({"generator.weight": Payload(trace)}))
    for read in (read_header, load_generator, lambda path: read_tensors(path, "x")):
        assert "not a readable checkpoint" in refusal(file, read)
    assert not trace.exists()
    pickle.loads(pickle.dumps(Payload(trace)))  # noqa: S301 - it would have run
    assert trace.exists()


def test_a_full_disk_leaves_the_old_checkpoint(path, tensors):
    resource = pytest.importorskip("resource")
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(DataError, match=r"last\.safetensors: cannot be written"):
            save_checkpoint(path, HEADER, tensors | {"large": torch.zeros(10_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_write_that_is_cut_short_leaves_the_old_checkpoint(
    path, tensors, monkeypatch
):
    before = path.read_bytes()

    def cut(_tensors, staged, **_):
        staged.write_bytes(before[:50])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("magic_model.checkpoint.save_file", cut)
    with pytest.raises(DataError, match=r"cannot be written .*No space left"):
        save_checkpoint(path, HEADER, tensors)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_refused(tmp_path, tensors):
    (tmp_path / "run").write_text("a file")
    with pytest.raises(DataError, match="cannot be written"):
        save_checkpoint(tmp_path / "run" / LAST, HEADER, tensors)


def test_a_checkpoint_replaces_an_older_one_and_leaves_nothing_else(path, tensors):
    save_checkpoint(path, replace(HEADER, epoch=4), tensors)
    assert read_header(path).epoch == 4
    assert list(path.parent.iterdir()) == [path]
