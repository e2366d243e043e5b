"""The one PNG encoder: equal pictures give equal image data, whatever they came from.

A file holds four chunks: header, image data, random padding, end. Image data are filled
up with empty blocks inside their compressed stream, so that all chunks are equally long
in all files of a study: how well a picture compresses cannot be read off its file. The
random padding makes each file unique. It is drawn from a seed that the key keeps, so
that whoever has key and montage can make the same file again. Filter 0 suits
colour-mapped pictures, whose neighbouring colours are no neighbours in RGB, and is the
quickest to undo.
"""

import hashlib
import secrets
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reader_study.errors import StudyError

Pixels = NDArray[np.uint8]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
PADDING = b"paDd"
"""Ancillary, private and safe to copy, in the sense of the PNG specification 5.4."""

CHUNKS = (b"IHDR", b"IDAT", PADDING, b"IEND")
PADDED = 64
"""Bytes of random padding in each file."""

_OVERHEAD = 12  # length, type and CRC of a chunk
_AROUND_DATA = len(SIGNATURE) + 13 + len(CHUNKS) * _OVERHEAD + PADDED
_EIGHT_BIT_RGB = (8, 2, 0, 0, 0)
_LEVEL = 2
_LARGE = 2**22  # bytes

# Blocks of deflate (RFC 1951) that hold nothing: a stored one of no bytes, and before
# it one of fixed codes that only ends. Five and six bytes make any number from 20 on.
_EMPTY = b"\x00\x00\x00\xff\xff"
_EMPTY_TWICE = b"\x02\x00\x00\x00\xff\xff"
LEAST_EMPTY = 20
_END = 6  # bytes of an empty last block and the check sum


@dataclass(frozen=True)
class Chunk:
    """A piece of a PNG file."""

    kind: bytes
    content: bytes


def image_data(pixels: Pixels) -> bytes:
    """Compress a picture.

    Args:
        pixels: `(height, width, 3)` RGB.

    Returns:
        The content of its chunk IDAT.
    """
    encoder = _encoder()
    body = encoder.compress(_rows(pixels)) + encoder.flush(zlib.Z_SYNC_FLUSH)
    return body + encoder.flush()


