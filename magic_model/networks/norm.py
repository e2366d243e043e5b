"""Normalisation of features, alike on one process and on many."""

from typing import Any

import torch
from torch import Tensor, distributed, nn

from magic_model.recipe import Norm


def make_norm(
    norm: Norm, channels: int, *, batch_size: int, affine: bool = False
) -> nn.Module:
    """Return a layer that normalises `(b, channels, h, w)`.

    Args:
        norm: Which.
        channels: Number of channels.
        batch_size: Slices per step; `Norm.BY_BATCH_SIZE` takes instances at 1.
        affine: Whether each channel has a scale and an offset of its own after it. A
            convolution before it then needs no bias.
    """
    if norm is Norm.GROUP:
        groups = next(n for n in (8, 4, 2, 1) if channels % n == 0)
        return nn.GroupNorm(groups, channels, affine=affine)
    if norm is Norm.INSTANCE or (norm is Norm.BY_BATCH_SIZE and batch_size == 1):
        return nn.InstanceNorm2d(channels, affine=affine)
    return SharedBatchNorm(channels, affine=affine)


class SharedBatchNorm(nn.BatchNorm2d):
    """Batch normalisation whose mean and variance are those of all processes.

    PyTorch's own synchronised layer needs a GPU; this one runs on any device.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Normalise `(b, channels, h, w)`."""
        if not (self.training and _is_distributed()):
            return super().forward(features)
        # Half precision has too few digits for a variance.
        wide = features.to(torch.promote_types(features.dtype, torch.float32))
        mean = _mean_of_all(wide)
        centred = wide - _as_image(mean)
        variance = _mean_of_all(centred.square())
        self._remember(mean, variance, features.numel() // features.shape[1])
        normed = centred * _as_image(torch.rsqrt(variance + self.eps))
        if self.affine:
            normed = normed * _as_image(self.weight) + _as_image(self.bias)
        return normed.to(features.dtype)

    def _remember(self, mean: Tensor, variance: Tensor, n_local: int) -> None:
        if self.running_mean is None or self.running_var is None:
            return  # as asked for by `track_running_stats`
        n = n_local * distributed.get_world_size()
        unbiased = variance.detach() * n / max(1, n - 1)
        self.running_mean.lerp_(mean.detach(), self.momentum or 0.1)
        self.running_var.lerp_(unbiased, self.momentum or 0.1)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)


def _is_distributed() -> bool:
    return distributed.is_available() and distributed.is_initialized()


def _mean_of_all(features: Tensor) -> Tensor:
    """Mean of each channel over the batches of all processes, `(channels,)`."""
    local = features.mean(dim=(0, 2, 3))
    total: Tensor = _SumOverProcesses.apply(local)  # type: ignore[no-untyped-call]
    return total / distributed.get_world_size()


class _SumOverProcesses(torch.autograd.Function):
    """Sum that every process gets; so each one's gradient reaches all."""

    @staticmethod
    def forward(ctx: Any, local: Tensor) -> Tensor:  # noqa: ANN401, ARG004 - torch's
        return _summed(local)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # noqa: ANN401, ARG004
        return _summed(gradient)


def _summed(local: Tensor) -> Tensor:
    total = local.clone()
    distributed.all_reduce(total)
    return total


def _as_image(per_channel: Tensor) -> Tensor:
    return per_channel[None, :, None, None]
