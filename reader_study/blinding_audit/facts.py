"""Facts of a file and of its picture that have nothing to do with the diagnosis."""

import hashlib
import re
import struct
from collections import Counter
from collections.abc import Callable, Container, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from reader_study.blinding_audit.findings import Check
from reader_study.building import png
from reader_study.errors import StudyError
from reader_study.formats.manifest import Presentation, Slot

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
        data_length: Length of the compressed pixels in bytes, but for what fills them.
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
    chunks = png.read_chunks(path.read_bytes())
    try:
        pixels = png.pixels_of(chunks)
    except StudyError as error:
        return str(error)
    data = next(chunk.content for chunk in chunks if chunk.kind == b"IDAT")
    return measured(pixels, data)


@dataclass(frozen=True)
class FileFacts:
    """Facts of one served file.

    Attributes:
        presentation: What the manifest says of it.
        path: Path of the file.
        sha256: Of its bytes.
        length: Length of the file in bytes.
        chunks: Kinds of its chunks in their order.
        header: Content of its header chunk.
        data_sha256: Of its compressed pixels.
        data_length: Length of its compressed pixels in bytes, but for what fills them.
        chunk_length: The same with it, as anyone reads off the file.
        padding: Random padding of the file.
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
    chunk_length: int
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
        chunks = png.read_chunks(content)
    except OSError as error:
        msg = f"{path.name}: {error.strerror}"
        raise StudyError(msg) from error
    except StudyError as error:
        msg = f"{path.name} {error}"
        raise StudyError(msg) from error
    data = b"".join(chunk.content for chunk in chunks if chunk.kind == b"IDAT")
    return FileFacts(
        presentation=presentation,
        path=path,
        sha256=hashlib.sha256(content).hexdigest(),
        length=len(content),
        chunks=tuple(chunk.kind.decode("latin-1") for chunk in chunks),
        header=b"".join(chunk.content for chunk in chunks if chunk.kind == b"IHDR"),
        data_sha256=hashlib.sha256(data).hexdigest(),
        data_length=len(png.without_empty_blocks(data)),
        chunk_length=len(data),
        padding=b"".join(
            chunk.content for chunk in chunks if chunk.kind == png.PADDING
        ),
        modified_ns=status.st_mtime_ns,
        mode=status.st_mode,
        inode=status.st_ino,
    )


def narrowed(slots: Iterable[Slot], tokens: Container[str]) -> list[Slot]:
    """Return slots whose orders hold some presentations alone."""
    return [
        replace(
            slot,
            orders={
                trial: tuple(token for token in order if token in tokens)
                for trial, order in slot.orders.items()
            },
        )
        for slot in slots
    ]


def measured(pixels: png.Pixels, data: bytes) -> PictureFacts:
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
        same_encoder=png.is_image_data(data, pixels),
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
        data_length=len(png.without_empty_blocks(data)),
    )


def _outside(content: NDArray[np.bool_]) -> int:
    """Count the places before the first and after the last with content."""
    inside = np.flatnonzero(content)
    return len(content) - (int(inside[-1] - inside[0]) + 1 if inside.size else 0)


def _n_different(colour: NDArray[np.uint32]) -> int:
    seen = np.zeros(_N_COLOURS, dtype=bool)
    seen[colour.ravel()] = True
    return int(np.count_nonzero(seen))


_Pictures = Mapping[str, PictureFacts | str]

_Value = TypeVar("_Value", bound=Hashable)

_SHOWN = 3  # faults of a kind; more would tell nothing new
_NAME = re.compile(r"[0-9a-f]{32}\.png")
_CHUNKS = tuple(kind.decode() for kind in png.CHUNKS)


def file_checks(facts: Sequence[FileFacts], pictures: _Pictures) -> tuple[Check, ...]:
    """Compare all files of a study.

    Args:
        facts: Facts of each file.
        pictures: Of each image data, by its SHA-256; a text if it has none.
    """
    return (
        _check("bytes", map(_altered, facts)),
        _alike("file length", facts, lambda f: f.length, lambda x: f"{x} bytes"),
        _check("chunks", map(_wrong_chunks, facts)),
        _compressed_length(facts),
        _alike("canvas", facts, lambda f: f.header[:8], _canvas),
        _check("encoder", _other_encoder(facts, pictures)),
        _alike("file times", facts, lambda f: f.modified_ns, _time),
        _alike("permissions", facts, lambda f: f.mode, lambda x: f"{x:o}"),
        _check("names", map(_wrong_name, facts)),
        _check("repeated bytes", _repeated(facts)),
    )


def _check(name: str, faults: Iterable[str]) -> Check:
    found = [fault for fault in faults if fault]
    more = [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    return Check(name, (*found[:_SHOWN], *more))


def _alike(
    name: str,
    facts: Sequence[FileFacts],
    value: Callable[[FileFacts], _Value],
    written: Callable[[_Value], str],
) -> Check:
    """Yield the files that differ from most."""
    usual = Counter(map(value, facts)).most_common(1)[0][0]
    return _check(
        name,
        (
            f"{f.name} has {written(value(f))}, most have {written(usual)}"
            for f in facts
            if value(f) != usual
        ),
    )


def _compressed_length(facts: Sequence[FileFacts]) -> Check:
    """Compare what the files say of it; earlier versions filled up none of them."""
    name = "compressed length"
    if all(f.chunk_length == f.data_length for f in facts):
        return Check(name)
    return _alike(name, facts, lambda f: f.chunk_length, lambda x: f"{x} bytes")


def _altered(facts: FileFacts) -> str:
    wanted = facts.presentation
    same = (facts.sha256, facts.length) == (wanted.sha256, wanted.length)
    return "" if same else f"{facts.name} is not the file the study was built with"


def _wrong_chunks(facts: FileFacts) -> str:
    if facts.chunks == _CHUNKS:
        return ""
    odd = [kind for kind in facts.chunks if kind not in _CHUNKS]
    what = f"a chunk {odd[0]}" if odd else " ".join(facts.chunks[:6])
    return f"{facts.name} must have the chunks {' '.join(_CHUNKS)}, got {what}"


def _other_encoder(facts: Sequence[FileFacts], pictures: _Pictures) -> list[str]:
    unreadable = [
        f"{f.name} {picture}"
        for f in facts
        if f.chunks == _CHUNKS  # else that is what is said of it
        and isinstance(picture := pictures[f.data_sha256], str)
    ]
    others = [
        f"{f.name} was compressed by another encoder"
        for f in facts
        if isinstance(picture := pictures[f.data_sha256], PictureFacts)
        and not picture.same_encoder
    ]
    # Where all differ, the study was built with another version of zlib: all alike.
    return unreadable + (others if len(others) < len(facts) else [])


def _wrong_name(facts: FileFacts) -> str:
    if _NAME.fullmatch(facts.name):
        return ""
    return f"{facts.name} must be 32 hexadecimal digits and .png"


def _repeated(facts: Sequence[FileFacts]) -> list[str]:
    seen: dict[bytes, str] = {}
    found = []
    for f in facts:
        twin = seen.setdefault(f.padding, f.name)
        if twin != f.name:
            found.append(
                f"{f.name} has the padding of {twin}, so that their trials link"
            )
    return found


def _canvas(size: bytes) -> str:
    width, height = struct.unpack(">II", size)
    return f"{width} x {height} pixels"


def _time(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds // 10**9, UTC).isoformat()
