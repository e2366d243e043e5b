"""A checkpoint run by PyTorch, its generator in as few operations as give equal output.

Three exact changes: batch normalisation goes into the weights of the convolution before
it; a 4x4 transposed convolution of stride 2 becomes four 2x2 convolutions, one for each
parity of row and column, whose results are interleaved; and taps that only ever meet
padding, where the image is a single pixel, are left out.
"""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from magic_model.checkpoint import Ranges, load_generator
from magic_model.data.volume import FloatArray
from magic_model.distributed import cpu_has_bfloat16
from magic_model.errors import as_path
from magic_model.maps import PerfusionMap
from magic_model.networks import Generator
from magic_model.networks.branches import Branch, BranchGenerator
from magic_model.ratio import Ratio
from magic_model.texture import texture_of

# Which taps of four reach the output pixels of even and of odd index, in the order of
# the input: out[2i] = w[3] in[i-1] + w[1] in[i], out[2i+1] = w[2] in[i] + w[0] in[i+1].
_TAPS = ((3, 1), (2, 0))
_MIDDLE = slice(1, 3)


class TorchBackend:
    """A checkpoint run by PyTorch.

    Args:
        checkpoint: A checkpoint or the folder of a run.
        device: Where it runs.
        bfloat16: Compute all but the last layer in bfloat16 on a CPU that has it; one
            that has not computes in single precision as ever.

    Raises:
        DataError: If the checkpoint cannot be used.
    """

    def __init__(
        self,
        checkpoint: str | Path,
        device: str | torch.device = "cpu",
        *,
        bfloat16: bool = False,
    ) -> None:
        device = torch.device(device)
        generator, header = load_generator(as_path(checkpoint))
        self.header = header
        self.recipe = header.recipe
        self.recipe_name = header.recipe.name
        self.maps: Sequence[PerfusionMap] = header.recipe.maps
        self.ranges: Ranges = header.ranges
        self.size = header.recipe.data.size
        self.sampling = header.sampling
        self.texture = texture_of(header.recipe.texture, header.texture, checkpoint)
        self.window = generator.window
        self.bfloat16 = False
        self._device = device
        self._generator = _placed(generator, self.size, device)
        if bfloat16 and device.type == "cpu" and cpu_has_bfloat16():
            self.halve()

    @property
    def balanced(self) -> bool:
        """Whether ratios other than 1 part the maps by what `Balance` measured."""
        return self.header.balance is not None

    def halve(self) -> None:
        """Compute all but the last layer in bfloat16 from now on."""
        self.bfloat16 = True
        for name, part in self._generator.named_children():
            for layer in part.modules():
                # Autocast would round the same weights at every pass.
                if name != "pilo" and isinstance(layer, nn.Conv2d):
                    layer.to(  # type: ignore[call-overload]
                        torch.bfloat16, memory_format=torch.channels_last
                    )

    def predict(self, ncct: FloatArray, ratio: Ratio = 1.0) -> FloatArray:
        """Generate `(n, maps, size, size)` from `(n, 3, size, size)`, in [-1, 1]."""
        return self.features(ncct).predict(ratio)

    def features(self, ncct: FloatArray) -> "CachedFeatures":
        """Compute once what a ratio does not change."""
        tensor = self._tensor(ncct)
        last = torch.channels_last if self.bfloat16 else torch.contiguous_format
        half = torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16)
        with torch.inference_mode(), half:
            features = self._generator.features_of(
                tensor.contiguous(memory_format=last)
            )
        return CachedFeatures(self._generator, features.float(), tensor)

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
    return optimize_for_inference(generator, size)


def optimize_for_inference(generator: Generator, size: int) -> Generator:
    """Return a generator for inference only, with equal output.

    Args:
        generator: As trained; it is left as it is.
        size: Pixels along each side of the slices that it will see.
    """
    lean = copy.deepcopy(generator).eval().requires_grad_(requires_grad=False)
    for module in list(lean.modules()):
        if isinstance(module, nn.Sequential):
            _fold_norms(module)
    if isinstance(lean, BranchGenerator):
        _drop_dead_taps(lean, size)
    for module in list(lean.modules()):
        if isinstance(module, nn.Sequential):
            _split_by_parity(module)
    return lean


