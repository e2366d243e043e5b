import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from magic_model.errors import DataError
from magic_model.maps import PerfusionMap
from magic_model.montage.cases import (
    Case,
    discard_cases,
    encode_png,
    share_without_value,
    write_cases,
    write_picture,
)

CASE = Case("P1", "severe", Path("montages/P1_reference.png"), Path("m/P1_test.png"))


def chunks(png):
    names, at = [], 8
    while at < len(png):
        length, name = struct.unpack(">I4s", png[at : at + 8])
        names.append(name.decode())
        at += length + 12
    return names


@pytest.fixture
def picture():
    return np.random.default_rng(1).integers(0, 256, (40, 30, 3)).astype(np.uint8)


def test_a_png_holds_the_pixels_and_nothing_else(picture):
    png = encode_png(picture)
    assert set(chunks(png)) == {"IHDR", "IDAT", "IEND"}
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png))), picture)
    assert encode_png(picture.copy()) == png


def test_the_table_is_as_documented(tmp_path):
    write_cases(tmp_path, [CASE])
    assert (tmp_path / "cases.csv").read_text() == (
        "case,severity,reference_image,test_image\n"
        "P1,severe,montages/P1_reference.png,m/P1_test.png\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["cases.csv"]


def test_a_picture_is_written_beside_the_table(tmp_path, picture):
    path = write_picture(tmp_path, "P1_test", picture)
    assert path == Path("montages/P1_test.png")
    assert (tmp_path / path).read_bytes() == encode_png(picture)
    assert [p.name for p in (tmp_path / "montages").iterdir()] == ["P1_test.png"]


def test_an_earlier_table_is_discarded(tmp_path):
    discard_cases(tmp_path)
    write_cases(tmp_path, [CASE])
    discard_cases(tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_written_is_said(tmp_path, picture):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"P1\.png: cannot be written"):
        write_picture(tmp_path / "file", "P1", picture)
    (tmp_path / "cases.csv").mkdir()
    with pytest.raises(DataError, match=r"cases\.csv: cannot be written"):
        write_cases(tmp_path, [CASE])
    with pytest.raises(DataError, match=r"cases\.csv: cannot be replaced"):
        discard_cases(tmp_path)
    assert not (tmp_path / ".cases.csv").exists()


def test_holes_are_those_of_the_map_with_most_of_them():
    mask = np.array([[True, True, True, True, False]])
    cbf = np.array([[1, 0, np.nan, 0, 0]], dtype=np.float32)
    ttp = np.array([[2, 0, 2, 5, 0]], dtype=np.float32)
    maps = {PerfusionMap.CBF: cbf, PerfusionMap.TTP: ttp}
    assert share_without_value(maps, mask) == pytest.approx(0.75)
