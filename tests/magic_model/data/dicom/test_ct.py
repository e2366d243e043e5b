import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.uid import (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
    generate_uid,
)

from magic_model.data.dicom.ct import AIR, read_ct_series
from magic_model.data.dicom.series import find_series
from magic_model.data.volume import Kind
from magic_model.errors import DataError


@pytest.mark.parametrize(
    ("angles", "codes"),
    [
        ((0, 0, 0), "LPS"),
        ((-90, 0, 0), "LIP"),  # coronal: rows from superior to inferior
        ((0, 0, 180), "RAS"),
        ((7, -12, 25), "LPS"),
    ],
)
def test_a_series_comes_in_hu_at_its_place(tmp_path, make_ct, angles, codes):
    ct = make_ct(angles=angles)

    volume = read_ct_series(ct.write(tmp_path))

    assert volume.kind is Kind.NCCT
    assert volume.is_orthogonal
    np.testing.assert_array_equal(volume.array, ct.hounsfield)
    np.testing.assert_allclose(volume.affine, ct.affine, atol=1e-6)
    assert "".join(nib.aff2axcodes(volume.affine)) == codes


def test_the_place_of_a_pixel_agrees_with_sitk(tmp_path, make_ct):
    # SimpleITK is an independent reader; it counts in LPS.
    sitk = pytest.importorskip("SimpleITK")
    ct = make_ct(angles=(7, -12, 25))
    paths = ct.write(tmp_path)
    volume = read_ct_series(paths)
    names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(tmp_path))
    image = sitk.ReadImage(names)

    for index in ((0, 0, 0), (7, 5, 4), (3, 1, 2)):
        place = volume.affine @ [*index, 1]
        lps = image.TransformIndexToPhysicalPoint(index)
        np.testing.assert_allclose(place[:3] * [-1, -1, 1], lps, atol=1e-4)
        assert volume.array[index] == image[index]


@pytest.mark.parametrize(
    "syntax",
    [
        ExplicitVRLittleEndian,
        ImplicitVRLittleEndian,
        RLELossless,
        JPEGLSLossless,
        JPEG2000Lossless,
    ],
)
def test_transfer_syntaxes(tmp_path, make_ct, syntax):
    ct = make_ct(shape=(3, 64, 48))

    volume = read_ct_series(ct.write(tmp_path, syntax))

    np.testing.assert_array_equal(volume.array, ct.hounsfield)


def test_jpeg_lossless_as_gdcm_writes_it(tmp_path, ct):
    import gdcm

    paths = ct.write(tmp_path)
    for path in paths:
        reader = gdcm.ImageReader()
        reader.SetFileName(str(path))
        assert reader.Read()
        change = gdcm.ImageChangeTransferSyntax()
        syntax = gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1)
        change.SetTransferSyntax(syntax)
        change.SetInput(reader.GetImage())
        assert change.Change()
        writer = gdcm.ImageWriter()
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        writer.SetFileName(str(path))
        assert writer.Write()
        assert JPEGLosslessSV1.encode() in path.read_bytes()

    np.testing.assert_array_equal(read_ct_series(paths).array, ct.hounsfield)


def test_an_enhanced_object_reads_as_the_classic_series(tmp_path, ct):
    path = ct.enhanced(tmp_path / "enhanced", order=[3, 0, 4, 1, 2])

    volume = read_ct_series([path])

    np.testing.assert_array_equal(volume.array, ct.hounsfield)
    np.testing.assert_allclose(volume.affine, ct.affine, atol=1e-6)


def test_one_slice_is_as_thick_as_it_says(tmp_path, ct):
    ct.slices = ct.slices[:1]

    volume = read_ct_series(ct.write(tmp_path))

    np.testing.assert_allclose(volume.affine, ct.affine, atol=1e-6)


def test_one_slice_of_unknown_thickness_is_refused(tmp_path, ct):
    ct.slices = ct.slices[:1]
    del ct.slices[0].SliceThickness

    with pytest.raises(DataError, match="must tell its thickness"):
        read_ct_series(ct.write(tmp_path))


def test_text_in_place_of_numbers_is_refused(tmp_path, ct):
    paths = ct.write(tmp_path)
    content = paths[2].read_bytes()
    assert content.count(b"0.75\\0.5") == 1
    paths[2].write_bytes(content.replace(b"0.75\\0.5", b"abcd\\0.5"))

    with pytest.raises(DataError, match=f"{paths[2]}: PixelSpacing must be numbers"):
        read_ct_series(paths)


def test_padding_becomes_air(tmp_path, ct, put_pixels):
    ct.stored[2, 1, 3] = -2000
    put_pixels(ct.slices[2], ct.stored[2])
    for dataset in ct.slices:
        dataset.PixelPaddingValue = -2000
        dataset["PixelPaddingValue"].VR = "SS"

    assert read_ct_series(ct.write(tmp_path)).array[3, 1, 2] == AIR


