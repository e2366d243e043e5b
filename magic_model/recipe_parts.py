"""The parts of a recipe: networks, losses, training, data. Valid once built."""

import dataclasses
import math
from dataclasses import dataclass
from enum import StrEnum

from magic_model.errors import DataError


class Family(StrEnum):
    """Shapes that a generator can have."""

    BRANCHES = "branches"  # 4x4 convolutions; encoder shared, then a branch per map
    SINGLE = "single"  # one U-Net with a channel per map
    RESIDUAL = "residual"  # residual blocks at full resolution, a head per map


class Norm(StrEnum):
    """Normalisation of features; none has weights of its own but GROUP."""

    BATCH = "batch"
    INSTANCE = "instance"
    BY_BATCH_SIZE = "by_batch_size"  # instance at 1, else batch (paper 2.3.4)
    GROUP = "group"


@dataclass(frozen=True, kw_only=True)
class GeneratorConfig:
    """The network that makes maps."""

    family: Family = Family.BRANCHES
    """Its shape."""

    width: int = 64
    """Channels of the first level; they double at each, up to 8 times as many."""

    levels: int = 8
    """How often the image is halved."""

    shared: int = 4
    """Levels of the encoder that all maps share; the others are each map's own."""

    patch: int = 1
    """Pixels along each side of a feature of the first level (residual only)."""

    norm: Norm = Norm.BY_BATCH_SIZE
    """Normalisation of features."""

    dropout: float = 0.5
    """Share of features dropped in the three innermost decoders, in training only."""

    pilo: bool = True
    """Whether the last layer mixes a map with the NCCT (paper 2.2.2)."""

    derive_cbv: bool = False
    """Whether CBV is the product of CBF and MTT instead of a map of its own."""

    mirror: bool = False
    """Whether the network also sees the NCCT with left and right swapped."""

    def __post_init__(self) -> None:
        require(self.width >= 1, "generator.width must be 1 or more", self.width)
        require(1 <= self.levels <= 8, "generator.levels must be 1 to 8", self.levels)
        require(
            0 <= self.shared <= self.levels,
            f"generator.shared must be 0 to {self.levels}",
            self.shared,
        )
        require(self.patch >= 1, "generator.patch must be 1 or more", self.patch)
        require(0 <= self.dropout < 1, "generator.dropout must be 0 to 1", self.dropout)


@dataclass(frozen=True, kw_only=True)
class AdversarialConfig:
    """The network that tells generated from measured maps."""

    width: int = 64
    """Channels of the first of its five convolutions."""

    per_map: bool = True
    """One network per map on NCCT and map; else one on NCCT and all maps."""

    logits: bool = True
    """Whether the loss is computed from logits, not from Sigmoid and logarithm."""

    norm: Norm = Norm.BY_BATCH_SIZE
    """Normalisation of features."""

    def __post_init__(self) -> None:
        require(self.width >= 1, "adversarial.width must be 1 or more", self.width)


@dataclass(frozen=True, kw_only=True)
class LossConfig:
    """Weights of Eq. 8; the paper does not give them, the authors' code does."""

    adversarial: float = 1.0
    """Weight of Eq. 1; without it no discriminator is trained."""

    l1: float = 100.0
    """Weight of Eq. 2, lambda 1."""

    extrema: float = 100.0
    """Weight of Eq. 7, lambda 2."""

    multimodal: float = 100.0
    """Weight of Eq. 4, lambda 3."""

    masked: bool = False
    """Whether only the brain counts, and what the discriminator sees is cut to it."""

    def __post_init__(self) -> None:
        for name, weight in dataclasses.asdict(self).items():
            require(
                math.isfinite(weight) and weight >= 0,
                f"loss.{name} must be 0 or more",
                weight,
            )


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How the networks are trained."""

    epochs: int = 50
    """Passes over the training slices."""

    batch_size: int = 8
    """Slices per step, over all processes together."""

    learning_rate: float = 1e-4
    """Of Adam, constant, for both networks."""

    betas: tuple[float, float] = (0.5, 0.999)
    """Decay of Adam's moments."""

    warmdown: float = 0.0
    """Share of the steps at the end over which the learning rate falls to zero."""

    augment: bool = True
    """Random flips, rotations and shifts of the paper, drawn anew for each use."""

    def __post_init__(self) -> None:
        require(self.epochs >= 1, "training.epochs must be 1 or more", self.epochs)
        require(
            self.batch_size >= 1,
            "training.batch_size must be 1 or more",
            self.batch_size,
        )
        require(
            math.isfinite(self.learning_rate) and self.learning_rate > 0,
            "training.learning_rate must be positive",
            self.learning_rate,
        )
        require(
            [0 <= beta < 1 for beta in self.betas] == [True, True],
            "training.betas must be two numbers from 0 to below 1",
            self.betas,
        )
        require(
            0 <= self.warmdown <= 1, "training.warmdown must be 0 to 1", self.warmdown
        )


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Which slices the networks see."""

    size: int = 256
    """Pixels along each side of a slice."""

    n_slices: int = 10
    """Slices per patient at most."""

    def __post_init__(self) -> None:
        require(self.size >= 16, "data.size must be 16 or more", self.size)
        require(self.n_slices >= 1, "data.n_slices must be 1 or more", self.n_slices)


def require(holds: bool, rule: str, value: object) -> None:
    """Refuse a value, saying what must hold and what came."""
    if not holds:
        msg = f"{rule}, got {value}"
        raise DataError(msg)
