"""What hospitals send, one row per kind: which series is the NCCT, and what is said.

Heads are 10 slices of 14 mm (140 mm) in series 2, and something beside or in it.
"""

import json
import re
import shutil
import zipfile

import numpy as np
import pydicom
import pytest

from magic_model.cli import main
from magic_model.data.layouts import find_patients
from magic_model.data.volume import Kind
from magic_model.errors import DataError
from magic_model.inference.prepare import find_sources
from tests.magic_model.data.dicom.conftest import CtSeries

PIXEL = 6.0  # mm
SIZE = 32
NATIVE = 10, 14.0
LOCALIZER = ["ORIGINAL", "PRIMARY", "LOCALIZER"]


class Study:
    """A patient's folder that series are written into."""

    def __init__(self, disk, folder):
        self.disk, self.folder = disk, folder
        self.rng = np.random.default_rng(3)

    def series(self, number, count, step, *, start=0.0, vessels=0, **tags):
        """Write axial slices of a head: brain of 35 HU in a ring of bone."""
        name = tags.pop("uid", f"series {number}")
        for k in range(count):
            self.image(
                f"{number}/{k:03d}",
                self.head(vessels),
                start + k * step,
                series=name,
                SeriesNumber=number,
                InstanceNumber=k + 1,
                SliceThickness=step,
                **tags,
            )

    def image(self, name, values, z, **tags):
        geometry = {"PixelSpacing": [PIXEL, PIXEL]} | tags
        path = self.folder / name
        return self.disk.slice(path, values, z=z, intercept=-1024.0, **geometry)

    def head(self, vessels=0):
        y, x = np.indices((SIZE, SIZE)) - (SIZE - 1) / 2
        away = np.hypot(x, y) * PIXEL
        image = np.where(away < 72, 35.0, np.where(away < 80, 1000.0, -1000.0))
        image += self.rng.normal(0, 3, image.shape)
        for _ in range(vessels):
            row, column = self.rng.integers(10, 21, 2)
            image[row, column] = 280
        return np.round(image)

    def native(self, **tags):
        self.series(2, *NATIVE, **({"SeriesDescription": "Head 5mm"} | tags))


@pytest.fixture
def study(disk, tmp_path):
    return Study(disk, tmp_path / "raw" / "a")


def beside(*series, **tags):
    """Write the head, and another series beside it."""

    def build(study):
        study.native()
        study.series(*series, **tags)

    return build


def copied_file(study):
    study.native()
    shutil.copy(study.folder / "2" / "005", study.folder / "2" / "copy")


def localizer(name):
    def build(study):
        study.native()
        study.image(f"2/{name}", np.full((30, 20), 9.0), 0.0, series="series 2",
                    ImageType=LOCALIZER, SeriesNumber=2,
                    ImageOrientationPatient=[1, 0, 0, 0, 0, -1])  # fmt: skip

    return build


def dose_page(study):
    study.native()
    study.image("2/page", np.full((30, 20), 9.0), 0.0, series="series 2",
                SOPClassUID="1.2.840.10008.5.1.4.1.1.7", SeriesNumber=2,
                ImageType=["DERIVED", "SECONDARY", "SCREEN SAVE"])  # fmt: skip


def perfusion(study):
    study.native()
    for moment in range(4):
        for k in range(6):
            study.image(f"7/{moment}-{k}", study.head(), 5.0 * k, series="ctp",
                        SeriesNumber=7)  # fmt: skip


def sent_twice(study):
    study.native()
    shutil.copytree(study.folder / "2", study.folder / "again" / "2")


def sent_twice_renamed(study):
    """The same pixels under other UIDs, as a second anonymisation leaves them."""
    study.native()
    for path in (study.folder / "2").iterdir():
        dataset = pydicom.dcmread(path)
        dataset.SeriesInstanceUID = dataset.SeriesInstanceUID[:50] + ".7"
        dataset.SOPInstanceUID = dataset.SOPInstanceUID[:50] + ".7"
        dataset.save_as(study.folder / f"again-{path.name}")


