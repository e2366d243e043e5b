"""Networks and optimisers to tensors of a checkpoint, and back."""

from pathlib import Path

import torch
from torch import Tensor

from magic_model.checkpoint import load_weights, read_tensors
from magic_model.errors import DataError
from magic_model.training.adversaries import Adversaries


def tensors_of(nets: Adversaries) -> dict[str, Tensor]:
    """Give all that training goes on from: weights, statistics, moments of Adam."""
    tensors = generator_tensors(nets)
    tensors |= _adam_tensors("generator_adam", nets.generator_adam)
    if nets.discriminator is not None and nets.discriminator_adam is not None:
        state = nets.discriminator.state_dict()
        tensors |= {f"discriminator.{name}": value for name, value in state.items()}
        tensors |= _adam_tensors("discriminator_adam", nets.discriminator_adam)
    return tensors


def generator_tensors(nets: Adversaries) -> dict[str, Tensor]:
    """Give all that generating needs."""
    state = nets.generator.state_dict()
    return {f"generator.{name}": value for name, value in state.items()}


def restore(nets: Adversaries, path: Path) -> None:
    """Put a checkpoint's tensors into networks and optimisers, bit by bit.

    Raises:
        DataError: If they do not fit.
    """
    _copy(nets.generator, path, "generator")
    _restore_adam(nets.generator_adam, path, "generator_adam")
    if nets.discriminator is not None and nets.discriminator_adam is not None:
        _copy(nets.discriminator, path, "discriminator")
        _restore_adam(nets.discriminator_adam, path, "discriminator_adam")


def _copy(network: torch.nn.Module, path: Path, part: str) -> None:
    # Copied into the tensors that optimisers and processes hold already.
    state = network.state_dict()
    tensors = read_tensors(path, part)
    if {n: t.shape for n, t in state.items()} != {
        n: t.shape for n, t in tensors.items()
    }:
        load_weights(network, tensors, path)  # says what differs
    with torch.no_grad():
        for name, value in state.items():
            value.copy_(tensors[name])


def _adam_tensors(part: str, adam: torch.optim.Adam) -> dict[str, Tensor]:
    return {
        f"{part}.{index}.{name}": value
        for index, moments in adam.state_dict()["state"].items()
        for name, value in moments.items()
    }


def _restore_adam(adam: torch.optim.Adam, path: Path, part: str) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in read_tensors(path, part).items():
        index, moment = name.split(".", maxsplit=1)
        state.setdefault(int(index), {})[moment] = value
    weights: list[Tensor] = adam.param_groups[0]["params"]
    shapes = {index: weight.shape for index, weight in enumerate(weights)}
    for moment in ("exp_avg", "exp_avg_sq"):
        found = {i: kept[moment].shape for i, kept in state.items() if moment in kept}
        if found != shapes:
            msg = f"{path}: {part} must have {moment} of each weight, in its shape"
            raise DataError(msg)
        for weight, kept in zip(weights, (state[i] for i in shapes), strict=True):
            # A fused Adam wants both to lie in memory in the same order.
            kept[moment] = torch.empty_like(weight).copy_(kept[moment])
    groups = adam.state_dict()["param_groups"]
    adam.load_state_dict({"state": state, "param_groups": groups})
