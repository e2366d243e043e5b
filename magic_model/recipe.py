"""What a recipe says: maps, networks, losses and training. Valid once built."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from magic_model.maps import MAP_SPECS, PAPER_MAPS, PerfusionMap
from magic_model.recipe_parts import (
    AdversarialConfig,
    DataConfig,
    Family,
    GeneratorConfig,
    LossConfig,
    Norm,
    TrainingConfig,
    require,
)

__all__ = [
    "AdversarialConfig",
    "DataConfig",
    "Family",
    "GeneratorConfig",
    "LossConfig",
    "Norm",
    "Recipe",
    "TrainingConfig",
]

_LEAST_JUDGED = 24  # pixels; smaller images leave no patch to the discriminator


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All that a training run follows from, apart from data and seed."""

    name: str
    """Name, as in `magic_model/recipes`."""

    maps: tuple[PerfusionMap, ...] = PAPER_MAPS
    """Maps in the order of channels; any that `PerfusionMap` knows."""

    data: DataConfig = field(default_factory=DataConfig)
    generator: GeneratorConfig = field(default_factory=GeneratorConfig)
    adversarial: AdversarialConfig = field(default_factory=AdversarialConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)

    def __post_init__(self) -> None:
        listed = ", ".join(self.maps)
        require(
            len(set(self.maps)) == len(self.maps) > 0,
            "maps must name at least one map, each once",
            listed,
        )
        halved = self.generator.patch * 2**self.generator.levels
        require(
            self.data.size % halved == 0,
            f"data.size must be a multiple of patch x 2^levels = {halved}",
            self.data.size,
        )
        require(
            not self.loss.adversarial or self.data.size >= _LEAST_JUDGED,
            f"data.size must be {_LEAST_JUDGED} or more where maps are judged",
            self.data.size,
        )
        central = {PerfusionMap.CBF, PerfusionMap.CBV, PerfusionMap.MTT}
        if self.generator.derive_cbv or self.loss.multimodal:
            require(
                central <= set(self.maps),
                "derive_cbv and loss.multimodal need CBF, CBV and MTT among the maps",
                listed,
            )

    @property
    def ranges(self) -> dict[PerfusionMap, tuple[float, float]]:
        """Values of each map that become -1 and 1, in channel order."""
        return {name: MAP_SPECS[name].value_range for name in self.maps}

    @property
    def fingerprint(self) -> str:
        """Fingerprint of everything in the recipe."""
        text = json.dumps(self.to_dict(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Give it as tables of plain values, which `recipe_from_table` reads."""
        plain: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(self)))
        return plain
