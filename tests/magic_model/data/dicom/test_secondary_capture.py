import numpy as np
import pydicom
import pytest
from pydicom.uid import JPEG2000Lossless, RLELossless

from magic_model.data.dicom.colour import read_picture
from magic_model.data.dicom.study import burnt_in_warning
from magic_model.errors import DataError
from tests.magic_model.data.dicom.captures import write_secondary_capture


@pytest.fixture
def picture(rng):
    return rng.integers(0, 256, (37, 51, 3), dtype=np.uint8)


def test_a_picture_comes_back_pixel_by_pixel(tmp_path, picture):
    path = tmp_path / "montage.dcm"

    write_secondary_capture(picture, path)

    np.testing.assert_array_equal(read_picture(path), picture)
    dataset = pydicom.dcmread(path)
    np.testing.assert_array_equal(dataset.pixel_array, picture)
    assert burnt_in_warning(dataset) is not None


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_compressed_colour_is_read_as_rgb(tmp_path, rng, syntax):
    picture = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = tmp_path / "montage.dcm"
    write_secondary_capture(picture, path)
    dataset = pydicom.dcmread(path)
    if syntax == JPEG2000Lossless:
        dataset.PhotometricInterpretation = "YBR_RCT"
    dataset.compress(syntax)
    dataset.save_as(path)

    np.testing.assert_array_equal(read_picture(path), picture)


def test_palette_colour_is_read_as_rgb(tmp_path, rng, ct, write_file):
    palette = rng.integers(0, 256, (256, 3), dtype=np.uint8)
    indices = rng.integers(0, 256, (4, 6), dtype=np.uint8)
    dataset = ct.slices[0]
    dataset.PhotometricInterpretation = "PALETTE COLOR"
    dataset.Rows, dataset.Columns, dataset.PixelRepresentation = 4, 6, 0
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit = 7
    dataset.PixelData = indices.tobytes()
    dataset["PixelData"].VR = "OB"
    for channel, name in enumerate(("Red", "Green", "Blue")):
        keyword = f"{name}PaletteColorLookupTable"
        setattr(dataset, f"{keyword}Descriptor", [256, 0, 16])
        dataset[f"{keyword}Descriptor"].VR = "US"
        setattr(
            dataset,
            f"{keyword}Data",
            (palette[:, channel].astype("<u2") * 257).tobytes(),
        )
    path = write_file(dataset, tmp_path / "palette.dcm")

    np.testing.assert_array_equal(read_picture(path), palette[indices])


def test_grey_is_no_picture(tmp_path, ct):
    with pytest.raises(DataError, match="must be a colour picture"):
        read_picture(ct.write(tmp_path)[0])


def test_several_frames_are_no_picture(tmp_path, rng, ct, put_pixels, write_file):
    put_pixels(ct.slices[0], rng.integers(0, 256, (2, 4, 6, 3), dtype=np.uint8))
    ct.slices[0].NumberOfFrames = 2
    path = write_file(ct.slices[0], tmp_path / "cine.dcm")

    with pytest.raises(DataError, match="must be one frame of 8 bits"):
        read_picture(path)