# Many scanners write positions to one decimal.
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(step=st.sampled_from([0.625, 1.25, 2.5, 4.8]))
def test_rounded_positions_are_no_gap(tmp_path_factory, make_ct, step):
    ct = make_ct(step=step, shape=(9, 3, 3))
    for dataset in ct.slices:
        x, y, z = dataset.ImagePositionPatient
        dataset.ImagePositionPatient = [x, y, round(float(z), 1)]

    volume = read_ct_series(ct.write(tmp_path_factory.mktemp("ct")))

    assert volume.spacing[2] == pytest.approx(step, abs=0.1 / 8)


# Values against a head in formulas: test_straight.py.
def test_a_tilted_gantry_is_resampled_and_noted(tmp_path, ct):
    for k, dataset in enumerate(ct.slices):
        x, y, z = dataset.ImagePositionPatient
        dataset.ImagePositionPatient = [x, float(y) + 1.5 * k, z]

    volume = read_ct_series(ct.write(tmp_path))

    assert volume.is_orthogonal
    assert "tilted by 31.0 degrees (gantry tilt)" in volume.notes[0]
    # 1.5 mm are two rows: each slice lies so much further back, as it was.
    assert volume.shape == (8, 6 + 8, 5)
    for k in range(5):
        shown = volume.array[:, 2 * k : 2 * k + 6, k]
        np.testing.assert_array_equal(shown, ct.hounsfield[:, :, k])
        assert (volume.array[:, : 2 * k, k] == AIR).all()
        assert (volume.array[:, 2 * k + 6 :, k] == AIR).all()
    np.testing.assert_allclose(volume.affine, ct.affine, atol=1e-6)


def test_two_parts_of_one_protocol_are_resampled_to_the_finer(tmp_path, make_ct):
    """2.5 mm below and 5 mm above; one slice lost in either part is a hole."""
    ct = make_ct(step=2.5, shape=(14, 6, 8))
    kept = [0, 1, 2, 3, 4, 5, 7, 9, 11, 13]
    ct.slices = [ct.slices[k] for k in kept]

    volume = read_ct_series(ct.write(tmp_path / "whole"))

    np.testing.assert_allclose(volume.affine, ct.affine, atol=1e-6)
    assert "lay 2.5 to 5.0 mm apart: resampled once, to 14" in volume.notes[0]
    np.testing.assert_array_equal(volume.array[..., kept], ct.hounsfield[..., kept])
    between = ct.hounsfield[..., [9, 11]].mean(axis=-1)
    np.testing.assert_allclose(volume.array[..., 10], between, atol=1e-3)
    for lost, name in ((2, "a"), (8, "b")):
        slices = ct.slices.pop(lost)
        with pytest.raises(DataError, match="slices are missing after position"):
            read_ct_series(ct.write(tmp_path / name))
        ct.slices.insert(lost, slices)


def test_jitter_of_0_3_mm_at_5_mm_is_no_missing_slice(tmp_path, make_ct):
    ct = make_ct(step=5.0, shape=(8, 6, 8))
    for dataset, off in zip(
        ct.slices, [0, 0.3, -0.3, 0.3, -0.2, 0.1, -0.3, 0.3], strict=True
    ):
        dataset.ImagePositionPatient[2] += off

    volume = read_ct_series(ct.write(tmp_path))

    assert volume.shape == (8, 6, 8)
    assert volume.spacing[2] == pytest.approx(5 + 0.3 / 7)
    assert "lay 4.4 to 5.6 mm apart: resampled once, to 8" in volume.notes[0]


def _lean_far(ct):
    for k, dataset in enumerate(ct.slices):
        x, y, z = dataset.ImagePositionPatient
        dataset.ImagePositionPatient = [x, float(y) + 3 * k, z]
        dataset.GantryDetectorTilt = 50.2


def _lose_one(ct):
    del ct.slices[3]


def _repeat_one(ct):
    ct.slices[3].ImagePositionPatient = ct.slices[1].ImagePositionPatient


def _mix_series(ct):
    ct.slices[1].SeriesInstanceUID = generate_uid()


def _mix_orientation(ct):
    ct.slices[1].ImageOrientationPatient = [0, 1, 0, 0, 0, -1]


def _mix_spacing(ct):
    ct.slices[1].PixelSpacing = [1, 1]


def _localizer(ct):
    ct.slices[1].ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]


def _no_rescale(ct):
    del ct.slices[1].RescaleSlope


def _no_position(ct):
    del ct.slices[1].ImagePositionPatient


