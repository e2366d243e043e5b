"""The physician-in-the-loop module: a 1x1 convolution of map and NCCT (paper 2.2.2).

With weight p of the map, weights n of the three NCCT channels and bias b, a ratio r
gives 2r / (1 + r) p map + 2 / (1 + r) n NCCT + b. So r = 1 is the output as trained,
the two factors always add up to 2, all NCCT channels change together, and the trained
weights are only read.

A network learns to put anatomy into its map, too, and n then is small: at a low ratio
its maps are pale, and little anatomy comes out. Where a checkpoint knows the balance of
both, the same factors are those of the parts that `Balance` names: still the trained
layer and the NCCT, with other weights, and at r = 1 the trained output bit by bit.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from magic_model.ratio import Balance, shares

NCCT_CHANNELS = 3
_MIDDLE = slice(1, 2)  # of them
_LEAST = 1 / 9  # of brain around a pixel: itself

Factors = tuple[float | Tensor, float | Tensor]
"""Of perfusion and of anatomy."""


class Pilo(nn.Module):
    """Mix one map with the NCCT.

    Attributes:
        balance: Of perfusion and anatomy; None in checkpoints that do not know it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv2d(1 + NCCT_CHANNELS, 1, 1)
        self.balance: Balance | None = None

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
        known = self.balance
        if known is None:
            # Scaling what comes in instead of the weights leaves the weights alone.
            return self._mix(feature * perfusion, ncct * anatomy)
        trained = self._mix(feature, ncct)
        alone = known.slope * (anatomy_of(ncct) - known.ncct_mean)
        rest = trained - known.mean - alone
        raised = anatomy * known.lift ** (anatomy - 1)
        # Changes of the trained output, so that factors of 1 leave it bit by bit.
        return trained + (perfusion - 1) * rest + (raised - 1) * alone

    def _mix(self, feature: Tensor, ncct: Tensor) -> Tensor:
        out: Tensor = self.mix(torch.cat([feature, ncct], dim=1))
        return out


def anatomy_of(ncct: Tensor) -> Tensor:
    """Average the middle slice of `(b, 3, h, w)` over 3x3 pixels of brain.

    Maps of a network have little of the noise of a scan, and single pixels would bring
    it in at a low ratio, and its negative at a high one.

    Returns:
        `(b, 1, h, w)` in [-1, 1].
    """
    middle = ncct[:, _MIDDLE]
    inside = (middle > -1).to(middle.dtype)
    around, there = (avg_pool2d(x, 3, 1, 1) for x in (middle * inside, inside))
    return around / there.clamp(min=_LEAST)
