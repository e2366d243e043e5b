"""A CT perfusion series from DICOM: at each place, the images in order of time."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from scipy.interpolate import CubicSpline

from magic_model.data.dicom import files, frames, moments
from magic_model.data.dicom.ct import hounsfield, require_ct
from magic_model.data.dicom.parts import Part, Sort, is_original, parts_of
from magic_model.data.dicom.series import DicomFolder, find_series
from magic_model.data.straight import AIR
from magic_model.data.volume import Affine, FloatArray
from magic_model.errors import DataError, pluralize

_Vector = NDArray[np.float64]

LEAST_IMAGES = 6  # at a place; fewer are no series over time
_SAME_PLACE_MM = 0.2  # a table comes back to its place so closely
_SAME_MOMENT_S = 0.1  # what lies closer is one frame
_LEAST_SHARE = 0.8  # of the usual number of images at a place


@dataclass(frozen=True, eq=False)
class Dynamic:
    """A series on its grid.

    Attributes:
        array: `(x, y, z, frames)` in HU.
        affine: `(4, 4)` from indices to mm in RAS+.
        times: Of the frames, in seconds from the first.
        notes: What was tolerated or assumed.
    """

    array: FloatArray
    affine: Affine
    times: _Vector
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Candidate:
    """What can be read as one series over time: a DICOM series, or several of them.

    Attributes:
        parts: Two of two table positions, one for each moment, or one.
        odd: Images of the same series that have another size.
    """

    parts: tuple[Part, ...]
    odd: tuple[Part, ...] = ()

    @property
    def paths(self) -> tuple[Path, ...]:
        """Its files."""
        return tuple(path for part in self.parts for path in part.paths)

    @property
    def n_images(self) -> int:
        """Images in its files."""
        return sum(part.n_images for part in self.parts)

    @property
    def called(self) -> str:
        """Number and images, for messages and notes: nothing that was typed freely."""
        images = pluralize(self.n_images, "image")
        first = self.parts[0].name
        last = f" to {self.parts[-1].number}" if len(self.parts) > 1 else ""
        return f"{first}{last} of {images}"

    def is_named(self, wanted: str) -> bool:
        """Return whether a SeriesNumber or SeriesInstanceUID means it."""
        names = {str(p.number) for p in self.parts}
        return wanted in names | {p.first.series_uid for p in self.parts}


def choose_dynamic(folder: Path, wanted: str = "") -> Candidate:
    """Choose the CT perfusion series in a folder or ZIP archive of DICOM.

    Args:
        folder: Files in any folders and under any names; other series may lie beside.
        wanted: SeriesNumber or SeriesInstanceUID, if there are several.

    Raises:
        DataError: If there is none or several.
    """
    found = find_dynamic(find_series(folder))
    if wanted:
        found = [one for one in found if one.is_named(wanted)]
    if len(found) == 1:
        return found[0]
    names = "; ".join(one.called for one in found) or "none"
    which = f" {wanted!r}" if wanted else ""
    remedy = "; name one with --series" if len(found) > 1 else ""
    msg = (
        f"{folder}: must hold one CT perfusion series{which} ({LEAST_IMAGES} "
        f"images or more at each place), got {names}{remedy}"
    )
    raise DataError(msg)


def find_dynamic(content: DicomFolder) -> list[Candidate]:
    """Find what can be a CT perfusion series; originals go before averages of them."""
    parts = [
        part
        for series in content.series
        for part in parts_of(series)
        if part.sort is Sort.SLICES
        and part.first.modality == "CT"
        and part.first.positions.size
    ]
    whole = [part for part in parts if part.stack.times >= LEAST_IMAGES]
    found = [Candidate(same) for same in _tables(whole)]
    if not found:
        found = [Candidate(same) for same in _moments_apart(parts)]
    original = [one for one in found if is_original(one.parts[0].first)]
    return _one_of_each_series(
        [replace(one, odd=_of_other_size(one, parts)) for one in original or found]
    )


def read_dynamic(candidate: Candidate, times: _Vector | None = None) -> Dynamic:
    """Read a series over time into memory.

    Raises:
        DataError: As `plan_dynamic`, or if pixels cannot be read.
    """
    plan = plan_dynamic(candidate, times)
    array = np.zeros(plan.shape, np.float32)
    for z, t, values in plan.values():
        array[:, :, z, t] = values.T
    array = plan.clock.bring_together(array)
    affine, notes = plan.affine, plan.clock.notes
    if not plan.stack.is_regular:
        array, affine = _straight(array, plan.stack)
        notes = (*notes, plan.stack.places.note())
    return Dynamic(array, affine, plan.clock.times, notes)


def plan_dynamic(candidate: Candidate, times: _Vector | None = None) -> "Plan":
    """Find where each image of a series belongs, from headers alone.

    Slices that are imaged at other moments than others (a table that moves to and fro,
    a spiral) are brought to common times by a cubic spline through each voxel's curve.

    Args:
        candidate: As found.
        times: Seconds of the frames; the files then tell the order alone.

    Raises:
        DataError: Naming the file where one is at fault: sizes or places that do not
            agree, images that are missing, or no time.
    """
    for part in candidate.odd:
        sizes = [
            " x ".join(map(str, p.first.shape)) for p in (candidate.parts[0], part)
        ]
        msg = (
            f"{part.first.path}: all images of a series must have one size, got "
            f"{sizes[1]} pixels beside {sizes[0]}"
        )
        raise DataError(msg)
    images = [image for path in candidate.paths for image in _images(path)]
    columns = _columns(images)
    stack = frames.stack_planes([column[0].plane for column in columns])
    columns = [columns[i] for i in stack.order]
    try:
        clock = _clock(columns, times)
    except DataError as error:
        msg = f"{candidate.called}: {error}"
        raise DataError(msg) from error
    return Plan(images, columns, stack, clock)


@dataclass(frozen=True, eq=False)
class Plan:
    """Where each image of a series belongs.

    Attributes:
        images: In the order of their files.
        columns: For each place from the lowest, its images in order of time.
        stack: How the places lie on each other.
        clock: Common times.
    """

    images: "Sequence[_Image]"
    columns: "Sequence[_Column]"
    stack: frames.Stack
    clock: "_Clock"

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Columns, rows, places, and images of the place that has most."""
        rows, across = self.stack.first.shape
        return across, rows, len(self.columns), max(map(len, self.columns))

    @property
    def affine(self) -> Affine:
        """From indices to mm in RAS+, before any resampling."""
        return frames.affine_of(self.stack)

    def values(self) -> Iterator[tuple[int, int, FloatArray]]:
        """Yield place, number in time and HU `(rows, columns)`, a file at a time."""
        order = {
            id(image): (z, t)
            for z, column in enumerate(self.columns)
            for t, image in enumerate(column)
        }
        for image, values in _values(self.images):
            yield *order[id(image)], values


