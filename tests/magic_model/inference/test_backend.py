import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from magic_model.checkpoint import LAST, load_generator
from magic_model.errors import DataError
from magic_model.inference import opened
from magic_model.inference.generate import Generation
from magic_model.inference.model import TorchBackend
from magic_model.inference.opened import open_model
from magic_model.inference.prepare import Source
from magic_model.maps import PerfusionMap
from tests.magic_model.inference.tiny import (
    SIZE,
    slices_of,
    small_recipe,
    write_checkpoint,
)

CBF, CBV, MTT, TTP = map(PerfusionMap, ("cbf", "cbv", "mtt", "ttp"))
RATIOS = (1.0, 0.25, 6.0, {CBF: 3.0, TTP: 0.5}, {})
CPU = torch.device("cpu")

FAMILIES = {
    "branches": {},
    "single": {"family": "single", "shared": 0, "pilo": False},
    "residual": {"family": "residual", "derive_cbv": True},
    "small": {"family": "residual", "fine": 3, "intervals": True, "late": 0.5},
}


@pytest.fixture(scope="module", params=FAMILIES)
def trained(request, tmp_path_factory):
    recipe = small_recipe(norm="batch", **FAMILIES[request.param])
    return write_checkpoint(tmp_path_factory.mktemp(request.param), recipe)


@pytest.mark.parametrize("ratio", RATIOS, ids=str)
def test_maps_are_those_of_the_generator(trained, ratio):
    ncct = slices_of(3)
    generator, _ = load_generator(trained)
    with torch.inference_mode():
        expected = generator(torch.from_numpy(ncct), ratio).numpy()
    backend = TorchBackend(trained, CPU)
    made = backend.predict(ncct, ratio)
    assert made.shape == (3, 4, SIZE, SIZE)
    assert made.dtype == np.float32
    assert np.ptp(made) > 0.1
    np.testing.assert_allclose(made, expected, atol=1e-5)
    from_cache = backend.features(ncct).predict(ratio)
    np.testing.assert_allclose(from_cache, expected, atol=1e-5)


def test_slices_do_not_depend_on_their_batch(trained):
    ncct = slices_of(5)
    backend = TorchBackend(trained, CPU)
    alone = [backend.predict(ncct[k : k + 1], 2.0) for k in range(5)]
    np.testing.assert_allclose(
        backend.predict(ncct, 2.0), np.concatenate(alone), atol=1e-5
    )


def test_a_larger_ratio_shows_more_perfusion(checkpoint):
    """Between both ends lies what was trained; without PILO nothing changes."""
    ncct = slices_of(2)
    cached = TorchBackend(checkpoint, CPU).features(ncct)
    less, trained, more = (np.arctanh(cached.predict(r)) for r in (1 / 3, 1.0, 3.0))
    # 2r / (1 + r) and 2 / (1 + r) are 1/2 and 3/2, 1 and 1, 3/2 and 1/2.
    np.testing.assert_allclose((less + more) / 2, trained, atol=1e-4)
    assert np.abs(more - less).max() > 0.1


def test_it_says_what_it_makes(checkpoint):
    backend = TorchBackend(checkpoint.parent, CPU)  # the folder of the run
    assert list(backend.maps) == [CBF, CBV, MTT, TTP]
    assert backend.ranges[MTT] == (0, 12)
    assert backend.size == SIZE
    assert backend.recipe == small_recipe()


def test_the_best_checkpoint_of_a_run_is_taken(tmp_path):
    recipe = small_recipe()
    last = write_checkpoint(tmp_path, recipe, LAST, seed=1)
    ncct = slices_of(1)
    only = TorchBackend(tmp_path, CPU).predict(ncct)
    assert np.array_equal(only, TorchBackend(last, CPU).predict(ncct))
    best = write_checkpoint(tmp_path, recipe, seed=2)
    taken = TorchBackend(tmp_path, CPU).predict(ncct)
    assert np.array_equal(taken, TorchBackend(best, CPU).predict(ncct))
    assert not np.array_equal(taken, only)


def test_memory_in_any_order_will_do(checkpoint):
    ncct = slices_of(2)
    backend = TorchBackend(checkpoint, CPU)
    upside_down = np.ascontiguousarray(ncct[:, :, ::-1])[:, :, ::-1]
    assert np.array_equal(backend.predict(upside_down), backend.predict(ncct))