def without_preamble(study):
    study.native()
    for path in (study.folder / "2").iterdir():
        dataset = pydicom.dcmread(path)
        del dataset.file_meta, dataset.preamble
        dataset.save_as(path, implicit_vr=True, little_endian=True)


def zipped(study):
    study.native()
    archive = study.folder.with_name("a.zip")
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(study.folder.rglob("*")):
            file.write(path, path.relative_to(study.folder))
    shutil.rmtree(study.folder)


def zipped_inside(study):
    zipped(study)
    study.folder.mkdir()
    archive = study.folder.with_name("a.zip")
    archive.rename(study.folder / "study.ZIP")


MIP = ["DERIVED", "SECONDARY", "AXIAL", "MIP"]
AVERAGE = ["DERIVED", "SECONDARY", "AXIAL", "AVERAGE"]

ROWS = {
    "a CTA that tells no agent": (
        beside(5, 20, 7.0, vessels=8),
        "series 5: shows contrast",
    ),
    "a CTA by its name": (
        beside(5, 20, 7.0, SeriesDescription="CTA Willis"),
        "series 5: tells contrast agent",
    ),
    "a MIP": (beside(5, 15, 9.0, ImageType=MIP), "series 5: is a projection"),
    "a MIP by its name": (
        beside(5, 15, 9.0, SeriesDescription="AX MIP"),
        "series 5: is a projection",
    ),
    "an average": (beside(5, 15, 9.0, ImageType=AVERAGE), "series 5: is a reformat"),
    "a bone kernel by its name": (
        beside(5, 20, 7.0, SeriesDescription="BONE 1MM"),
        "series 5: has a sharp kernel",
    ),
    "a bone kernel by its number": (
        beside(5, 20, 7.0, ConvolutionKernel="H60s"),
        "series 5: has a sharp kernel",
    ),
    "many thin slices of the base": (
        beside(5, 15, 4.0),
        "series 5: covers 60 mm, series 2 'Head 5mm' 140 mm",
    ),
    "a cervical spine": (
        beside(5, 25, 8.0, SeriesDescription="C-Spine soft"),
        "series 5: shows another part of the body",
    ),
    "an image made by a network": (
        beside(5, 30, 6.0, SyntheticData="YES"),
        "series 5: is synthetic, as SyntheticData says",
    ),
    "one file copied": (copied_file, "1 identical copy dropped in series 2"),
    "a localizer that sorts first": (localizer("000-scout"), "set apart: is a locali"),
    "a localizer that sorts last": (localizer("999-scout"), "set apart: is a localiz"),
    "a summary page in the series": (dose_page, "set apart: is a picture"),
    "a raw perfusion series": (perfusion, "series 7 is a 4D series, 24 images at 6"),
    "a study sent twice": (sent_twice, "10 identical copies dropped in series 2"),
    "a study sent twice, renamed": (sent_twice_renamed, "is a copy of series 2"),
    "no preamble": (without_preamble, "ncct is the series 'Head 5mm' of 10 images"),
    "a zipped study": (zipped, "ncct is the series 'Head 5mm' of 10 images"),
    "a zipped study in a folder": (zipped_inside, "ncct is the series 'Head 5mm'"),
}


def said(patient):
    """Notes and reasons, as one text."""
    reasons = [f"series {row.series}: {row.why}" for row in patient.series]
    return "\n".join([*patient.notes, *reasons])


@pytest.mark.parametrize(("build", "words"), ROWS.values(), ids=ROWS)
def test_the_head_is_chosen_and_the_rest_is_named(study, build, words):
    build(study)
    (patient,) = find_patients("dicom", study.folder.parent)
    ncct = patient.images[Kind.NCCT]()
    assert ncct.shape == (SIZE, SIZE, NATIVE[0])
    assert ncct.spacing[2] == pytest.approx(NATIVE[1])
    assert words in said(patient)
    assert "ncct is the series 'Head 5mm' of 10 images" in said(patient)


