"""A series taken apart into what is of one kind: slices, maps, scouts, pictures."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from magic_model.data.dicom import description
from magic_model.data.dicom.series import ImageFile, Series, same_pixels
from magic_model.data.volume import Kind

_Vector = NDArray[np.float64]

_SAME_DIRECTION = 0.02  # cosine; what turns less is one stack, even or not
_SAME_PIXEL = 0.01  # share
_SAME_PLACE = 0.01  # mm
_SCREENS = ("SCREEN SAVE", "DOSE_INFO", "PATIENT PROTOCOL", "SUMMARY", "PAGE")
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"  # and its multi-frames
_SERIES_OF_TIMES = 3  # images at a place and more are a perfusion series


class Sort(StrEnum):
    """What the images of a part are."""

    SLICES = "slices"
    MAP = "map"
    LOCALIZER = "localizer"
    PICTURE = "picture"
    REPORT = "report"
    SYNTHETIC = "synthetic"


@dataclass(frozen=True, eq=False)
class Part:
    """Images of one series that are of one sort, size, orientation and kernel.

    Attributes:
        sort: What they are.
        kind: The map they show; None for all else.
        images: Their files.
        n_copies: Identical copies in the series that were dropped.
    """

    sort: Sort
    kind: Kind | None
    images: tuple[ImageFile, ...]
    n_copies: int = 0

    @property
    def first(self) -> ImageFile:
        """The first file, which tells what all have in common."""
        return self.images[0]

    @property
    def number(self) -> int:
        """SeriesNumber, 0 where there is none."""
        return self.first.series_number

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files."""
        return tuple(image.path for image in self.images)

    @property
    def n_images(self) -> int:
        """Images in the files."""
        return sum(image.n_images for image in self.images)

    @property
    def description(self) -> str:
        """What may be passed on of SeriesDescription."""
        return description.cleaned_description(self.first.description)

    @property
    def name(self) -> str:
        """Number and cleaned description, for notes."""
        called = f" '{self.description}'" if self.description else ""
        return f"series {self.number}{called}"

    @cached_property
    def stack(self) -> "Stack":
        """How its slices lie on each other."""
        told = [image.positions for image in self.images if image.positions.size]
        positions = np.concatenate(told) if told else np.empty((0, 3))
        return Stack(positions, self.first.orientation, self.first.thickness_mm)

    @property
    def twice(self) -> str:
        """Name two files that show one place, for messages; empty if there are none."""
        places = self.stack.twice()
        if places is None:
            return ""
        paths = [image.path for image in self.images for _ in image.positions]
        return " and ".join(str(paths[i]) for i in places)

    @property
    def by_height(self) -> list[ImageFile]:
        """The files from bottom to top; as they are where one does not tell."""
        if not all(image.positions.size for image in self.images):
            return list(self.images)
        normal = self.stack.normal
        return sorted(self.images, key=lambda image: float(image.positions[0] @ normal))


@dataclass(frozen=True, eq=False)
class Stack:
    """How slices lie on each other; all is 0 where they do not tell.

    Attributes:
        positions: `(n, 3)` centres of the first pixels, mm LPS.
        orientation: `(6,)` along a row and down a column.
        thickness_mm: Of a slice, for one that stands alone.
    """

    positions: _Vector
    orientation: _Vector
    thickness_mm: float

    @cached_property
    def normal(self) -> _Vector:
        """`(3,)` across the slices; straight up where the files are silent."""
        if self.orientation.size != 6:
            return np.array([0.0, 0.0, 1.0])
        across = np.cross(self.orientation[:3], self.orientation[3:])
        length = float(np.linalg.norm(across))
        return np.asarray(across / length) if length else np.array([0.0, 0.0, 1.0])

    @cached_property
    def heights(self) -> _Vector:
        """Heights of the places along the normal, sorted, each once."""
        heights = np.sort(self.positions @ self.normal)
        if not heights.size:
            return heights
        distinct = np.append(True, np.diff(heights) > _SAME_PLACE)
        return np.asarray(heights[distinct])

    @property
    def times(self) -> float:
        """Images at each place on average."""
        return len(self.positions) / len(self.heights) if self.heights.size else 1.0

    @property
    def steps(self) -> _Vector:
        """Distances of neighbours."""
        return np.diff(self.heights)

    @property
    def spacing_mm(self) -> tuple[float, float]:
        """Smallest and largest distance of neighbours."""
        if not self.steps.size:
            return self.thickness_mm, self.thickness_mm
        return float(self.steps.min()), float(self.steps.max())

    @property
    def coverage_mm(self) -> float:
        """From the lower edge of the first slice to the upper of the last."""
        if not self.heights.size:
            return 0.0
        edge = float(np.median(self.steps)) if self.steps.size else self.thickness_mm
        return float(self.heights[-1] - self.heights[0]) + edge

    @property
    def tilt_degrees(self) -> float:
        """Angle between the way from first to last slice and their normal."""
        if len(self.heights) < 2:
            return 0.0
        order = np.argsort(self.positions @ self.normal)
        way = self.positions[order[-1]] - self.positions[order[0]]
        forward = float(way @ self.normal)
        aside = float(np.linalg.norm(way - forward * self.normal))
        return math.degrees(math.atan2(aside, forward))

    @property
    def is_axial(self) -> bool:
        """Return whether slices lie across the body, or do not tell."""
        return bool(abs(self.normal[2]) > 0.85)  # a gantry tilts up to 30 degrees

    @property
    def is_perfusion(self) -> bool:
        """Return whether each place is imaged again and again."""
        return self.times >= _SERIES_OF_TIMES

    def is_part_of_its_way(self, other: "Stack") -> bool:
        """Return whether another stack lies within the heights of this one."""
        if not (self.heights.size and other.heights.size):
            return False
        low, high = self.heights[0] - 1, self.heights[-1] + 1
        inside = (other.heights >= low) & (other.heights <= high)
        return bool(inside.all())

    def twice(self) -> tuple[int, int] | None:
        """Return two images at one place, if there are any."""
        heights = self.positions @ self.normal
        order = np.argsort(heights, kind="stable").tolist()
        for one, other in pairwise(order):
            if heights[other] - heights[one] <= _SAME_PLACE:
                return one, other
        return None


