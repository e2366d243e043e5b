"""Sample images at scattered places."""

from collections.abc import Sequence
from itertools import product

import numpy as np

from magic_model.data.volume import FloatArray


def sample(images: Sequence[FloatArray], at: FloatArray) -> list[FloatArray]:
    """Interpolate images of one grid linearly at the same places.

    It does what `scipy.ndimage.map_coordinates` of order 1 does, about three times as
    fast for three images: the places are looked up once, slab after slab.

    Args:
        images: `(x, y, z)` each, of one shape, two voxels or more along
            each axis, in C order.
        at: `(3, i, j, k)` places in voxels; those outside count as on the edge.

    Returns:
        For each image its values, `(i, j, k)`.
    """
    results = [np.empty(at.shape[1:], dtype=np.float32) for _ in images]
    for i in range(at.shape[1]):
        slab = _sample_slab(images, at[:, i])
        for result, values in zip(results, slab, strict=True):
            result[i] = values
    return results


def _sample_slab(images: Sequence[FloatArray], at: FloatArray) -> list[FloatArray]:
    shape = images[0].shape
    strides = (shape[1] * shape[2], shape[2], 1)
    first = np.zeros(at.shape[1:], dtype=np.intp)
    weights = []
    for where, size, stride in zip(at, shape, strides, strict=True):
        inside = np.clip(where, 0, size - 1)
        low = np.minimum(inside.astype(np.intp), size - 2)
        t = (inside - low).astype(np.float32)
        weights.append((1 - t, t))
        first += low * stride
    values = [np.zeros(first.shape, dtype=np.float32) for _ in images]
    for corner in product((0, 1), repeat=3):
        x, y, z = (weight[step] for weight, step in zip(weights, corner, strict=True))
        weight = x * y * z
        index = first + sum(c * s for c, s in zip(corner, strides, strict=True))
        for i, image in enumerate(images):
            values[i] += weight * image.take(index)
    return values
