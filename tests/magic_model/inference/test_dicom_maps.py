"""What `generate --dicom` writes of a patient: values, places, identity, UIDs."""

from pathlib import Path

import numpy as np
import pydicom
import pytest

from magic_model.colours import PERFUSION_COLOURS
from magic_model.data.dicom.colour import ColourBar, find_colour_bar, invert_colours
from magic_model.data.dicom.ct import read_ct_series
from magic_model.data.dicom.door import open_folder
from magic_model.data.dicom.parametric_map import read_parametric_map
from magic_model.data.dicom.perfusion import guess_kind, read_map_series
from magic_model.data.dicom.study import (
    StudyContext,
    identifying_attributes,
    source_secret,
)
from magic_model.data.grid import reorient_ras
from magic_model.data.volume import Kind, Volume
from magic_model.derivatives import colour_captures, grey_series
from magic_model.derivatives.dicom_objects import write_dicom
from magic_model.derivatives.lesion_report import read_lesion_report
from magic_model.errors import DataError
from magic_model.inference.prepare import Source, find_sources
from magic_model.maps import MAP_SPECS, PerfusionMap
from tests.magic_model.data.conftest import make_maps
from tests.magic_model.inference.tiny import write_head_dicom

NAMES = (PerfusionMap.CBF, PerfusionMap.TTP)
LESION = {"core_ml": 12.34567, "penumbra_ml": 98.7}


def context(method="model 1", pixels=b"pixels", name="case-1"):
    secret = source_secret(name, pixels)
    return StudyContext(name, secret, method=method, is_synthetic=True)


@pytest.fixture(scope="module")
def maps(head):
    """With values between whole steps, a few slices high."""
    made = {}
    for name in NAMES:
        volume = make_maps(head).maps[name]
        array = volume.array[:, :, 8:12] * np.float32(1.0371)
        affine = volume.affine.copy()
        affine[:3, 3] += volume.affine[:3, 2] * 8
        made[name] = Volume(array, affine, volume.kind)
    return made


@pytest.fixture(scope="module")
def headers(tmp_path_factory):
    """Of the hospital's NCCT."""
    folder = tmp_path_factory.mktemp("in")
    write_head_dicom(folder, np.random.default_rng(0))
    (source,) = find_sources(folder, "case-1")
    return source.headers()


