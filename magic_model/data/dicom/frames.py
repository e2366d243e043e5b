"""Images of a DICOM series, their place in space, and the volume that they form."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from magic_model.data.dicom import files
from magic_model.data.volume import Affine, FloatArray, Kind, Volume
from magic_model.errors import DataError

_Vector = NDArray[np.float64]

LPS_TO_RAS: Affine = np.diag([-1.0, -1.0, 1.0, 1.0])
"""DICOM counts towards left and posterior, NIfTI towards right and anterior."""

_SAME_PLACE = 0.01  # mm
_SAME_DIRECTION = 1e-3  # cosine, as `Volume.is_orthogonal`
_ROUNDING = 0.1  # mm, since some scanners write positions to one decimal
_UNEVEN = 0.05  # share of the spacing


@dataclass(frozen=True)
class Plane:
    """Where one slice lies, in DICOM's terms.

    Attributes:
        name: File and, where it holds several, frame; for messages.
        shape: Rows and columns.
        position: Centre of the first pixel, `(3,)`, mm LPS.
        orientation: Direction along a row, then down a column, `(6,)`.
        spacing: Distance between rows, then between columns, in mm.
        thickness: Of the slice in mm; counts only where a slice stands alone.
    """

    name: str
    shape: tuple[int, int]
    position: _Vector
    orientation: _Vector
    spacing: tuple[float, float]
    thickness: float | None = None


def stack_planes(
    planes: Sequence[Plane], *, keep_direction: bool = False
) -> tuple[list[int], Affine]:
    """Put slices in order and find the affine of the volume `(column, row, slice)`.

    Args:
        planes: At least one.
        keep_direction: Let the volume run against the normal where the slices are given
            in that order; otherwise it runs along it whatever their order.

    Returns:
        Indices of the slices in order, and the affine to mm RAS+.

    Raises:
        DataError: If they differ in size, spacing or orientation, lie twice at the same
            place, are sheared (gantry tilt) or are not evenly spaced (slices missing).
    """
    _require_alike(planes)
    normal = np.cross(planes[0].orientation[:3], planes[0].orientation[3:])
    positions = np.array([plane.position for plane in planes])
    heights = positions @ normal
    order = np.argsort(heights, kind="stable")
    _require_apart([planes[i] for i in order], heights[order])
    _require_straight([planes[i] for i in order], normal)
    _require_even([planes[i] for i in order], heights[order])
    if keep_direction and heights[0] > heights[-1]:
        order = order[::-1]
    if len(planes) == 1:
        step = normal * _thickness(planes[0])
    else:
        step = (positions[order[-1]] - positions[order[0]]) / (len(planes) - 1)
    return order.tolist(), _affine(planes[order[0]], step)


@dataclass(frozen=True, eq=False)
class Frame:
    """One image of a file.

    Attributes:
        path: The file.
        dataset: All of it.
        index: Which of the file's images, from 0.
        stored: `(rows, columns)` as stored, before any unit.
    """

    path: Path
    dataset: Dataset
    index: int
    stored: NDArray[np.number]

    @property
    def name(self) -> str:
        """File and, in an enhanced object, frame counted from 1."""
        several = int(self.dataset.get("NumberOfFrames", None) or 1) > 1
        return f"{self.path} frame {self.index + 1}" if several else str(self.path)

    def items(self, sequence: str) -> Sequence[Dataset]:
        """Return the items of a sequence, from this frame, all frames or the file."""
        for holder in (*self._functional_groups(), self.dataset):
            items: Sequence[Dataset] = holder.get(sequence, None) or ()
            if items:
                return items
        return ()

    def text(self, keyword: str, sequence: str) -> str:
        """Return an attribute that enhanced objects keep in a functional group.

        Returns:
            Its text, empty where it is missing.
        """
        for holder in (*self.items(sequence)[:1], self.dataset):
            if holder.get(keyword, None) is not None:
                return str(holder[keyword].value)
        return ""

    def numbers(self, keyword: str, sequence: str) -> _Vector:
        """Return the numbers of such an attribute, none where it is missing.

        Raises:
            DataError: If they are no numbers, naming the file.
        """
        for holder in (*self.items(sequence)[:1], self.dataset):
            try:
                value = holder.get(keyword, None)
                if value is not None:
                    return np.atleast_1d(np.array(value, dtype=np.float64))
            except (TypeError, ValueError) as error:
                msg = f"{self.name}: {keyword} must be numbers ({error})"
                raise DataError(msg) from error
        return np.empty(0)

    def number(self, keyword: str, sequence: str) -> float | None:
        """Return a single number, None where it is missing."""
        numbers = self.numbers(keyword, sequence)
        return float(numbers[0]) if numbers.size else None

    def required(self, keyword: str, sequence: str, count: int) -> _Vector:
        """Return so many finite numbers.

        Raises:
            DataError: If they are missing, too few or not finite, naming the file.
        """
        numbers = self.numbers(keyword, sequence)
        if numbers.size == 0:
            msg = f"{self.name}: {keyword} is missing"
            raise DataError(msg)
        if numbers.size != count or not np.isfinite(numbers).all():
            msg = f"{self.name}: {keyword} must be {count} numbers, got {numbers}"
            raise DataError(msg)
        return numbers

    def plane(self) -> Plane:
        """Return where the image lies.

        Raises:
            DataError: If the file does not tell.
        """
        rows, columns = self.stored.shape
        measures = "PixelMeasuresSequence"
        down, across = self.required("PixelSpacing", measures, 2)
        if min(down, across) <= 0:
            msg = f"{self.name}: PixelSpacing must be above 0, got {down}, {across}"
            raise DataError(msg)
        thickness = self.number("SpacingBetweenSlices", measures)
        if thickness is None:
            thickness = self.number("SliceThickness", measures)
        return Plane(
            name=self.name,
            shape=(rows, columns),
            position=self.required("ImagePositionPatient", "PlanePositionSequence", 3),
            orientation=self.required(
                "ImageOrientationPatient", "PlaneOrientationSequence", 6
            ),
            spacing=(float(down), float(across)),
            thickness=None if thickness is None else abs(thickness),
        )

    def is_padding(self) -> NDArray[np.bool_]:
        """Find the pixels that fill the frame and show nothing, `(rows, columns)`."""
        low = self.dataset.get("PixelPaddingValue", None)
        if low is None:
            return np.zeros(self.stored.shape, dtype=np.bool_)
        high = self.dataset.get("PixelPaddingRangeLimit", None)
        low, high = sorted((int(low), int(low if high is None else high)))
        return (self.stored >= low) & (self.stored <= high)

    def _functional_groups(self) -> list[Dataset]:
        per_frame = self.dataset.get("PerFrameFunctionalGroupsSequence", None) or ()
        shared = self.dataset.get("SharedFunctionalGroupsSequence", None) or ()
        return [*per_frame[self.index : self.index + 1], *shared[:1]]


def read_frames(
    paths: Sequence[Path],
    accept: Callable[[Dataset, Path], None],
    *,
    several_series: bool = False,
) -> list[Frame]:
    """Read the grey images of a series.

    Args:
        paths: Its files, in any order.
        accept: Raises `DataError` for a file that is not wanted.
        several_series: Let the files belong to several series, parts of one head.

    Raises:
        DataError: If there are none, a file cannot be read or is colour, or the files
            belong to several series.
    """
    if not paths:
        msg = "A series must have at least one file, got none"
        raise DataError(msg)
    frames: list[Frame] = []
    for path in paths:
        dataset = files.read_dataset(path)
        with files.naming(path):
            accept(dataset, path)
            files.require_grey(dataset, path)
            if not several_series:
                _require_same_series(dataset, path, frames)
        decoded = files.decode_frames(dataset, path)
        frames += [Frame(path, dataset, i, image) for i, image in enumerate(decoded)]
    return frames


def stack_frames(
    frames: Sequence[Frame],
    convert: Callable[[Frame], FloatArray],
    kind: Kind,
    *,
    keep_direction: bool = False,
) -> Volume:
    """Make a volume of images.

    Args:
        frames: In any order.
        convert: From stored values to those of the volume, `(rows, columns)`.
        kind: What the volume shows.
        keep_direction: As in `stack_planes`.

    Raises:
        DataError: If they make no stack or a value has no unit.
    """
    planes, images = [], []
    for frame in frames:
        with files.naming(frame.name):
            planes.append(frame.plane())
            images.append(convert(frame))
    order, affine = stack_planes(planes, keep_direction=keep_direction)
    slices = np.stack([images[i] for i in order])
    return Volume(slices.transpose(2, 1, 0), affine, kind)


def _require_alike(planes: Sequence[Plane]) -> None:
    first = planes[0]
    row, column = first.orientation[:3], first.orientation[3:]
    lengths = np.linalg.norm([row, column], axis=1)
    if abs(row @ column) > _SAME_DIRECTION or np.any(abs(lengths - 1) > 1e-3):
        msg = f"{first.name}: rows and columns must be unit vectors at right angles"
        raise DataError(msg)
    for plane in planes[1:]:
        difference = _difference(plane, first)
        if difference:
            msg = f"{plane.name}: {difference}, unlike {first.name}"
            raise DataError(msg)


def _difference(plane: Plane, other: Plane) -> str:
    if plane.shape != other.shape:
        return f"{plane.shape[0]} x {plane.shape[1]} pixels"
    if not np.allclose(plane.orientation, other.orientation, atol=_SAME_DIRECTION):
        return "another orientation"
    if not np.allclose(plane.spacing, other.spacing, rtol=_SAME_DIRECTION):
        return f"pixels of {plane.spacing[0]:g} x {plane.spacing[1]:g} mm"
    return ""


def _require_apart(planes: Sequence[Plane], heights: _Vector) -> None:
    for i in np.flatnonzero(np.diff(heights) < _SAME_PLACE).tolist():
        msg = (
            f"{planes[i + 1].name}: duplicate, {planes[i].name} lies at the same "
            f"position ({heights[i]:.2f} mm along the normal)"
        )
        raise DataError(msg)


def _require_straight(planes: Sequence[Plane], normal: _Vector) -> None:
    for plane in planes[1:]:
        way = plane.position - planes[0].position
        forward = float(way @ normal)
        aside = float(np.linalg.norm(way - forward * normal))
        if aside > _ROUNDING + _SAME_DIRECTION * forward:
            angle = math.degrees(math.atan2(aside, forward))
            msg = (
                f"{plane.name}: slices must be stacked at right angles, got a shift of "
                f"{aside:.1f} mm over {forward:.1f} mm ({angle:.1f} degrees: gantry "
                "tilt?); reformat the series first"
            )
            raise DataError(msg)


def _require_even(planes: Sequence[Plane], heights: _Vector) -> None:
    steps = np.diff(heights)
    if len(steps) == 0:
        return
    # The lower median: of a few slices with one missing, the smaller step is right.
    usual = float(np.sort(steps)[(len(steps) - 1) // 2])
    uneven = abs(steps - usual) > max(_ROUNDING, _UNEVEN * usual)
    for i in np.flatnonzero(uneven).tolist():
        what = "slices are missing" if steps[i] > usual else "spacing changes"
        msg = (
            f"{planes[i].name}: {what} after position {heights[i]:.2f} mm, the next is "
            f"{steps[i]:.2f} mm on ({planes[i + 1].name}), usual are {usual:.2f} mm"
        )
        raise DataError(msg)


def _thickness(plane: Plane) -> float:
    if not plane.thickness:
        msg = f"{plane.name}: a single slice must tell its thickness"
        raise DataError(msg)
    return plane.thickness


def _affine(first: Plane, step: _Vector) -> Affine:
    lps = np.eye(4)
    lps[:3, 0] = first.orientation[:3] * first.spacing[1]
    lps[:3, 1] = first.orientation[3:] * first.spacing[0]
    lps[:3, 2] = step
    lps[:3, 3] = first.position
    affine: Affine = LPS_TO_RAS @ lps
    return affine


def _require_same_series(dataset: Dataset, path: Path, frames: Sequence[Frame]) -> None:
    uid = dataset.get("SeriesInstanceUID", None)
    if frames and uid != frames[0].dataset.get("SeriesInstanceUID", None):
        msg = f"{path}: belongs to another series than {frames[0].path}"
        raise DataError(msg)
