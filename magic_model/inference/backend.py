"""What generates maps from slices, whichever library computes them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from magic_model.checkpoint import Ranges, load_generator
from magic_model.data.volume import FloatArray
from magic_model.inference.streamline import streamlined
from magic_model.maps import PerfusionMap
from magic_model.networks import Generator
from magic_model.networks.pilo import Ratio


class Backend(Protocol):
    """Generates maps of slices of one size."""

    @property
    def maps(self) -> Sequence[PerfusionMap]:
        """Maps in channel order."""

    @property
    def ranges(self) -> Ranges:
        """Values of each map that -1 and 1 stand for."""

    @property
    def size(self) -> int:
        """Pixels along each side of a slice."""

    def predict(self, ncct: FloatArray, ratio: Ratio = 1.0) -> FloatArray:
        """Generate `(n, maps, size, size)` from `(n, 3, size, size)`, in [-1, 1].

        Raises:
            DataError: If a ratio is not positive.
        """


class TorchBackend:
    """A checkpoint run by PyTorch.

    Args:
        checkpoint: A checkpoint or the folder of a run.
        device: Where it runs.

    Raises:
        DataError: If the checkpoint cannot be used.
    """

    def __init__(self, checkpoint: Path, device: torch.device) -> None:
        generator, header = load_generator(checkpoint)
        self.recipe = header.recipe
        self.maps: Sequence[PerfusionMap] = header.recipe.maps
        self.ranges: Ranges = header.ranges
        self.size = header.recipe.data.size
        self._device = device
        self._generator = _placed(generator, self.size, device)

    def predict(self, ncct: FloatArray, ratio: Ratio = 1.0) -> FloatArray:
        """Generate `(n, maps, size, size)` from `(n, 3, size, size)`, in [-1, 1]."""
        with torch.inference_mode():
            maps = self._generator(self._tensor(ncct), ratio)
        return np.asarray(maps.cpu().numpy(), np.float32)

    def features(self, ncct: FloatArray) -> "CachedFeatures":
        """Compute once what a ratio does not change."""
        with torch.inference_mode():
            tensor = self._tensor(ncct)
            return CachedFeatures(
                self._generator, self._generator.features(tensor), tensor
            )

    def _tensor(self, ncct: FloatArray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(ncct)).to(self._device)


class CachedFeatures:
    """Slices with all but the last layer computed, for a ratio that moves."""

    def __init__(
        self, generator: Generator, features: torch.Tensor, ncct: torch.Tensor
    ) -> None:
        self._generator, self._features, self._ncct = generator, features, ncct

    def predict(self, ratio: Ratio = 1.0) -> FloatArray:
        """Generate `(n, maps, size, size)` in [-1, 1], within milliseconds.

        Raises:
            DataError: If a ratio is not positive.
        """
        with torch.inference_mode():
            maps = self._generator.compose(self._features, self._ncct, ratio)
        return np.asarray(maps.cpu().numpy(), np.float32)


def _placed(generator: Generator, size: int, device: torch.device) -> Generator:
    if device.type == "cuda":
        # As trained: fewer operations that are smaller, and half precision, took longer
        # there for all recipes but one (docs/benchmarks-gpu.md).
        return generator.to(device)
    return streamlined(generator, size)
