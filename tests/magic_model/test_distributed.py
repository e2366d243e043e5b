import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import distributed

from magic_model.distributed import (
    World,
    choose_device,
    mean_over_processes,
    process_group,
    wait_for_all,
)
from magic_model.errors import DataError


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.fixture
def two_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)


@pytest.fixture
def second_of_two(monkeypatch):
    """What torchrun tells the second process; no other process is there."""
    for name, value in {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    calls = []
    monkeypatch.setattr(distributed, "init_process_group", calls.append)
    monkeypatch.setattr(
        distributed, "destroy_process_group", lambda: calls.append("left")
    )
    monkeypatch.setattr(torch.cuda, "set_device", calls.append)
    return calls


@given(st.integers(0, 100), st.integers(1, 9))
def test_parts_cover_everything_once_and_evenly(length, size):
    parts = [range(length)[World(rank, size).part(length)] for rank in range(size)]
    assert [i for part in parts for i in part] == list(range(length))
    lengths = [len(part) for part in parts]
    assert max(lengths) - min(lengths) <= 1


def test_the_first_process_speaks_for_all():
    assert World().is_first
    assert [World(rank, 3).is_first for rank in range(3)] == [True, False, False]


def test_without_torchrun_there_is_one_process(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    with process_group("cpu") as (world, device):
        assert world == World(rank=0, size=1, local_rank=0)
        assert device == torch.device("cpu")
        assert not distributed.is_initialized()
        value = torch.tensor([2.0])
        assert mean_over_processes(value, world) is value
        wait_for_all(world)


def test_processes_on_cpu_join_by_gloo(no_gpu, second_of_two):
    with process_group() as (world, device):
        assert world == World(rank=1, size=2, local_rank=1)
        assert device == torch.device("cpu")
        assert second_of_two == ["gloo"]
    assert second_of_two == ["gloo", "left"]


def test_processes_on_gpus_join_by_nccl_each_on_its_own(two_gpus, second_of_two):
    with process_group() as (_, device):
        assert device == torch.device("cuda", 1)
        assert second_of_two == [device, "nccl"]


def test_a_process_that_fails_leaves_the_others(no_gpu, second_of_two):
    with pytest.raises(ZeroDivisionError), process_group():
        _ = 1 / 0
    assert second_of_two == ["gloo", "left"]


def test_values_are_averaged_over_processes(monkeypatch):
    """As if the other process had 5."""
    waited = []
    monkeypatch.setattr(distributed, "all_reduce", lambda value: value.add_(5))
    monkeypatch.setattr(distributed, "barrier", lambda: waited.append(1))
    assert mean_over_processes(torch.tensor(1.0), World(0, 2)).item() == 3
    wait_for_all(World(0, 2))
    assert waited == [1]


def test_a_gpu_is_taken_if_there_is_one(two_gpus):
    assert choose_device("auto") == torch.device("cuda", 0)
    assert choose_device("cuda", World(3, 4, local_rank=1)) == torch.device("cuda", 1)
    assert choose_device("cpu") == torch.device("cpu")


def test_a_gpu_that_is_not_there_is_refused(no_gpu):
    assert choose_device("auto") == torch.device("cpu")
    message = "Device cuda was asked for, but PyTorch finds no GPU here"
    with pytest.raises(DataError, match=message), process_group("cuda"):
        pass


def test_an_unknown_device_is_refused():
    with pytest.raises(DataError, match="must be auto, cpu or cuda, got tpu"):
        choose_device("tpu")
