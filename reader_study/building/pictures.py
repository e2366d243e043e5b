"""Pictures of a study: all encoded alike, all written alike."""

import hashlib
import math
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from reader_study.building import png
from reader_study.building.png import Pixels
from reader_study.design.study_plan import PlannedPresentation, StudyPlan
from reader_study.errors import StudyError
from reader_study.formats.manifest import Presentation

_MODES = {"1", "L", "LA", "P", "PA", "RGB", "RGBA"}  # 8 bits a channel or fewer

_STRIP, _COLUMNS, _PANEL = 0.28, (5, 6, 4, 3, 2), 96
"""Of montages in the usual form: as in the viewer's montage.js."""

FILE_TIME = 946_684_800
"""Modification time of every picture: 2000-01-01 UTC."""


def read_montage(path: Path) -> Pixels:
    """Read a montage; colours are kept to the bit, everything else is left behind.

    Returns:
        `(height, width, 3)` RGB.

    Raises:
        StudyError: If it cannot be read, or is a PNG that cannot be shown as it is:
            moving, transparent or of more than 8 bits. The file is named.
    """
    try:
        with Image.open(path, formats=["PNG"]) as image:
            return _pixels(image, path)
    except StudyError:
        raise
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        why = error.strerror if isinstance(error, OSError) else None
        msg = f"{path}: must be a PNG that can be read ({why or error})"
        raise StudyError(msg) from error


def montage_rows(size: tuple[int, int]) -> int:
    """Return the rows of a montage in the usual form; 0 of any other picture.

    Square panels stand in columns under a strip 0.28 of a panel high, as
    `magic-model montage` draws them and as the viewer knows them.

    Args:
        size: Height and width in pixels.

    Examples:
        >>> montage_rows((2632, 1280)), montage_rows((700, 900))
        (10, 0)
    """
    height, width = size
    for columns in _COLUMNS:
        panel = width // columns
        rows, rest = divmod(height - math.floor(panel * _STRIP + 0.5), max(1, panel))
        if width % columns == 0 and panel >= _PANEL and rest == 0 and rows > 0:
            return rows
    return 0


@dataclass(frozen=True)
class Picture:
    """An encoded montage.

    Attributes:
        size: Height and width in pixels.
        data: Compressed pixels.
        source_sha256: Of the file it came from.
    """

    size: tuple[int, int]
    data: bytes
    source_sha256: str

    def file(self, token: str, length: int, seed: str) -> bytes:
        """Return the PNG file of the picture under a token, the same each time."""
        padding = png.padding_of(seed, token)
        return png.padded_file(self.size, self.data, length, padding)


def encode_picture(path: Path) -> Picture:
    """Encode a montage.

    Raises:
        StudyError: If it cannot be read or shown; see `read_montage`.
    """
    pixels = read_montage(path)
    source = hashlib.sha256(path.read_bytes()).hexdigest()
    return Picture(pixels.shape[:2], png.image_data(pixels), source)


def encode_together(paths: Sequence[Path]) -> Picture:
    """Encode montages of one canvas as one picture, side by side without a gap.

    Raises:
        StudyError: If one cannot be read or shown; see `read_montage`.
    """
    pixels = np.concatenate([read_montage(path) for path in paths], axis=1)
    return Picture(pixels.shape[:2], png.image_data(pixels), "")


def write_picture(path: Path, content: bytes) -> None:
    """Write a picture's file with the time that all pictures have.

    Raises:
        OSError: If it cannot be written.
    """
    path.write_bytes(content)
    os.utime(path, (FILE_TIME, FILE_TIME))


def encode_pictures(
    images: Mapping[tuple[str, str], Path], jobs: int
) -> dict[tuple[str, str], Picture]:
    """Encode the montages of all cases and methods.

    Args:
        images: File by case and method.
        jobs: Number of pictures at a time.

    Raises:
        StudyError: If one cannot be read, has another canvas than the rest, or shows
            the same as another; the file is named.
    """
    # Reading and compressing leave the interpreter to others, so threads are enough.
    with ThreadPoolExecutor(jobs) as pool:
        encoded = list(pool.map(encode_picture, images.values()))
    pictures = dict(zip(images, encoded, strict=True))
    usual = Counter(p.size for p in encoded).most_common(1)[0][0]
    seen: dict[bytes, tuple[str, str]] = {}
    for name, picture in pictures.items():
        if picture.size != usual:
            wanted, came = _written(usual), _written(picture.size)
            msg = (
                f"{images[name]} must have the canvas of the rest, {wanted}, got {came}"
            )
            raise StudyError(msg)
        twin = seen.setdefault(hashlib.sha256(picture.data).digest(), name)
        if twin != name:
            both = f"{images[twin]}, got the same picture"
            msg = f"{images[name]} must show another picture than {both}"
            raise StudyError(msg)
    return pictures


def write_pictures(
    folder: Path,
    plan: StudyPlan,
    pictures: Mapping[tuple[str, str], Picture],
    seed: str,
) -> tuple[Presentation, ...]:
    """Write each picture once for every group and trial that sees it.

    All files have one length, one time and random names; no two have the same bytes.

    Args:
        folder: Folder of the pictures.
        plan: Which picture is seen where, under which token.
        pictures: By case and method, or methods.
        seed: Of their padding.

    Raises:
        OSError: If one cannot be written.
    """
    longest = max(len(picture.data) for picture in pictures.values())
    length = png.common_length(longest)
    return tuple(
        _write_picture(folder, p, pictures[p.cell.picture].file(p.token, length, seed))
        # In random order, so that neither inodes nor creation times tell a thing.
        for p in sorted(plan.presentations, key=lambda p: p.token)
    )


def _pixels(image: Image.Image, path: Path) -> Pixels:
    frames = getattr(image, "n_frames", 1)
    if image.mode not in _MODES or frames != 1:
        what = f"mode {image.mode}" if frames == 1 else f"{frames} frames"
        msg = f"{path} must be one picture of at most 8 bits a channel, got {what}"
        raise StudyError(msg)
    if image.has_transparency_data:
        colours = np.asarray(image.convert("RGBA"))
        least = int(colours[..., 3].min())
        if least < 255:
            msg = f"{path} must not be transparent, got an opacity of {least} of 255"
            raise StudyError(msg)
        return np.ascontiguousarray(colours[..., :3])
    return np.asarray(image.convert("RGB"))


def _written(size: tuple[int, int]) -> str:
    return f"{size[1]} x {size[0]} pixels"


def _write_picture(
    folder: Path, planned: PlannedPresentation, content: bytes
) -> Presentation:
    path = folder / f"{planned.token}.png"
    write_picture(path, content)
    return Presentation(
        token=planned.token,
        group=planned.group,
        trial=planned.trial,
        pseudo_id=planned.pseudo_id,
        image=path.name,
        sha256=hashlib.sha256(content).hexdigest(),
        length=len(content),
    )
