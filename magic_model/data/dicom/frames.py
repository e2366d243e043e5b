"""Images of a DICOM series, their place in space, and the volume that they form."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from magic_model.data.dicom import files
from magic_model.data.straight import AIR, STEEPEST, Places, find_holes
from magic_model.data.volume import MASKS, Affine, FloatArray, Kind, Volume
from magic_model.errors import DataError

_Vector = NDArray[np.float64]

LPS_TO_RAS: Affine = np.diag([-1.0, -1.0, 1.0, 1.0])
"""DICOM counts towards left and posterior, NIfTI towards right and anterior."""

_SAME_PLACE = 0.01  # mm
_SAME_DIRECTION = 1e-3  # cosine, as `Volume.is_orthogonal`


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


@dataclass(frozen=True, eq=False)
class Stack:
    """Slices in order, and where they lie.

    Attributes:
        order: Indices of the planes from the lowest along their normal to the highest.
        places: Where each of them lies, seen from the lowest.
        first: The lowest.
        step: From the lowest to the next of an even stack, `(3,)`, mm LPS.
    """

    order: Sequence[int]
    places: Places
    first: Plane
    step: _Vector

    @property
    def is_regular(self) -> bool:
        """Whether they make a straight, even volume as they are."""
        return len(self.order) == 1 or (self.places.is_straight and self.places.is_even)


def stack_planes(planes: Sequence[Plane]) -> Stack:
    """Put slices in order and find where they lie.

    Args:
        planes: At least one.

    Raises:
        DataError: If they differ in size, spacing or orientation, lie twice at the same
            place, lie aside of each other by more than a gantry tilts, or slices are
            missing (see `find_holes`).
    """
    _require_alike(planes)
    row, column = planes[0].orientation[:3], planes[0].orientation[3:]
    normal = np.cross(row, column)
    positions = np.array([plane.position for plane in planes])
    heights = positions @ normal
    order = np.argsort(heights, kind="stable")
    ordered = [planes[i] for i in order]
    _require_apart(ordered, heights[order])
    first = ordered[0]
    way = positions[order] - first.position
    shifts = np.column_stack([way @ row, way @ column])
    places = Places(way @ normal, shifts, (first.spacing[1], first.spacing[0]))
    if len(planes) == 1:
        return Stack([0], places, first, normal * _thickness(first))
    _require_no_hole(ordered, heights[order])
    _require_tilt(ordered, places)
    step = way[-1] / (len(planes) - 1)
    return Stack(order.tolist(), places, first, step)


def stack_images(
    planes: Sequence[Plane],
    image: Callable[[int], FloatArray],
    kind: Kind,
    *,
    keep_direction: bool = False,
) -> Volume:
    """Make a volume of slices; one resampling where they are tilted or uneven.

    Args:
        planes: Where each lies, in any order.
        image: Values of a slice by its index, `(rows, columns)`; asked for once each.
        kind: What the volume shows.
        keep_direction: Let the volume run against the normal where the slices are given
            in that order; otherwise it runs along it whatever their order.

    Returns:
        The volume; its notes say if it was resampled.

    Raises:
        DataError: As `stack_planes`.
    """
    stack = stack_planes(planes)
    slices = np.empty((len(planes), *planes[0].shape), dtype=np.float32)
    for k, index in enumerate(stack.order):
        slices[k] = image(index)
    affine = affine_of(stack)
    notes: tuple[str, ...] = ()
    if not stack.is_regular:
        outside = AIR if kind is Kind.NCCT else 0.0
        nearest = kind in MASKS
        slices, start = stack.places.resample(slices, outside, nearest=nearest)
        affine = resampled_affine(stack, start)
        notes = (stack.places.note(),)
    if keep_direction and stack.order[0] > stack.order[-1]:
        slices = slices[::-1]
        affine[:, 3] += affine[:, 2] * (len(slices) - 1)
        affine[:, 2] *= -1
    return Volume(slices.transpose(2, 1, 0), affine, kind, notes)


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
        dataset.pop("PixelData", None)  # a copy of what was decoded
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
        keep_direction: As in `stack_images`.

    Raises:
        DataError: If they make no stack or a value has no unit.
    """
    planes = []
    for frame in frames:
        with files.naming(frame.name):
            planes.append(frame.plane())

    def image(index: int) -> FloatArray:
        with files.naming(frames[index].name):
            return convert(frames[index])

    return stack_images(planes, image, kind, keep_direction=keep_direction)


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


def _require_tilt(planes: Sequence[Plane], places: Places) -> None:
    beyond = places.too_far_aside
    if beyond is not None:
        aside = float(np.linalg.norm(places.shifts[beyond]))
        msg = (
            f"{planes[beyond].name}: slices must be stacked at right angles or tilted "
            f"by up to {STEEPEST:g} degrees, got a shift of {aside:.1f} mm in a stack "
            f"of {places.heights[-1]:.1f} mm; reformat the series first"
        )
        raise DataError(msg)


def _require_no_hole(planes: Sequence[Plane], heights: _Vector) -> None:
    steps = np.diff(heights)
    for i in find_holes(heights):
        # The lower median: of a few slices with one missing, the smaller is right.
        usual = float(np.sort(steps)[(len(steps) - 1) // 2])
        msg = (
            f"{planes[i].name}: slices are missing after position {heights[i]:.2f} mm, "
            f"the next is {steps[i]:.2f} mm on ({planes[i + 1].name}), usual are "
            f"{usual:.2f} mm; fetch the series again"
        )
        raise DataError(msg)


def _thickness(plane: Plane) -> float:
    if not plane.thickness:
        msg = f"{plane.name}: a single slice must tell its thickness"
        raise DataError(msg)
    return plane.thickness


def affine_of(stack: Stack) -> Affine:
    """Return where slices lie that make a straight, even volume as they are."""
    return _affine(stack.first, stack.step)


def _affine(first: Plane, step: _Vector) -> Affine:
    lps = np.eye(4)
    lps[:3, 0] = first.orientation[:3] * first.spacing[1]
    lps[:3, 1] = first.orientation[3:] * first.spacing[0]
    lps[:3, 2] = step
    lps[:3, 3] = first.position
    affine: Affine = LPS_TO_RAS @ lps
    return affine


def resampled_affine(stack: Stack, start: tuple[float, float]) -> Affine:
    """Return where slices lie that were resampled to a straight, even volume."""
    first = stack.first
    row, column = first.orientation[:3], first.orientation[3:]
    affine = _affine(first, np.cross(row, column) * stack.places.spacing()[1])
    affine[:3, 3] += LPS_TO_RAS[:3, :3] @ (start[0] * row + start[1] * column)
    return affine


def _require_same_series(dataset: Dataset, path: Path, frames: Sequence[Frame]) -> None:
    uid = dataset.get("SeriesInstanceUID", None)
    if frames and uid != frames[0].dataset.get("SeriesInstanceUID", None):
        msg = f"{path}: belongs to another series than {frames[0].path}"
        raise DataError(msg)
