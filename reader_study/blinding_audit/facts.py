"""What a file is apart from its picture."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reader_study.build.png import (
    PADDING,
    Pixels,
    is_image_data,
    pixels_of,
    read_chunks,
)
from reader_study.errors import StudyError
from reader_study.formats.manifest import Presentation

_DARK = 24  # of 255: background with its noise, darker than any tissue shown
_N_COLOURS = 2**24


@dataclass(frozen=True)
class PictureFacts:
    """Facts of one picture, all in pixels or grey levels.

    Attributes:
        same_encoder: Whether the study's own encoder gives the same image data.
        frame: Mean of the outermost row or column at top, bottom, left and right.
        margin: Rows and columns around the content, summed over the sides.
        slice_rows: Bands of content from top to bottom.
        background_noise: Standard deviation of dark pixels.
        background_share: Share of dark pixels.
        colours: Number of different colours.
        data_length: Of the compressed pixels, in bytes.
    """

    same_encoder: bool
    frame: tuple[float, float, float, float]
    margin: int
    slice_rows: int
    background_noise: float
    background_share: float
    colours: int
    data_length: int


def read_picture_facts(path: Path) -> PictureFacts | str:
    """Measure the picture of a file; what is wrong with the file if there is none."""
    chunks = read_chunks(path.read_bytes())
    try:
        pixels = pixels_of(chunks)
    except StudyError as error:
        return str(error)
    data = next(chunk.content for chunk in chunks if chunk.kind == b"IDAT")
    return _measure(pixels, data)


def _measure(pixels: Pixels, data: bytes) -> PictureFacts:
    """Measure a picture.

    Args:
        pixels: `(height, width, 3)` RGB.
        data: Its compressed pixels as they lie in the file.
    """
    red, green, blue = (pixels[..., channel] for channel in range(3))
    colour: NDArray[np.uint32] = np.left_shift(red, 16, dtype=np.uint32)
    colour |= np.left_shift(green, 8, dtype=np.uint32)
    colour |= blue
    content = colour != colour[0, 0]
    rows, columns = content.any(axis=1), content.any(axis=0)
    brightness = np.maximum(np.maximum(red, green), blue)
    dark = brightness[brightness < _DARK]
    return PictureFacts(
        same_encoder=is_image_data(data, pixels),
        frame=(
            float(pixels[0].mean()),
            float(pixels[-1].mean()),
            float(pixels[:, 0].mean()),
            float(pixels[:, -1].mean()),
        ),
        margin=sum(_outside(line) for line in (rows, columns)),
        slice_rows=int(np.count_nonzero(np.diff(rows.astype(np.int8), prepend=0) > 0)),
        background_noise=float(dark.std()) if dark.size else 0.0,
        background_share=dark.size / brightness.size,
        colours=_n_different(colour),
        data_length=len(data),
    )


def _outside(content: NDArray[np.bool_]) -> int:
    """Count the places before the first and after the last with content."""
    inside = np.flatnonzero(content)
    return len(content) - (int(inside[-1] - inside[0]) + 1 if inside.size else 0)


def _n_different(colour: NDArray[np.uint32]) -> int:
    seen = np.zeros(_N_COLOURS, dtype=bool)
    seen[colour.ravel()] = True
    return int(np.count_nonzero(seen))


@dataclass(frozen=True)
class FileFacts:
    """Facts of one served file.

    Attributes:
        presentation: What the manifest says of it.
        path: Where it lies.
        sha256: Of its bytes.
        length: In bytes.
        chunks: Kinds of its chunks in their order.
        header: Content of its header chunk.
        data_sha256: Of its compressed pixels.
        data_length: Of its compressed pixels, in bytes.
        padding: Its random padding.
        modified_ns: Modification time in ns.
        mode: Permissions.
        inode: Number in the file system, which rises with creation.
    """

    presentation: Presentation
    path: Path
    sha256: str
    length: int
    chunks: tuple[str, ...]
    header: bytes
    data_sha256: str
    data_length: int
    padding: bytes
    modified_ns: int
    mode: int
    inode: int

    @property
    def name(self) -> str:
        """Name of the file."""
        return self.presentation.image

    @property
    def padding_mean(self) -> float:
        """Mean of the padding's bytes; 127.5 is expected."""
        values = np.frombuffer(self.padding, dtype=np.uint8)
        return float(values.mean()) if len(values) else 0.0


def read_file_facts(path: Path, presentation: Presentation) -> FileFacts:
    """Read a file and take it apart.

    Raises:
        StudyError: If it cannot be read or is no PNG; the file is named.
    """
    try:
        content, status = path.read_bytes(), path.stat()
        chunks = read_chunks(content)
    except OSError as error:
        msg = f"{path.name}: {error.strerror}"
        raise StudyError(msg) from error
    except StudyError as error:
        msg = f"{path.name} {error}"
        raise StudyError(msg) from error
    data = [chunk.content for chunk in chunks if chunk.kind == b"IDAT"]
    return FileFacts(
        presentation=presentation,
        path=path,
        sha256=hashlib.sha256(content).hexdigest(),
        length=len(content),
        chunks=tuple(chunk.kind.decode("latin-1") for chunk in chunks),
        header=b"".join(chunk.content for chunk in chunks if chunk.kind == b"IHDR"),
        data_sha256=hashlib.sha256(b"".join(data)).hexdigest(),
        data_length=sum(map(len, data)),
        padding=b"".join(chunk.content for chunk in chunks if chunk.kind == PADDING),
        modified_ns=status.st_mtime_ns,
        mode=status.st_mode,
        inode=status.st_ino,
    )
