"""A head that moves in the slice from frame to frame, put back to where it was."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy import ndimage

from magic_model.data.volume import FloatArray
from magic_model.perfusion.denoising import Array

_BONE_HU = (300.0, 1500.0)  # clipped to: contrast does not change it
_LEAST_BONE = 50  # voxels
_BLURS_MM = (4.0, 1.5)  # coarse to fine
_STEPS = 6  # at each
_SETTLED_MM = 0.01
_GRID_MM = 1.8  # finer images are compared on a grid of about this
LEAST_MM = 0.2
"""A frame that has moved less stays as it is."""

_MOST_MM = 25.0
_RADIUS_MM = 80.0  # of a head: what a turn moves
_AIR_HU = -1000.0


@dataclass(frozen=True, eq=False)
class Motion:
    """How a head lies in each frame, against the first frames.

    Attributes:
        shift_mm: `(frames, 2)` along the file's first two axes.
        turn: Of each frame, in radians, from the first axis to the second, about the
            middle of the slice.
    """

    shift_mm: Array
    turn: Array

    @classmethod
    def none(cls, frames: int) -> Self:
        """Return that of a head that lies still."""
        return cls(np.zeros((frames, 2)), np.zeros(frames))

    @property
    def moved_mm(self) -> Array:
        """How far each frame moves the skull: shift, and turn 80 mm from the middle."""
        shift = np.linalg.norm(self.shift_mm, axis=1)
        return np.asarray(shift + _RADIUS_MM * np.abs(self.turn))


def find_motion(
    series: FloatArray, spacing: tuple[float, float, float], reference: int
) -> Motion:
    """Find shift and turn of each frame in the slice by its bones.

    Least squares of the difference to the mean of the first frames, summed over slices
    and linearised anew in up to twelve steps, coarse to fine (Lucas and Kanade 1981).
    Motion along the third axis is not seen. Without bone, as in a digital object, all
    frames are taken to lie still.

    Args:
        series: `(x, y, z, frames)` in HU.
        spacing: Distance between voxels in mm.
        reference: Frames that are the reference.
    """
    frames = series.shape[3]
    first = series[..., :reference].mean(axis=-1)
    found = np.zeros((frames, 3))
    if np.count_nonzero(first > _BONE_HU[0]) >= _LEAST_BONE:
        every = [max(1, round(_GRID_MM / mm)) for mm in spacing[:2]]
        coarse = (spacing[0] * every[0], spacing[1] * every[1], spacing[2])
        still = _shadow(first, every)
        for frame in range(frames):
            found[frame] = _align(still, _shadow(series[..., frame], every), coarse)
    motion = Motion(found[:, :2], found[:, 2])
    lost = motion.moved_mm > _MOST_MM
    return Motion(
        np.where(lost[:, None], 0, found[:, :2]), np.where(lost, 0, found[:, 2])
    )


def without_motion(
    series: FloatArray, spacing: tuple[float, float, float], motion: Motion
) -> FloatArray:
    """Put frames that have moved by 0.2 mm or more back (linear interpolation)."""
    moved = np.flatnonzero(motion.moved_mm >= LEAST_MM)
    if not moved.size:
        return series
    still = series.copy()
    for frame in moved:
        matrix, offset = _to_frame(
            series.shape[:2], spacing, (*motion.shift_mm[frame], motion.turn[frame])
        )
        for z in range(series.shape[2]):
            still[:, :, z, frame] = ndimage.affine_transform(
                series[:, :, z, frame], matrix, offset, order=1, cval=_AIR_HU
            )
    return still


def _shadow(frame: FloatArray, every: list[int]) -> Array:
    """Sum the bones over slices and average blocks of pixels."""
    low, high = _BONE_HU
    whole = np.clip(frame, low, high).sum(axis=2, dtype=np.float64)
    x, y = (size // n for size, n in zip(whole.shape, every, strict=True))
    left = [
        (size - n * k) // 2
        for size, n, k in zip(whole.shape, every, (x, y), strict=True)
    ]
    held = whole[left[0] : left[0] + x * every[0], left[1] : left[1] + y * every[1]]
    blocks = held.reshape(x, every[0], y, every[1]).mean(axis=(1, 3))
    return np.asarray(blocks - blocks.min())


def _align(still: Array, moved: Array, spacing: tuple[float, float, float]) -> Array:
    """Return shift along both axes in mm and turn that bring `moved` onto `still`."""
    at = np.zeros(3)
    x, y = (
        (np.arange(n) - (n - 1) / 2) * mm
        for n, mm in zip(still.shape, spacing, strict=False)
    )
    spline = ndimage.spline_filter(moved)
    for blur in _BLURS_MM:
        sigma = [blur / mm for mm in spacing[:2]]
        target = ndimage.gaussian_filter(still, sigma)
        for _ in range(_STEPS):
            matrix, offset = _to_frame(still.shape, spacing, (at[0], at[1], at[2]))
            back = ndimage.affine_transform(
                spline, matrix, offset, order=3, mode="nearest", prefilter=False
            )
            back = ndimage.gaussian_filter(back, sigma)
            along_x, along_y = np.gradient(back, *spacing[:2])
            turning = along_y * x[:, None] - along_x * y
            slopes = np.stack([along_x, along_y, turning], axis=-1).reshape(-1, 3)
            apart = (target - back).ravel()
            step = np.linalg.lstsq(slopes.T @ slopes, slopes.T @ apart, rcond=None)[0]
            at += step
            if np.hypot(*step[:2]) + _RADIUS_MM * abs(step[2]) < _SETTLED_MM:
                break
    return at


def _to_frame(
    shape: tuple[int, ...],
    spacing: tuple[float, float, float],
    at: tuple[float, float, float],
) -> tuple[Array, Array]:
    """Return matrix and offset from indices at rest to those in a moved frame."""
    cosine, sine = np.cos(at[2]), np.sin(at[2])
    mm = np.array(spacing[:2])
    turn = np.array([[cosine, -sine], [sine, cosine]]) * mm / mm[:, None]
    middle = (np.array(shape[:2]) - 1) / 2
    return turn, middle - turn @ middle + np.array(at[:2]) / mm
