"""With models made by hand, which take no time; test_onnx.py exports real ones."""

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from magic_model.errors import DataError
from magic_model.inference.onnx import OnnxBackend
from magic_model.inference.opened import open_model
from magic_model.maps import PerfusionMap

MTT, CBF, CBV = map(PerfusionMap, ("mtt", "cbf", "cbv"))
ABOUT = {
    "recipe": "by hand",
    "maps": ["mtt", "cbf", "cbv"],
    "made": ["mtt", "cbf"],  # CBV is derived
    "size": 4,
    "ranges": {"mtt": [0, 12], "cbf": [0, 60], "cbv": [0, 4]},
}


def write_model(path, about, size=4):
    """The NCCT, its first two channels times the ratios of the maps made."""
    shape = ["n", 3, size, size]
    pick = [
        helper.make_node("Concat", ["ratio", "one"], ["three"], axis=0),
        helper.make_node("Reshape", ["three", "places"], ["factors"]),
        helper.make_node("Mul", ["ncct", "factors"], ["maps"]),
    ]
    graph = helper.make_graph(
        pick,
        "by hand",
        [
            helper.make_tensor_value_info("ncct", TensorProto.FLOAT, shape),
            helper.make_tensor_value_info("ratio", TensorProto.FLOAT, [2]),
        ],
        [helper.make_tensor_value_info("maps", TensorProto.FLOAT, shape)],
        [
            numpy_helper.from_array(np.ones(1, np.float32), "one"),
            numpy_helper.from_array(np.array([1, 3, 1, 1]), "places"),
        ],
    )
    opset = helper.make_opsetid("", 17)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=8)
    if about is not None:
        text = about if isinstance(about, str) else json.dumps(about)
        helper.set_model_props(model, {"magic_model": text})
    onnx.save(model, path)
    return path


@pytest.fixture
def model(tmp_path):
    return tmp_path / "model.onnx"


def test_a_model_says_what_it_makes(model):
    backend = OnnxBackend(write_model(model, ABOUT), threads=1)
    assert list(backend.maps) == [MTT, CBF, CBV]
    assert backend.ranges == {MTT: (0, 12), CBF: (0, 60), CBV: (0, 4)}
    assert (backend.size, backend.recipe_name) == (4, "by hand")


@pytest.mark.parametrize(
    ("ratio", "factors"),
    [
        (1.0, (1, 1, 1)),
        (2.5, (2.5, 2.5, 1)),
        ({CBF: 3.0}, (1, 3, 1)),
        ({MTT: 0.5, CBV: 9.0}, (0.5, 1, 1)),
    ],
)
def test_each_map_gets_its_ratio(model, ratio, factors):
    backend = OnnxBackend(write_model(model, ABOUT))
    ncct = np.random.default_rng(0).normal(size=(2, 3, 4, 4))  # double, turned over
    made = backend.predict(ncct[:, :, ::-1], ratio)
    assert made.dtype == np.float32
    expected = ncct[:, :, ::-1] * np.reshape(factors, (1, 3, 1, 1))
    np.testing.assert_allclose(made, expected, rtol=1e-6)


@pytest.mark.parametrize("ratio", [0.0, -2.0, float("nan"), float("inf"), {CBF: 0}])
def test_a_ratio_that_is_not_positive_is_refused(model, ratio):
    backend = OnnxBackend(write_model(model, ABOUT))
    with pytest.raises(DataError, match="information ratio must be positive, got"):
        backend.predict(np.zeros((1, 3, 4, 4), np.float32), ratio)


def test_a_missing_model_is_named(model):
    with pytest.raises(DataError, match=r"model\.onnx: no such model"):
        OnnxBackend(model)


@pytest.mark.parametrize("keep", [0, 10, -40])
def test_a_damaged_model_is_refused_in_one_line(model, keep):
    model.write_bytes(write_model(model, ABOUT).read_bytes()[:keep])
    with pytest.raises(DataError, match="not a readable ONNX model") as caught:
        OnnxBackend(model)
    assert "\n" not in str(caught.value)


def test_a_model_of_others_is_refused(model):
    write_model(model, None)
    with pytest.raises(DataError, match="but none that magic-model export wrote"):
        OnnxBackend(model)


@pytest.mark.parametrize(
    "about",
    [
        "{",
        "[]",
        "{}",
        ABOUT | {"maps": ["mtx"]},
        ABOUT | {"ranges": [1, 2]},
        ABOUT | {"ranges": {"mtt": 7}},
    ],
    ids=str,
)
def test_a_model_that_says_something_else_of_itself_is_refused(model, about):
    write_model(model, about)
    with pytest.raises(DataError, match="what it says of itself is not readable"):
        OnnxBackend(model)


def test_an_onnx_model_computes_as_it_was_exported(tmp_path):
    with pytest.raises(DataError, match="--bfloat16 must be given with a checkpoint"):
        open_model(tmp_path / "model.onnx", bfloat16=True)


def test_a_model_of_windows_sees_the_brain_of_each_slice(model):
    """Of slices of 16 pixels; off their windows nothing is made."""
    path = write_model(model, {**ABOUT, "size": 16, "window": 4}, "side")
    backend = OnnxBackend(path)
    assert backend.window == 4
    ncct = np.full((2, 3, 16, 16), -1.0)
    ncct[0, :, 9:11, 2:7] = 0.5
    ncct[1, :, :, 8] = 0.25
    made = backend.predict(ncct, 2.0)
    seen = made != -1
    assert seen[0, 0].any(1).sum() == 12  # two rows, four on each side, in fours
    assert seen[0, 0].any(0).sum() == 16
    assert seen[1, 0].any(1).sum() == 16
    assert seen[1, 0].any(0).sum() == 12
    inside = ncct > -1
    expected = ncct * np.reshape((2, 2, 1), (1, 3, 1, 1))
    np.testing.assert_allclose(made[inside], expected[inside])
