"""A generator of residual blocks with a head per map."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from magic_model.maps import PerfusionMap
from magic_model.networks.branches import MakeNorm, level_widths
from magic_model.networks.context import CONTEXT_CHANNELS, context_channels
from magic_model.networks.generator import Generator
from magic_model.networks.norm import make_norm
from magic_model.networks.pilo import NCCT_CHANNELS
from magic_model.recipe import ResidualConfig


class ResidualGenerator(Generator):
    """U-Net of 3x3 residual blocks; maps share all of it but their heads.

    Each feature of the first level stands for a patch of pixels, 1x1 or larger; what is
    finer comes from the NCCT through the last layer. Upsampling by interpolation and
    convolution leaves no checkerboard (Odena 2016, doi:10.23915/distill.00003).
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

        def norm(channels: int) -> nn.Module:
            return make_norm(config.norm, channels, batch_size=batch_size, affine=True)

        # One more width than halvings: the first level has the size of the image.
        widths = [config.width, *level_widths(config)]
        seen = NCCT_CHANNELS * config.patch**2 * (2 if config.mirror else 1)
        seen += CONTEXT_CHANNELS if config.context else 0
        self.stem = nn.Sequential(
            nn.Identity() if config.context else nn.PixelUnshuffle(config.patch),
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
            {name.value: _head(width, norm) for name in self.made}
        )
        self.fine = (
            nn.Sequential(
                _conv(widths[0] + NCCT_CHANNELS, width), norm(width), nn.SiLU()
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
        seen = torch.cat([ncct, ncct.flip(3)], dim=1) if self.mirror else ncct
        if self.context:
            patches = nn.functional.pixel_unshuffle(seen, self.patch)
            around = context_channels(ncct, self.patch).to(patches.dtype)
            seen = torch.cat([patches, around], dim=1)
        levels = [self.stem(seen)]
        for down in self.down:
            levels.append(down(levels[-1]))
        x = levels.pop()
        for up in self.up:
            x = up(x, levels.pop())
        if self.fine is not None:
            x = self.fine(torch.cat([self.enlarge(x), ncct], dim=1))
            return torch.cat([head(x) for head in self.heads.values()], dim=1)
        made = torch.cat([head(x) for head in self.heads.values()], dim=1)
        enlarged: Tensor = self.enlarge(made)
        return enlarged


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


def _head(width: int, norm: MakeNorm) -> nn.Sequential:
    return nn.Sequential(
        _conv(width, width), norm(width), nn.SiLU(), nn.Conv2d(width, 1, 1)
    )
