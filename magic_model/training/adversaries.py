"""Both networks with their optimisers, built from a recipe or from a checkpoint."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from magic_model import networks
from magic_model.checkpoint import load_weights, read_header, read_tensors
from magic_model.errors import DataError
from magic_model.recipe import Recipe, recipe_differences


@dataclass(frozen=True)
class Adversaries:
    """Both networks with their optimisers.

    Attributes:
        recipe: What they were built from.
        generator: Makes maps.
        discriminator: Tells them from measured ones; None if the recipe needs none.
        generator_adam: Optimiser of the generator.
        discriminator_adam: Optimiser of the discriminator.
    """

    recipe: Recipe
    generator: networks.Generator
    discriminator: networks.Discriminator | None
    generator_adam: torch.optim.Adam
    discriminator_adam: torch.optim.Adam | None

    @classmethod
    def from_recipe(
        cls, recipe: Recipe, device: torch.device, seed: int
    ) -> "Adversaries":
        """Build both with weights drawn by a seed, as pix2pix draws them."""
        torch.manual_seed(seed)
        generator = networks.build_generator(recipe)
        discriminator = (
            networks.build_discriminator(recipe) if recipe.loss.adversarial else None
        )
        for network in (generator, discriminator):
            if network is not None:
                _draw_weights(network)
                network.to(device)
                if device.type == "cuda" or recipe.training.bfloat16:
                    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return cls(
            recipe,
            generator,
            discriminator,
            _adam(generator, recipe),
            _adam(discriminator, recipe) if discriminator else None,
        )

    @property
    def learning_rate(self) -> float:
        """Learning rate of the generator, now."""
        return float(self.generator_adam.param_groups[0]["lr"])

    def set_learning_rate(self, rate: float) -> None:
        """Set the learning rate of both optimisers."""
        for adam in (self.generator_adam, self.discriminator_adam):
            for group in adam.param_groups if adam else ():
                group["lr"] = rate


def tensors_of(nets: Adversaries) -> dict[str, Tensor]:
    """Return all that training goes on from: weights, statistics, moments of Adam."""
    tensors = generator_tensors(nets)
    tensors |= _adam_tensors("generator_adam", nets.generator_adam)
    if nets.discriminator is not None and nets.discriminator_adam is not None:
        state = nets.discriminator.state_dict()
        tensors |= {f"discriminator.{name}": value for name, value in state.items()}
        tensors |= _adam_tensors("discriminator_adam", nets.discriminator_adam)
    return tensors


def generator_tensors(nets: Adversaries) -> dict[str, Tensor]:
    """Return all that generating needs."""
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


def start_from(nets: Adversaries, path: Path) -> None:
    """Put a checkpoint's weights into networks; optimisers start anew.

    The discriminator starts from the checkpoint's if it has one of the same shape.

    Raises:
        DataError: If its generator is of another shape, or cannot be read.
    """
    found, wanted = read_header(path).recipe, nets.recipe
    other = [
        line
        for line in recipe_differences(found, wanted)
        if line.startswith(("maps", "generator.")) and "generator.dropout" not in line
    ]
    if other:
        msg = f"{path}: weights are of another network than the recipe's ({other[0]})"
        raise DataError(msg)
    _copy(nets.generator, path, "generator")
    same = found.adversarial == wanted.adversarial
    if nets.discriminator is not None and same and read_tensors(path, "discriminator"):
        _copy(nets.discriminator, path, "discriminator")


def _draw_weights(network: nn.Module) -> None:
    """Normal weights of spread 0.02, as in pix2pix (Isola 2017, appendix 6.2)."""
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(module.weight, 0.0, 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def _adam(network: nn.Module, recipe: Recipe) -> torch.optim.Adam:
    settings = recipe.training
    return torch.optim.Adam(
        network.parameters(),
        lr=settings.learning_rate,
        betas=settings.betas,
        fused=True,
    )


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