@dataclass(frozen=True, eq=False)
class _Image:
    frame: frames.Frame
    plane: frames.Plane

    @property
    def height(self) -> float:
        return float(self.plane.position @ self.normal)

    @property
    def normal(self) -> _Vector:
        return np.cross(self.plane.orientation[:3], self.plane.orientation[3:])


_Column = Sequence[_Image]  # the images of one place


@dataclass(frozen=True, eq=False)
class _Clock:
    """Common times of all places, and how to get there.

    Attributes:
        times: Of the frames.
        own: Of the images at each place; None where they are those of the frames.
    """

    times: _Vector
    own: Sequence[_Vector] | None
    notes: tuple[str, ...]

    def bring_together(self, array: FloatArray, first: int = 0) -> FloatArray:
        """Interpolate places, the `first` and on, to the times of the frames."""
        if self.own is None:
            return array
        whole = np.empty((*array.shape[:3], len(self.times)), np.float32)
        for z, own in enumerate(self.own[first : first + array.shape[2]]):
            at = np.clip(self.times, own[0], own[-1])
            weights = CubicSpline(own, np.eye(len(own)))(at).astype(np.float32)
            whole[:, :, z] = array[:, :, z, : len(own)] @ weights.T
        return whole


def _images(path: Path) -> Iterator[_Image]:
    header = files.read_header(path)
    with files.naming(path):
        require_ct(header, path)
        files.require_grey(header, path)
        shape = int(header.Rows), int(header.Columns)
        blank = np.broadcast_to(np.uint8(0), shape)
        for index in range(int(header.get("NumberOfFrames", None) or 1)):
            frame = frames.Frame(path, header, index, blank)
            yield _Image(frame, frame.plane())