def is_copy(part: Part, other: Part) -> bool:
    """Return whether two parts show the same pixels at the same places."""
    one, two = part.by_height, other.by_height
    if [image.place for image in one] != [image.place for image in two]:
        return False
    some = {0, len(one) // 2, len(one) - 1}
    return all(same_pixels(one[i], two[i]) for i in some)


def parts_of(series: Series) -> list[Part]:
    """Take a series apart; copies are counted with its first part.

    A file whose header is damaged stays with the largest part, so that reading it
    names the file.
    """
    found: list[list[ImageFile]] = []
    damaged = []
    for image in series.images:
        if image.is_damaged:
            damaged.append(image)
            continue
        home = next((part for part in found if _is_alike(part[0], image)), None)
        if home is None:
            found.append([image])
        else:
            home.append(image)
    if damaged:
        max(found, key=len, default=[]).extend(damaged)
        found = found or [damaged]
    return list(_sorted_parts(found, series.n_copies))


def _sorted_parts(found: Sequence[list[ImageFile]], n_copies: int) -> Iterator[Part]:
    largest = max(found, key=len)
    for images in found:
        sort = _sort(images[0])
        kind = images[0].kind if sort is Sort.MAP else None
        copies = n_copies if images is largest else 0
        yield Part(sort, kind, tuple(images), copies)


def _is_alike(one: ImageFile, other: ImageFile) -> bool:
    sort = _sort(one)
    if sort is not _sort(other) or one.kind != other.kind:
        return False
    if one.is_grey != other.is_grey:
        return False
    if sort is not Sort.SLICES:
        return True
    return (
        one.shape == other.shape
        and one.kernel == other.kernel
        and bool(one.positions.size) == bool(other.positions.size)
        and _close(one.orientation, other.orientation, _SAME_DIRECTION)
        and _close(one.pixel_mm, other.pixel_mm, _SAME_PIXEL)
        and _manner(one) == _manner(other)
    )


def _close(one: _Vector, other: _Vector, tolerance: float) -> bool:
    return one.shape == other.shape and bool(np.allclose(one, other, atol=tolerance))


def _manner(image: ImageFile) -> tuple[bool, bool]:
    return is_original(image), description.is_projection(image.image_type)


def is_original(image: ImageFile) -> bool:
    """Return whether it is as reconstructed from the scan, no reformat or average."""
    words = image.image_type.upper().replace("\\", " ").split()
    derived = bool({"DERIVED", "SECONDARY"} & set(words[:2]))
    texts = (image.image_type, image.description)
    return not derived and not any(description.is_average(text) for text in texts)


def _sort(image: ImageFile) -> Sort:
    if not image.n_images:
        return Sort.REPORT
    if image.is_synthetic:  # a map as much as an image: no reference may be a guess
        return Sort.SYNTHETIC
    if image.kind is not None:
        return Sort.MAP
    if _is_localizer(image):
        return Sort.LOCALIZER
    return Sort.PICTURE if _is_picture(image) else Sort.SLICES


def _is_localizer(image: ImageFile) -> bool:
    if description.is_localizer(image.image_type):
        return True
    says_axial = "AXIAL" in image.image_type.upper()
    return not says_axial and description.is_localizer(image.description)


def _is_picture(image: ImageFile) -> bool:
    shown = image.image_type.upper()
    return (
        not image.is_grey
        or image.class_uid.startswith(_SECONDARY_CAPTURE)
        or any(word in shown for word in _SCREENS)
    )
