"""A generator of residual blocks with a head per map."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from magic_model.maps import PerfusionMap
from magic_model.networks.branches import MakeNorm, level_widths
from magic_model.networks.context import (
    CONTEXT_CHANNELS,
    INTERVALS,
    context_channels,
    interval_channels,
)
from magic_model.networks.generator import Generator
from magic_model.networks.norm import make_norm
from magic_model.networks.pilo import NCCT_CHANNELS
from magic_model.ratio import Ratio
from magic_model.recipe import ResidualConfig

_SHARPNESS = 4.0  # of the step from usual to late, in logits


class ResidualGenerator(Generator):
    """U-Net of 3x3 residual blocks; maps share all of it but their heads.

    Each feature of the first level stands for a patch of pixels, 1x1 or larger; what is
    finer comes from the NCCT through the last layer. Upsampling by interpolation and
    convolution leaves no checkerboard (Odena 2016, doi:10.23915/distill.00003).

    With `late` each head gives what tissue usually has and what being late changes, and
    one more head how probable that is (a mixture of two experts: Jacobs 1991,
    doi:10.1162/neco.1991.3.1.79). In training it is known which tissue is late, so each
    expert learns its own, and no median over both votes down a lesion that may be one.
    """

    def __init__(
        self, config: ResidualConfig, maps: Sequence[PerfusionMap], batch_size: int
    ) -> None:
        super().__init__(maps, pilo=config.pilo, derive_cbv=config.derive_cbv)
        self.mirror, self.context, self.patch = (
            config.mirror,
            config.context,
            config.patch,
        )
        self.intervals, self.late = config.intervals, config.late

        def norm(channels: int) -> nn.Module:
            return make_norm(config.norm, channels, batch_size=batch_size, affine=True)

        # One more width than halvings: the first level has the size of the image.
        widths = [config.width, *level_widths(config)]
        seen = NCCT_CHANNELS * config.patch**2 * (2 if config.mirror else 1)
        seen += CONTEXT_CHANNELS if config.context else 0
        steps = len(INTERVALS) if config.intervals else 0
        seen += steps * config.patch**2
        self.stem = nn.Sequential(
            nn.Identity(),  # weights of checkpoints are numbered by it
            _conv(seen, widths[0]),
            norm(widths[0]),
            nn.SiLU(),
        )
        self.down = nn.ModuleList(
            nn.Sequential(
                _conv(before, after, stride=2),
                norm(after),
                nn.SiLU(),
                Residual(after, norm),
            )
            for before, after in pairwise(widths)
        )
        self.up = nn.ModuleList(
            Upward(inner, outer, norm) for outer, inner in reversed([*pairwise(widths)])
        )
        width = config.fine or widths[0]
        self.heads = nn.ModuleDict(
            {
                name.value: _head(width, norm, 2 if config.late else 1)
                for name in self.made
            }
        )
        self.doubt = _head(widths[0], norm) if config.late else None
        self.fine = (
            nn.Sequential(
                _conv(widths[0] + NCCT_CHANNELS + steps, width), norm(width), nn.SiLU()
            )
            if config.fine
            else None
        )
        # Smooth, where a channel per pixel of the patch would show its edges.
        self.enlarge = (
            nn.Upsample(scale_factor=config.patch, mode="bilinear")
            if config.patch > 1
            else nn.Identity()
        )

    def features(self, ncct: Tensor) -> Tensor:
        """Return `(b, made, h, w)`, what the last layer starts from."""
        made, logit = self._answers(ncct)
        if logit is None:
            return made
        beyond = logit - math.log(self.late / (1 - self.late))
        return _either(made, torch.sigmoid(_SHARPNESS * beyond))

    def forward(
        self, ncct: Tensor, ratio: Ratio = 1.0, late: Tensor | None = None
    ) -> Tensor:
        """Generate `(b, maps, h, w)` from `(b, 3, h, w)`.

        Args:
            ncct: In [-1, 1].
            ratio: Perfusion information ratio.
            late: `(b, 1, h, w)`, 1 where tissue is known to be late, for training. A
                channel is added then: the logit of the network's own probability.
        """
        if late is None:
            return super().forward(ncct, ratio)
        made, logit = self._answers(ncct)
        if logit is None:
            msg = "A network without generator.late does not tell late tissue"
            raise ValueError(msg)
        return torch.cat([self.compose(_either(made, late), ncct, ratio), logit], 1)

    def _answers(self, ncct: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return what the heads give, and the logit of late tissue if there is one."""
        steps = [interval_channels(ncct)] if self.intervals else []
        planes = [ncct, ncct.flip(3)] if self.mirror else [ncct]
        pixels = torch.cat([*planes, *steps], dim=1)
        seen = nn.functional.pixel_unshuffle(pixels, self.patch)
        if self.context:
            around = context_channels(ncct, self.patch).to(seen.dtype)
            seen = torch.cat([seen, around], dim=1)
        levels = [self.stem(seen)]
        for down in self.down:
            levels.append(down(levels[-1]))
        x = levels.pop()
        for up in self.up:
            x = up(x, levels.pop())
        logit = None
        if self.doubt is not None:
            logit = self.enlarge(self.doubt(x)).float()
        if self.fine is not None:
            x = self.fine(torch.cat([self.enlarge(x), ncct, *steps], dim=1))
        made = torch.cat([head(x) for head in self.heads.values()], dim=1)
        return made if self.fine is not None else self.enlarge(made), logit


class Residual(nn.Module):
    """Two 3x3 convolutions whose result is added to what came."""

    def __init__(self, channels: int, norm: MakeNorm) -> None:
        super().__init__()
        self.change = nn.Sequential(
            _conv(channels, channels),
            norm(channels),
            nn.SiLU(),
            _conv(channels, channels),
            norm(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Change `(b, channels, h, w)`."""
        return nn.functional.silu(x + self.change(x))


class Upward(nn.Module):
    """Double an image and join it with the level that it meets."""

    def __init__(self, n_in: int, n_out: int, norm: MakeNorm) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(n_in, n_out, 1)
        self.join = nn.Sequential(_conv(2 * n_out, n_out), norm(n_out), nn.SiLU())

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Join `(b, n_in, h/2, w/2)` and `(b, n_out, h, w)` to `(b, n_out, h, w)`."""
        # Narrowing first, at a quarter of the pixels, gives the same result.
        larger = nn.functional.interpolate(
            self.narrow(x), scale_factor=2.0, mode="bilinear", align_corners=False
        )
        joined: Tensor = self.join(torch.cat([larger, skip], dim=1))
        return joined


def _conv(n_in: int, n_out: int, stride: int = 1) -> nn.Conv2d:
    """3x3 without bias, which the normalisation after it would take away."""
    return nn.Conv2d(n_in, n_out, 3, stride=stride, padding=1, bias=False)


def _head(width: int, norm: MakeNorm, answers: int = 1) -> nn.Sequential:
    return nn.Sequential(
        _conv(width, width), norm(width), nn.SiLU(), nn.Conv2d(width, answers, 1)
    )


def _either(made: Tensor, late: Tensor) -> Tensor:
    """Take what tissue usually has, and where it is late what that changes, too."""
    return made[:, 0::2] + late * made[:, 1::2]
