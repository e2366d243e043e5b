"""The physician-in-the-loop module: a 1x1 convolution of map and NCCT (paper 2.2.2).

With weight p of the map, weights n of the three NCCT channels and bias b, a ratio r
gives 2r / (1 + r) p map + 2 / (1 + r) n NCCT + b. So r = 1 is the output as trained,
the two factors always add up to 2, all NCCT channels change together, and the trained
weights are only read.
"""

import torch
from torch import Tensor, nn

from magic_model.ratio import shares

NCCT_CHANNELS = 3

Factors = tuple[float | Tensor, float | Tensor]
"""Of perfusion and of anatomy."""


class Pilo(nn.Module):
    """Mix one map with the NCCT."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv2d(1 + NCCT_CHANNELS, 1, 1)

    def forward(self, feature: Tensor, ncct: Tensor, ratio: float = 1.0) -> Tensor:
        """Mix `(b, 1, h, w)` with `(b, 3, h, w)` to `(b, 1, h, w)`, before Tanh."""
        return self.mixed(feature, ncct, *shares(ratio))

    def mixed(
        self,
        feature: Tensor,
        ncct: Tensor,
        perfusion: float | Tensor,
        anatomy: float | Tensor,
    ) -> Tensor:
        """Mix with factors of perfusion and anatomy, both 1 as trained."""
        # Scaling what comes in instead of the weights leaves the weights alone.
        scaled = torch.cat([feature * perfusion, ncct * anatomy], dim=1)
        out: Tensor = self.mix(scaled)
        return out
