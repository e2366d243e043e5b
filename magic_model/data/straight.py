"""Slices that lie askew or unevenly, resampled once into a straight, even volume.

A tilted gantry shifts each slice along its columns; positions in the files tell by how
much. The grid keeps the planes' direction, grows where slices reach beyond the first,
and its slices lie evenly from the first to the last: between rows and between slices
there is one interpolation, the linear one of both at once.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from magic_model.data.volume import MASKS, FloatArray, Kind, Volume
from magic_model.errors import DataError

_Vector = NDArray[np.float64]

AIR = -1024.0
"""HU outside the field of view."""

ROUNDING = 0.1  # mm, since some scanners write positions to one decimal
STEEPEST = 45.0  # degrees; no gantry tilts further than 30

_SAME_DIRECTION = 1e-3  # cosine, as `Volume.is_orthogonal`
_ONE_SPACING = 1.3  # times; jitter of 6 % of the spacing changes a step by 12 %
_HOLE = 1.4  # times as wide as the steps before and after
_PART = 3  # steps and more of one width are a part of the protocol
_WIDEST_PART = 10.5  # mm
_FINEST = 0.25  # of the mean distance
_WHOLE = 1e-3  # of a pixel or step
_HALF = 0.5 - 1e-3


@dataclass(frozen=True, eq=False)
class Places:
    """Where the slices of a stack lie, seen from the first.

    Attributes:
        heights: `(n,)` along the normal of the slices, rising from 0, in mm.
        shifts: `(n, 2)` along rows and along columns, in mm.
        pixel: Distance of pixels along a row and along a column, in mm.
    """

    heights: _Vector
    shifts: _Vector
    pixel: tuple[float, float]

    @property
    def is_straight(self) -> bool:
        """Whether each slice lies above the first, but for rounded positions."""
        aside = np.linalg.norm(self.shifts, axis=1)
        return bool((aside <= ROUNDING + _SAME_DIRECTION * self.heights).all())

    @property
    def is_even(self) -> bool:
        """Whether slices are where evenly spaced ones were, but for rounding."""
        even = np.linspace(0, self.heights[-1], len(self.heights))
        return bool((abs(self.heights - even) <= ROUNDING + 1e-6).all())

    @property
    def degrees(self) -> float:
        """Angle between the stack and the normal of its slices."""
        aside = float(np.linalg.norm(self.shifts[-1]))
        return math.degrees(math.atan2(aside, float(self.heights[-1])))

    @property
    def too_far_aside(self) -> int | None:
        """The first slice that no tilt explains, None where there is none."""
        furthest = self.heights[-1] * math.tan(math.radians(STEEPEST))
        beyond = np.linalg.norm(self.shifts, axis=1) > furthest + ROUNDING
        return int(np.argmax(beyond)) if beyond.any() else None

    def spacing(self) -> tuple[int, float]:
        """Choose an even spacing: that of the finest part, first and last slice kept.

        Returns:
            Number of slices and their distance in mm.
        """
        extent, steps = float(self.heights[-1]), np.diff(self.heights)
        if self.is_even:
            return len(self.heights), extent / len(steps)
        parts = [float(np.median(run)) for run in _runs(steps) if len(run) >= _PART]
        usual = min(parts) if parts else _lower_median(steps)
        n_steps = round(extent / max(usual, _FINEST * extent / len(steps)))
        return n_steps + 1, extent / n_steps

    def note(self) -> str:
        """Say what was wrong and what was done."""
        n, step = self.spacing()
        steps = np.diff(self.heights)
        what = []
        if not self.is_straight:
            what.append(self._askew())
        if not self.is_even:
            what.append(f"lay {steps.min():.1f} to {steps.max():.1f} mm apart")
        grown = " x ".join(str(sum(ends)) for ends in self._growth() if sum(ends))
        more = f", with {grown} pixels more in plane so that nothing is cut off"
        return (
            f"slices {' and '.join(what)}: resampled once, to {n} straight slices "
            f"{step:.2f} mm apart{more if grown else ''}"
        )

    def _askew(self) -> str:
        line = np.outer(self.heights / self.heights[-1], self.shifts[-1])
        if np.abs(self.shifts - line).max() > 1:
            furthest = np.linalg.norm(self.shifts, axis=1).max()
            return f"were shifted in plane by up to {furthest:.1f} mm"
        return f"were tilted by {self.degrees:.1f} degrees (gantry tilt)"

    def _growth(self) -> list[tuple[int, int]]:
        """Pixels that the grid grows at both ends of rows and of columns."""
        if self.is_straight:
            return [(0, 0), (0, 0)]
        pixels = self.shifts / self.pixel
        ends = zip(pixels.min(axis=0), pixels.max(axis=0), strict=True)
        return [
            (math.ceil(-low - _WHOLE), math.ceil(high - _WHOLE)) for low, high in ends
        ]

    def resample(
        self, slices: FloatArray, outside: float, *, nearest: bool = False
    ) -> tuple[FloatArray, tuple[float, float]]:
        """Sample the slices on a straight, even grid.

        Args:
            slices: `(n, rows, columns)`; NaN is left out of the average.
            outside: Value beyond the slices.
            nearest: Take the nearest voxel (masks), interpolate nothing.

        Returns:
            `(n, rows, columns)` of the grid, and how far its first pixel lies from that
            of the first slice along rows and along columns, in mm.
        """
        (left, _), (top, _) = self._growth()
        start = (-left * self.pixel[0], -top * self.pixel[1])
        measured = np.isfinite(slices)
        if measured.all():
            return self._sampled(slices, outside, nearest), start
        filled = np.where(measured, slices, np.float32(0))
        values = self._sampled(filled, 0.0, nearest)
        weight = self._sampled(measured.astype(np.float32), 0.0, nearest)
        known = weight > _HALF
        np.divide(values, weight, out=values, where=known)
        values[~known] = np.nan
        return values, start

    def _sampled(self, slices: FloatArray, outside: float, nearest: bool) -> FloatArray:
        (left, right), (top, bottom) = self._growth()
        n, step = self.spacing()
        heights = np.arange(len(slices)) * step if self.is_even else self.heights
        rows, columns = slices.shape[1] + top + bottom, slices.shape[2] + left + right
        shifts = self.shifts / self.pixel + (left, top)
        if self.is_straight:
            shifts = np.zeros_like(shifts)
        if nearest:
            shifts = np.rint(shifts)
        moved: dict[int, FloatArray] = {}

        def plane(i: int) -> FloatArray:
            if i not in moved:
                for old in [j for j in moved if j < i - 1]:
                    del moved[old]
                image = _moved(slices[i], 0, shifts[i, 1], rows, outside)
                moved[i] = _moved(image, 1, shifts[i, 0], columns, outside)
            return moved[i]

        result = np.empty((n, rows, columns), dtype=np.float32)
        for k in range(n):
            place = float(np.interp(k * step, heights, np.arange(len(heights))))
            below, share = _split(float(np.rint(place)) if nearest else place)
            if share == 0:
                result[k] = plane(below)
            else:
                np.multiply(plane(below), np.float32(1 - share), out=result[k])
                result[k] += plane(below + 1) * np.float32(share)
        return result


def find_holes(heights: _Vector) -> list[int]:
    """Find where slices are missing, by the distances of neighbours.

    Distances within a factor of 1.3 are alike. A spacing is what three or more are
    like, the lower median if there is none. A distance more than 1.4 times as wide as
    the spacings beside it is a hole, unless three or more in a row are alike and at
    most 10.5 mm: those are a part of the protocol, such as 5 mm above a base of 2.5 mm.

    Args:
        heights: `(n,)` in mm, rising.

    Returns:
        Indices of the slices after which one is missing.

    Examples:
        >>> find_holes(np.array([0.0, 5.0, 10.3, 15.0, 25.0, 30.0]))
        [3]
        >>> find_holes(np.array([0.0, 2.5, 5.0, 7.5, 12.5, 17.5, 22.5]))
        []
    """
    steps = np.diff(heights)
    runs = _runs(steps)
    widths = [float(np.median(run)) for run in runs]
    spacings = [w for w in widths if _count_alike(w, runs, widths) >= _PART]
    spacings = spacings or [_lower_median(steps)]
    found: list[int] = []
    start = 0
    for i, run in enumerate(runs):
        neighbours = widths[max(0, i - 1) : i] + widths[i + 1 : i + 2]
        beside = [width for width in neighbours if width in spacings]
        is_part = len(run) >= _PART and widths[i] <= _WIDEST_PART
        if not is_part and widths[i] > _HOLE * max(beside or spacings):
            found += range(start, start + len(run))
        start += len(run)
    return found


def straighten(volume: Volume) -> Volume:
    """Resample a sheared volume to axes at right angles; any other is returned.

    Returns:
        The volume, whose notes say what was done. Masks take the nearest voxel.

    Raises:
        DataError: If not one axis leans, but the pixels of a slice are askew, or it
            leans by more than 45 degrees.
    """
    if volume.is_orthogonal:
        return volume
    order = _slices_last(volume)
    columns = volume.affine[:3, order]
    row, column = (columns[:, i] / np.linalg.norm(columns[:, i]) for i in (0, 1))
    normal = np.cross(row, column)
    normal *= np.sign(normal @ columns[:, 2])
    numbers = np.arange(volume.shape[order[2]], dtype=np.float64)
    places = Places(
        heights=np.asarray(numbers * (normal @ columns[:, 2]), np.float64),
        shifts=np.outer(numbers, [row @ columns[:, 2], column @ columns[:, 2]]),
        pixel=(volume.spacing[order[0]], volume.spacing[order[1]]),
    )
    if places.too_far_aside is not None:
        msg = (
            f"{volume.kind} must lean by up to {STEEPEST:g} degrees, got "
            f"{places.degrees:.1f}: mend its affine"
        )
        raise DataError(msg)
    slices = volume.array.transpose(order[::-1])
    resampled, start = places.resample(
        slices, background(volume), nearest=volume.kind in MASKS
    )
    affine = volume.affine.copy()
    affine[:3, order[2]] = normal * places.spacing()[1]
    affine[:3, 3] += start[0] * row + start[1] * column
    array = resampled.transpose(np.argsort(order[::-1]))
    return Volume(array, affine, volume.kind, (*volume.notes, places.note()))


def leaning_note(volume: Volume) -> Iterator[str]:
    """Say what `straighten` would do, without doing it."""
    if not volume.is_orthogonal:
        tiny = np.broadcast_to(np.float32(0), volume.shape)
        yield from straighten(Volume(tiny, volume.affine, volume.kind)).notes


def background(volume: Volume) -> float:
    """Return the value beyond a volume: air or the least of a cut window, else 0."""
    if volume.kind is not Kind.NCCT:
        return 0.0
    least = np.nanmin(volume.array, initial=np.inf)
    return max(AIR, float(least)) if np.isfinite(least) else AIR


def _slices_last(volume: Volume) -> list[int]:
    """Order the axes so that those of a slice, at right angles, come first."""
    axes = volume.affine[:3, :3] / volume.spacing
    cosines = np.abs(axes.T @ axes)
    choices = [
        [i, j, k]
        for k, (i, j) in ((2, (0, 1)), (1, (0, 2)), (0, (1, 2)))
        if cosines[i, j] < _SAME_DIRECTION
    ]
    if not choices:
        msg = (
            f"{volume.kind} must have slices whose rows and columns are at right "
            "angles, got an affine that shears all axes: mend it"
        )
        raise DataError(msg)
    return max(choices, key=lambda order: volume.spacing[order[2]])


def _count_alike(width: float, runs: Sequence[_Vector], widths: Sequence[float]) -> int:
    """Count the distances like one, in all runs."""
    return sum(
        len(run)
        for run, other in zip(runs, widths, strict=True)
        if 1 / _ONE_SPACING <= other / width <= _ONE_SPACING
    )


def _runs(steps: _Vector) -> list[_Vector]:
    """Take distances apart where one differs from the next by more than jitter."""
    ratios = np.abs(np.log(steps[1:] / steps[:-1]))
    return np.split(steps, np.flatnonzero(ratios > math.log(_ONE_SPACING)) + 1)


def _lower_median(steps: Sequence[float] | _Vector) -> float:
    return float(np.sort(steps)[(len(steps) - 1) // 2])


def _split(place: float) -> tuple[int, float]:
    """Take a place apart into a whole and a share; nearly whole ones are whole."""
    whole = round(place)
    if abs(place - whole) < _WHOLE:
        return whole, 0.0
    return math.floor(place), place - math.floor(place)


def _moved(
    image: FloatArray, axis: int, shift: float, length: int, outside: float
) -> FloatArray:
    """Move an image by pixels along an axis, onto a grid that is as long as told."""
    whole, share = _split(shift)
    size = image.shape[axis]
    if whole == 0 and share == 0 and length == size:
        return image
    shape = list(image.shape)
    shape[axis] = length
    result = np.full(shape, outside, dtype=np.float32)
    source, target = np.moveaxis(image, axis, 0), np.moveaxis(result, axis, 0)
    if share == 0:
        target[whole : whole + size] = source
        return result
    near, far = np.float32(1 - share), np.float32(share)
    target[whole] = source[0] * near + np.float32(outside) * far
    target[whole + 1 : whole + size] = source[1:] * near + source[:-1] * far
    target[whole + size] = source[-1] * far + np.float32(outside) * near
    return result
