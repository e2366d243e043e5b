"""Recipes: maps, networks, losses and training; valid once built."""

import dataclasses
import hashlib
import json
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, get_args, get_origin

from magic_model.errors import DataError
from magic_model.losses import CENTRAL_VOLUME_MAPS, FLOW_MAPS, LATE, TERMS
from magic_model.maps import MAP_SPECS, PAPER_MAPS, PerfusionMap


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
    """The network that makes maps: what every family has; each adds its own."""

    family: ClassVar[Family]
    """Its shape."""

    width: int = 64
    """Channels of the first level; they double at each, up to 8 times as many."""

    levels: int = 8
    """How often the image is halved."""

    norm: Norm = Norm.BY_BATCH_SIZE
    """Normalisation of features."""

    pilo: bool = True
    """Whether the last layer mixes a map with the NCCT (paper 2.2.2)."""

    derive_cbv: bool = False
    """Whether CBV is the product of CBF and MTT instead of a map of its own."""

    def __post_init__(self) -> None:
        _require(self.width >= 1, "generator.width must be 1 or more", self.width)
        _require(1 <= self.levels <= 8, "generator.levels must be 1 to 8", self.levels)

    @property
    def stride(self) -> int:
        """Pixels along each side of the innermost feature."""
        return int(2**self.levels)


@dataclass(frozen=True, kw_only=True)
class BranchConfig(GeneratorConfig):
    """The paper's network: an encoder in common, then a branch for each map."""

    family: ClassVar[Family] = Family.BRANCHES

    shared: int = 4
    """Levels of the encoder that all maps share; the others are each map's own."""

    dropout: float = 0.5
    """Share of features dropped in the three innermost decoders, in training only."""

    bounded: bool = False
    """Whether a Tanh bounds what the last layer mixes with the NCCT, as in the authors'
    code; it slows learning (docs/method/model.md)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _require(
            0 <= self.shared <= self.levels,
            f"generator.shared must be 0 to {self.levels}",
            self.shared,
        )
        _require(
            0 <= self.dropout < 1, "generator.dropout must be 0 to 1", self.dropout
        )


@dataclass(frozen=True, kw_only=True)
class SingleConfig(BranchConfig):
    """The same layers in one branch, whose last one has a channel for each map."""

    family: ClassVar[Family] = Family.SINGLE


@dataclass(frozen=True, kw_only=True)
class ResidualConfig(GeneratorConfig):
    """Residual blocks at full resolution, with a head for each map."""

    family: ClassVar[Family] = Family.RESIDUAL

    patch: int = 1
    """Pixels along each side of a feature of the first level."""

    mirror: bool = False
    """Whether the network also sees the NCCT with left and right swapped."""

    context: bool = False
    """Whether it also sees smoothed CT numbers, their differences from what lies
    opposite, texture and place (`networks.context`)."""

    intervals: bool = False
    """Whether it also sees how far CT numbers reach into each of eight intervals
    (`networks.context`)."""

    late: float = 0.0
    """Probability of late tissue from which maps show it late, which the network learns
    by `loss.lateness`; at 0 it has none, and late tissue is learnt as any other."""

    fine: int = 0
    """Channels of a last level at full resolution, which sees the NCCT beside the
    features; at 0 features are interpolated, and only the last layer is as fine."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _require(self.patch >= 1, "generator.patch must be 1 or more", self.patch)
        _require(self.fine >= 0, "generator.fine must be 0 or more", self.fine)
        _require(
            0 <= self.late < 1, "generator.late must be 0 to less than 1", self.late
        )

    @property
    def stride(self) -> int:
        """Pixels along each side of the innermost feature."""
        return self.patch * super().stride


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
        _require(self.width >= 1, "adversarial.width must be 1 or more", self.width)


