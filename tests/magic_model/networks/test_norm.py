import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import distributed, nn

from magic_model.networks.norm import SharedBatchNorm, make_norm
from magic_model.recipe import Norm

WORKER = Path(__file__).with_name("norm_worker.py")


def batch(*, offset=0.0, b=4):
    draw = torch.Generator().manual_seed(0)
    features = (
        torch.randn(b, 3, 5, 6, generator=draw)
        * torch.tensor([1.0, 5, 0.1])[:, None, None]
    )
    return features + offset, torch.randn(b, 3, 5, 6, generator=draw)


def normalised(norm, features, weights):
    """Output, gradient of the features and running statistics after two steps."""
    features = features.clone().requires_grad_()
    for _ in range(2):
        out = norm(features)
    (out * weights).sum().backward()
    return {
        "out": out.detach(),
        "gradient": features.grad,
        "mean": norm.running_mean.clone(),
        "variance": norm.running_var.clone(),
        "n": norm.num_batches_tracked.clone(),
        "evaluated": norm.eval()(features).detach(),
    }


@pytest.fixture
def group_of_one(tmp_path):
    """A process group, so that the shared way is taken, with this process alone."""
    store = distributed.FileStore(str(tmp_path / "store"), 1)
    distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


def assert_same(ours, theirs, **tolerance):
    for name, value in theirs.items():
        np.testing.assert_allclose(ours[name], value, err_msg=name, **tolerance)


def test_on_one_process_it_is_batch_norm():
    features, weights = batch()
    ours = normalised(SharedBatchNorm(3, affine=False), features, weights)
    assert_same(
        ours,
        normalised(nn.BatchNorm2d(3, affine=False), features, weights),
        rtol=0,
        atol=0,
    )


@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_the_shared_way_is_batch_norm_too(group_of_one, offset):
    """Also far from 0, where a mean of squares would have no digits left."""
    features, weights = batch(offset=offset)
    ours = normalised(SharedBatchNorm(3, affine=False), features, weights)
    theirs = normalised(nn.BatchNorm2d(3, affine=False), features, weights)
    assert_same(ours, theirs, rtol=2e-3, atol=2e-3 if offset else 1e-5)


def test_the_shared_way_scales_and_shifts_each_channel(group_of_one):
    features, weights = batch()
    norms = [SharedBatchNorm(3, affine=True), nn.BatchNorm2d(3, affine=True)]
    for norm in norms:
        with torch.no_grad():
            norm.weight.copy_(torch.tensor([0.5, 1.0, 2.0]))
            norm.bias.copy_(torch.tensor([-1.0, 0.0, 3.0]))
    ours, theirs = (normalised(norm, features, weights) for norm in norms)
    assert_same(ours, theirs, rtol=2e-3, atol=1e-4)


def test_the_shared_way_takes_half_precision(group_of_one):
    features, _ = batch(offset=4.0)
    norm = SharedBatchNorm(3, affine=False)
    out = norm(features.bfloat16())
    assert out.dtype == torch.bfloat16
    assert norm.running_mean.dtype == torch.float32
    expected = nn.BatchNorm2d(3, affine=False)(features.bfloat16().float())
    assert torch.allclose(out.float(), expected, atol=0.02)


def test_the_gradient_of_the_shared_way_is_the_numerical_one(group_of_one):
    features = batch(b=2)[0][:, :, :2, :2].double().requires_grad_()
    norm = SharedBatchNorm(3, affine=False, track_running_stats=False).double()
    norm.train()
    assert torch.autograd.gradcheck(norm, (features,))


@pytest.mark.slow
def test_two_processes_normalise_as_one(tmp_path):
    features, weights = batch()
    np.savez(tmp_path / "in.npz", features=features, weights=weights)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", "2", str(WORKER), str(tmp_path)),
        ],
        check=True,
        env=environment,
        capture_output=True,
        timeout=100,
    )
    ranks = [np.load(tmp_path / f"{rank}.npz") for rank in range(2)]
    expected = normalised(nn.BatchNorm2d(3, affine=False), features, weights)
    for name in ("out", "gradient", "evaluated"):
        joint = np.concatenate([rank[name] for rank in ranks])
        np.testing.assert_allclose(joint, expected[name], atol=1e-5, err_msg=name)
    joint = np.concatenate([rank["half"] for rank in ranks])
    np.testing.assert_allclose(joint, expected["out"], atol=0.03)
    for rank in ranks:
        assert rank["n"] == expected["n"]
        np.testing.assert_allclose(rank["mean"], expected["mean"], atol=1e-6)
        np.testing.assert_allclose(rank["variance"], expected["variance"], rtol=1e-5)
        assert np.array_equal(rank["mean"], ranks[0]["mean"])
        assert np.array_equal(rank["variance"], ranks[0]["variance"])


@pytest.mark.parametrize(
    ("norm", "batch_size", "kind"),
    [
        (Norm.BATCH, 1, SharedBatchNorm),
        (Norm.BATCH, 8, SharedBatchNorm),
        (Norm.INSTANCE, 8, nn.InstanceNorm2d),
        (Norm.BY_BATCH_SIZE, 1, nn.InstanceNorm2d),
        (Norm.BY_BATCH_SIZE, 2, SharedBatchNorm),
        (Norm.GROUP, 8, nn.GroupNorm),
    ],
)
def test_each_norm_is_the_layer_of_its_name(norm, batch_size, kind):
    for affine in (False, True):
        layer = make_norm(norm, 16, batch_size=batch_size, affine=affine)
        assert type(layer) is kind
        assert bool(list(layer.parameters())) == affine


@pytest.mark.parametrize(("channels", "groups"), [(64, 8), (4, 4), (6, 2), (5, 1)])
def test_groups_divide_the_channels(channels, groups):
    assert make_norm(Norm.GROUP, channels, batch_size=1).num_groups == groups
