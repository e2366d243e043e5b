"""Images of a series, one by one, and how they become a volume."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from magic_model.data.dicom.datasets import (
    decode_frames,
    naming,
    read_dataset,
    require_grey,
)
from magic_model.data.dicom.geometry import Plane, Vector, stack_planes
from magic_model.data.volume import FloatArray, Kind, Volume
from magic_model.errors import DataError


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
        """Give the items of a sequence, from this frame, all frames or the file."""
        for holder in (*self._functional_groups(), self.dataset):
            items: Sequence[Dataset] = holder.get(sequence, None) or ()
            if items:
                return items
        return ()

    def text(self, keyword: str, sequence: str) -> str:
        """Give an attribute that enhanced objects keep in a functional group.

        Returns:
            Its text, empty where it is missing.
        """
        for holder in (*self.items(sequence)[:1], self.dataset):
            if holder.get(keyword, None) is not None:
                return str(holder[keyword].value)
        return ""

    def numbers(self, keyword: str, sequence: str) -> Vector:
        """Give the numbers of such an attribute, none where it is missing.

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
        """Give a single number, None where it is missing."""
        numbers = self.numbers(keyword, sequence)
        return float(numbers[0]) if numbers.size else None

    def required(self, keyword: str, sequence: str, count: int) -> Vector:
        """Give so many finite numbers.

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
        """Tell where the image lies.

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
    paths: Sequence[Path], accept: Callable[[Dataset, Path], None]
) -> list[Frame]:
    """Read the grey images of a series.

    Args:
        paths: Its files, in any order.
        accept: Raises `DataError` for a file that is not wanted.

    Raises:
        DataError: If there are none, a file cannot be read or is colour, or the files
            belong to several series.
    """
    if not paths:
        msg = "A series must have at least one file, got none"
        raise DataError(msg)
    frames: list[Frame] = []
    for path in paths:
        dataset = read_dataset(path)
        with naming(path):
            accept(dataset, path)
            require_grey(dataset, path)
            _require_same_series(dataset, path, frames)
        decoded = decode_frames(dataset, path)
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
        with naming(frame.name):
            planes.append(frame.plane())
            images.append(convert(frame))
    order, affine = stack_planes(planes, keep_direction=keep_direction)
    slices = np.stack([images[i] for i in order])
    return Volume(slices.transpose(2, 1, 0), affine, kind)


def _require_same_series(dataset: Dataset, path: Path, frames: Sequence[Frame]) -> None:
    uid = dataset.get("SeriesInstanceUID", None)
    if frames and uid != frames[0].dataset.get("SeriesInstanceUID", None):
        msg = f"{path}: belongs to another series than {frames[0].path}"
        raise DataError(msg)