@dataclass(frozen=True, init=False)
class LossConfig:
    """Weights of the loss; the paper does not give them, the authors' code does.

    Attributes:
        weights: Weight of each term by its name in `losses.TERMS`; without
            `adversarial` no discriminator is trained.
        masked: Whether only the brain counts, and what the discriminator sees is cut to
            it.

    Examples:
        >>> LossConfig(l1=50).weights["l1"]
        50
    """

    weights: Mapping[str, float]
    masked: bool

    def __init__(self, *, masked: bool = False, **weights: float) -> None:
        unknown = ", ".join(sorted(set(weights) - set(TERMS)))
        known = ", ".join(sorted(["masked", *TERMS]))
        _require(not unknown, f"loss must be of {known}", unknown)
        merged = {name: weights.get(name, term.weight) for name, term in TERMS.items()}
        for name, weight in merged.items():
            _require(
                math.isfinite(weight) and weight >= 0,
                f"loss.{name} must be 0 or more",
                weight,
            )
        object.__setattr__(self, "weights", merged)
        object.__setattr__(self, "masked", masked)

    def __hash__(self) -> int:
        return hash((*self.weights.items(), self.masked))

    @property
    def adversarial(self) -> float:
        """Weight of Eq. 1."""
        return self.weights["adversarial"]

    @property
    def weighted(self) -> list[str]:
        """Names of the terms that count."""
        return [name for name, weight in self.weights.items() if weight]


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

    muon: float = 0.0
    """Learning rate of Muon for the generator's convolutions; at 0 Adam trains them,
    too. It rises and falls as that of Adam."""

    warmdown: float = 0.0
    """Share of the steps at the end over which the learning rate falls to zero."""

    warmup: float = 0.0
    """Share of the steps at the start over which the learning rate rises from zero."""

    augment: bool = True
    """Random flips, rotations and shifts of the paper, drawn anew for each use."""

    turned: float = 1.0
    """Share of slices that are turned and shifted by parts of pixels, which smooths
    them and the noise in them; the others are flipped and shifted by whole pixels."""

    bent: float = 0.0
    """Share of slices that are stretched and bent, as brains differ in size and shape:
    of few patients that keeps the network from learning their own by heart."""

    crop: bool = False
    """Whether slices are cut to their brains, as air around them takes time."""

    bfloat16: bool = False
    """Whether a CPU that can computes convolutions in bfloat16, as a GPU always does;
    one that cannot stays at single precision."""

    def __post_init__(self) -> None:
        _require(self.epochs >= 1, "training.epochs must be 1 or more", self.epochs)
        _require(
            self.batch_size >= 1,
            "training.batch_size must be 1 or more",
            self.batch_size,
        )
        _require(
            math.isfinite(self.learning_rate) and self.learning_rate > 0,
            "training.learning_rate must be positive",
            self.learning_rate,
        )
        _require(
            0 <= self.muon < math.inf, "training.muon must be 0 or more", self.muon
        )
        _require(
            [0 <= beta < 1 for beta in self.betas] == [True, True],
            "training.betas must be two numbers from 0 to below 1",
            self.betas,
        )
        _require(0 <= self.turned <= 1, "training.turned must be 0 to 1", self.turned)
        _require(0 <= self.bent <= 1, "training.bent must be 0 to 1", self.bent)
        _require(
            0 <= self.warmdown <= 1, "training.warmdown must be 0 to 1", self.warmdown
        )
        _require(
            0 <= self.warmup <= 1 - self.warmdown,
            "training.warmup must be 0 to what training.warmdown leaves of 1",
            self.warmup,
        )


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Which slices the networks see."""

    size: int = 256
    """Pixels along each side of a slice."""

    n_slices: int = 10
    """Slices per patient at most."""

    slab_mm: float = 0.0
    """Thickness over which each NCCT slice is averaged; single planes at 0."""

    pixel_mm: float = 0.0
    """Side of a pixel; at 0 the median of the training patients, whose maps then fill
    `size` pixels."""

    reach: float = 1.0
    """How far CBF and CBV are learnt, as a multiple of the range that is shown: vessels
    lie beyond it."""

    def __post_init__(self) -> None:
        _require(self.size >= 16, "data.size must be 16 or more", self.size)
        _require(self.n_slices >= 1, "data.n_slices must be 1 or more", self.n_slices)
        _require(
            0 <= self.slab_mm < math.inf, "data.slab_mm must be 0 or more", self.slab_mm
        )
        _require(
            0 <= self.pixel_mm < math.inf,
            "data.pixel_mm must be 0 or more",
            self.pixel_mm,
        )
        _require(1 <= self.reach < math.inf, "data.reach must be 1 or more", self.reach)


_LEAST_JUDGED = 24  # pixels; smaller images leave no patch to the discriminator


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All that a training run follows from, apart from data and seed."""

    name: str
    """Name, as in `magic_model/recipes`."""

    maps: tuple[PerfusionMap, ...] = PAPER_MAPS
    """Maps in the order of channels; any that `PerfusionMap` knows."""

    data: DataConfig = field(default_factory=DataConfig)
    generator: GeneratorConfig = field(default_factory=BranchConfig)
    adversarial: AdversarialConfig = field(default_factory=AdversarialConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    texture: bool = False
    """Whether texture is learnt from the measured maps once networks are trained, and
    drawn onto generated ones: for reader studies, not for reading."""

    def __post_init__(self) -> None:
        for part in dataclasses.fields(self):
            require_type(part.type, getattr(self, part.name), part.name)
        listed = ", ".join(self.maps)
        _require(
            len(set(self.maps)) == len(self.maps) > 0,
            "maps must name at least one map, each once",
            listed,
        )
        halved = self.generator.stride
        _require(
            self.data.size % halved == 0,
            f"data.size must be a multiple of patch x 2^levels = {halved}",
            self.data.size,
        )
        _require(
            not self.loss.adversarial or self.data.size >= _LEAST_JUDGED,
            f"data.size must be {_LEAST_JUDGED} or more where maps are judged",
            self.data.size,
        )
        if self.generator.derive_cbv:
            _require_maps("generator.derive_cbv", CENTRAL_VOLUME_MAPS, self.maps)
        late = getattr(self.generator, "late", 0.0)
        _require(
            bool(late) == bool(self.loss.weights["lateness"]),
            "generator.late and loss.lateness need each other",
            f"{late:g} and {self.loss.weights['lateness']:g}",
        )
        _require(
            not late or not LATE.keys().isdisjoint(self.maps),
            "generator.late needs TTP or Tmax among the maps",
            ", ".join(self.maps),
        )
        for name in self.loss.weighted:
            _require_maps(f"loss.{name}", TERMS[name].needs, self.maps)

    @property
    def ranges(self) -> dict[PerfusionMap, tuple[float, float]]:
        """Values of each map that become -1 and 1, in channel order.

        CBF and CBV reach equally far, so that the factor of the central volume
        principle is that of the ranges shown.
        """
        shown = {name: MAP_SPECS[name].value_range for name in self.maps}
        return {
            name: (low, high * self.data.reach if name in FLOW_MAPS else high)
            for name, (low, high) in shown.items()
        }

    def with_epochs(self, epochs: int | None) -> "Recipe":
        """Return the same recipe with other epochs; with its own if None.

        Raises:
            DataError: If it is less than 1.
        """
        if epochs is None:
            return self
        training = dataclasses.replace(self.training, epochs=epochs)
        return dataclasses.replace(self, training=training)

    @property
    def fingerprint(self) -> str:
        """Fingerprint of everything in the recipe."""
        text = json.dumps(self.to_dict(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Return it as tables of plain values, which `recipes.files` reads."""
        plain: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(self)))
        plain["generator"] = {
            "family": str(self.generator.family),
            **plain["generator"],
        }
        plain["loss"] = {**plain["loss"].pop("weights"), **plain["loss"]}
        return plain


def recipe_differences(one: Recipe, other: Recipe) -> list[str]:
    """Name the keys in which two recipes differ, with both values."""
    here, there = (dict(_flat(recipe.to_dict())) for recipe in (one, other))
    values = {
        name: (here.get(name, "none"), there.get(name, "none"))
        for name in here | there  # families have keys of their own
    }
    return [
        f"{name}: {left}, here {right}"
        for name, (left, right) in values.items()
        if left != right
    ]


def _flat(table: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [
        (f"{key}.{name}" if name else key, found)
        for key, value in table.items()
        for name, found in (value.items() if isinstance(value, dict) else [("", value)])
    ]


def _require(holds: bool, rule: str, value: object) -> None:
    """Refuse a value, saying what must hold and what came."""
    if not holds:
        msg = f"{rule}, got {value}"
        raise DataError(msg)


def _require_maps(
    what: str, needed: Collection[PerfusionMap], maps: Collection[PerfusionMap]
) -> None:
    names = ", ".join(MAP_SPECS[name].title for name in needed)
    _require(
        set(needed) <= set(maps),
        f"{what} needs {names} among the maps",
        ", ".join(maps),
    )


def require_type(wanted: object, value: object, where: str) -> None:
    """Refuse a value of another type than a field of a recipe has.

    Raises:
        DataError: If it is of another type.
    """
    if get_origin(wanted) is tuple and isinstance(value, tuple):
        for item in value:
            require_type(get_args(wanted)[0], item, where)
        return
    kind = get_origin(wanted) or wanted
    fits = {
        tuple: isinstance(value, tuple) and get_origin(wanted) is None,
        int: isinstance(value, int) and not isinstance(value, bool),
        float: isinstance(value, (int, float)) and not isinstance(value, bool),
        bool: isinstance(value, bool),
        str: isinstance(value, str),
    }
    if isinstance(kind, type) and not fits.get(kind, isinstance(value, kind)):
        name = "list" if kind is tuple else kind.__name__
        msg = f"{where} must be of type {name}, got {value!r}"
        raise DataError(msg)
