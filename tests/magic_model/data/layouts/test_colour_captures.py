import pickle

import matplotlib as mpl
import numpy as np
import pytest
from pydicom.uid import SecondaryCaptureImageStorage

from magic_model.data.layouts import find_patients
from magic_model.data.volume import Kind
from magic_model.errors import DataError

JET = (mpl.colormaps["jet"](np.arange(256))[:, :3] * 255).round().astype(np.uint8)
SIDE = 80
BRAIN = np.hypot(*(np.mgrid[:SIDE, :SIDE] - 36)) < 25
BAR = np.s_[8:72, 70:76]
ENTRIES = np.linspace(255, 0, 64).round().astype(int)  # high at the upper end


def make_pictures(disk, folder, truth, *, colours=JET, bar=True, name="CBF", **tags):
    """Write shares of the bar, `(slices, rows, columns)`, as coloured captures."""
    for k, shares in enumerate(truth):
        rgb = np.zeros((SIDE, SIDE, 3), np.uint8)
        rgb[BRAIN] = colours[(shares[BRAIN] * 255).round().astype(int)]
        rgb[:4, 10:30:2] = 255  # text
        rgb[20:30, :8] = 90  # grey anatomy
        if bar:
            rgb[BAR] = JET[ENTRIES][:, None]
        write_rgb(disk, folder / f"{name}-{k}", rgb, z=5.0 * k, name=name, **tags)


def write_rgb(disk, path, rgb, *, name, **tags):
    capture = {
        "SOPClassUID": SecondaryCaptureImageStorage,
        "Modality": "OT",
        "ImageType": ["DERIVED", "SECONDARY"],
        "SeriesDescription": name,
        "SamplesPerPixel": 3,
        "PlanarConfiguration": 0,
        "PhotometricInterpretation": "RGB",
        "BitsAllocated": 8,
        "BitsStored": 8,
        "HighBit": 7,
        "PixelData": rgb.tobytes(),
    }
    blank = np.zeros(rgb.shape[:2])
    disk.slice(path, blank, series=f"{path.parent} {name}", **(capture | tags))


def write_table(root, top, kind="cbf", step=5):
    path = root / "colour-bars" / f"{kind}.csv"
    path.parent.mkdir()
    rows = [
        f"{top * i / 255},{red},{green},{blue}"
        for i, (red, green, blue) in enumerate(JET)
        if i % step == 0
    ]
    path.write_text("\n".join(["value,red,green,blue", *rows]))
    return path


@pytest.fixture
def truth(rng):
    """Two slices of shares of the bar; noise, as no part of a brain is a bar."""
    return rng.uniform(0.1, 0.9, (2, SIDE, SIDE))


def only_note(patient, text):
    (note,) = [note for note in patient.notes if text in note]
    return note


def test_a_map_is_read_by_its_own_bar_over_the_assumed_range(tmp_path, disk, truth):
    make_pictures(disk, tmp_path / "a", truth)
    (patient,) = find_patients("dicom", tmp_path)
    cbf = patient.images[Kind.CBF]()
    found = cbf.array.transpose(2, 1, 0)
    # A bar of 64 pixels for 256 colours, of which five are one and the same blue.
    np.testing.assert_allclose(found[:, BRAIN], 60 * truth[:, BRAIN], atol=1.5)
    assert abs(found[:, BRAIN] - 60 * truth[:, BRAIN]).mean() < 60 / 255
    assert not found[:, ~BRAIN].any()  # background, text, anatomy, and the bar itself
    assert cbf.kind is Kind.CBF
    assert cbf.spacing == (0.25, 0.5, 5.0)
    assert cbf.affine[:3, 3].tolist() == [10, 20, 0]
    note = only_note(patient, "read from colours")
    assert "by the bar in the picture, whose range is assumed: 0 to 60" in note
    assert f"above 30 for 0.0% of {2 * BRAIN.sum()} coloured pixels" in note
    assert "burnt-in text is possible in cbf (secondary capture)" in only_note(
        patient, "burnt-in"
    )
    again = pickle.loads(pickle.dumps(patient))  # noqa: S301
    np.testing.assert_array_equal(again.images[Kind.CBF]().array, cbf.array)


@pytest.mark.parametrize("bar", [True, False])
def test_a_table_goes_before_the_bar_in_the_picture(tmp_path, disk, truth, bar):
    make_pictures(disk, tmp_path / "a", truth, bar=bar)
    table = write_table(tmp_path, top=90)
    (patient,) = find_patients("dicom", tmp_path)  # the tables are no patient
    found = patient.images[Kind.CBF]().array.transpose(2, 1, 0)
    np.testing.assert_allclose(found[:, BRAIN], 90 * truth[:, BRAIN], atol=2)
    assert not found[:, ~BRAIN].any()
    note = only_note(patient, "read from colours")
    assert "by the table colour-bars/cbf.csv;" in note
    assert "assumed" not in note
    assert ("no bar was found to leave out in 2 of 2" in note) is not bar
    assert table in patient.files


