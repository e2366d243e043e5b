"""A small head over time: skull, brain of known flow, an artery and a vein."""

import numpy as np

from magic_model.perfusion.deconvolution import convolve

SHAPE, SPACING = (44, 52, 5), (4.0, 4.0, 9.0)
TIMES = np.arange(36) * 1.5


def make_head_series(noise=1.0, times=TIMES):
    """Return HU `(x, y, z, frames)` in whole numbers, and the affine."""
    affine = np.diag([*SPACING, 1.0])
    affine[:3, 3] = [-(n - 1) / 2 * mm for n, mm in zip(SHAPE, SPACING, strict=True)]
    x, y, z = (affine[i, i] * np.indices(SHAPE)[i] + affine[i, 3] for i in range(3))

    def inside(across, along, up):
        return (x / across) ** 2 + (y / along) ** 2 + (z / up) ** 2 <= 1

    rest = np.full(SHAPE, -1000.0)
    rest[inside(82, 98, 90)] = 40
    rest[inside(76, 92, 84)] = 1000
    brain = inside(68, 84, 76)
    rest[brain] = 32
    hu = np.repeat(rest[..., None], len(times), axis=3)
    t = np.maximum(times - 8, 0)
    aif = 300 * (t / 4.5) ** 3 * np.exp(3 * (1 - t / 4.5)) + 15 * (1 - np.exp(-t / 12))
    late = brain & (x > 20) & (y > -20)
    for where, flow, transit, delay in ((brain, 50, 4, 0), (late, 20, 9, 3)):
        tissue = flow / 6000 * 1.43 * convolve(times, aif, transit, delay)
        hu[where] = rest[where][:, None] + tissue
    hu[21:23, 30:32] = 40 + aif
    hu[21:23, 8:10] = 40 + convolve(times, aif, 3.0, 4.0) / 3
    hu += noise * np.random.default_rng(5).standard_normal(hu.shape)
    return np.round(hu).astype(np.float32), affine
