import io
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from reader_study.building.pictures import encode_pictures, read_montage
from reader_study.building.png import (
    CHUNKS,
    common_length,
    image_data,
    is_image_data,
    padded_file,
    pixels_of,
    read_chunks,
    without_empty_blocks,
)
from reader_study.errors import StudyError

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (12, 9, 3), dtype=np.uint8)


def encoded(pixels=PIXELS, extra=0):
    data = image_data(pixels)
    return padded_file(pixels.shape[:2], data, common_length(len(data) + extra))


@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 2**32))
def test_pixels_survive_to_the_bit_for_us_and_for_others(height, width, seed):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    content = encoded(pixels)

    assert (pixels_of(read_chunks(content)) == pixels).all()
    with Image.open(io.BytesIO(content)) as image:
        assert image.mode == "RGB"
        assert (np.asarray(image) == pixels).all()
        assert image.info == {}


def test_equal_pictures_have_equal_lengths_and_different_bytes():
    one, other = encoded(), encoded()
    empty = image_data(np.zeros_like(PIXELS))
    length = common_length(len(image_data(PIXELS)))

    assert one != other
    assert len(one) == len(other) == len(padded_file((12, 9), empty, length)) == length
    assert length % 1024 == 0
    assert tuple(chunk.kind for chunk in read_chunks(one)) == CHUNKS


def test_the_longest_picture_has_room_for_what_fills_it():
    for n in range(2000, 4100):
        assert common_length(n) - n - 8 - 13 - 4 * 12 >= 64 + 20


@given(st.integers(1, 40), st.integers(0, 2**32), st.integers(0, 200))
def test_how_well_a_picture_compresses_cannot_be_read_off_its_file(width, seed, more):
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 256, (12, width, 3), dtype=np.uint8)
    longest = max(len(image_data(noise)), len(image_data(0 * noise)))
    files = [
        padded_file((12, width), image_data(p), common_length(longest) + more)
        for p in (noise, 0 * noise)
    ]

    lengths = [[len(c.content) for c in read_chunks(content)] for content in files]
    assert lengths[0] == lengths[1]
    for content, pixels in zip(files, (noise, 0 * noise), strict=True):
        data = read_chunks(content)[1].content
        assert (pixels_of(read_chunks(content)) == pixels).all()
        assert is_image_data(data, pixels)
        assert len(without_empty_blocks(data)) <= len(image_data(pixels))
        assert not is_image_data(data, pixels ^ 1)


def test_a_picture_of_an_earlier_version_is_by_the_encoder_too():
    raw = zlib.decompress(image_data(PIXELS))
    encoder = zlib.compressobj(2, zlib.DEFLATED, 15, 9)
    assert is_image_data(encoder.compress(raw) + encoder.flush(), PIXELS)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA"])
def test_all_kinds_of_png_become_the_same_pixels(tmp_path, mode):
    grey = (PIXELS[..., 0] > 127).astype(np.uint8) * 255
    image = Image.fromarray(grey).convert(mode)
    information = PngImagePlugin.PngInfo()
    information.add_text("Source", "RAPID")
    image.save(tmp_path / "a.png", pnginfo=information, dpi=(72, 72))

    assert (read_montage(tmp_path / "a.png") == grey[..., None]).all()


def test_a_picture_that_cannot_be_shown_as_it_is_is_refused(tmp_path):
    path = tmp_path / "a.png"
    faint = np.dstack([PIXELS, np.full((12, 9), 200, dtype=np.uint8)])
    Image.fromarray(faint).save(path)
    with pytest.raises(StudyError, match=r"a\.png must not be transparent, got an op"):
        read_montage(path)
    Image.fromarray(PIXELS[..., 0].astype(np.uint16)).save(path)
    with pytest.raises(StudyError, match="at most 8 bits a channel, got mode I;16"):
        read_montage(path)
    frames = [Image.fromarray(PIXELS), Image.fromarray(255 - PIXELS)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    with pytest.raises(StudyError, match="got 2 frames"):
        read_montage(path)


def test_a_file_that_is_no_png_is_refused(tmp_path):
    path = tmp_path / "a.png"
    with pytest.raises(StudyError, match=r"a\.png: must be a PNG .*No such file"):
        read_montage(path)
    Image.fromarray(PIXELS).save(path, format="JPEG")
    with pytest.raises(StudyError, match="must be a PNG that can be read"):
        read_montage(path)
    path.write_bytes(encoded()[:60])
    with pytest.raises(StudyError, match="must be a PNG that can be read"):
        read_montage(path)


def test_montages_of_a_study_have_one_canvas_and_differ(tmp_path):
    paths = {("a", "x"): tmp_path / "a.png", ("a", "y"): tmp_path / "b.png"}
    Image.fromarray(PIXELS).save(paths["a", "x"])
    Image.fromarray(PIXELS[1:]).save(paths["a", "y"])
    with pytest.raises(StudyError, match=r"b\.png must have .* 9 x 12 .*got 9 x 11"):
        encode_pictures(paths, 2)
    Image.fromarray(PIXELS).save(paths["a", "y"], compress_level=0)
    with pytest.raises(StudyError, match=r"b\.png must show another picture than"):
        encode_pictures(paths, 2)
    with pytest.raises(StudyError, match=r"a\.png must show another picture than"):
        encode_pictures(paths | {("a", "y"): paths["a", "x"]}, 2)


def with_chunks(content, *chunks):
    body = b"".join(
        len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)
        for kind, data in chunks
    )
    return content[:8] + body


def parts(content=None):
    return [(chunk.kind, chunk.content) for chunk in read_chunks(content or encoded())]


def rows(filter_type=0, count=12):
    return zlib.compress(bytes([filter_type, *range(27)]) * count)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: [p[0], (b"tEXt", b"a\0b"), *p[1:]], "got IHDR, tEXt, IDAT"),
        (lambda p: [(b"IHDR", p[0][1][:-1]), *p[1:]], "a header of 13 bytes, got 12"),
        (lambda p: [(b"IHDR", p[0][1][:-1] + b"\1"), *p[1:]], "without interlacing"),
        (lambda p: [p[0], (b"IDAT", b"xx"), *p[2:]], "must hold image data, got"),
        (lambda p: [p[0], (b"IDAT", rows(count=11)), *p[2:]], "must hold 12 rows of 9"),
        (lambda p: [p[0], (b"IDAT", rows() + b"x"), *p[2:]], "and nothing else"),
        (lambda p: [p[0], (b"IDAT", rows(2)), *p[2:]], "rows with filter 0, got 2"),
    ],
)
def test_a_file_of_another_encoder_is_told_apart(change, message):
    content = with_chunks(encoded(), *change(parts()))
    with pytest.raises(StudyError, match=message):
        pixels_of(read_chunks(content))


def test_damage_is_found():
    content = encoded()
    for damaged in (content[:-1], content[:40] + b"x" + content[41:], content + b"x"):
        with pytest.raises(StudyError, match="must be whole, got a damaged chunk"):
            read_chunks(damaged)
    with pytest.raises(StudyError, match="must be a PNG file"):
        read_chunks(b"GIF89a")


def test_the_encoder_of_a_large_picture_is_told_from_its_first_quarter():
    pixels = np.repeat(RNG.integers(0, 200, (1200, 300, 3), dtype=np.uint8), 4, axis=1)
    raw = zlib.decompress(image_data(pixels))

    assert pixels.size > 2**22
    assert is_image_data(image_data(pixels), pixels)
    for level in (1, 3, 6, 9):
        assert not is_image_data(zlib.compress(raw, level), pixels)
