"""What a small network takes long to find, computed from the NCCT by no weights.

An early lesion is a few HU of a region, which shows as a difference from the other
side; and flow is no straight line over CT numbers. Boosted trees find both within
seconds (docs/method/model.md).
"""

import math
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn.functional import (
    affine_grid,
    avg_pool2d,
    conv2d,
    grid_sample,
    interpolate,
)

from magic_model.data.normalise import scale_hounsfield

SIGMAS = (2.0, 4.0, 8.0, 14.0)  # pixels of the NCCT
CONTEXT_CHANNELS = 2 * len(SIGMAS) + 5
INTERVALS = tuple(pairwise((0.0, 8.0, 16.0, 24.0, 28.0, 32.0, 36.0, 40.0, 48.0)))
"""HU from and to; narrow ones where white and grey matter part."""

_TISSUE, _SPREAD = -0.2, 0.1  # of brain in [-1, 1]: 32 and 4 HU
_DIFFERENCES = (0.08, 0.045, 0.02, 0.008)  # of both sides, by sigma; 3.2 to 0.3 HU
_LEAST = 0.05  # of a Gaussian inside the brain
_WIDEST = 2.0  # pixels; wider Gaussians are computed on fewer pixels
_ROUND = 0.02  # of the variance; a rounder brain has no axis of its own


def context_channels(ncct: Tensor, patch: int) -> Tensor:
    """Describe the surroundings of each patch of pixels.

    Gaussian means within the brain, their differences from what lies opposite, texture,
    place, and how much brain there is. The axis of the brain is that of its own shape
    in the slice, so that the channels turn and move with the head.

    Args:
        ncct: `(b, 3, h, w)` in [-1, 1], -1 outside the brain.
        patch: Pixels along each side of a patch.

    Returns:
        `(b, CONTEXT_CHANNELS, h / patch, w / patch)`, each of a spread about 1.
    """
    with torch.no_grad(), torch.autocast(ncct.device.type, enabled=False):
        planes = ncct.float()
        inside = (planes > -1).float().mean(1, keepdim=True)
        tissue = (planes - _TISSUE).mean(1, keepdim=True) * inside
        square = (planes - _TISSUE).square().mean(1, keepdim=True) * inside
        parts = avg_pool2d(torch.cat([tissue, square, inside], 1), patch)
        share = parts[:, 2:]
        means = [_mean_within(parts[:, :1], share, s / patch) for s in SIGMAS]
        smooth = torch.cat(means, 1) * share
        second = _mean_within(parts[:, 1:2], share, SIGMAS[1] / patch)
        texture = (second - means[1].square()).clamp(min=0).sqrt() * share
        opposite, places = _opposite(torch.cat([smooth, share], 1), share)
        there = opposite[:, -1:].clamp(min=0.5)
        apart = (smooth - opposite[:, :-1] / there) * (opposite[:, -1:] > 0.5) * share
        return torch.cat(
            [
                smooth / _SPREAD,
                apart / apart.new_tensor(_DIFFERENCES).view(1, -1, 1, 1),
                texture / _SPREAD,
                places * share,
                share,
            ],
            1,
        )


def interval_channels(ncct: Tensor) -> Tensor:
    """Tell how far the CT number of each pixel reaches into each of `INTERVALS`.

    A piecewise linear encoding (Gorishniy 2022, arXiv:2203.05556), with which a few
    convolutions can follow a curve over CT numbers.

    Args:
        ncct: `(b, 3, h, w)` in [-1, 1]; the middle slice is told of.

    Returns:
        `(b, len(INTERVALS), h, w)`, 0 below an interval to 1 above it.
    """
    middle = ncct[:, 1:2]
    ends = [[scale_hounsfield(end).item() for end in pair] for pair in INTERVALS]
    return torch.cat([((middle - a) / (b - a)).clamp(0, 1) for a, b in ends], 1)


def _mean_within(image: Tensor, share: Tensor, sigma: float) -> Tensor:
    """Gaussian mean of `(b, 1, h, w)` over brain alone."""
    both = torch.cat([image, share], 1)
    blurred = _blurred(both, sigma)
    return blurred[:, :1] / blurred[:, 1:].clamp(min=_LEAST)


