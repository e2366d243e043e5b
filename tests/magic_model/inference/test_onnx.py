"""Export to ONNX, and what comes of it, against PyTorch."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch

from magic_model.checkpoint import read_header, rewrite_header
from magic_model.errors import DataError
from magic_model.inference.model import TorchBackend
from magic_model.inference.onnx import OnnxBackend, export_onnx
from magic_model.maps import PerfusionMap
from magic_model.ratio import Balance
from tests.magic_model.inference.tiny import slices_of, small_recipe, write_checkpoint

CBF, MTT, TTP = map(PerfusionMap, ("cbf", "mtt", "ttp"))
RECIPES = {
    # Down to a single pixel, with a norm to fold and one that stays.
    "branches": {"levels": 5, "shared": 2, "norm": "batch", "width": 2},
    "residual": {
        "family": "residual",
        "levels": 1,
        "norm": "group",
        "patch": 2,
        "mirror": True,
        "context": True,
        "intervals": True,
        "late": 0.5,
        "derive_cbv": True,
    },
    "windows": {
        "family": "residual",
        "norm": "batch",
        "patch": 2,
        "context": True,
        "intervals": True,
        "fine": 3,
        "late": 0.5,
    },
}


@pytest.fixture(scope="module", params=RECIPES)
def both(request, tmp_path_factory):
    """A checkpoint by PyTorch, and exported."""
    folder = tmp_path_factory.mktemp("export")
    recipe = small_recipe(**RECIPES[request.param])
    crop = request.param == "windows"
    recipe = replace(recipe, training=replace(recipe.training, crop=crop))
    checkpoint = write_checkpoint(folder, recipe)
    known = {CBF: Balance(0.2, 0.8, 0.1, 0.5, 0.3), TTP: Balance(0, 0.5, 0.1, 0.5, -1)}
    rewrite_header(checkpoint, replace(read_header(checkpoint), balance=known))
    export_onnx(folder, folder / "models" / "small.onnx")
    return (
        TorchBackend(checkpoint, torch.device("cpu")),
        OnnxBackend(folder / "models" / "small.onnx", threads=1),
        folder / "models",
    )


@pytest.mark.slow
@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize(
    "ratio", [1.0, 0.3, 5.0, {CBF: 4.0, TTP: 0.25}, {MTT: 2.0}], ids=str
)
def test_an_exported_model_gives_the_same_maps(both, n, ratio):
    by_torch, by_onnx, _ = both
    ncct = slices_of(n)
    ncct[0, :, :20] = ncct[0, :, :, :8] = -1  # air; the window is 20 by 32 pixels
    inside = (ncct > -1).any(1)
    expected, made = (
        backend.predict(ncct, ratio).transpose(0, 2, 3, 1)[inside]
        for backend in (by_torch, by_onnx)
    )
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(made, expected, atol=1e-4)


@pytest.mark.slow
def test_an_exported_model_is_one_file_that_says_what_it_is(both):
    by_torch, by_onnx, folder = both
    assert [path.name for path in folder.iterdir()] == ["small.onnx"]
    assert list(by_onnx.maps) == list(by_torch.maps)
    assert by_onnx.ranges == dict(by_torch.ranges)
    assert (by_onnx.size, by_onnx.window) == (by_torch.size, by_torch.window)
    assert by_onnx.recipe_name == "small"
    onnx.checker.check_model(str(folder / "small.onnx"), full_check=True)
    kinds = {node.op_type for node in onnx.load(folder / "small.onnx").graph.node}
    assert not {"BatchNormalization", "ConvTranspose"} & kinds


@pytest.mark.slow
def test_what_cannot_be_written_leaves_nothing(tmp_path, checkpoint):
    """A folder of that name; the staged file is taken away."""
    (tmp_path / "model.onnx").mkdir()
    with pytest.raises(DataError, match=r"model\.onnx: cannot be written"):
        export_onnx(checkpoint, tmp_path / "model.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


@pytest.mark.parametrize("name", ["model", "model.safetensors", "onnx"])
def test_a_model_by_another_ending_is_refused(checkpoint, tmp_path, name):
    """It would be taken for a checkpoint."""
    with pytest.raises(DataError, match=r"must be named \*\.onnx"):
        export_onnx(checkpoint, tmp_path / name)


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(DataError, match=r"must hold best\.safetensors or last"):
        export_onnx(tmp_path, tmp_path / "model.onnx")
