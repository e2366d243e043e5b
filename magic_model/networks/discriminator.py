"""PatchGAN: tells measured from generated maps, patch by patch (paper Figure S.2)."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from magic_model.maps import PerfusionMap
from magic_model.networks.norm import make_norm
from magic_model.networks.pilo import NCCT_CHANNELS
from magic_model.recipe import AdversarialConfig

_SLOPE = 0.2
_DOUBLINGS = 3  # three strides of 2 and two of 1: each output sees 70 x 70 pixels


class Discriminator(nn.Module):
    """One network per map on NCCT and map, or one on NCCT and all maps."""

    def __init__(
        self,
        config: AdversarialConfig,
        maps: Sequence[PerfusionMap],
        batch_size: int,
    ) -> None:
        super().__init__()
        self.per_map = config.per_map
        names = [name.value for name in maps] if config.per_map else ["all"]
        seen = NCCT_CHANNELS + (1 if config.per_map else len(maps))
        self.critics = nn.ModuleDict(
            {name: _critic(seen, config, batch_size) for name in names}
        )

    def forward(self, ncct: Tensor, maps: Tensor) -> Tensor:
        """Judge `(b, maps, h, w)` beside `(b, 3, h, w)`.

        Returns:
            `(b, critics, h', w')` logits; positive where a patch looks measured.
        """
        parts = torch.split(maps, 1, dim=1) if self.per_map else [maps]
        judged = [
            critic(torch.cat([ncct, part], dim=1))
            for critic, part in zip(self.critics.values(), parts, strict=True)
        ]
        return torch.cat(judged, dim=1)


def _critic(n_in: int, config: AdversarialConfig, batch_size: int) -> nn.Sequential:
    widths = [config.width * 2**level for level in range(_DOUBLINGS + 1)]
    layers: list[nn.Module] = []
    for level, (before, after) in enumerate(pairwise([n_in, *widths])):
        stride = 2 if level < _DOUBLINGS else 1
        layers.append(nn.Conv2d(before, after, 4, stride=stride, padding=1))
        if level:
            layers.append(make_norm(config.norm, after, batch_size=batch_size))
        layers.append(nn.LeakyReLU(_SLOPE))
    return nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 4, padding=1))