@pytest.mark.parametrize("ratio", [0.0, -1.0, float("nan"), float("inf"), {CBF: 0.0}])
def test_a_ratio_that_is_not_positive_is_refused(checkpoint, ratio):
    backend = TorchBackend(checkpoint, CPU)
    ncct = slices_of(1)
    message = "ratio must be positive, got"
    with pytest.raises(DataError, match=message):
        backend.predict(ncct, ratio)
    with pytest.raises(DataError, match=message):
        backend.features(ncct).predict(ratio)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_same_maps(trained):
    """Its matrix units may round to 10 bits: maps in [-1, 1] agree to a hundredth."""
    ncct = slices_of(3)
    on_gpu = TorchBackend(trained, torch.device("cuda"))
    expected = TorchBackend(trained, CPU).predict(ncct, 2.0)
    np.testing.assert_allclose(on_gpu.predict(ncct, 2.0), expected, atol=0.01)
    np.testing.assert_allclose(on_gpu.features(ncct).predict(2.0), expected, atol=0.01)


@pytest.mark.parametrize("able", [True, False])
def test_bfloat16_is_computed_only_where_the_processor_has_it(
    trained, monkeypatch, able
):
    """Maps in [-1, 1] agree to a hundredth on average, and differ a little."""
    told = {"avx512_bf16": able, "amx_bf16": False}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: told)
    ncct = slices_of(2)
    expected = TorchBackend(trained, CPU).predict(ncct)
    backend = TorchBackend(trained, CPU, bfloat16=True)
    assert backend.bfloat16 is able
    wrong = np.abs(backend.predict(ncct) - expected)
    assert wrong.mean() < 0.01
    assert (wrong.max() > 1e-4) is np.bool_(able)
    # The last layer is exact: what it computes from is alone rounded.
    cached = backend.features(ncct)
    assert cached._features.dtype is torch.float32
    assert np.array_equal(cached.predict(1.0), backend.predict(ncct))


def test_weights_rounded_once_give_the_maps_of_weights_rounded_at_each_pass(trained):
    """Within the last of eight bits or two, as sums are in another order."""
    ncct = slices_of(2)
    once, each = (TorchBackend(trained, CPU) for _ in range(2))
    once.halve()
    each.bfloat16 = True  # weights stay as they are, and autocast rounds them
    wrong = np.abs(once.predict(ncct) - each.predict(ncct))
    exact = np.abs(TorchBackend(trained, CPU).predict(ncct) - each.predict(ncct))
    assert wrong.mean() <= exact.mean()
    assert wrong.max() < 0.02
    for name, weight in once._generator.named_parameters():
        is_last = name.startswith("pilo.")
        assert (weight.dtype is torch.float32) == is_last, name
        if not is_last and weight.ndim == 4:
            assert weight.is_contiguous(memory_format=torch.channels_last)


def test_maps_of_windows_are_other_maps_than_those_of_earlier_versions(
    tmp_path, monkeypatch
):
    recipe = small_recipe(norm="batch", **FAMILIES["small"])
    recipe = replace(recipe, training=replace(recipe.training, crop=True))
    model = open_model(write_checkpoint(tmp_path, recipe))
    assert model.backend.window == recipe.generator.stride
    source = Source("P1", (tmp_path / "scan.nii.gz",), load=list)
    source.files[0].write_bytes(b"a scan")
    now = Generation(model).fingerprint(source)
    monkeypatch.setattr(model.backend, "window", 0)
    assert Generation(model).fingerprint(source) != now


def test_maps_in_bfloat16_are_other_maps(trained, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True})
    whole, half = (open_model(trained, bfloat16=asked) for asked in (False, True))
    assert (whole.bfloat16, half.bfloat16) == (False, True)
    source = Source("P1", (trained,), load=list)
    one, other = (Generation(model).fingerprint(source) for model in (whole, half))
    assert one != other
    again = pickle.loads(pickle.dumps(half))  # noqa: S301
    assert again.bfloat16
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    assert Generation(open_model(trained, bfloat16=True)).fingerprint(source) == one
    opened._reopen.cache_clear()
    with pytest.raises(DataError, match="--bfloat16 must suit the processors of all"):
        pickle.loads(pickle.dumps(half))  # noqa: S301
