"""One process or many: what torchrun says of this one."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed

from magic_model.errors import DataError


@dataclass(frozen=True)
class World:
    """Place of this process among all.

    Attributes:
        rank: Number of this process, from 0 on.
        size: Number of processes.
        local_rank: Number of this process on its machine, which names its GPU.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @property
    def is_first(self) -> bool:
        """Whether this process writes and speaks for all."""
        return self.rank == 0

    def part(self, length: int) -> slice:
        """Return this process's part of something, as even as can be."""
        return slice(
            self.rank * length // self.size, (self.rank + 1) * length // self.size
        )


@contextmanager
def process_group(device: str = "auto") -> Iterator[tuple[World, torch.device]]:
    """Join the processes that torchrun started, and give this one's device.

    Args:
        device: `auto` takes a GPU if there is one, else `cpu` or `cuda`.

    Raises:
        DataError: If the device is unknown or not there.
    """
    world = World(
        int(os.environ.get("RANK", "0")),
        int(os.environ.get("WORLD_SIZE", "1")),
        int(os.environ.get("LOCAL_RANK", "0")),
    )
    place = choose_device(device, world)
    if world.size == 1:
        yield world, place
        return
    if place.type == "cuda":
        torch.cuda.set_device(place)
    distributed.init_process_group("nccl" if place.type == "cuda" else "gloo")
    try:
        yield world, place
    finally:
        distributed.destroy_process_group()


def choose_device(device: str, world: World | None = None) -> torch.device:
    """Return the device that is asked for.

    Raises:
        DataError: If it is unknown or not there.
    """
    if device not in {"auto", "cpu", "cuda"}:
        msg = f"Device must be auto, cpu or cuda, got {device}"
        raise DataError(msg)
    if device == "cpu" or (device == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        msg = "Device cuda was asked for, but PyTorch finds no GPU here"
        raise DataError(msg)
    return torch.device("cuda", world.local_rank if world else 0)


def cpu_has_bfloat16() -> bool:
    """Whether this processor computes in bfloat16 (AVX512-BF16 or AMX)."""
    able: Mapping[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))


def computes_in_bfloat16(device: torch.device, *, asked: bool) -> bool:
    """Whether a device trains in bfloat16: a GPU does, a CPU that can if asked."""
    return device.type == "cuda" or (asked and cpu_has_bfloat16())


def mean_over_processes(value: Tensor, world: World) -> Tensor:
    """Average a value over all processes; it is changed in place."""
    if world.size > 1:
        distributed.all_reduce(value)
        value /= world.size
    return value


def wait_for_all(world: World) -> None:
    """Wait until every process has come here.

    Raises:
        DataError: If another one stopped before.
    """
    if world.size == 1:
        return
    try:
        distributed.barrier()
    except RuntimeError as error:
        msg = "Another process stopped; what it says is the reason"
        raise DataError(msg) from error