def test_without_bar_and_table_a_map_is_refused(tmp_path, disk, truth):
    make_pictures(disk, tmp_path / "a", truth, bar=False)
    (patient,) = find_patients("dicom", tmp_path)
    with pytest.raises(DataError, match=r"must have colour-bars/cbf\.csv or show one"):
        patient.images[Kind.CBF]()
    assert not any("read from colours" in note for note in patient.notes)


@pytest.mark.parametrize(
    "missing",
    [("PixelSpacing",), ("ImagePositionPatient", "ImageOrientationPatient")],
)
def test_a_map_without_a_place_is_refused_with_what_is_missing(
    tmp_path, disk, truth, missing
):
    make_pictures(disk, tmp_path / "a", truth, **dict.fromkeys(missing))
    (patient,) = find_patients("dicom", tmp_path)
    with pytest.raises(DataError) as refusal:
        patient.images[Kind.CBF]()
    assert str(refusal.value).endswith(
        f"paired with the NCCT, missing: {', '.join(missing)}"
    )


def test_colours_of_another_bar_are_refused_with_their_share(tmp_path, disk, truth):
    magenta = np.array([[255, 0, 255]]).astype(np.uint8)
    colours = np.where(np.arange(256)[:, None] < 128, magenta, JET)
    make_pictures(disk, tmp_path / "a", truth, colours=colours)
    (patient,) = find_patients("dicom", tmp_path)
    share = np.mean((truth[:, BRAIN] * 255).round() < 128)
    assert f"above 30 for {share:.1%} of" in only_note(patient, "read from colours")
    with pytest.raises(DataError, match=f"at most 5% .* got {share:.1%}"):
        patient.images[Kind.CBF]()


def test_a_few_foreign_pixels_are_left_out(tmp_path, disk, truth):
    colours = JET.copy()
    colours[26:30] = 255, 0, 255  # about 2 % of shares from 0.1 to 0.9
    make_pictures(disk, tmp_path / "a", truth, colours=colours)
    (patient,) = find_patients("dicom", tmp_path)
    found = patient.images[Kind.CBF]().array.transpose(2, 1, 0)[:, BRAIN]
    entries = (truth[:, BRAIN] * 255).round()
    np.testing.assert_array_equal(found == 0, entries < 30)


def test_pictures_without_colour_are_refused(tmp_path, disk, truth):
    grey = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    make_pictures(disk, tmp_path / "a", truth, colours=grey)
    (patient,) = find_patients("dicom", tmp_path)
    with pytest.raises(DataError, match="must have coloured pixels, got none"):
        patient.images[Kind.CBF]()


def test_several_frames_in_a_file_are_refused(tmp_path, disk, truth):
    make_pictures(disk, tmp_path / "a", truth, NumberOfFrames=2)
    (patient,) = find_patients("dicom", tmp_path)
    with pytest.raises(DataError, match="must be one slice a file, got 2"):
        patient.images[Kind.CBF]()


def test_a_palette_makes_a_picture_and_a_damaged_one_is_refused(tmp_path, disk, truth):
    indices = np.zeros((SIDE, SIDE), np.uint8)
    indices[BRAIN] = (truth[0][BRAIN] * 255).round()
    palette = {"SamplesPerPixel": 1, "PhotometricInterpretation": "PALETTE COLOR"}
    for i, channel in enumerate(("Red", "Green", "Blue")):
        name = f"{channel}PaletteColorLookupTable"
        palette[f"{name}Descriptor"] = [256, 0, 16]
        palette[f"{name}Data"] = (JET[:, i].astype("<u2") * 257).tobytes()
    pixels = {"name": "CBF", "PixelData": indices.tobytes()}
    rgb = np.zeros((SIDE, SIDE, 3), np.uint8)
    write_rgb(disk, tmp_path / "a" / "whole", rgb, **palette, **pixels)
    palette.pop("RedPaletteColorLookupTableData")
    write_rgb(disk, tmp_path / "b" / "damaged", rgb, **palette, **pixels)
    write_table(tmp_path, top=60, step=1)
    whole, damaged = find_patients("dicom", tmp_path)
    found = whole.images[Kind.CBF]().array[..., 0].T
    np.testing.assert_allclose(found[BRAIN], 60 * truth[0][BRAIN], atol=0.6)
    with pytest.raises(DataError, match="damaged"):
        damaged.images[Kind.CBF]()


def test_a_bad_table_is_refused_by_name(tmp_path, disk, truth):
    make_pictures(disk, tmp_path / "a", truth)
    write_table(tmp_path, top=60).write_text("value,red\n1,2\n")
    (patient,) = find_patients("dicom", tmp_path)
    with pytest.raises(DataError, match=r"cbf\.csv: must be a table"):
        patient.images[Kind.CBF]()
