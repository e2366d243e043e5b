"""A series too large for memory: on disk, read a few slices at a time."""

import gzip
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np

from magic_model.data.nifti import UNREADABLE
from magic_model.data.volume import Affine, FloatArray, Kind, Volume
from magic_model.errors import DataError
from magic_model.perfusion.denoising import Array
from magic_model.perfusion.series import Header, Series

if TYPE_CHECKING:
    from magic_model.data.dicom.dynamic import Candidate

_BLOCK = 1 << 22
_READ = 32 << 20  # bytes


class Folder:
    """A temporary folder, removed with this object or at the end of the program."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="magic-series-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


@dataclass(frozen=True, eq=False)
class StoredSeries:
    """A series of which slices are read when they are asked for.

    Attributes:
        shape: Voxels along each axis, and frames.
        affine: `(4, 4)` from indices to mm in RAS+.
        times: Of the frames, in seconds.
        read: Slices from the first to before the second, `(x, y, slices, frames)`.
        name: Of the file, for messages.
        notes: What was assumed.
        keeper: What removes temporary files when it is no longer needed.
    """

    shape: tuple[int, int, int, int]
    affine: Affine
    times: Array
    read: Callable[[int, int], FloatArray]
    name: str
    notes: tuple[str, ...] = ()
    keeper: "Folder | None" = field(default=None, repr=False)

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Distance between voxels along each axis, in mm."""
        x, y, z = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(x), float(y), float(z)

    @property
    def slice_bytes(self) -> int:
        """What a slice takes in memory, all frames."""
        x, y, _, frames = self.shape
        return 4 * x * y * frames

    def values(self, start: int, stop: int) -> FloatArray:
        """Return the values of some slices, `(x, y, slices, frames)`.

        Raises:
            DataError: Naming the file, if they cannot be read.
        """
        try:
            return self.read(start, stop)
        except UNREADABLE as error:
            msg = f"{self.name}: slices {start} to {stop - 1} cannot be read ({error})"
            raise DataError(" ".join(msg.split())) from error

    def slab(self, start: int, stop: int) -> Series:
        """Return some slices as a series.

        Raises:
            DataError: Naming the file, if they cannot be read or make no series.
        """
        affine = self.affine.copy()
        affine[:3, 3] += start * affine[:3, 2]
        values = self.values(start, stop)
        try:
            return Series(values, affine, self.times)
        except DataError as error:
            msg = f"{self.name}: {error} (slices {start} to {stop - 1})"
            raise DataError(msg) from error

    def slabs(self, most_bytes: int, halo: int = 0) -> Iterator[tuple[int, int]]:
        """Yield first slice and end of each slab that fits, with a halo on both sides.

        Args:
            most_bytes: Of a slab with its halo.
            halo: Slices on each side.
        """
        count = max(1, most_bytes // self.slice_bytes - 2 * halo)
        for start in range(0, self.shape[2], count):
            yield start, min(start + count, self.shape[2])

    def mean(self, frames: int) -> Volume:
        """Return the mean of the first frames."""
        whole = np.empty(self.shape[:3], np.float32)
        for start, stop in self.slabs(_READ):
            some = self.values(start, stop)[..., :frames]
            whole[:, :, start:stop] = some.mean(axis=-1, dtype=np.float64)
        return Volume(whole, self.affine, Kind.NCCT)


def store_nifti(header: Header, path: Path) -> StoredSeries:
    """Open a NIfTI file for reading slice by slice; a compressed one is unpacked.

    Args:
        header: What it says.
        path: The file.

    Raises:
        DataError: If it cannot be unpacked.
    """
    keeper, plain = None, path
    if path.suffix == ".gz":
        keeper = Folder()
        plain = keeper.path / "series.nii"
        try:
            with gzip.open(path) as packed, plain.open("wb") as unpacked:
                shutil.copyfileobj(packed, unpacked, _BLOCK)
        except UNREADABLE as error:
            msg = f"{path}: cannot be unpacked ({error})"
            raise DataError(msg) from error
    image: Any = nib.load(plain)
    x, y, z, frames = header.shape

    def read(start: int, stop: int) -> FloatArray:
        some = np.asarray(image.dataobj[:, :, start:stop], np.float32)
        return some.reshape(x, y, stop - start, frames)

    affine = np.asarray(image.affine, np.float32).astype(np.float64)
    return StoredSeries(
        (x, y, z, frames),
        affine,
        header.times,
        read,
        str(path),
        header.notes,
        keeper,
    )


def store_dicom(
    candidate: "Candidate", times: Array | None, name: str
) -> StoredSeries | None:
    """Decode the images of a DICOM series to disk, for reading slice by slice.

    Args:
        candidate: As found.
        times: Seconds of the frames; else as the files tell.
        name: For messages.

    Returns:
        The series; None where slices are tilted or uneven, which takes whole frames.

    Raises:
        DataError: As `read_dynamic`.
    """
    from magic_model.data.dicom.dynamic import plan_dynamic

    plan = plan_dynamic(candidate, times)
    if not plan.stack.is_regular:
        return None
    keeper = Folder()
    path = keeper.path / "planes"
    x, y, z, longest = plan.shape
    with path.open("wb") as file:
        for at, frame, values in plan.values():
            file.seek((at * longest + frame) * values.nbytes)
            file.write(values.tobytes())
        file.truncate(4 * z * longest * x * y)  # images that are missing, at the end

    def read(start: int, stop: int) -> FloatArray:
        place = longest * x * y
        planes = np.fromfile(
            path, np.float32, (stop - start) * place, offset=4 * start * place
        )
        array = planes.reshape(stop - start, longest, y, x).transpose(3, 2, 0, 1)
        return plan.clock.bring_together(array, start)

    seconds = plan.clock.times
    shape = (x, y, z, len(seconds))
    affine = np.asarray(plan.affine, np.float32).astype(np.float64)
    return StoredSeries(shape, affine, seconds, read, name, plan.clock.notes, keeper)