def _values(images: Sequence[_Image]) -> Iterator[tuple[_Image, FloatArray]]:
    """Read the HU of images, a file at a time."""
    dataset, path = Dataset(), Path()
    decoded: NDArray[np.number] = np.empty(0)
    for image in images:
        frame = image.frame
        if frame.path != path:
            path = frame.path
            dataset = files.read_dataset(path)
            decoded = files.decode_frames(dataset, path)
            dataset.pop("PixelData", None)
        with files.naming(frame.name):
            stored = decoded[frame.index]
            yield image, hounsfield(frames.Frame(path, dataset, frame.index, stored))


def _columns(images: Sequence[_Image]) -> list[_Column]:
    """Group images by their place along the normal."""
    by_height = sorted(images, key=lambda image: image.height)
    columns: list[list[_Image]] = []
    for image in by_height:
        if columns and image.height - columns[-1][0].height <= _SAME_PLACE_MM:
            columns[-1].append(image)
        else:
            columns.append([image])
    for column in columns:
        _require_one_place(column)
    usual = _usual(columns)
    for column in columns:
        if not _LEAST_SHARE * usual <= len(column) <= usual / _LEAST_SHARE:
            msg = (
                f"each place must be imaged as often as others ({usual} times), got "
                f"{pluralize(len(column), 'image')} at {column[0].height:.1f} mm "
                f"({column[0].plane.name})"
            )
            raise DataError(msg)
    return [_in_order(column) for column in columns]


def _require_one_place(column: _Column) -> None:
    first = column[0].plane
    for image in column[1:]:
        plane = image.plane
        aside = float(np.linalg.norm(plane.position - first.position))
        if plane.shape != first.shape:
            sizes = [" x ".join(map(str, p.shape)) for p in (first, plane)]
            msg = f"{plane.name}: must have {sizes[0]} pixels as others, got {sizes[1]}"
            raise DataError(msg)
        if aside > 2 * _SAME_PLACE_MM:
            msg = f"{plane.name}: lies {aside:.1f} mm beside {first.name}"
            raise DataError(msg)


def _usual(columns: Sequence[_Column]) -> int:
    counts = Counter(map(len, columns))
    return max(counts, key=lambda count: (counts[count], count))


def _in_order(column: _Column) -> _Column:
    """Order images by what counts them; their times are looked at later."""

    def rank(image: _Image) -> tuple[float, float, float]:
        group = "FrameContentSequence"
        number = image.frame.number("TemporalPositionIndex", group)
        if number is None:
            number = image.frame.number("TemporalPositionIdentifier", group)
        instance = image.frame.number("InstanceNumber", group)
        return number or 0.0, instance or 0.0, image.frame.index

    return sorted(column, key=rank)


def _clock(columns: list[_Column], given: _Vector | None) -> _Clock:
    """Find the times of the frames; puts the images of each column in their order."""
    told = moments.find_moments([[i.frame for i in column] for column in columns])
    if told is None and given is None:
        msg = (
            "the files tell no time that differs between the images of a place (looked "
            "at acquisition date and time, temporal position, trigger time and GE's "
            "mid scan time): give the seconds of the frames with --frame-times"
        )
        raise DataError(msg)
    if told is not None:
        for z, column in enumerate(columns):
            order = np.argsort(told.seconds[z], kind="stable")
            columns[z] = [column[i] for i in order]
    if given is not None:
        return _given(columns, given)
    assert told is not None  # noqa: S101 - for the type checker
    own = [np.sort(seconds) for seconds in told.seconds]
    usual = _usual(columns)
    return _common(own, usual, told.notes)


def _given(columns: Sequence[_Column], given: _Vector) -> _Clock:
    counts = sorted(set(map(len, columns)))
    if counts != [len(given)]:
        found = " to ".join(str(count) for count in (counts[0], counts[-1]))
        msg = (
            f"frame times must be one for each image of a place, got {len(given)} for "
            f"{found if len(counts) > 1 else counts[0]} images"
        )
        raise DataError(msg)
    return _Clock(given, None, ("all slices of a frame were taken as simultaneous",))


