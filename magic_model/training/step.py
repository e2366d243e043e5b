"""One training step: first the discriminator, then the generator, on one batch."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from magic_model import losses
from magic_model.distributed import World
from magic_model.maps import MAP_SPECS, PerfusionMap
from magic_model.recipe import Recipe
from magic_model.training.adversaries import Adversaries
from magic_model.training.batches import Batch


@dataclass(frozen=True)
class TrainStep:
    """Trains adversaries step by step, on one process or as one of many.

    Attributes:
        nets: The networks.
        generator: The generator, or what shares its gradients among processes.
        discriminator: The same for the discriminator.
        device: Where they are.
    """

    nets: Adversaries
    generator: nn.Module
    discriminator: nn.Module | None
    device: torch.device

    @classmethod
    def distributed(
        cls, nets: Adversaries, world: World, device: torch.device
    ) -> "TrainStep":
        """Join the networks of all processes; their gradients are averaged."""
        return cls(
            nets,
            _shared(nets.generator, world, device),
            _shared(nets.discriminator, world, device) if nets.discriminator else None,
            device,
        )

    def train(self, batch: Batch) -> tuple[losses.GeneratorLoss, Tensor]:
        """Improve both networks on one batch, with one pass of the generator.

        Returns:
            The generator's losses and the discriminator's.
        """
        self.nets.generator.train()
        with self._precision():
            generated = self.generator(batch.ncct)
        shown = self._shown(generated, batch.mask)
        judged = self._train_discriminator(batch, shown.detach())
        return self._train_generator(batch, generated, shown), judged

    def _train_discriminator(self, batch: Batch, shown: Tensor) -> Tensor:
        adam = self.nets.discriminator_adam
        if self.discriminator is None or adam is None:
            return shown.new_zeros(())
        self.discriminator.train()
        logits = self.nets.recipe.adversarial.logits
        with self._precision():
            measured = self._shown(batch.maps, batch.mask)
            real = self.discriminator(batch.ncct, measured).float()
            fake = self.discriminator(batch.ncct, shown).float()
        loss = losses.discriminator_loss(real, fake, logits=logits)
        adam.zero_grad(set_to_none=True)
        loss.backward()
        adam.step()
        return loss.detach()

    def _train_generator(
        self, batch: Batch, generated: Tensor, shown: Tensor
    ) -> losses.GeneratorLoss:
        recipe = self.nets.recipe
        mask = batch.mask if recipe.loss.masked else None
        made = generated.float()
        zero = made.new_zeros(())
        weights = recipe.loss
        loss = losses.GeneratorLoss(
            adversarial=self._adversarial(batch, shown),
            l1=losses.l1_loss(made, batch.maps, mask),
            extrema=losses.extrema_loss(made, batch.maps, mask)
            if weights.extrema
            else zero,
            multimodal=_multimodal(recipe, made, batch.maps, mask)
            if weights.multimodal
            else zero,
            weights=weights,
        )
        self.nets.generator_adam.zero_grad(set_to_none=True)
        loss.total.backward()
        self.nets.generator_adam.step()
        return loss

    def _adversarial(self, batch: Batch, shown: Tensor) -> Tensor:
        critic = self.nets.discriminator
        if critic is None:
            return shown.new_zeros(())
        # The gradient passes through the critic, whose own weights need none.
        with frozen(critic), self._precision():
            judged = critic(batch.ncct, shown).float()
        return losses.adversarial_loss(
            judged, logits=self.nets.recipe.adversarial.logits
        )

    def _shown(self, maps: Tensor, mask: Tensor) -> Tensor:
        """Cut maps to the brain if the recipe says so, so that borders tell nothing."""
        return (maps + 1) * mask - 1 if self.nets.recipe.loss.masked else maps

    def _precision(self) -> AbstractContextManager[object]:
        if self.device.type != "cuda":
            return nullcontext()  # slower on CPUs without matrix units
        return torch.autocast("cuda", dtype=torch.bfloat16)


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Let no gradient reach the weights of a network for a while."""
    network.requires_grad_(requires_grad=False)
    try:
        yield
    finally:
        network.requires_grad_(requires_grad=True)


def _multimodal(
    recipe: Recipe, generated: Tensor, measured: Tensor, mask: Tensor | None
) -> Tensor:
    cbf, cbv, mtt = (
        recipe.maps.index(name)
        for name in (PerfusionMap.CBF, PerfusionMap.CBV, PerfusionMap.MTT)
    )
    highest = [
        MAP_SPECS[recipe.maps[channel]].value_range[1] for channel in (cbf, cbv, mtt)
    ]
    return losses.multimodal_loss(
        generated[:, cbf : cbf + 1],
        generated[:, mtt : mtt + 1],
        measured[:, cbv : cbv + 1],
        losses.central_volume_factor(*highest),
        mask,
    )


def _shared(network: nn.Module, world: World, device: torch.device) -> nn.Module:
    if world.size == 1:
        return network
    # Buffers are computed from all processes already (SharedBatchNorm).
    return DistributedDataParallel(
        network,
        device_ids=[device] if device.type == "cuda" else None,
        broadcast_buffers=False,
    )
