"""Distances of two sets of pictures in the features of a network that is named.

The field's KID and FID compare features of an Inception network trained on photographs,
whose weights are not at hand here and know nothing of perfusion. These take the same
formulas to `NETWORK`, three convolutions whose weights are drawn once by a fixed seed:
random features rank samples about as trained ones do (Naeem et al. 2020), need no
download and are the same everywhere. Their values compare with one another only, and
never with a KID or FID that is printed elsewhere.

References:
    Binkowski M, Sutherland DJ, Arbel M, Gretton A. Demystifying MMD GANs. ICLR 2018.
    Heusel M et al. GANs trained by a two time-scale update rule. NeurIPS 2017.
    Naeem MF et al. Reliable fidelity and diversity metrics. ICML 2020.
"""

import math
from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from magic_model.errors import as_numbers

NETWORK = "random-conv-64, seed 0"
"""Name of the features, to stand beside every distance in them."""

FEATURES = 128
"""Of a picture: mean and standard deviation over place of each of the last channels."""

_LAYERS = ((16, 5, 2), (32, 3, 2), (64, 3, 1))  # channels, side of the kernel, stride
_SEED = 0
_AT_A_TIME = 64
_DEGREE = 3
_LEAST_SPREAD = 0.01  # of the median over features

_Array = NDArray[np.float64]


def random_features(pictures: ArrayLike) -> _Array:
    """Describe pictures by the random convolutions.

    Args:
        pictures: `(n, rows, columns)` from 0 to 1, 32 pixels or more each way.

    Returns:
        `(n, FEATURES)`.

    Raises:
        ValueError: If they are of another shape.
    """
    images = as_numbers(pictures, "Pictures")
    least = 32
    if images.ndim != 3 or min(images.shape[1:]) < least:
        msg = f"Pictures must be (n, {least} or more, {least} or more), "
        msg += f"got {images.shape}"
        raise ValueError(msg)
    parts = [
        _described(images[start : start + _AT_A_TIME])
        for start in range(0, len(images), _AT_A_TIME)
    ]
    return np.concatenate(parts) if parts else np.zeros((0, FEATURES))


def kernel_distance(one: ArrayLike, other: ArrayLike) -> float:
    """Kernel distance: the unbiased squared MMD with the kernel (x y / d + 1)^3.

    It is 0 on average for two samples of the same pictures, whatever their number, and
    may lie a little below.

    Args:
        one: `(n, features)`.
        other: `(m, features)`.

    Returns:
        NaN with fewer than two rows of either.
    """
    x, y = as_numbers(one, "Features"), as_numbers(other, "Features")
    n, m = len(x), len(y)
    if min(n, m) < 2:
        return math.nan
    within = (
        _without_diagonal(x) / (n * (n - 1)),
        _without_diagonal(y) / (m * (m - 1)),
    )
    return float(sum(within) - 2 * _kernel(x, y).mean())


def frechet_distance(one: ArrayLike, other: ArrayLike) -> float:
    """Frechet distance of two Gaussians with the means and covariances of the features.

    It falls with the number of rows, so only sets of one size compare.

    Args:
        one: `(n, features)`.
        other: `(m, features)`.

    Returns:
        NaN with fewer than two rows of either.
    """
    x, y = as_numbers(one, "Features"), as_numbers(other, "Features")
    if min(len(x), len(y)) < 2:
        return math.nan
    a, b = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    # The trace of (a b)^(1/2) is that of a symmetric matrix of the same eigenvalues.
    values, vectors = np.linalg.eigh(a)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    shared = np.sqrt(np.linalg.eigvalsh(root @ b @ root).clip(0)).sum()
    apart = np.square(x.mean(0) - y.mean(0)).sum()
    return float(max(0.0, apart + np.trace(a) + np.trace(b) - 2 * shared))


def standardise(features: _Array, reference: _Array) -> _Array:
    """Give each feature the mean 0 and standard deviation 1 that the reference has.

    Else the largest features alone would make the distance. A feature that hardly
    varies in the reference, as a convolution that its pictures do not touch, is divided
    by a hundredth of the usual deviation, or one picture that touches it would.
    """
    spread = reference.std(axis=0)
    least = max(_LEAST_SPREAD * float(np.median(spread)), 1e-9)
    scaled: _Array = (features - reference.mean(axis=0)) / np.maximum(spread, least)
    return scaled


def _kernel(x: _Array, y: _Array) -> _Array:
    kernel: _Array = (x @ y.T / x.shape[1] + 1) ** _DEGREE
    return kernel


def _without_diagonal(x: _Array) -> float:
    kernel = _kernel(x, x)
    return float(kernel.sum() - np.trace(kernel))


def _described(images: _Array) -> _Array:
    features = 2 * images[:, None] - 1
    for (_, _, stride), weight in zip(_LAYERS, _weights(), strict=True):
        side = weight.shape[-1]
        windows = sliding_window_view(features, (side, side), axis=(2, 3))
        windows = windows[:, :, ::stride, ::stride]
        mixed = np.tensordot(windows, weight, axes=([1, 4, 5], [1, 2, 3]))
        features = np.moveaxis(mixed, -1, 1).clip(0)
    return np.concatenate([features.mean((2, 3)), features.std((2, 3))], axis=1)


@cache
def _weights() -> tuple[_Array, ...]:
    rng = np.random.default_rng(_SEED)
    drawn, n_in = [], 1
    for n_out, side, _ in _LAYERS:
        scale = math.sqrt(2 / (n_in * side * side))
        drawn.append(rng.normal(0, scale, (n_out, n_in, side, side)))
        n_in = n_out
    return tuple(drawn)