def _other_unit(ct):
    ct.slices[1].RescaleType = "Z_EFF"


def _no_ct(ct):
    ct.slices[1].Modality = "MR"


def _zero_spacing(ct):
    ct.slices[1].PixelSpacing = [0, 0.5]


def _two_coordinates(ct):
    ct.slices[1].ImagePositionPatient = [1, 2]


def _shear_in_plane(ct):
    for dataset in ct.slices:
        dataset.ImageOrientationPatient = [1, 0, 0, 0.5, 0.8660254, 0]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_lean_far, r"tilted by up to 45 degrees, got a shift of 12\.0 mm in a stack"),
        (_lose_one, r"slices are missing after position 35\.00 mm, the next is 5\.00"),
        (_repeat_one, r"duplicate, .* same position \(32\.50 mm"),
        (_mix_series, "another series than"),
        (_mix_orientation, "another orientation, unlike"),
        (_mix_spacing, r"pixels of 1 x 1 mm, unlike"),
        (_localizer, "is a localizer"),
        (_no_rescale, "RescaleSlope is missing"),
        (_no_position, "ImagePositionPatient is missing"),
        (_other_unit, "RescaleType must be HU, got Z_EFF"),
        (_no_ct, "modality must be CT, got 'MR'"),
        (_zero_spacing, r"PixelSpacing must be above 0, got 0\.0, 0\.5"),
        (_two_coordinates, "ImagePositionPatient must be 3 numbers"),
        (_shear_in_plane, "right angles"),
    ],
)
def test_what_makes_no_volume_is_refused_naming_the_file(tmp_path, ct, spoil, reason):
    spoil(ct)

    with pytest.raises(DataError, match=reason) as refusal:
        read_ct_series(ct.write(tmp_path))

    assert str(refusal.value).startswith(f"{tmp_path}/0")


def test_slices_of_another_size_are_refused(tmp_path, ct, put_pixels):
    put_pixels(ct.slices[1], np.zeros((4, 8), np.int16))

    with pytest.raises(DataError, match=r"x 8 pixels, unlike"):
        read_ct_series(ct.write(tmp_path))


def test_colour_is_refused(tmp_path, ct, put_pixels):
    put_pixels(ct.slices[1], np.zeros((6, 8, 3), np.uint8))

    with pytest.raises(DataError, match=r"must be grey, got a colour picture \(RGB\)"):
        read_ct_series(ct.write(tmp_path))


@pytest.mark.parametrize("share", [0.02, 0.2, 0.5, 0.7, 0.95])
def test_truncated_files_are_refused(tmp_path, ct, share):
    paths = ct.write(tmp_path)
    content = paths[2].read_bytes()
    paths[2].write_bytes(content[: int(share * len(content))])

    with pytest.raises(DataError) as refusal:
        read_ct_series(paths)

    assert str(refusal.value).startswith(str(paths[2]))


def test_a_truncated_compressed_file_is_refused(tmp_path, make_ct):
    ct = make_ct(shape=(2, 64, 64))
    paths = ct.write(tmp_path, JPEGLSLossless)
    paths[0].write_bytes(paths[0].read_bytes()[:-3000])

    with pytest.raises(DataError, match=str(paths[0])):
        read_ct_series(paths)


@pytest.mark.parametrize("content", [b"", b"no DICOM at all" * 100, b"\x08\x00junk"])
def test_files_that_are_no_dicom_are_refused(tmp_path, ct, content):
    paths = ct.write(tmp_path)
    paths[0].write_bytes(content)

    with pytest.raises(DataError, match=str(paths[0])):
        read_ct_series(paths)


def _refusal(paths) -> str:
    try:
        read_ct_series(paths)
    except DataError as refusal:
        return str(refusal)
    return ""


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(st.dictionaries(st.integers(128, 1000), st.integers(0, 255), max_size=5))
@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_a_damaged_header_is_refused_by_name_or_read(tmp_path_factory, ct, damage):
    paths = ct.write(tmp_path_factory.mktemp("ct"))
    content = bytearray(paths[0].read_bytes())
    for place, byte in damage.items():
        content[place] = byte
    paths[0].write_bytes(content)

    found = find_series(paths[0].parent)
    assert len(found.skipped) + sum(len(s.paths) for s in found.series) == 5
    # Another exception than DataError fails here. A slice that was moved may be told by
    # its neighbour, which is named then.
    refusal = _refusal(paths)
    assert refusal == "" or str(paths[0].parent) in refusal


def test_a_missing_file_and_no_file_are_refused(tmp_path):
    with pytest.raises(DataError, match="nowhere: no such file"):
        read_ct_series([tmp_path / "nowhere"])
    with pytest.raises(DataError, match="at least one file"):
        read_ct_series([])