def test_generate_goes_through_the_same_door(study):
    beside(5, 20, 7.0, vessels=8)(study)
    localizer("000-scout")(study)
    (source,) = find_sources(study.folder)
    assert len(source.files) == NATIVE[0]
    assert source.load().shape == (SIZE, SIZE, NATIVE[0])
    (patient,) = find_patients("dicom", study.folder.parent)
    assert source.series == patient.series


def test_an_enhanced_object_goes_through_the_door(tmp_path):
    made = CtSeries(np.random.default_rng(0), step=5.0, shape=(12, 16, 16))
    (tmp_path / "a").mkdir()
    made.enhanced(tmp_path / "a" / "one")
    (patient,) = find_patients("dicom", tmp_path)
    assert patient.images[Kind.NCCT]().shape == (16, 16, 12)
    (row,) = patient.series
    assert (row.role, row.images, row.coverage_mm) == ("ncct", 12, 60.0)


def test_generate_reads_a_zipped_study(study):
    zipped(study)
    (source,) = find_sources(study.folder.with_name("a.zip"))
    assert source.load().shape == (SIZE, SIZE, NATIVE[0])
    assert "magic-source-" in str(source.files[0])


def test_a_folder_of_images_is_one_patient(study):
    study.native()
    (patient,) = find_patients("dicom", study.folder / "2")
    assert (patient.source_id, len(patient.files)) == ("2", NATIVE[0])


def test_images_beside_folders_of_other_patients_are_refused(study):
    study.native(PatientID="one")
    study.image("stray", study.head(), 0.0, PatientID="two")
    with pytest.raises(DataError, match="images beside folders must be of one patient"):
        find_patients("dicom", study.folder)


def test_two_parts_of_one_head_are_joined(study):
    study.series(2, 8, 5.0, SeriesDescription="Base 2mm")
    study.series(3, 7, 10.0, start=45.0, SeriesDescription="Top 5mm")
    (patient,) = find_patients("dicom", study.folder.parent)
    assert [row.role for row in patient.series] == ["ncct", "ncct"]
    assert len(patient.files) == 15
    head = patient.images[Kind.NCCT]()
    reach = head.affine[2, 3] + head.spacing[2] * (head.shape[2] - 1)
    assert head.affine[2, 3] == pytest.approx(0.0)
    assert reach == pytest.approx(105.0, abs=head.spacing[2])
    assert any("joined of two parts of one head" in note for note in patient.notes)


def test_parts_that_do_not_fit_are_both_named(study):
    study.series(2, 8, 5.0, SeriesDescription="Base 2mm")
    study.series(3, 7, 14.0, start=45.0, PixelSpacing=[6.2, 6.2])
    (patient,) = find_patients("dicom", study.folder.parent)
    assert patient.images[Kind.NCCT]().spacing[2] == pytest.approx(14.0)
    assert (
        "series 2 'Base 2mm' shows another part of the head; not joined, since its "
        "pixels are of another size" in patient.notes
    )


def damage(archive):
    content = bytearray(archive.read_bytes())
    content[300:400] = bytes(100)
    archive.write_bytes(content)


NOTHING = {
    "a localizer": (
        lambda study: study.series(1, 1, 5.0, ImageType=LOCALIZER),
        "series 1 is a localizer",
    ),
    "contrast": (
        lambda study: study.series(4, 5, 5.0, ContrastBolusAgent="Iomeprol"),
        "series 4 tells contrast agent",
    ),
    "a place with two images": (
        lambda study: (
            study.series(4, 5, 5.0),
            study.image("4/x", study.head(), 5.0, series="series 4", SeriesNumber=4),
        ),
        "series 4 shows a place twice with other pixels: .*; keep one of .*4/001 and "
        ".*4/x, or name a series",
    ),
    "no DICOM": (
        lambda study: (
            study.folder.mkdir(parents=True),
            (study.folder / "x.txt").write_text("no image"),
        ),
        "holds no readable DICOM file",
    ),
    "a damaged archive": (
        lambda study: (zipped_inside(study), damage(study.folder / "study.ZIP")),
        "study.ZIP: must be a whole ZIP archive without password",
    ),
    "half an archive": (
        lambda study: (
            study.folder.mkdir(parents=True),
            (study.folder / "b.zip").write_bytes(b"PK\3\4" + bytes(60)),
        ),
        "holds no readable DICOM file, but .*b.zip",
    ),
}