def is_image_data(data: bytes, pixels: Pixels) -> bool:
    """Return whether `image_data` gives these bytes for a picture, filled up or not.

    Studies of earlier versions, whose data end without a flush, count too. Of large
    pictures the first quarter is tried, which is quicker and tells encoders apart as
    well.
    """
    if pixels.size <= _LARGE:
        own, encoder = image_data(pixels), _encoder()
        if len(data) >= len(own) + LEAST_EMPTY:
            return data == with_empty_blocks(own, len(data))
        earlier = encoder.compress(_rows(pixels)) + encoder.flush()
        return data in (own, earlier)
    start = _encoder().compress(_rows(pixels[: len(pixels) // 4]))
    return data.startswith(start)


def with_empty_blocks(data: bytes, length: int) -> bytes:
    """Fill image data up to a length; they hold the same picture.

    Args:
        data: As `image_data` returns them.
        length: At least `LEAST_EMPTY` bytes more.
    """
    spare = length - len(data)
    twice = spare % len(_EMPTY)
    once = spare // len(_EMPTY) - twice
    blocks = _EMPTY * once + _EMPTY_TWICE * twice
    return data[:-_END] + blocks + data[-_END:]


def without_empty_blocks(data: bytes) -> bytes:
    """Take away the empty blocks at the end, such as `with_empty_blocks` fills in."""
    end = len(data) - _END
    for block in (_EMPTY_TWICE, _EMPTY):  # the encoder's own goes, too, from all
        while data.endswith(block, 0, end):
            end -= len(block)
    return data[:end] + data[-_END:]


Padding = Callable[[int], bytes]
"""Gives so many bytes of padding."""


def padding_of(seed: str, token: str) -> Padding:
    """Return the padding of one picture; without the seed it is random.

    Args:
        seed: Secret text of the study, kept in the key.
        token: Names the picture.
    """
    return hashlib.shake_256(f"{seed} {token}".encode()).digest


def padded_file(
    size: tuple[int, int],
    data: bytes,
    length: int,
    padding: Padding = secrets.token_bytes,
) -> bytes:
    """Make a PNG file of a given length.

    Args:
        size: Height and width in pixels.
        data: Compressed pixels, as `image_data` returns them.
        length: Bytes of the file; see `common_length`.
        padding: What the rest is filled with.
    """
    header = struct.pack(">IIBBBBB", size[1], size[0], *_EIGHT_BIT_RGB)
    filled = with_empty_blocks(data, length - _AROUND_DATA)
    body = SIGNATURE + _written(b"IHDR", header) + _written(b"IDAT", filled)
    random = _written(PADDING, padding(PADDED))
    return body + random + _written(b"IEND", b"")


def common_length(longest_data: int) -> int:
    """Return the length of all files, in whole kibibytes, for the longest data."""
    least = _AROUND_DATA + longest_data + LEAST_EMPTY
    return -(-least // 1024) * 1024


def read_chunks(content: bytes) -> tuple[Chunk, ...]:
    """Take a PNG file apart.

    Raises:
        StudyError: If it is none, or is damaged.
    """
    if not content.startswith(SIGNATURE):
        msg = "must be a PNG file, got another kind"
        raise StudyError(msg)
    return tuple(_chunks(content))


def pixels_of(chunks: tuple[Chunk, ...]) -> Pixels:
    """Return the picture of a file that `padded_file` made.

    Raises:
        StudyError: If another encoder made it.
    """
    by_kind = {chunk.kind: chunk.content for chunk in chunks}
    if tuple(chunk.kind for chunk in chunks) != CHUNKS:
        names = ", ".join(chunk.kind.decode("latin-1") for chunk in chunks[:8])
        msg = f"must have the chunks IHDR, IDAT, paDd, IEND, got {names}"
        raise StudyError(msg)
    if len(by_kind[b"IHDR"]) != 13:
        msg = f"must have a header of 13 bytes, got {len(by_kind[b'IHDR'])}"
        raise StudyError(msg)
    width, height, *form = struct.unpack(">IIBBBBB", by_kind[b"IHDR"])
    if tuple(form) != _EIGHT_BIT_RGB:
        msg = f"must be 8-bit RGB without interlacing, got {form}"
        raise StudyError(msg)
    decoder = zlib.decompressobj()
    try:
        raw = decoder.decompress(by_kind[b"IDAT"], height * (1 + 3 * width) + 1)
    except zlib.error as error:
        msg = f"must hold image data, got {error}"
        raise StudyError(msg) from error
    if len(raw) != height * (1 + 3 * width) or decoder.unused_data or not decoder.eof:
        msg = f"must hold {height} rows of {width} pixels and nothing else"
        raise StudyError(msg)
    rows = np.frombuffer(raw, dtype=np.uint8).reshape(height, -1)
    if rows[:, 0].any():
        msg = f"must have rows with filter 0, got {int(rows[:, 0].max())}"
        raise StudyError(msg)
    return rows[:, 1:].reshape(height, width, 3)


def _encoder() -> "zlib._Compress":
    return zlib.compressobj(_LEVEL, zlib.DEFLATED, 15, 9)


def _rows(pixels: Pixels) -> bytes:
    height, width, _ = pixels.shape
    rows = np.zeros((height, 1 + 3 * width), dtype=np.uint8)  # 0: no filter
    rows[:, 1:] = pixels.reshape(height, -1)
    return rows.tobytes()


def _chunks(content: bytes) -> Iterator[Chunk]:
    start = len(SIGNATURE)
    while start < len(content):
        head = content[start : start + 8]
        length = int.from_bytes(head[:4]) if len(head) == 8 else len(content)
        end = start + _OVERHEAD + length
        chunk = Chunk(head[4:], content[start + 8 : end - 4])
        if end > len(content) or content[start:end] != _written(*_parts(chunk)):
            msg = f"must be whole, got a damaged chunk at byte {start}"
            raise StudyError(msg)
        yield chunk
        start = end


def _parts(chunk: Chunk) -> tuple[bytes, bytes]:
    return chunk.kind, chunk.content


def _written(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(content, zlib.crc32(kind))
    return (
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
    )
