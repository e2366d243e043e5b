import pickle

import numpy as np
import pydicom
import pytest
from pydicom.uid import ComprehensiveSRStorage

from magic_model.data.layouts import find_patients
from magic_model.data.volume import Kind
from magic_model.errors import DataError


def make_series(disk, folder, name, *, slices=4, value=30.0, **tags):
    """Write an axial series of flat slices, without endings, as archives do."""
    for k in range(slices):
        disk.slice(
            folder / f"{name}-{k}",
            np.full((4, 6), value),
            z=5.0 * k,
            slope=0.5,
            intercept=-1024.0 if value < 100 else 0.0,
            series=f"{folder} {name}",
            SeriesDescription=name,
            **tags,
        )


def make_map(disk, folder, kind, value, **tags):
    image_type = ["DERIVED", "SECONDARY", kind]
    make_series(disk, folder, kind, value=value, ImageType=image_type, **tags)


def make_patient(disk, folder):
    """A native series among the others that an examination holds."""
    make_series(disk, folder, "native 5mm", slices=4)
    make_series(disk, folder, "native, upper half", slices=3)
    make_series(disk, folder, "CTA", slices=9, ContrastBolusAgent="Iomeprol")
    sagittal = [0, 1, 0, 0, 0, -1]
    make_series(disk, folder, "sagittal", slices=1, ImageOrientationPatient=sagittal)
    scout = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    make_series(disk, folder, "scout", slices=1, ImageType=scout)
    for moment in range(3):  # a perfusion series that tells no contrast
        for k in range(4):
            disk.slice(
                folder / "ctp" / f"{moment}-{k}",
                np.full((4, 6), 40.0),
                z=5.0 * k,
                series=f"{folder} ctp",
            )
    for value, kind in enumerate(("CBF", "CBV", "MTT", "TTP"), start=1):
        make_map(disk, folder / "maps", kind, value)


def test_series_are_known_by_content(tmp_path, disk):
    make_patient(disk, tmp_path / "a")
    (tmp_path / "a" / "readme.txt").write_text("no image")
    (patient,) = find_patients("dicom", tmp_path)
    assert patient.source_id == "a"
    values = {kind: load().array.max() for kind, load in patient.images.items()}
    assert values == {
        Kind.NCCT: 30, Kind.CBF: 1, Kind.CBV: 2, Kind.MTT: 3, Kind.TTP: 4,
    }  # fmt: skip
    assert patient.images[Kind.NCCT]().shape == (6, 4, 4)
    assert "ncct is the series 'native 5mm' of 4 images" in patient.notes
    assert "mtt is the series 'MTT' of 4 images" in patient.notes
    assert "1 files are no readable DICOM" in patient.notes
    assert len(patient.files) == 20
    assert pickle.loads(pickle.dumps(patient)).notes == patient.notes  # noqa: S301


def test_two_equally_plausible_series_are_both_named(tmp_path, disk):
    make_patient(disk, tmp_path / "a")
    make_series(disk, tmp_path / "a", "native again", value=31.0, slices=4)
    make_map(disk, tmp_path / "a" / "again", "CBF", 7)
    (patient,) = find_patients("dicom", tmp_path)
    with pytest.raises(DataError, match="ncct must be one series") as ncct:
        patient.images[Kind.NCCT]()
    assert "'native 5mm' of 4 images" in str(ncct.value)
    assert "'native' of 4 images" in str(ncct.value)
    assert "name one with --series" in str(ncct.value)
    with pytest.raises(DataError, match="cbf must be one series") as cbf:
        patient.images[Kind.CBF]()
    assert all(
        str(tmp_path / "a" / name) in str(cbf.value) for name in ("maps", "again")
    )
    assert patient.images[Kind.CBV]().array.max() == 2
    assert not any(note.startswith(("ncct is", "cbf is")) for note in patient.notes)


def test_grey_maps_go_before_coloured_ones(tmp_path, disk):
    make_map(disk, tmp_path / "a", "CBF", 5)
    colour = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}
    make_map(disk, tmp_path / "a" / "colour", "CBF", 6, PlanarConfiguration=0, **colour)
    (patient,) = find_patients("dicom", tmp_path)
    assert patient.images[Kind.CBF]().array.max() == 5
    assert "not found: ncct, cbv, mtt" in patient.notes