@pytest.fixture(scope="module")
def written(maps, headers, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "case-1"
    source = Source("case-1", (), lambda: None, headers=lambda: headers)
    return out, write_dicom(source, maps, out, context(), LESION)


def paths_of(written, folder):
    return [path for path in written[1] if path.parent.name == folder]


def test_files_are_those_that_the_formats_page_names(written):
    out, files = written
    assert sorted(files) == sorted(path for path in out.rglob("*") if path.is_file())
    expected = {f"{name}_{form}" for name in NAMES for form in ("grey", "colour")}
    assert {path.parent.name for path in files} == expected | {"case-1"}
    assert [p.name for p in files[:2]] == ["cbf.dcm", "ttp.dcm"]
    assert [p.name for p in paths_of(written, "cbf_grey")] == [
        "001.dcm", "002.dcm", "003.dcm", "004.dcm",
    ]  # fmt: skip


def test_parametric_maps_hold_the_very_values(written, maps):
    for name in NAMES:
        found = read_parametric_map(written[0] / f"{name}.dcm")
        assert found.kind is Kind(name.value)
        assert np.array_equal(found.array, maps[name].array)
        np.testing.assert_allclose(found.affine, maps[name].affine, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_grey_series_hold_the_values_to_half_a_step(written, maps, name):
    paths = paths_of(written, f"{name}_grey")
    image = pydicom.dcmread(paths[0])
    step = float(image.RescaleSlope)
    assert step == 2.0 ** round(np.log2(step))
    assert step < 0.003
    found = read_map_series(paths, Kind(name.value))
    expected = reorient_ras(maps[name])
    ras = reorient_ras(found)
    np.testing.assert_allclose(ras.affine, expected.affine, atol=1e-6)
    assert np.abs(ras.array - expected.array).max() <= step / 2
    # What any viewer computes: stored times slope, no mapping looked at.
    stored = image.pixel_array * step + float(image.RescaleIntercept)
    shown = expected.array[::-1, ::-1, 0].T
    assert np.abs(stored - shown).max() <= step / 2


def test_a_grey_series_is_not_taken_for_a_scan(written):
    (path, *_) = paths = paths_of(written, "cbf_grey")
    image = pydicom.dcmread(path)
    assert image.ImageType[:2] == ["DERIVED", "SECONDARY"]
    assert image.SyntheticData == "YES"
    assert image.SeriesDescription == (
        "RESEARCH USE ONLY - SYNTHETIC: CBF [mL/100g/min] grey"
    )
    assert guess_kind(image) is Kind.CBF
    with pytest.raises(DataError, match="RescaleType must be HU, got ML/100G/MIN"):
        read_ct_series(paths)


def test_generated_maps_are_no_reference(written):
    """Archived beside the scan, they would else be learnt from as if measured."""
    door = open_folder(written[0])
    assert not door.roles
    assert {row.role for row in door.rows} == {"synthetic", "report"}
    told = [row.why for row in door.rows if row.images]
    assert set(told) == {"is synthetic, as SyntheticData says: no measurement"}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_captures_tell_values_by_their_own_colour_bar(written, maps, name):
    """Read as a stranger's picture: the bar is found, colours become values."""
    expected = reorient_ras(maps[name])
    low, high = MAP_SPECS[name].value_range
    for path in paths_of(written, f"{name}_colour")[::3]:
        image = pydicom.dcmread(path)
        rgb = image.pixel_array
        bar = find_colour_bar(rgb)  # but for its black end
        painted = rgb[bar.top : bar.top + 256, bar.left + 2]
        assert np.array_equal(painted, PERFUSION_COLOURS[::-1])
        scale = ColourBar(painted[::-1], np.linspace(low, high, 256))
        values, _ = invert_colours(rgb, scale)
        # From the centre of each voxel, by what the file says, to its pixel.
        k = int(image.InstanceNumber) - 1
        i, j = np.argwhere(expected.array[:, :, k] > high * 0.2)[::25].T
        ras = (expected.affine @ [i, j, np.full(i.shape, k), np.ones(i.shape)])[:3]
        start = np.array(image.ImagePositionPatient, dtype=float)
        rows = (-ras[1] - start[1]) / float(image.PixelSpacing[0])
        columns = (-ras[0] - start[0]) / float(image.PixelSpacing[1])
        found = values[np.rint(rows).astype(int), np.rint(columns).astype(int)]
        shown = np.clip(expected.array[i, j, k], low, high)
        assert np.abs(found - shown).max() < 0.003 * (high - low)
        assert np.float32(ras[2][0]) == pytest.approx(start[2])


def test_the_warning_stands_in_the_pixels(written, maps):
    """A capture with the warning differs from one without it, where it is told."""
    with_it = pydicom.dcmread(paths_of(written, "cbf_colour")[0]).pixel_array
    planes = colour_captures.Planes.of_volume(maps[PerfusionMap.CBF])
    without = colour_captures.draw_capture(planes, next(iter(planes)), "").rgb
    differ = np.argwhere((with_it != without).any(-1))
    assert len(differ) > 500
    assert differ[:, 0].min() >= with_it.shape[0] - 32


def test_the_report_gives_the_volumes_back(written):
    assert read_lesion_report(written[0] / "lesion.dcm") == {
        "core_ml": pytest.approx(12.3457), "penumbra_ml": pytest.approx(98.7),
    }  # fmt: skip
    report = pydicom.dcmread(written[0] / "lesion.dcm")
    assert report.VerificationFlag == "UNVERIFIED"
    assert report.ContentTemplateSequence[0].TemplateIdentifier == "1500"


def test_nothing_tells_the_patient(written, headers):
    header = headers[0]
    own = [header.PatientID, str(header.PatientName), header.StudyInstanceUID]
    own += [h.SOPInstanceUID for h in headers] + [header.SeriesInstanceUID]
    studies, instances = set(), set()
    for path in written[1]:
        content = path.read_bytes()
        assert [text for text in own if text.encode() in content] == []
        dataset = pydicom.dcmread(path)
        assert identifying_attributes(dataset) == []
        assert dataset.PatientID == dataset.PatientName == "case-1"
        assert "RESEARCH USE ONLY - SYNTHETIC" in dataset.SeriesDescription
        studies.add(dataset.StudyInstanceUID)
        instances.add(dataset.SOPInstanceUID)
    assert len(studies) == 1
    assert len(instances) == len(written[1])


def test_images_refer_to_their_source_and_share_one_space(written, headers):
    study, spaces = context(), set()
    expected = {study.replace_uid(header.SOPInstanceUID) for header in headers}
    assert len(expected) == 20
    for path in written[1]:
        dataset = pydicom.dcmread(path)
        if path.name == "lesion.dcm":
            continue
        (series,) = dataset.ReferencedSeriesSequence
        found = {i.ReferencedSOPInstanceUID for i in series.ReferencedInstanceSequence}
        assert found == expected
        spaces.add(dataset.FrameOfReferenceUID)
    assert spaces == {study.frame_of_reference_uid}


def test_uids_follow_from_source_and_method():
    same, other = context(), context(method="model 2")
    assert same.object_uid("cbf") == context().object_uid("cbf")
    assert same.object_uid("cbf") != other.object_uid("cbf")
    assert same.study_uid == other.study_uid
    for stranger in (context(pixels=b"others"), context(name="case-2")):
        assert same.study_uid != stranger.study_uid
        assert same.replace_uid("1.2") != stranger.replace_uid("1.2")
    assert pydicom.uid.UID(same.study_uid).is_valid


def test_written_again_at_a_given_time_all_bytes_are_the_same(
    maps, tmp_path, monkeypatch
):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    one_map = {PerfusionMap.CBF: maps[PerfusionMap.CBF]}
    source = Source("case-1", (), lambda: None)
    first, second = (
        {
            path.relative_to(tmp_path / run): path.read_bytes()
            for path in write_dicom(source, one_map, tmp_path / run, context(), LESION)
        }
        for run in ("first", "second")
    )
    assert first == second
    image = pydicom.dcmread(tmp_path / "first" / "cbf.dcm")
    assert (image.ContentDate, image.ContentTime) == ("20231114", "221320")


def test_what_is_not_known_is_padding(maps, tmp_path):
    array = maps[PerfusionMap.CBF].array.copy()
    array[3, 5, 2] = np.nan
    volume = maps[PerfusionMap.CBF].with_array(array)
    paths = grey_series.write_grey_series(volume, tmp_path / "grey")
    stored = np.stack([pydicom.dcmread(path).pixel_array for path in paths])
    assert (stored == -32768).sum() == 1
    colour_captures.write_colour_captures(volume, tmp_path / "colour")
    with pytest.raises(DataError, match="must hold numbers or NaN"):
        grey_series.write_grey_series(
            volume.with_array(np.full(array.shape, np.inf)), tmp_path / "inf"
        )


def test_sheared_maps_are_refused(maps, tmp_path):
    affine = maps[PerfusionMap.CBF].affine.copy()
    affine[1, 2] = 2.0
    volume = Volume(maps[PerfusionMap.CBF].array, affine, Kind.CBF)
    with pytest.raises(DataError, match="must be at right angles"):
        grey_series.write_grey_series(volume, tmp_path / "grey")


def test_a_hospitals_own_name_is_refused(maps, headers, tmp_path):
    source = Source("HOSPITAL-4711", (), lambda: None, headers=lambda: headers)
    out = Path(tmp_path / "out")
    with pytest.raises(DataError, match="must not be the source's patient id"):
        write_dicom(source, maps, out, context(name="HOSPITAL-4711"))
    assert not list(out.iterdir())
