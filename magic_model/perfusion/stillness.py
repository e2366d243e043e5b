"""How steady a series is: where the head lies and how noisy it is, frame by frame."""

import math
from dataclasses import dataclass

import numpy as np

from magic_model.data.volume import FloatArray
from magic_model.perfusion.denoising import Array, Mask

_BONE_HU = 300.0
_LEAST_BONE = 50  # voxels
_REACH_MM = 25.0
_MOVED_MM = 2.0


@dataclass(frozen=True, eq=False)
class Stillness:
    """What was measured in each frame.

    Attributes:
        shift_mm: `(frames, 2)` along the file's first two axes, against the baseline;
            from the bones, which contrast does not change; NaN where there are none.
            Turns and shifts along the third axis are not seen.
        noise_hu: Standard deviation of the noise of a voxel within the brain.
    """

    shift_mm: Array
    noise_hu: Array

    @property
    def moved_mm(self) -> float:
        """The farthest that the head has lain from where it was."""
        return float(np.hypot(*self.shift_mm.T).max())

    def moved_note(self) -> str:
        """Say that the head moves, empty if it lies still."""
        if not self.moved_mm > _MOVED_MM:  # or not known
            return ""
        frame = int(np.hypot(*self.shift_mm.T).argmax())
        return (
            f"the head moves by up to {self.moved_mm:.1f} mm in the slice (frame "
            f"{frame}, from 0)"
        )


def measure_stillness(
    series: FloatArray, brain: Mask, spacing: tuple[float, float, float], baseline: int
) -> Stillness:
    """Measure shift and noise of each frame.

    Args:
        series: `(x, y, z, frames)` in HU.
        brain: Where noise is measured.
        spacing: Distance between voxels in mm.
        baseline: Frames that are the reference.
    """
    frames = range(series.shape[3])
    first = series[..., :baseline].mean(axis=-1)
    shifts = np.full((len(frames), 2), math.nan)
    if np.count_nonzero(first > _BONE_HU) >= _LEAST_BONE:
        reference = np.fft.fft2(_shadow(first))
        for t in frames:
            shifts[t] = _shift(reference, _shadow(series[..., t]), spacing)
    inside = brain[1:] & brain[:-1]
    noise = [_noise(series[..., t] - first, inside) for t in frames]
    # A frame of the baseline is in the mean that is taken off.
    share = np.ones(series.shape[3]) + 1 / baseline
    share[:baseline] = 1 - 1 / baseline if baseline > 1 else math.nan
    return Stillness(shifts, np.array(noise) / np.sqrt(share))


def _shadow(frame: FloatArray) -> Array:
    """Return the sum of the bones over the slices."""
    bone = np.clip(frame, _BONE_HU, 2 * _BONE_HU) - _BONE_HU
    return np.asarray(bone.sum(axis=2, dtype=np.float64))


def _shift(
    reference: np.ndarray[tuple[int, ...], np.dtype[np.complex128]],
    shadow: Array,
    spacing: tuple[float, float, float],
) -> Array:
    """Return how far a shadow lies from the reference, by their correlation."""
    across = np.fft.ifft2(np.fft.fft2(shadow) * np.conj(reference)).real
    found = []
    sizes = across.shape
    reach = [
        min(n // 2 - 1, max(1, int(_REACH_MM / mm)))
        for n, mm in zip(sizes, spacing, strict=False)
    ]
    near = np.fft.fftshift(across)[
        sizes[0] // 2 - reach[0] : sizes[0] // 2 + reach[0] + 1,
        sizes[1] // 2 - reach[1] : sizes[1] // 2 + reach[1] + 1,
    ]
    x, y = (int(i) for i in np.unravel_index(int(near.argmax()), near.shape))
    for at, line, middle, mm in (
        (x, near[:, y], reach[0], spacing[0]),
        (y, near[x], reach[1], spacing[1]),
    ):
        found.append((at + _top(line, at) - middle) * mm)
    return np.array(found)


def _top(line: Array, at: int) -> float:
    """Return where between samples the parabola through three has its top."""
    if not 0 < at < len(line) - 1:
        return 0.0
    before, here, after = (float(value) for value in line[at - 1 : at + 2])
    bend = before - 2 * here + after
    return 0.5 * (before - after) / bend if bend else 0.0


def _noise(change: FloatArray, inside: Mask) -> float:
    """Return the noise by the mean difference of neighbours along the first axis.

    Without what differs by more than six times the median: vessels and edges.
    """
    steps = np.abs(np.diff(change, axis=0)[inside])
    if not steps.size:
        return math.nan
    usual = steps[steps <= 6 * np.median(steps)]
    return float(usual.mean()) * math.sqrt(math.pi) / 2