def _common(own: Sequence[_Vector], usual: int, notes: tuple[str, ...]) -> _Clock:
    start = min(seconds[0] for seconds in own)
    own = [seconds - start for seconds in own]
    whole = np.array([seconds for seconds in own if len(seconds) == usual])
    times = whole.mean(axis=0)
    apart = float(np.ptp(whole, axis=0).max())
    odd = [abs(len(seconds) - usual) for seconds in own if len(seconds) != usual]
    if apart <= _SAME_MOMENT_S and not odd:
        return _Clock(np.round(times - times[0], 6), None, notes)
    step = float(np.median(np.diff(times)))
    first, last = max(s[0] for s in own), min(s[-1] for s in own)
    kept = (times >= first - step) & (times <= last + step)
    said = list(notes)
    if odd:
        said.append(
            f"{pluralize(len(odd), 'place')} of {len(own)} {_has(len(odd))} other than "
            f"{usual} images (by up to {max(odd)}): interpolated in time"
        )
    if apart > _SAME_MOMENT_S:
        tables = len({float(round(seconds[0], 1)) for seconds in own})
        said.append(
            f"slices of a frame are imaged up to {apart:.2g} s apart (at "
            f"{pluralize(tables, 'moment')}): interpolated to common times"
        )
    if not kept.all():
        count = pluralize(int((~kept).sum()), "frame")
        said.append(f"{count} that not all places have left out")
    zero = times[kept][0]
    # Times are written to the microsecond; what lies beyond is rounding.
    common = np.round(times[kept] - zero, 6)
    return _Clock(common, [s - zero for s in own], tuple(said))


def _has(count: int) -> str:
    return "has" if count == 1 else "have"


def _straight(array: FloatArray, stack: frames.Stack) -> tuple[FloatArray, Affine]:
    """Resample tilted or uneven slices, a frame at a time."""
    straight = []
    start = (0.0, 0.0)
    for t in range(array.shape[3]):
        slices = np.ascontiguousarray(array[..., t].transpose(2, 1, 0))
        slices, start = stack.places.resample(slices, AIR, nearest=False)
        straight.append(slices.transpose(2, 1, 0))
    return np.stack(straight, axis=-1), frames.resampled_affine(stack, start)


def _alike(part: Part) -> tuple[object, ...]:
    image = part.first
    return (
        image.shape,
        image.kernel,
        tuple(np.round(image.pixel_mm, 2)),
        tuple(np.round(image.orientation, 2)),
        image.space,
        is_original(image),
    )


def _of_other_size(one: Candidate, parts: Sequence[Part]) -> tuple[Part, ...]:
    series = {part.first.series_uid for part in one.parts}
    shape = one.parts[0].first.shape
    same = (part for part in parts if part.first.series_uid in series)
    return tuple(part for part in same if part.first.shape != shape)


def _one_of_each_series(found: Sequence[Candidate]) -> list[Candidate]:
    """Leave out what differs from more images of its series in size alone.

    No number tells them apart; `plan_dynamic` names the sizes.
    """
    kept: list[Candidate] = []
    for one in sorted(found, key=lambda one: -one.n_images):
        if not any(set(one.parts) & set(other.odd) for other in kept):
            kept.append(one)
    return [one for one in found if one in kept]


def _groups(
    parts: Sequence[Part], key: Callable[[Part], tuple[object, ...]]
) -> list[list[Part]]:
    groups: dict[tuple[object, ...], list[Part]] = {}
    for part in parts:
        groups.setdefault(key(part), []).append(part)
    return list(groups.values())


def _tables(whole: Sequence[Part]) -> Iterator[tuple[Part, ...]]:
    """Join series of one kind that lie above each other: two table positions."""
    for alike in _groups(whole, _alike):
        low = sorted(alike, key=lambda part: float(part.stack.heights[0]))
        ends = [float(part.stack.heights[-1]) for part in low]
        begins = [float(part.stack.heights[0]) for part in low[1:]]
        if all(end < begin for end, begin in zip(ends[:-1], begins, strict=True)):
            yield tuple(low)
        else:
            yield from ((part,) for part in alike)


def _moments_apart(parts: Sequence[Part]) -> Iterator[tuple[Part, ...]]:
    """Join series of one volume each that lie at the same places: one per moment."""

    def place(part: Part) -> tuple[object, ...]:
        return (*_alike(part), *np.round(part.stack.heights, 1).tolist())

    for alike in _groups(parts, place):
        if len(alike) >= LEAST_IMAGES:
            yield tuple(alike)
