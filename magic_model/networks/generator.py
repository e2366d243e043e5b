"""The base of every generator: features before the last layer, and the last layer."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from magic_model.data.grid import window_at, window_sides
from magic_model.losses import CENTRAL_VOLUME_MAPS, central_volume_factor
from magic_model.maps import MAP_SPECS, PerfusionMap
from magic_model.networks.pilo import Factors, Pilo
from magic_model.ratio import Balance, Ratio, ratio_of, shares


class Generator(nn.Module):
    """NCCT `(b, 3, h, w)` to maps `(b, maps, h, w)`, both in [-1, 1].

    `features` is the expensive part; `compose` turns what it gives into maps within
    milliseconds, so that a ratio can be changed while one looks.
    """

    def __init__(
        self, maps: Sequence[PerfusionMap], *, pilo: bool, derive_cbv: bool = False
    ) -> None:
        super().__init__()
        self.maps = tuple(maps)
        self.window = 0
        """Multiple of pixels of the window about a brain that it was trained on, and
        that it therefore sees of a slice; 0 is all of the slice."""
        self.derive_cbv = derive_cbv
        self.pilo = nn.ModuleDict({name.value: Pilo() for name in self.made if pilo})

    @property
    def made(self) -> tuple[PerfusionMap, ...]:
        """Maps with features of their own: all, or all but a CBV that is derived."""
        if not self.derive_cbv:
            return self.maps
        return tuple(name for name in self.maps if name is not PerfusionMap.CBV)

    def balance_by(self, known: Mapping[PerfusionMap, Balance]) -> None:
        """Let ratios other than 1 part maps as `Balance` says; 1 stays as trained."""
        for name, balance in known.items():
            cast(Pilo, self.pilo[name.value]).balance = balance

    @abstractmethod
    def features(self, ncct: Tensor) -> Tensor:
        """Return `(b, made, h, w)`, what the last layer starts from."""

    def features_of(self, ncct: Tensor) -> Tensor:
        """Return `features` of slices as they were seen in training; 0 off the brain.

        Convolutions take what lies beyond an image for 0, and a network of few slices
        learns where a brain lies by how near that is. So one that was trained on
        windows about brains sees each slice of its own window, whatever the frame.
        """
        if self.training or not self.window:
            return self.features(ncct)
        seen = brain_seen(ncct)[:, 0].cpu().numpy() > 0
        alike: dict[tuple[int, int], list[int]] = {}
        for index, inside in enumerate(seen):
            alike.setdefault(window_sides(inside, self.window), []).append(index)
        shape = (len(ncct), len(self.made), *ncct.shape[2:])
        found = torch.zeros(shape, device=ncct.device)
        for sides, members in alike.items():
            places = [(k, ..., *window_at(seen[k], sides)) for k in members]
            made = self.features(torch.stack([ncct[place] for place in places]))
            for place, features in zip(places, made, strict=True):
                found[place] = features
        return found

    def compose(self, features: Tensor, ncct: Tensor, ratio: Ratio = 1.0) -> Tensor:
        """Turn features into maps `(b, maps, h, w)`.

        Args:
            features: `(b, made, h, w)` as `features` gives them.
            ncct: `(b, 3, h, w)` that they came from.
            ratio: Perfusion information ratio; 1 is the output as trained.

        Raises:
            DataError: If a ratio is not positive and finite.
        """
        factors = {name: shares(ratio_of(ratio, name)) for name in self.made}
        return self.compose_with(features, ncct, factors)

    def compose_with(
        self, features: Tensor, ncct: Tensor, factors: Mapping[PerfusionMap, Factors]
    ) -> Tensor:
        """Turn features into maps with factors of perfusion and anatomy of each map."""
        done = {}
        for index, name in enumerate(self.made):
            channel = features[:, index : index + 1]
            if self.pilo:
                module = cast(Pilo, self.pilo[name.value])
                channel = module.mixed(channel, ncct, *factors[name])
            done[name] = torch.tanh(channel)
        if self.derive_cbv:
            done[PerfusionMap.CBV] = central_volume_cbv(
                done[PerfusionMap.CBF], done[PerfusionMap.MTT]
            )
        return torch.cat([done[name] for name in self.maps], dim=1)

    def forward(self, ncct: Tensor, ratio: Ratio = 1.0) -> Tensor:
        """Generate `(b, maps, h, w)` from `(b, 3, h, w)`."""
        return self.compose(self.features_of(ncct), ncct, ratio)


def brain_seen(ncct: Tensor) -> Tensor:
    """Return `(b, 1, h, w)`, 1 where slices show brain, whatever the maps cover."""
    return (ncct > -1).any(1, keepdim=True).float()


def central_volume_cbv(cbf: Tensor, mtt: Tensor) -> Tensor:
    """CBV = CBF x MTT / 60, each scaled to [-1, 1] by the range of its map."""
    highest = [MAP_SPECS[name].value_range[1] for name in CENTRAL_VOLUME_MAPS]
    factor = central_volume_factor(*highest)
    share = factor * (cbf + 1) / 2 * (mtt + 1) / 2
    return 2 * share - 1