@pytest.mark.parametrize(("build", "reason"), NOTHING.values(), ids=NOTHING)
def test_a_patient_without_a_usable_image_says_why(study, build, reason):
    build(study)
    (study.folder.with_name("b")).mkdir()
    study.disk.slice(study.folder.with_name("b") / "1", study.head())
    patient = find_patients("dicom", study.folder.parent)[0]
    with pytest.raises(DataError, match=f"no image can be used: .*{reason}"):
        patient.load_images()


def test_the_true_reason_is_printed(study, capsys):
    study.series(4, 3, 5.0, ContrastBolusAgent="Iomeprol")
    out = study.folder.parent.parent / "cohort"
    assert main(["import", str(study.folder.parent), "--layout", "dicom",
                 "--out", str(out)]) == 1  # fmt: skip
    assert (
        "  a: no image can be used: one CT series must be the NCCT, got none: series 4 "
        "tells contrast agent; name a series with --series if it is one all the same"
    ) in capsys.readouterr().out


def test_what_was_chosen_is_printed_reported_and_kept(study, capsys):
    study.native(SeriesDescription="Head MUELLER^Anna 5mm", ConvolutionKernel="H31s")
    study.series(5, 12, 9.0, SeriesDescription="19510312 venous")
    out = study.folder.parent.parent / "cohort"
    assert main(["import", str(study.folder.parent), "--layout", "dicom",
                 "--out", str(out)]) == 0  # fmt: skip
    printed = capsys.readouterr().out
    line = (
        r"^2 +Head 5mm +H31s +10 +140 +14 +- +not told, not seen +ncct +covers 140 mm"
    )
    assert re.search(line, printed, re.MULTILINE)
    assert "  ncct is the series 'Head 5mm' of 10 images, number 2" in printed
    (path,) = out.glob("*/import.json")
    rows = json.loads(path.read_text())["series"]
    assert [(r["series"], r["role"], r["contrast_told"]) for r in rows] == [
        (2, "ncct", False),
        (5, "", True),
    ]
    page = (out / "report.html").read_text()
    assert "<td>covers 140 mm, no sharp kernel, original, no contrast seen</td>" in page
    for text in (printed, path.read_text(), page):
        assert "MUELLER" not in text
        assert "19510312" not in text


@pytest.mark.parametrize("by", ["number", "uid"])
def test_a_series_is_named_by_hand(study, capsys, by):
    beside(5, 12, 9.0, ContrastBolusAgent="Iomeprol")(study)
    uid = pydicom.dcmread(study.folder / "5" / "000").SeriesInstanceUID
    out = study.folder.parent.parent / "cohort"
    named = "5" if by == "number" else uid
    assert main(["import", str(study.folder.parent), "--layout", "dicom",
                 "--out", str(out), "--series", named]) == 0  # fmt: skip
    printed = capsys.readouterr().out
    assert "of 12 images, number 5" in printed
    assert "series 5 was named by hand, although it tells contrast agent" in printed
    (source,) = find_sources(study.folder, series=named)
    assert len(source.files) == 12


def test_a_series_that_is_not_there_is_told(study, capsys):
    study.native()
    out = study.folder.parent.parent / "cohort"
    assert main(["import", str(study.folder.parent), "--layout", "dicom",
                 "--out", str(out), "--series", "9"]) == 1  # fmt: skip
    assert "no CT slices in a series 9; there are 2" in capsys.readouterr().out
    with pytest.raises(DataError, match="A series must be for layout dicom"):
        find_patients("nifti", study.folder.parent, series="9")
