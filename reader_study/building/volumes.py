"""Volumes of a study: cases on one grid, each sealed in a container without a header.

A container is the affine as 16 little-endian float64, then slice by slice, from the
lowest up, one image of every panel, and last 32 bytes that make each file its own, so
that the same volume shown to two groups gives no hint of it.
"""

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reader_study.building.pictures import write_picture
from reader_study.building.png import padding_of
from reader_study.design.study_plan import StudyPlan
from reader_study.errors import StudyError
from reader_study.formats import checking
from reader_study.formats.manifest import Panel, VolumeFile, Volumes

SEAL = 32
"""Bytes at the end of a container, from the key's seed."""

AFFINE = 128
"""Bytes at the beginning of a container."""

_ABOUT = "about"

Affine = NDArray[np.float64]
Image = NDArray[np.int16] | NDArray[np.uint8]


@checking.record
class _About:
    """What `about` of a case's volume says."""

    panels: tuple[Panel, ...]


@dataclass(frozen=True, eq=False)
class CaseVolume:
    """A case as one method shows it.

    Attributes:
        affine: `(4, 4)` from column, row and slice to mm.
        panels: What each image is.
        images: `(slices, rows, columns)` of each panel.
        source_sha256: Of the file it came from.
    """

    affine: Affine
    panels: tuple[Panel, ...]
    images: tuple[Image, ...]
    source_sha256: str = ""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Slices, rows and columns."""
        slices, rows, columns = self.images[0].shape
        return slices, rows, columns

    def container(self, token: str, seed: str) -> bytes:
        """Return the file of the volume under a token, the same each time."""
        seal = padding_of(seed, f"volume {token}")(SEAL)
        return encode(self.affine, self.images) + seal


def read_volume(path: Path) -> CaseVolume:
    """Read the volume of a case, an `.npz` as docs/file-formats.md describes it.

    Raises:
        StudyError: If it cannot be read or used; the file is named.
    """
    try:
        with np.load(path, allow_pickle=False) as given:
            arrays = {name: given[name] for name in given.files}
        content = json.loads(str(arrays[_ABOUT]))
        affine = np.asarray(arrays["affine"], np.float64)
        images = [arrays[f"panel_{n}"] for n in range(len(content["panels"]))]
        source = hashlib.sha256(path.read_bytes()).hexdigest()
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        msg = f"{path} must be the volume of a case that can be read ({error})"
        raise StudyError(msg) from error
    panels = checking.check(_About, content, checking.Source(str(path), content)).panels
    _check_images(path, panels, images, affine)
    return CaseVolume(affine, panels, tuple(images), source)


def encode(affine: Affine, images: tuple[Image, ...]) -> bytes:
    """Return a container but for its last bytes.

    Args:
        affine: `(4, 4)`.
        images: `(slices, rows, columns)` of each panel, int16 or uint8.
    """
    order = [image.astype(image.dtype.newbyteorder("<")) for image in images]
    slices = range(len(order[0]))
    body = b"".join(image[k].tobytes() for k in slices for image in order)
    return np.asarray(affine, "<f8").tobytes() + body


def decode(content: bytes, layout: Volumes) -> CaseVolume:
    """Return what is in a container.

    Raises:
        StudyError: If it has another length than the layout says.
    """
    if len(content) != container_length(layout):
        wanted = container_length(layout)
        msg = f"must have {wanted} bytes and no header, got {len(content)}"
        raise StudyError(msg)
    pixels = layout.rows * layout.columns
    names = [(f"p{n}", f"<{_kind(p)}", pixels) for n, p in enumerate(layout.panels)]
    slices = np.frombuffer(content[AFFINE:-SEAL], np.dtype(names))
    shape = (layout.slices, layout.rows, layout.columns)
    affine = np.frombuffer(content[:AFFINE], "<f8").reshape(4, 4)
    images = tuple(slices[name].reshape(shape) for name, *_ in names)
    return CaseVolume(affine, tuple(layout.panels), images)


def container_length(layout: Volumes) -> int:
    """Return the length of all containers in bytes."""
    pixels = layout.slices * layout.rows * layout.columns
    return AFFINE + pixels * sum(p.n_bytes for p in layout.panels) + SEAL


def read_volumes(
    paths: Mapping[tuple[str, str], Path],
) -> dict[tuple[str, str], str]:
    """Check that the volumes of all cases and methods lie on one grid.

    They are read one at a time: together they may not fit into memory.

    Args:
        paths: File by case and method.

    Returns:
        The hash of each file.

    Raises:
        StudyError: If one cannot be used, is unlike the first, or is given twice.
    """
    hashes: dict[tuple[str, str], str] = {}
    first: tuple[Path, CaseVolume] | None = None
    for (case, method), path in sorted(paths.items()):
        volume = read_volume(path)
        first = first or (path, volume)
        require_alike(path, volume, *first)
        hashes[case, method] = volume.source_sha256
    if len(set(hashes.values())) != len(hashes):
        msg = "Each case and method must have its own volume, got the same file twice"
        raise StudyError(msg)
    return hashes


def require_alike(
    path: Path, volume: CaseVolume, usual_path: Path, usual: CaseVolume
) -> None:
    """Check that a volume has grid and panels of another.

    Raises:
        StudyError: If not; both files are named.
    """
    for what, value, wanted in (
        ("panels", [vars(p) for p in volume.panels], [vars(p) for p in usual.panels]),
        ("slices, rows and columns", volume.shape, usual.shape),
        ("affine", volume.affine.tolist(), usual.affine.tolist()),
    ):
        if value != wanted:
            msg = f"{path} must have the {what} of {usual_path}, got others"
            raise StudyError(msg)


def write_volumes(
    folder: Path, plan: StudyPlan, paths: Mapping[tuple[str, str], Path], seed: str
) -> Volumes | None:
    """Write each volume once for every group and trial that sees it.

    Args:
        folder: Folder of the volumes, which is made.
        plan: Which is seen where, under which token.
        paths: Files by case and method, which lie on one grid; none in a study of
            montages.
        seed: Of the bytes that make each file its own.

    Raises:
        OSError: If one cannot be written.
    """
    if not paths:
        return None
    folder.mkdir()
    files = {}
    for planned in sorted(plan.presentations, key=lambda p: p.token):
        volume = read_volume(paths[planned.cell.case, planned.cell.method])
        written = write_container(folder, planned.token, volume, seed)
        files[planned.pseudo_id] = written
    slices, rows, columns = volume.shape
    in_order = dict(sorted(files.items()))
    return Volumes(slices, rows, columns, volume.panels, in_order)


def write_container(
    folder: Path, token: str, volume: CaseVolume, seed: str
) -> VolumeFile:
    """Write one container under a token, with the time that all pictures have.

    Raises:
        OSError: If it cannot be written.
    """
    content = volume.container(token, seed)
    path = folder / f"{token}.bin"
    write_picture(path, content)
    return VolumeFile(path.name, hashlib.sha256(content).hexdigest(), len(content))


def _kind(panel: Panel) -> str:
    return "i2" if panel.dtype == "int16" else "u1"


def _check_images(
    path: Path, panels: tuple[Panel, ...], images: list[Image], affine: Affine
) -> None:
    if affine.shape != (4, 4) or not np.isfinite(affine).all():
        msg = f"{path}: affine must be 4 x 4 finite numbers"
        raise StudyError(msg)
    shape = images[0].shape if images else ()
    for panel, image in zip(panels, images, strict=True):
        came = f"{image.dtype} {image.shape}"
        if image.dtype != panel.dtype or image.ndim != 3 or image.shape != shape:
            msg = f"{path}: {panel.name} must be {panel.dtype} {shape}, got {came}"
            raise StudyError(msg)
    if len(shape) != 3 or 0 in shape:
        msg = f"{path}: must have slices, rows and columns, got {shape}"
        raise StudyError(msg)
