import pickle

import matplotlib as mpl
import numpy as np
import pydicom
import pytest
from PIL import Image, ImageDraw
from pydicom.uid import SecondaryCaptureImageStorage

from magic_model.data.layouts import find_patients
from magic_model.data.layouts.colour_captures import parse_ranges
from magic_model.data.volume import Kind
from magic_model.errors import DataError
from magic_model.importing.cohort import fingerprint

JET = (mpl.colormaps["jet"](np.arange(256))[:, :3] * 255).round().astype(np.uint8)
SIDE = 80
BRAIN = np.hypot(*(np.mgrid[:SIDE, :SIDE] - 36)) < 25
BAR = np.s_[8:72, 70:76]
TO_60 = {Kind.CBF: (0.0, 60.0)}
ENTRIES = np.linspace(255, 0, 64).round().astype(int)  # high at the upper end


def make_pictures(disk, folder, truth, *, colours=JET, bar=True, name="CBF", **tags):
    """Write shares of the bar, `(slices, rows, columns)`, as coloured captures."""
    top = tags.pop("top", "60")
    for k, shares in enumerate(truth):
        rgb = np.zeros((SIDE, SIDE, 3), np.uint8)
        rgb[BRAIN] = colours[(shares[BRAIN] * 255).round().astype(int)]
        rgb[:4, 10:30:2] = 255  # text
        rgb[20:30, :8] = 90  # grey anatomy
        if bar:
            rgb[BAR] = JET[ENTRIES][:, None]
            write_number(rgb, top)
        write_rgb(disk, folder / f"{name}-{k}", rgb, z=5.0 * k, name=name, **tags)


def write_number(rgb, text):
    """Write a number left of the upper end of the bar, as a scanner does."""
    image = Image.fromarray(rgb)
    ImageDraw.Draw(image).text((52, 0), text, fill=(255, 255, 255))
    rgb[:12, 50:69] = np.asarray(image)[:12, 50:69]


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


def test_a_map_is_read_by_its_own_bar_over_the_range_given(tmp_path, disk, truth):
    make_pictures(disk, tmp_path / "a", truth)
    (patient,) = find_patients("dicom", tmp_path, TO_60)
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
    assert "by the bar in the picture, whose ends were given as 0 to 60 mL/" in note
    assert "s = 1 does not prove it" in note
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
    (patient,) = find_patients("dicom", tmp_path, TO_60)
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
    (patient,) = find_patients("dicom", tmp_path, TO_60)
    with pytest.raises(DataError) as refusal:
        patient.images[Kind.CBF]()
    assert str(refusal.value).endswith(
        f"paired with the NCCT, missing: {', '.join(missing)}"
    )


def test_colours_of_another_bar_are_refused_with_their_share(tmp_path, disk, truth):
    magenta = np.array([[255, 0, 255]]).astype(np.uint8)
    colours = np.where(np.arange(256)[:, None] < 128, magenta, JET)
    make_pictures(disk, tmp_path / "a", truth, colours=colours)
    (patient,) = find_patients("dicom", tmp_path, TO_60)
    share = np.mean((truth[:, BRAIN] * 255).round() < 128)
    assert f"above 30 for {share:.1%} of" in only_note(patient, "read from colours")
    with pytest.raises(DataError, match=f"at most 5% .* got {share:.1%}"):
        patient.images[Kind.CBF]()


def test_a_few_foreign_pixels_are_left_out(tmp_path, disk, truth):
    colours = JET.copy()
    colours[26:30] = 255, 0, 255  # about 2 % of shares from 0.1 to 0.9
    make_pictures(disk, tmp_path / "a", truth, colours=colours)
    (patient,) = find_patients("dicom", tmp_path, TO_60)
    found = patient.images[Kind.CBF]().array.transpose(2, 1, 0)[:, BRAIN]
    entries = (truth[:, BRAIN] * 255).round()
    np.testing.assert_array_equal(found == 0, entries < 30)


def test_pictures_without_colour_are_refused(tmp_path, disk, truth):
    grey = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    make_pictures(disk, tmp_path / "a", truth, colours=grey)
    (patient,) = find_patients("dicom", tmp_path, TO_60)
    with pytest.raises(DataError, match="must have coloured pixels, got none"):
        patient.images[Kind.CBF]()


def test_several_frames_in_a_file_are_refused(tmp_path, disk, truth):
    make_pictures(disk, tmp_path / "a", truth, NumberOfFrames=2)
    (patient,) = find_patients("dicom", tmp_path, TO_60)
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


