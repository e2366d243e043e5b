"""Both networks with their optimisers, built from a recipe or from a checkpoint."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from magic_model import networks
from magic_model.checkpoint import load_weights, read_header, read_tensors
from magic_model.distributed import computes_in_bfloat16
from magic_model.errors import DataError
from magic_model.recipe import Recipe, recipe_differences
from magic_model.training.muon import Muon

_MOMENTS = {torch.optim.Adam: ("exp_avg", "exp_avg_sq"), Muon: ("momentum",)}
"""What each optimiser remembers of a weight."""

_LEAST_CHANNELS = 8  # in and out, of a weight that Muon trains; a last layer has fewer


@dataclass(frozen=True)
class Adversaries:
    """Both networks with their optimisers.

    Attributes:
        recipe: What they were built from.
        generator: Makes maps.
        discriminator: Tells them from measured ones; None if the recipe needs none.
        generator_adam: Optimiser of the generator, or of what Muon leaves of it.
        generator_muon: Optimiser of its convolutions; None if Adam trains all.
        discriminator_adam: Optimiser of the discriminator.
    """

    recipe: Recipe
    generator: networks.Generator
    discriminator: networks.Discriminator | None
    generator_adam: torch.optim.Adam
    generator_muon: Muon | None
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
                if computes_in_bfloat16(device, asked=recipe.training.bfloat16):
                    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        matrices, others = _parted(generator, recipe)
        return cls(
            recipe,
            generator,
            discriminator,
            _adam(others, recipe),
            Muon(matrices, recipe.training.muon) if matrices else None,
            _adam(discriminator.parameters(), recipe) if discriminator else None,
        )

    @property
    def learning_rate(self) -> float:
        """Learning rate of the generator, now."""
        return float(self.generator_adam.param_groups[0]["lr"])

    def set_learning_rate(self, rate: float) -> None:
        """Set the learning rate of Adam; that of Muon changes in proportion."""
        training = self.recipe.training
        for optimiser in self.optimisers.values():
            ratio = training.muon / training.learning_rate
            for group in optimiser.param_groups:
                group["lr"] = rate * (ratio if isinstance(optimiser, Muon) else 1)

    @property
    def optimisers(self) -> dict[str, torch.optim.Optimizer]:
        """All there are, by their names in a checkpoint."""
        named = {
            "generator_adam": self.generator_adam,
            "generator_muon": self.generator_muon,
            "discriminator_adam": self.discriminator_adam,
        }
        return {name: found for name, found in named.items() if found is not None}

    def step_generator(self, loss: Tensor) -> None:
        """Change the generator by the gradient of a loss."""
        self.generator.zero_grad(set_to_none=True)
        loss.backward()
        self.generator_adam.step()
        if self.generator_muon is not None:
            self.generator_muon.step()


def tensors_of(nets: Adversaries) -> dict[str, Tensor]:
    """Return all that training goes on from: weights, statistics, moments."""
    tensors = generator_tensors(nets)
    if nets.discriminator is not None:
        state = nets.discriminator.state_dict()
        tensors |= {f"discriminator.{name}": value for name, value in state.items()}
    for name, optimiser in nets.optimisers.items():
        tensors |= {
            f"{name}.{index}.{moment}": value
            for index, moments in optimiser.state_dict()["state"].items()
            for moment, value in moments.items()
        }
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
    if nets.discriminator is not None:
        _copy(nets.discriminator, path, "discriminator")
    for name, optimiser in nets.optimisers.items():
        _restore_moments(optimiser, path, name)


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
        if line.startswith(("maps", "generator.", "data.reach"))
        and "generator.dropout" not in line
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


def _parted(network: nn.Module, recipe: Recipe) -> tuple[list[Tensor], list[Tensor]]:
    """Return the weights that Muon trains, and those that Adam does."""
    matrices: list[Tensor] = []
    others: list[Tensor] = []
    for weight in network.parameters():
        is_matrix = weight.ndim > 1 and min(weight.shape[:2]) >= _LEAST_CHANNELS
        (matrices if is_matrix and recipe.training.muon else others).append(weight)
    return matrices, others


def _adam(weights: Iterable[Tensor], recipe: Recipe) -> torch.optim.Adam:
    settings = recipe.training
    return torch.optim.Adam(
        weights, lr=settings.learning_rate, betas=settings.betas, fused=True
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


def _restore_moments(optimiser: torch.optim.Optimizer, path: Path, part: str) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in read_tensors(path, part).items():
        index, moment = name.split(".", maxsplit=1)
        state.setdefault(int(index), {})[moment] = value
    weights: list[Tensor] = optimiser.param_groups[0]["params"]
    shapes = {index: weight.shape for index, weight in enumerate(weights)}
    for moment in _MOMENTS[type(optimiser)]:
        found = {i: kept[moment].shape for i, kept in state.items() if moment in kept}
        if found != shapes:
            msg = f"{path}: {part} must have {moment} of each weight, in its shape"
            raise DataError(msg)
        for weight, kept in zip(weights, (state[i] for i in shapes), strict=True):
            # A fused Adam wants both to lie in memory in the same order.
            kept[moment] = torch.empty_like(weight).copy_(kept[moment])
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": state, "param_groups": groups})
