"""Read and write volumes as NIfTI."""

import os
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from magic_model.data.volume import FloatArray, Kind, Volume
from magic_model.errors import DataError

_ORTHOGONAL = 1e-3  # cosine, as `Volume.is_orthogonal`

# Truncated, damaged, of another format, or in colours (which are no numbers).
UNREADABLE = (
    nib.filebasedimages.ImageFileError,
    OSError,
    EOFError,
    ValueError,
    TypeError,
    zlib.error,
)


def read_nifti(path: Path, kind: Kind | str) -> Volume:
    """Read a NIfTI image in the physical units of its kind.

    A last axis of length 1 is dropped. Where sform and qform differ by more than a
    voxel, the sform is used and a note of the volume says so.

    Raises:
        DataError: If the file is missing, truncated, no NIfTI, a series over time, or
            has no place in space (neither qform nor sform).
    """
    try:
        image: Any = nib.load(path)
        _require_one_volume(image, path)
        array = np.asarray(image.dataobj, dtype=np.float32)
    except FileNotFoundError as error:
        msg = f"{path}: no such file"
        raise DataError(msg) from error
    except UNREADABLE as error:
        msg = f"{path}: not a readable NIfTI image ({error})"
        raise DataError(msg) from error
    if not (image.header.get("qform_code", 0) or image.header.get("sform_code", 0)):
        msg = f"{path}: must have a place in space, got neither qform nor sform"
        raise DataError(msg)
    if array.ndim == 4 and array.shape[3] == 1:
        array = array[..., 0]
    try:
        return Volume(array, image.affine, kind, _disagreement(image))
    except DataError as error:
        msg = f"{path}: {error}"
        raise DataError(msg) from error


def read_grid(path: Path, kind: Kind | str) -> Volume:
    """Read where a NIfTI image lies; its values are 0 and take no memory.

    Raises:
        DataError: If the file is missing or no NIfTI.
    """
    try:
        image: Any = nib.load(path)
        nothing = np.broadcast_to(np.float32(0), image.shape[:3])
        return Volume(nothing, image.affine, kind)
    except (*UNREADABLE, DataError) as error:
        msg = f"{path}: not a readable NIfTI image ({error})"
        raise DataError(msg) from error


def _require_one_volume(image: Any, path: Path) -> None:  # noqa: ANN401 - nibabel
    times = image.shape[3:]
    if len(times) > 1 or max(times, default=1) > 1:
        count = " x ".join(map(str, times))
        msg = (
            f"{path}: is a 4D series of {count} volumes, such as a raw perfusion scan "
            "over time; give one volume: the NCCT, or a map computed from the series"
        )
        raise DataError(msg)


def _disagreement(image: Any) -> tuple[str, ...]:  # noqa: ANN401 - nibabel
    """Note that sform and qform place an image differently.

    Only the first slice is looked at where the sform is sheared, as a qform holds none.
    """
    places = (image.get_sform(coded=True)[0], image.get_qform(coded=True)[0])
    if any(place is None for place in places):
        return ()
    sform = places[0][:3, :3]
    lengths = np.linalg.norm(sform, axis=0)
    x, y, z = (length - 1 for length in image.shape[:3])
    cosines = np.abs((sform / lengths).T @ (sform / lengths) - np.eye(3))
    depth = z if cosines.max() < _ORTHOGONAL else 0
    corners = np.array(
        [[i, j, k, 1] for i in (0, x) for j in (0, y) for k in (0, depth)]
    )
    apart = np.linalg.norm((corners @ (places[0] - places[1]).T)[:, :3], axis=1).max()
    if apart <= lengths.max():
        return ()
    return (
        f"sform and qform place it up to {apart:.1f} mm apart: the sform was used; "
        "make them agree if the qform is the right one",
    )


def write_nifti(volume: Volume, path: Path) -> None:
    """Write a volume as NIfTI, in one step: the file is whole or not there.

    Values are float32; those of an NCCT, where all are whole as scanners give them, are
    int16, which takes less than half the time and room. The bytes depend on nothing but
    the volume (no time stamp in the gzip header).

    Raises:
        DataError: If it cannot be written.
    """
    image = nib.Nifti1Image(_stored(volume), volume.affine)
    image.header.set_xyzt_units("mm", "sec")
    image.header["descrip"] = f"{volume.kind} [{volume.unit}]".encode()
    staged = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        nib.save(image, staged)
        staged.replace(path)
    except OSError as error:
        with suppress(OSError):  # nothing was begun, or it cannot be taken back
            staged.unlink()
        msg = f"{path}: cannot be written ({error.strerror or error})"
        raise DataError(msg) from error


def _stored(volume: Volume) -> FloatArray | NDArray[np.int16]:
    """Return the values in the smallest type that holds them exactly."""
    if volume.kind is not Kind.NCCT:
        return volume.array
    with np.errstate(invalid="ignore"):  # too large, or NaN: not equal then
        whole = volume.array.astype(np.int16)
    return whole if np.array_equal(whole, volume.array) else volume.array