def test_a_range_that_is_not_given_is_refused_with_the_remedy(tmp_path, disk, truth):
    make_pictures(disk, tmp_path / "a", truth)
    for ranges in ({}, {Kind.TMAX: (0.0, 20.0)}):
        (patient,) = find_patients("dicom", tmp_path, ranges)
        with pytest.raises(DataError, match="ends of the colour bar of cbf") as refusal:
            patient.images[Kind.CBF]()
        assert str(refusal.value).startswith(str(tmp_path / "a" / "CBF-0"))
        assert "--colour-range cbf=0:60 if it runs so" in str(refusal.value)
        assert "or colour-bars/cbf.csv" in str(refusal.value)
        assert not any("read from colours" in note for note in patient.notes)


def test_every_map_of_a_patient_is_read_over_its_own_range(tmp_path, disk, truth):
    """Bars of 0-100, 0-10, 0-20 and 0-20, as they stood in one study."""
    tops = {Kind.CBF: 100, Kind.CBV: 10, Kind.MTT: 20, Kind.TMAX: 20}
    for kind, top in tops.items():
        name = str(kind).upper()
        make_pictures(disk, tmp_path / "a", truth, name=name, top=str(top))
    ranges = parse_ranges("cbf=0:100, CBV=0:10,mtt=0:20,tmax=0:20.0")
    (patient,) = find_patients("dicom", tmp_path, ranges)
    for kind, top in tops.items():
        found = patient.images[kind]().array.transpose(2, 1, 0)
        wrong = np.abs(found[:, BRAIN] - top * truth[:, BRAIN])
        assert wrong.mean() < top / 255
    (without,) = find_patients(
        "dicom", tmp_path, {k: (0, 1) for k in tops if k != "tmax"}
    )
    with pytest.raises(DataError, match="--colour-range tmax=0:12 if it runs so"):
        without.images[Kind.TMAX]()


@pytest.mark.parametrize(
    "text",
    ["cbf", "cbf=100", "cbf=0:100:2", "ncct=0:80", "cbf=9:9", "a=0:1", "cbf=0-9"],
)
def test_a_range_that_is_not_understood_is_refused(text):
    with pytest.raises(DataError, match="colour range must"):
        parse_ranges(text)
    with pytest.raises(DataError, match="given once"):
        parse_ranges("cbf=0:1,cbf=0:2")


def test_a_range_is_for_dicom_and_not_beside_a_table(tmp_path, disk, truth):
    make_pictures(disk, tmp_path / "a", truth)
    with pytest.raises(DataError, match="for layout dicom, got layout isles24"):
        find_patients("isles24", tmp_path, TO_60)
    write_table(tmp_path, top=60)
    with pytest.raises(DataError, match=r"cbf\.csv: .* a table or a --colour-range"):
        find_patients("dicom", tmp_path, TO_60)


def test_another_range_makes_another_patient(tmp_path, disk, truth):
    make_pictures(disk, tmp_path / "a", truth)
    sources = [
        find_patients("dicom", tmp_path, {Kind.CBF: (0, top)})[0] for top in (60, 100)
    ]
    assert len({fingerprint(source) for source in sources}) == 2


def test_bars_of_one_map_that_disagree_are_refused(tmp_path, disk, truth):
    make_pictures(disk, tmp_path / "a", truth)
    hot = (mpl.colormaps["hsv"](np.arange(256))[:, :3] * 255).round().astype(np.uint8)
    rgb = np.zeros((SIDE, SIDE, 3), np.uint8)
    rgb[BRAIN] = JET[100]
    rgb[BAR] = hot[ENTRIES][:, None]
    write_rgb(disk, tmp_path / "a" / "CBF-9", rgb, z=10.0, name="CBF")
    (patient,) = find_patients("dicom", tmp_path, TO_60)
    with pytest.raises(
        DataError, match=r"bars of cbf must agree .* colours differ from"
    ):
        patient.images[Kind.CBF]()


def test_numbers_beside_the_bars_that_disagree_are_refused(tmp_path, disk, truth):
    make_pictures(disk, tmp_path / "a", truth[:1])
    make_pictures(disk, tmp_path / "b", truth[1:], top="90")
    (tmp_path / "b" / "CBF-0").rename(tmp_path / "a" / "CBF-1")
    (tmp_path / "b").rmdir()
    path = tmp_path / "a" / "CBF-1"
    dataset = pydicom.dcmread(path)
    dataset.ImagePositionPatient = [-10.0, -20.0, 5.0]
    dataset.SeriesInstanceUID = pydicom.dcmread(
        path.with_name("CBF-0")
    ).SeriesInstanceUID
    dataset.SOPInstanceUID = f"{dataset.SOPInstanceUID[:-1]}9"
    dataset.save_as(path)
    (patient,) = find_patients("dicom", tmp_path, TO_60)
    with pytest.raises(DataError, match="the numbers beside them differ from CBF-0"):
        patient.images[Kind.CBF]()
    (table,) = find_patients("dicom", write_table(tmp_path, top=60).parents[1])
    assert table.images[Kind.CBF]().shape == (SIDE, SIDE, 2)
