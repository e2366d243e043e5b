"""One training step: first the discriminator, then the generator, on one batch."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from magic_model import losses
from magic_model.distributed import World, computes_in_bfloat16
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
            The generator's losses and the discriminator's (0 if there is none).
        """
        self.nets.generator.train()
        if self._bfloat16:
            batch = batch.channels_last()
        given = self._generated(batch)
        shown = self._shown(given.generated, batch.mask)
        judged = self._train_discriminator(batch, shown.detach())
        return self._train_generator(batch, given, shown), judged

    def _generated(self, batch: Batch) -> losses.LossInputs:
        """Generate maps; where the network tells late tissue, knowing which is."""
        recipe = self.nets.recipe
        mask = batch.mask if recipe.loss.masked else None
        late = lateness = None
        with self._precision():
            if recipe.loss.weights["lateness"]:
                late = losses.late_tissue(recipe.maps, batch.maps, mask)
                made: Tensor = self.generator(batch.ncct, late=late)
                made, lateness = made[:, :-1], made[:, -1:].float()
            else:
                made = self.generator(batch.ncct)
        return losses.LossInputs(
            maps=recipe.maps,
            generated=made,
            measured=batch.maps,
            mask=mask,
            logits=recipe.adversarial.logits,
            late=late,
            lateness=lateness,
        )

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
        self, batch: Batch, given: losses.LossInputs, shown: Tensor
    ) -> losses.GeneratorLoss:
        given = replace(
            given,
            generated=given.generated.float(),
            judgement=self._judgement(batch, shown),
        )
        loss = losses.generator_loss(given, self.nets.recipe.loss.weights)
        self.nets.step_generator(loss.total)
        return loss

    def _judgement(self, batch: Batch, shown: Tensor) -> Tensor | None:
        critic = self.nets.discriminator
        if critic is None:
            return None
        # The gradient passes through the critic, whose own weights need none.
        with frozen(critic), self._precision():
            judged: Tensor = critic(batch.ncct, shown).float()
        return judged

    def _shown(self, maps: Tensor, mask: Tensor) -> Tensor:
        """Cut maps to the brain if the recipe says so, so that borders tell nothing."""
        return (maps + 1) * mask - 1 if self.nets.recipe.loss.masked else maps

    def _precision(self) -> AbstractContextManager[object]:
        if not self._bfloat16:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    @property
    def _bfloat16(self) -> bool:
        asked = self.nets.recipe.training.bfloat16
        return computes_in_bfloat16(self.device, asked=asked)


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Let no gradient reach the weights of a network for a while."""
    network.requires_grad_(requires_grad=False)
    try:
        yield
    finally:
        network.requires_grad_(requires_grad=True)


def _shared(network: nn.Module, world: World, device: torch.device) -> nn.Module:
    if world.size == 1:
        return network
    # Buffers are computed from all processes already (SharedBatchNorm).
    return DistributedDataParallel(
        network,
        device_ids=[device] if device.type == "cuda" else None,
        broadcast_buffers=False,
    )