class ParityUp(nn.Module):
    """Transposed 4x4 convolution of stride 2 as four 2x2 convolutions."""

    def __init__(self, transposed: nn.ConvTranspose2d) -> None:
        super().__init__()
        weight = transposed.weight.transpose(0, 1)
        self.parts = nn.ModuleList(
            _conv(weight[:, :, rows][:, :, :, columns], transposed.bias)
            for rows in _TAPS
            for columns in _TAPS
        )

    def forward(self, x: Tensor) -> Tensor:
        """Double `(b, n_in, h, w)` to `(b, n_out, 2h, 2w)`."""
        parities = [(row, column) for row in (0, 1) for column in (0, 1)]
        images = [
            part(nn.functional.pad(x, (1 - column, column, 1 - row, row)))
            for part, (row, column) in zip(self.parts, parities, strict=True)
        ]
        return nn.functional.pixel_shuffle(torch.stack(images, 2).flatten(1, 2), 2)


def _fold_norms(layers: nn.Sequential) -> None:
    for index in range(len(layers) - 1):
        conv, norm = layers[index], layers[index + 1]
        if not isinstance(norm, nn.BatchNorm2d):
            continue
        if isinstance(conv, (nn.Conv2d, nn.ConvTranspose2d)) and _fold(conv, norm):
            layers[index + 1] = nn.Identity()


def _fold(conv: nn.Conv2d | nn.ConvTranspose2d, norm: nn.BatchNorm2d) -> bool:
    """Put a norm into the convolution before it; tell whether it could be done."""
    mean, variance = norm.running_mean, norm.running_var
    if mean is None or variance is None:
        return False
    scale = torch.rsqrt(variance + norm.eps)
    offset = -mean if conv.bias is None else conv.bias - mean
    if norm.affine:
        scale = scale * norm.weight
    offset = offset * scale
    shape = (-1, 1, 1, 1) if isinstance(conv, nn.Conv2d) else (1, -1, 1, 1)
    conv.weight.mul_(scale.view(shape))
    if norm.affine:
        offset = offset + norm.bias
    conv.bias = nn.Parameter(offset, requires_grad=False)
    return True


def _drop_dead_taps(generator: BranchGenerator, size: int) -> None:
    """Make 2x2 of the convolutions to and from a single pixel."""
    branches = cast("list[Branch]", list(generator.branches.values()))
    if size != 2 ** len(branches[0].up):
        return
    for branch in branches:
        _keep_middle(branch.up[0])
        if len(branch.down):
            _keep_middle(branch.down[-1])
    if not len(branches[0].down):  # all of the encoder is shared
        _keep_middle(generator.shared[-1])


def _keep_middle(layers: nn.Module) -> None:
    for name, layer in layers.named_children():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            setattr(layers, name, _middle(layer))


def _middle(layer: nn.Conv2d | nn.ConvTranspose2d) -> nn.Module:
    """Keep the four taps that meet a pixel."""
    taps = layer.weight[:, :, _MIDDLE, _MIDDLE]
    if isinstance(layer, nn.Conv2d):
        return _conv(taps, layer.bias)
    n_in, n_out = taps.shape[:2]
    weight = taps.permute(1, 2, 3, 0).reshape(4 * n_out, n_in, 1, 1)
    bias = None if layer.bias is None else layer.bias.repeat_interleave(4)
    return nn.Sequential(_conv(weight, bias), nn.PixelShuffle(2))


def _conv(weight: Tensor, bias: Tensor | None) -> nn.Conv2d:
    n_out, n_in, height, width = weight.shape
    conv = nn.Conv2d(n_in, n_out, (height, width), bias=bias is not None)
    conv.weight = nn.Parameter(weight.contiguous(), requires_grad=False)
    if bias is not None:
        conv.bias = nn.Parameter(bias.clone(), requires_grad=False)
    return conv


def _split_by_parity(layers: nn.Sequential) -> None:
    for index, layer in enumerate(layers):
        if isinstance(layer, nn.ConvTranspose2d):
            layers[index] = ParityUp(layer)