def _blurred(images: Tensor, sigma: float) -> Tensor:
    """Blur `(b, c, h, w)` by a Gaussian, wide ones on fewer pixels."""
    if sigma > _WIDEST:
        half = avg_pool2d(images, 2, ceil_mode=True)
        return interpolate(
            _blurred(half, sigma / 2),
            size=images.shape[2:],
            mode="bilinear",
            align_corners=False,
        )
    reach = max(1, math.ceil(3 * sigma))
    at = torch.arange(-reach, reach + 1, device=images.device, dtype=images.dtype)
    weights = torch.exp(-0.5 * (at / sigma).square())
    weights = weights / weights.sum()
    channels = images.shape[1]
    for shape, padding in (((-1, 1), (reach, 0)), ((1, -1), (0, reach))):
        kernel = weights.reshape(1, 1, *shape).repeat(channels, 1, 1, 1)
        images = conv2d(images, kernel, padding=padding, groups=channels)
    return images


def _opposite(images: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
    """Mirror images at the long axis of the brain of each; tell where pixels lie, too.

    Returns:
        The mirrored images; `(b, 3, h, w)` distance from the axis, its square root
        taken of neither side, and place along it, in standard deviations of the brain.
    """
    height, width = images.shape[2:]
    # As torch has it: from -1 to 1 over an image; aspect makes steps equally long.
    aspect = width / height
    y, x = (_centres(length, images.device) for length in (height, width))
    y, x = y.view(1, 1, -1, 1), x.view(1, 1, 1, -1) * aspect
    total = share.sum((2, 3), keepdim=True).clamp(min=1e-3)

    def mean(values: Tensor) -> Tensor:
        return (values * share).sum((2, 3), keepdim=True) / total

    x0, y0 = mean(x), mean(y)
    dx, dy = x - x0, y - y0
    xx, yy, xy = mean(dx * dx), mean(dy * dy), mean(dx * dy)
    spread = (xx + yy).clamp(min=1e-6)
    along, across = (yy - xx) + _ROUND * spread, 2 * xy
    length = (along.square() + across.square()).sqrt().clamp(min=1e-6)
    cos2, sin2 = along / length, across / length  # of twice the angle of the axis
    # Reflection at the axis: 2 d d' - 1 with its direction d.
    from_x = torch.cat([-cos2, sin2 / aspect], 3)
    from_y = torch.cat([sin2 * aspect, cos2], 3)
    turned_x = -cos2 * x0 + sin2 * y0
    turned_y = sin2 * x0 + cos2 * y0
    shift = torch.cat([(x0 - turned_x) / aspect, y0 - turned_y], 2)
    theta = torch.cat([torch.cat([from_x, from_y], 2), shift], 3)[:, 0]
    grid = _grid(theta, images)
    mirrored = grid_sample(images, grid, align_corners=False)
    cos = ((1 + cos2) / 2).clamp(min=1e-6).sqrt()
    sin = sin2 / (2 * cos)
    deviation = (spread / 2).sqrt()
    aside = (dx * cos - dy * sin) / deviation
    up = (dx * sin + dy * cos) / deviation
    return mirrored, torch.cat([aside.abs(), up, (aside.square() + up.square())], 1)


# Functions of torch would fix an exported network to the size of its example.


def _centres(length: int, device: torch.device) -> Tensor:
    """Places of pixels from -1 to 1 over an image."""
    if torch.compiler.is_exporting():
        return (2 * torch.arange(length, device=device) + 1) / length - 1
    return torch.linspace(-1 + 1 / length, 1 - 1 / length, length, device=device)


def _grid(theta: Tensor, images: Tensor) -> Tensor:
    """Where the pixels of images come from, `(b, h, w, 2)`, by `(b, 2, 3)`."""
    if not torch.compiler.is_exporting():
        return affine_grid(theta, list(images.shape), align_corners=False)
    y, x = (_centres(length, images.device) for length in images.shape[2:])
    places = [
        part[0] * x.view(1, 1, -1) + part[1] * y.view(1, -1, 1) + part[2]
        for part in theta.permute(1, 2, 0)[..., None, None]
    ]
    return torch.stack(places, 3)
