"""The paper's generator: a shared encoder, then encoder and decoder of each map."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from magic_model.maps import PerfusionMap
from magic_model.networks.generator import Generator
from magic_model.networks.norm import make_norm
from magic_model.networks.pilo import NCCT_CHANNELS
from magic_model.recipe import BranchConfig, GeneratorConfig, SingleConfig

_SLOPE = 0.2  # of LeakyReLU, as in pix2pix
_DROPPED = 3  # innermost decoders that drop features
_WIDEST = 8

MakeNorm = Callable[[int], nn.Module]


def level_widths(config: GeneratorConfig) -> list[int]:
    """Channels of each level of the encoder, from the outermost on."""
    return [config.width * min(2**level, _WIDEST) for level in range(config.levels)]


class BranchGenerator(Generator):
    """Paper Figure S.1; with no shared level it is one pix2pix U-Net per map.

    With a `SingleConfig` there is one branch, whose last layer has a channel per map.
    """

    def __init__(
        self, config: BranchConfig, maps: Sequence[PerfusionMap], batch_size: int
    ) -> None:
        super().__init__(maps, pilo=config.pilo, derive_cbv=config.derive_cbv)
        single = isinstance(config, SingleConfig)

        def norm(channels: int) -> nn.Module:
            return make_norm(config.norm, channels, batch_size=batch_size)

        self.bounded = config.bounded
        widths = level_widths(config)
        encoders = list(pairwise([NCCT_CHANNELS, *widths]))
        shared = encoders[: config.shared]
        self.shared = nn.ModuleList(
            Down(
                *sizes,
                norm if 0 < index < config.levels - 1 else None,
                first=index == 0,
            )
            for index, sizes in enumerate(shared)
        )
        names = ["all"] if single else [name.value for name in self.made]
        self.branches = nn.ModuleDict(
            {
                name: Branch(
                    widths,
                    config.shared,
                    len(self.made) if single else 1,
                    norm,
                    config.dropout,
                )
                for name in names
            }
        )

    def features(self, ncct: Tensor) -> Tensor:
        """Return `(b, made, h, w)`, what the last layer starts from."""
        levels = [ncct]
        for down in self.shared:
            levels.append(down(levels[-1]))
        done = torch.cat([branch(levels) for branch in self.branches.values()], dim=1)
        return torch.tanh(done) if self.bounded else done


class Branch(nn.Module):
    """What a map has to itself: the inner levels of the encoder, and the decoder."""

    def __init__(
        self,
        widths: Sequence[int],
        n_shared: int,
        n_out: int,
        norm: MakeNorm,
        dropout: float,
    ) -> None:
        super().__init__()
        inner = list(pairwise([NCCT_CHANNELS, *widths]))[n_shared:]
        last = len(inner) - 1
        self.down = nn.ModuleList(
            # Neither the image itself nor a single pixel can be normalised.
            Down(
                *sizes,
                norm if index + n_shared and index < last else None,
                first=index + n_shared == 0,
            )
            for index, sizes in enumerate(inner)
        )
        outputs = [*reversed(widths[:-1]), n_out]
        inputs = [widths[-1], *(2 * width for width in outputs[:-1])]
        self.up = nn.ModuleList(
            Up(
                *sizes,
                norm if index < len(outputs) - 1 else None,
                dropout if index < _DROPPED else 0.0,
            )
            for index, sizes in enumerate(zip(inputs, outputs, strict=True))
        )

    def forward(self, levels: Sequence[Tensor]) -> Tensor:
        """Decode `[(b, 3, h, w), (b, width, h/2, w/2), ...]` to `(b, n, h, w)`."""
        levels = list(levels)
        for down in self.down:
            levels.append(down(levels[-1]))
        _, *skips, x = levels
        for index, up in enumerate(self.up):
            x = up(x if index == 0 else torch.cat([x, skips.pop()], dim=1))
        return x


class Down(nn.Sequential):
    """Halve an image: LeakyReLU, 4x4 convolution of stride 2, normalisation."""

    def __init__(
        self, n_in: int, n_out: int, norm: MakeNorm | None, *, first: bool
    ) -> None:
        super().__init__(
            nn.Identity() if first else nn.LeakyReLU(_SLOPE),
            nn.Conv2d(n_in, n_out, 4, stride=2, padding=1),
            norm(n_out) if norm else nn.Identity(),
        )


class Up(nn.Sequential):
    """Double an image: ReLU, 4x4 transposed convolution of stride 2, normalisation."""

    def __init__(
        self, n_in: int, n_out: int, norm: MakeNorm | None, dropout: float
    ) -> None:
        super().__init__(
            nn.ReLU(),
            nn.ConvTranspose2d(n_in, n_out, 4, stride=2, padding=1),
            norm(n_out) if norm else nn.Identity(),
            nn.Dropout(dropout) if dropout else nn.Identity(),
        )
