"""Where the head lies in each frame, from its bones, and frames put back in place."""

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from magic_model.data.volume import FloatArray
from magic_model.perfusion.denoising import Array, Mask
from magic_model.perfusion.threads import spread

STILL_MM = 0.3
"""Frames in which no bone lies farther off than this stay as they are."""
WARN_MM = 2.0

_PADDING_HU = -900.0
_UNLIKE = 4.0  # times the usual misfit: what no shift and turn explains
_UNLIKE_HU = 20.0

_BONE_HU = 300.0
_EDGE_HU = 150.0  # half bone
_LEAST_BONE = 50  # voxels
_SEEN_HU = (0.0, 800.0)  # air and the densest bone do not count for more
_COARSE_MM = 4.0
_REACH_MM = 25.0
_POINTS = 6000
_STEPS = 12
_ENOUGH = 1e-3  # mm and radians: a step below this is the last
_OUTLIER = 4.0  # times the median misfit
_BORDER = 1e-6  # voxels: what rounding does
_SPLINE_SLICES = 6  # beyond, a spline's weights are below 1 in 2,000
_VOLUME_MM, _THIN_MM = 60.0, 5.0  # from here on a series is a volume
_IN_PLANE = (0, 1, 5)

Point = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Motion:
    """Where the head lies in each frame, against the frame that most are like.

    Attributes:
        shift_mm: `(frames, 3)` along the file's axes, of the middle of the bones; NaN
            where there are too few bones. In a slab the third is 0.
        turn_degrees: `(frames, 3)` about these axes. In a slab the first two are 0.
        moved_mm: `(frames,)`; how far the bone lies off that lies off most.
        misfit_hu: `(frames,)`; median difference at the bones once they lie alike.
        middle_mm: Of the bones, along the file's axes from the first voxel.
        spacing: Distance between voxels in mm.
    """

    shift_mm: Array
    turn_degrees: Array
    moved_mm: Array
    misfit_hu: Array
    middle_mm: Point
    spacing: tuple[float, float, float]

    @property
    def moved(self) -> tuple[int, ...]:
        """The frames that do not lie still."""
        return tuple(int(t) for t in np.flatnonzero(self.moved_mm > STILL_MM))

    def describe(self) -> str:
        """Say how the head moves."""
        if np.isnan(self.moved_mm).any():
            return "unknown, without bones"
        at = int(self.moved_mm.argmax())
        shift, turn = (
            float(np.linalg.norm(values[at]))
            for values in (self.shift_mm, self.turn_degrees)
        )
        return (
            f"up to {self.moved_mm[at]:.1f} mm (frame {at}, from 0: shift {shift:.1f} "
            f"mm, turn {turn:.1f} degrees), {len(self.moved)} of "
            f"{len(self.moved_mm)} frames put back"
        )

    def notes(self) -> tuple[str, ...]:
        """Say what makes maps less certain: much motion, and what is not explained."""
        said = []
        if self.moved_mm.max() > WARN_MM:
            said.append(f"the head moves by {self.describe()}")
        usual = float(np.median(self.misfit_hu))
        unlike = self.misfit_hu > max(_UNLIKE * usual, usual + _UNLIKE_HU)
        if unlike.any():
            named = ", ".join(map(str, np.flatnonzero(unlike)))
            said.append(
                f"the bones of frame {named} (from 0) differ from the others' wherever "
                "they are laid: the head may have moved across the slices"
            )
        return tuple(said)

    def on(self, spacing: tuple[float, float, float]) -> Self:
        """Return the motion of a series with smaller voxels in the same place."""
        shift = (np.array(self.spacing) - spacing) / 2
        return replace(self, spacing=spacing, middle_mm=self.middle_mm + shift)

    def onto(self, frame: int) -> tuple[Point, Point]:
        """Return matrix and offset from indices to those in a frame."""
        scale = np.array(self.spacing)
        turn = np.radians(self.turn_degrees[frame])
        rotation = Rotation.from_rotvec(turn).as_matrix()
        offset = self.middle_mm - rotation @ self.middle_mm + self.shift_mm[frame]
        return rotation * scale / scale[:, None], offset / scale

    def margin(self, shape: tuple[int, ...]) -> int:
        """Return how many slices more are needed on both sides to put some back.

        As many as any voxel moves along the third axis, and what a spline looks at.
        """
        ends = np.array(list(np.ndindex(2, 2, 2))) * (np.array(shape[:3]) - 1)
        found = 0.0
        for frame in self.moved:
            matrix, offset = self.onto(frame)
            away = ends @ matrix.T + offset - ends
            found = max(found, float(np.abs(away[:, 2]).max()))
        return math.ceil(found) + _SPLINE_SLICES if found > _BORDER else 0