def test_burnt_in_text_is_warned_of_once_and_only_in_what_is_used(tmp_path, disk):
    make_series(disk, tmp_path / "a", "native", BurnedInAnnotation="NO")
    make_map(disk, tmp_path / "a", "CBF", 1, BurnedInAnnotation="YES")
    screen = ["DERIVED", "SECONDARY", "CBV", "SCREEN SAVE"]
    make_series(disk, tmp_path / "a", "CBV", value=2, ImageType=screen)
    make_map(disk, tmp_path / "a", "MTT", 3)
    _mark(tmp_path / "a" / "MTT-3", BurnedInAnnotation="YES")
    make_series(disk, tmp_path / "a", "scout", slices=1, BurnedInAnnotation="YES",
                ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])  # fmt: skip
    (patient,) = find_patients("dicom", tmp_path)
    assert [note for note in patient.notes if "burnt-in" in note] == [
        "burnt-in text is possible in cbf (BurnedInAnnotation is YES), "
        "cbv (screen save), mtt (BurnedInAnnotation is YES): "
        "look at the pictures before you share them"
    ]


def test_nothing_is_said_of_burnt_in_text_where_nothing_tells(tmp_path, disk):
    make_patient(disk, tmp_path / "a")
    (patient,) = find_patients("dicom", tmp_path)
    assert not any("burnt-in" in note for note in patient.notes)


def test_one_series_may_hold_several_maps(tmp_path, disk):
    for value, kind in enumerate(("CBF", "TMAX"), start=1):
        make_map(disk, tmp_path / "a", kind, value)
        for path in (tmp_path / "a").glob(f"{kind}-*"):
            _mark(path, SeriesInstanceUID="1.2.3")
    legend = ["DERIVED", "SECONDARY", "LEGEND"]
    _mark(tmp_path / "a" / "TMAX-3", ImageType=legend, SeriesDescription="legend")
    (patient,) = find_patients("dicom", tmp_path)
    assert patient.images[Kind.CBF]().shape == (6, 4, 4)
    assert patient.images[Kind.TMAX]().shape == (6, 4, 3)


def _mark(path, **tags):
    dataset = pydicom.dcmread(path)
    for keyword, value in tags.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path)


@pytest.mark.parametrize("agent", ["", "None", "NO"])
def test_contrast_told_to_be_absent_is_none(tmp_path, disk, agent):
    make_series(disk, tmp_path / "a", "native", ContrastBolusAgent=agent)
    (patient,) = find_patients("dicom", tmp_path)
    assert set(patient.images) == {Kind.NCCT}


def test_a_series_that_tells_no_orientation_is_refused_when_read(tmp_path, disk):
    make_series(disk, tmp_path / "a", "native", ImageOrientationPatient=None)
    (patient,) = find_patients("dicom", tmp_path)
    with pytest.raises(DataError, match="ImageOrientationPatient is missing"):
        patient.images[Kind.NCCT]()


def test_a_patient_whose_files_are_broken_is_not_lost(tmp_path, disk):
    make_series(disk, tmp_path / "a", "native")
    make_series(disk, tmp_path / "b", "native", slices=2)
    for path in (tmp_path / "b").iterdir():
        path.write_bytes(path.read_bytes()[:100])
    (tmp_path / "c").mkdir()
    a, b = find_patients("dicom", tmp_path)
    assert a.images[Kind.NCCT]().shape == (6, 4, 4)
    assert b.images == {}
    assert b.notes == (
        "not found: ncct, cbf, cbv, mtt",
        "2 files are no readable DICOM",
    )


def test_a_report_is_no_image(tmp_path, disk):
    path = disk.slice(tmp_path / "a" / "report", [[1, 2]], Modality="SR")
    dataset = pydicom.dcmread(path)
    dataset.SOPClassUID = ComprehensiveSRStorage
    del dataset.Rows, dataset.PixelData
    dataset.save_as(path)
    (patient,) = find_patients("dicom", tmp_path)
    assert patient.images == {}