def find_motion(series: FloatArray, spacing: tuple[float, float, float]) -> Motion:
    """Find where the head lies in each frame, by its bones.

    A rigid registration by least squares (Gauss-Newton; Lucas and Kanade 1981) of the
    voxels at the edges of bone, which contrast does not change; residuals beyond twice
    the usual count less (Huber), so that a vessel at the bone does not pull. First on
    voxels of 4 mm, from the shift by which the bones' shadows correlate best, against
    the first frame; then against the frame whose place is closest to the median, on all
    voxels. Slabs (less than 60 mm, or slices more than 5 mm apart) are moved in plane,
    by three parameters, and volumes by six.

    Args:
        series: `(x, y, z, frames)` in HU.
        spacing: Distance between voxels in mm.
    """
    coarse, fine = (_Level.of(series, spacing, mm) for mm in (_COARSE_MM, 0.0))
    frames = range(series.shape[3])
    bones = coarse.bones(coarse.frame(0))
    if np.count_nonzero(bones) * coarse.factor**2 < _LEAST_BONE:
        unknown = np.full((len(frames), 3), math.nan)
        none = unknown[:, 0]
        return Motion(unknown, unknown, none, none, np.zeros(3), spacing)
    middle = np.argwhere(bones).mean(axis=0) * coarse.spacing + coarse.origin
    free = _free(series.shape, spacing)
    target = _Target.of(coarse, 0, middle, free)
    shadow = _shadow(coarse.frame(0))

    def rough(t: int) -> Point:
        start = np.zeros(6)
        start[:2] = _apart_mm(shadow, _shadow(coarse.frame(t)), coarse.spacing)
        return target.place(t, start)[0]

    first = np.stack(spread(rough, frames))
    usual = int(np.abs(first - np.median(first, axis=0)).sum(axis=1).argmin())
    final = _Target.of(fine, usual, middle, free)
    found = spread(lambda t: final.place(t, first[t] - first[usual]), frames)
    places, misfits = zip(*found, strict=True)
    shifts, turns = np.split(np.stack(places), 2, axis=1)
    mm = final.mm
    away = [np.linalg.norm(_moved(mm, p, middle) - mm, axis=1).max() for p in places]
    misfit = np.array(misfits)
    misfit[usual] = np.median(misfit)
    return Motion(shifts, np.degrees(turns), np.array(away), misfit, middle, spacing)


def put_back(series: FloatArray, motion: Motion, first_slice: int = 0) -> FloatArray:
    """Return a series whose frames lie where most do, by cubic splines.

    Lines would blur the frames that moved, and so blur borders over time: the error of
    CBV in the middle of a brain was a third to a half larger. Values stay within those
    of the frame. Frames that lie still (within 0.3 mm) stay as they are, to the byte.

    Args:
        series: `(x, y, z, frames)` in HU: the one whose motion was found, or some of
            its slices.
        motion: As found.
        first_slice: Of the series, where these are some of its slices.
    """
    if not motion.moved:
        return series
    whole = series.copy()
    start = np.array([0, 0, first_slice])

    def one(t: int) -> None:
        matrix, offset = motion.onto(t)
        offset = offset + matrix @ start - start
        frame = np.ascontiguousarray(series[..., t])
        flat = np.abs(matrix[2] - [0, 0, 1]).max() < 1e-12 and abs(offset[2]) < 1e-12
        if flat:
            planes = [
                _moved_back(frame[..., z], matrix[:2, :2], offset[:2])
                for z in range(frame.shape[2])
            ]
            frame_back = np.stack(planes, axis=-1)
        else:
            frame_back = _moved_back(frame, matrix, offset)
        whole[..., t] = np.clip(frame_back, frame.min(), frame.max())

    spread(one, motion.moved)
    return whole


def _moved_back(image: FloatArray, matrix: Point, offset: Point) -> FloatArray:
    return np.asarray(
        ndimage.affine_transform(image, matrix, offset, order=3, mode="nearest")
    )


def _free(shape: tuple[int, ...], spacing: tuple[float, float, float]) -> list[int]:
    """Return the parameters that are found: shifts 0 to 2, turns 3 to 5."""
    deep = shape[2] * spacing[2] >= _VOLUME_MM and spacing[2] <= _THIN_MM
    return list(range(6)) if deep else list(_IN_PLANE)


@dataclass(frozen=True, eq=False)
class _Level:
    """Frames with voxels of some size, in the window of HU that counts.

    Attributes:
        series: `(x, y, z, frames)` in HU.
        factor: Voxels in plane that make one.
        fixed: Voxels that never change, which are padding.
        spacing: Distance between voxels in mm.
        origin: Middle of the first, in mm from that of the series.
    """

    series: FloatArray
    factor: int
    fixed: Mask
    spacing: Point
    origin: Point

    @classmethod
    def of(
        cls, series: FloatArray, spacing: tuple[float, float, float], mm: float
    ) -> "_Level":
        """Take means of about so many mm in plane."""
        n = max(1, round(mm / max(spacing[:2])))
        first, middle, last = (series[..., t] for t in (0, series.shape[3] // 2, -1))
        fixed = (first == middle) & (first == last) & (first < _PADDING_HU)
        origin = np.array(spacing) * [(n - 1) / 2, (n - 1) / 2, 0]
        wide = np.array(spacing) * [n, n, 1]
        return cls(series, n, _blocks(fixed.astype("f4"), n) > 0, wide, origin)

    def frame(self, t: int) -> FloatArray:
        """Return a frame."""
        return _blocks(np.clip(self.series[..., t], *_SEEN_HU), self.factor)

    def bones(self, frame: FloatArray) -> Mask:
        """Return the voxels of bone."""
        return np.asarray((frame > _BONE_HU) & ~self.fixed)


def _blocks(image: FloatArray, n: int) -> FloatArray:
    """Return means of so many voxels along both sides of each slice."""
    if n == 1:
        return np.ascontiguousarray(image)
    x, y = (side // n for side in image.shape[:2])
    parts = image[: x * n, : y * n].reshape(x, n, y, n, image.shape[2])
    return np.asarray(parts.mean(axis=(1, 3)), np.float32)


@dataclass(frozen=True, eq=False)
class _Target:
    """The voxels of a frame on which others are laid.

    Attributes:
        level: What frames are of.
        mm: `(points, 3)`; where the voxels are.
        values: What they hold.
        slopes: `(points, free)`; how that changes with the parameters.
        middle: What turns are about, in mm.
        free: Parameters that are found.
    """

    level: _Level
    mm: Point
    values: Point
    slopes: Point
    middle: Point
    free: list[int]

    @classmethod
    def of(cls, level: _Level, t: int, middle: Point, free: list[int]) -> "_Target":
        """Choose the steepest voxels of bone and its edges."""
        frame = level.frame(t)
        slope = np.zeros((3, *frame.shape), np.float32)
        for axis in range(3):
            if frame.shape[axis] > 1:
                slope[axis] = np.gradient(frame, level.spacing[axis], axis=axis)
        steep = np.hypot(slope[0], slope[1])
        steep[~ndimage.binary_dilation(level.bones(frame), iterations=2)] = 0
        steep[frame < _EDGE_HU] = 0  # soft tissue, which contrast changes
        steep[ndimage.binary_dilation(level.fixed)] = 0
        chosen = np.argsort(steep, axis=None)[-_POINTS:]
        chosen = chosen[steep.ravel()[chosen] > 0]
        at = np.stack(np.unravel_index(chosen, frame.shape), axis=1)
        mm = at * level.spacing + level.origin
        shift = slope.reshape(3, -1)[:, chosen].T.astype(np.float64)
        turn = np.cross(mm - middle, shift)
        slopes = np.concatenate([shift, turn], axis=1)[:, free]
        return cls(level, mm, frame.ravel()[chosen], slopes, middle, free)

    def place(self, t: int, start: Point) -> tuple[Point, float]:
        """Return shift in mm and turn in radians of a frame, and its misfit in HU.

        What lies outside the frame does not count: what its border holds would pull
        back, as a volume that moved by 2.5 mm seemed to turn by 0.4 degrees less.
        """
        frame = self.level.frame(t)
        place = start.copy()
        limit = math.inf
        for _ in range(_STEPS):
            apart, seen = self._apart(frame, place)
            size = np.abs(apart)
            limit = min(limit, _OUTLIER * float(np.median(size)) + 1e-3)
            slopes = self.slopes[seen]
            weighed = slopes * np.minimum(1, limit / (size + 1e-9))[:, None]
            normal = weighed.T @ slopes
            step = np.linalg.lstsq(normal, weighed.T @ apart, rcond=1e-8)[0]
            place[self.free] -= step
            if np.abs(step).max() < _ENOUGH:
                break
        return place, float(np.median(np.abs(self._apart(frame, place)[0])))

    def _apart(self, frame: FloatArray, place: Point) -> tuple[Point, Mask]:
        """Return the differences at the points that lie in the frame, and which do.

        All count where none does.
        """
        at = _moved(self.mm, place, self.middle) - self.level.origin
        at /= self.level.spacing
        last = np.array(frame.shape) - 1 + _BORDER
        seen = ((at >= -_BORDER) & (at <= last)).all(axis=1)
        seen |= not seen.any()
        found = ndimage.map_coordinates(frame, at[seen].T, order=1, mode="nearest")
        return np.asarray(found - self.values[seen], np.float64), np.asarray(seen)


def _moved(mm: Point, place: Point, middle: Point) -> Point:
    """Return where points are that lay elsewhere before a shift and a turn."""
    turned = Rotation.from_rotvec(place[3:]).apply(mm - middle)
    return np.asarray(turned + middle + place[:3])


def _shadow(frame: FloatArray) -> Array:
    """Return the sum of the bones over the slices."""
    bone = np.maximum(frame, _BONE_HU) - _BONE_HU
    return np.asarray(bone.sum(axis=2, dtype=np.float64))


def _apart_mm(reference: Array, shadow: Array, spacing: Point) -> Point:
    """Return how far a shadow lies from the reference, by their correlation."""
    spectrum = np.fft.rfft2(shadow) * np.conj(np.fft.rfft2(reference))
    across = np.fft.fftshift(np.fft.irfft2(spectrum, shadow.shape))
    middle = [n // 2 for n in across.shape]
    reach = [int(_REACH_MM / mm) for mm in spacing[:2]]
    near = tuple(
        slice(max(0, m - r), m + r + 1) for m, r in zip(middle, reach, strict=True)
    )
    at = np.unravel_index(int(across[near].argmax()), across[near].shape)
    found = [
        (int(i) + part.start - m) for i, part, m in zip(at, near, middle, strict=True)
    ]
    return np.asarray(np.array(found) * spacing[:2])
