"""Nothing that a hospital wrote leaves: each attribute of PS3.15 E.1-1 has a marker.

`confidentiality_profile.csv` lists tags, keywords and actions of the basic profile of
DICOM PS3.15 2024b, table E.1-1 (X remove, Z empty, D dummy, U new UID). Values are put
into every one of them, into private attributes, into items of sequences, and into the
names of folders and files; no output may hold a byte of any.
"""

import csv
import gzip
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pydicom
import pytest
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset

from magic_model.cli import main
from magic_model.data.layouts.source import PatientSource
from magic_model.data.volume import Kind, Volume
from magic_model.importing.deidentify import deidentify
from magic_model.importing.record import describe
from tests.magic_model.data.layouts.conftest import write_slice
from tests.magic_model.data.layouts.test_colour_captures import JET, write_rgb
from tests.magic_model.inference.tiny import small_recipe, write_checkpoint

PROFILE = Path(__file__).parents[1] / "fixtures" / "confidentiality_profile.csv"
UID_ROOT = "1.2.826.0.1.3680043.99"
DATE, TIME = "19371104", "113355"
MARKER = re.compile(
    rb"ZQ\w{1,5}QZ|1\.2\.826\.0\.1\.3680043\.99|19371104|1937-11-04|113355|077Y",
    re.IGNORECASE,
)
NEEDED = frozenset({
    # without which no image is read, or which say that a CT has contrast
    "SOPInstanceUID", "SeriesInstanceUID", "ContrastBolusAgent", "SeriesDescription",
})  # fmt: skip


def profile():
    with PROFILE.open() as file:
        return list(csv.DictReader(file))


def marked(number, vr):
    """A value of this kind that can be found again."""
    text = f"ZQ{number}QZ"
    numbers = {"DS": "0", "IS": "0", "US": 0, "FL": 0.0, "SL": 0}
    return {
        "AS": "077Y",
        "DA": DATE,
        "DT": f"{DATE}{TIME}",
        "TM": TIME,
        "UI": f"{UID_ROOT}.{number}",
        "OB": text.encode(),
        "UN": text.encode(),
        "SQ": [item(number)],
    }.get(vr, numbers.get(vr, text))


def item(number):
    inner = Dataset()
    inner.PatientName = f"ZQ{number}QZ^Inner"
    inner.CodeMeaning = f"ZQ{number}QZ"
    return inner


def plant(path, number=0):
    """Put a marker into every attribute of the table, and into private ones."""
    dataset = pydicom.dcmread(path)
    for row in profile():
        if "x" in row["tag"] or row["keyword"] in NEEDED:
            continue
        tag = int(row["tag"].replace(",", ""), 16)
        vr = dictionary_VR(tag).split(" ")[0]
        if tag >> 16 > 2:  # 0 and 2 are of messages and of the file's own header
            dataset.add_new(tag, vr, marked(number, vr))
        number += 1
    for group in (0x0009, 0x0019, 0x0029, 0x7FE1):
        dataset.add_new((group, 0x0010), "LO", f"ZQ{number}QZ")
        dataset.add_new((group, 0x1001), "LO", f"ZQ{number}QZ")
        dataset.add_new((group, 0x1002), "UN", f"ZQ{number}QZ".encode())
    dataset.add_new(0x60004000, "LT", f"ZQ{number}QZ")
    dataset.save_as(path)
    return number


def description(name):
    return f"{name} ZQdescQZ^Anna {DATE}"


SIDE = 48
AWAY = np.hypot(*(np.mgrid[:SIDE, :SIDE] - SIDE / 2))
INSIDE, SKULL = AWAY < 20, (AWAY >= 20) & (AWAY < 22)
SERIES = {
    "CT HEAD": np.where(INSIDE, 34.0, np.where(SKULL, 1000, -1000)),
    "CBF": np.where(INSIDE, 45.0, 0),
    "CBV": np.where(INSIDE, 3.0, 0),
    "MTT": np.where(INSIDE, 4.0, 0),
    "CTA": np.where(INSIDE, 90.0, np.where(SKULL, 1000, -1000)),
}


def identity(number, k):
    return {
        "SeriesInstanceUID": f"{UID_ROOT}.1.{number}",
        "SOPInstanceUID": f"{UID_ROOT}.2.{number}.{k}",
        "SeriesNumber": number,
        "PixelSpacing": [4.0, 4.0],
    }


def write_grey(folder, number, name, rng):
    tags = {"SeriesDescription": description(name)}
    if name == "CTA":
        tags["ContrastBolusAgent"] = "ZQagentQZ"
    is_ct = name.startswith("CT")
    if not is_ct:
        tags["ImageType"] = ["DERIVED", "SECONDARY", name]
    scale = {"slope": 1 if is_ct else 0.001, "intercept": -1024 if is_ct else 0}
    for k in range(3):
        array = SERIES[name] * np.where(INSIDE, rng.uniform(0.95, 1, AWAY.shape), 1)
        path = folder / f"ZQfileQZ-{number}-{k}.dcm"
        write_slice(path, array, z=5.0 * k, **scale, **tags, **identity(number, k))


def write_colour(folder, number, rng):
    bar = np.linspace(255, 0, 40).round().astype(int)
    for k in range(3):
        rgb = np.zeros((SIDE, SIDE, 3), np.uint8)
        rgb[INSIDE] = JET[40 + rng.integers(0, 20, INSIDE.sum())]
        rgb[4:44, 45:48] = JET[bar][:, None]
        path = folder / f"ZQfileQZ-{number}-{k}.dcm"
        tags = {"z": 5.0 * k, "BurnedInAnnotation": "YES", **identity(number, k)}
        disk = SimpleNamespace(slice=write_slice)
        write_rgb(disk, path, rgb, name=description("TMAX"), **tags)


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    """A study as a PACS sends it: NCCT, maps in grey, Tmax as pictures, and a CTA."""
    root = tmp_path_factory.mktemp("hospital")
    folder = root / "ZQdirQZ 19371104" / "ZQsubQZ"
    rng = np.random.default_rng(5)
    for number, name in enumerate(SERIES):
        write_grey(folder, number, name, rng)
    write_colour(folder, len(SERIES), rng)
    for number, path in enumerate(sorted(folder.iterdir())):
        plant(path, 1000 * number)
    return root


def leaks(folder):
    """Names and contents of files that hold a marker, archives opened."""
    found = []
    for path in sorted(folder.rglob("*")):
        content = path.read_bytes() if path.is_file() else b""
        if path.suffix == ".gz":
            content = gzip.decompress(content)
        hits = MARKER.findall(content) + MARKER.findall(path.name.encode())
        found += [(path.name, hit) for hit in hits]
    return found


def test_the_table_is_that_of_the_standard():
    rows = profile()
    assert len(rows) == 620
    assert {row["action"] for row in rows} == {
        "X", "Z", "D", "U", "Z/D", "X/Z", "X/D", "X/Z/D", "X/Z/U*",
    }  # fmt: skip
    for row in rows:
        if "x" not in row["tag"]:
            tag = int(row["tag"].replace(",", ""), 16)
            assert pydicom.datadict.keyword_for_tag(tag) == row["keyword"]


@pytest.fixture(scope="module")
def imported(hospital, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "cohort"
    arguments = ["--layout", "dicom", "--out", out, "--colour-range", "tmax=0:20"]
    assert main([str(a) for a in ["import", hospital, *arguments]]) == 0
    return out


@pytest.mark.slow
def test_no_byte_of_an_import_holds_what_a_hospital_wrote(imported):
    names = {path.name for path in imported.rglob("*")}
    assert {"import.json", "report.html", "checks.csv", "cohort.csv"} <= names
    assert {"ncct.nii.gz", "cbf.nii.gz", "tmax.nii.gz"} <= names
    assert leaks(imported) == []


@pytest.mark.slow
def test_the_console_says_nothing_of_it_either(hospital, tmp_path, capfd):
    out = tmp_path / "cohort"
    arguments = ["--layout", "dicom", "--out", out, "--colour-range", "tmax=0:20"]
    main([str(a) for a in ["import", hospital, *arguments]])
    main(["import", "--check", str(out)])
    shown = capfd.readouterr()
    assert "1 patient in" in shown.out
    assert MARKER.findall((shown.out + shown.err).encode()) == []


@pytest.mark.slow
def test_the_markers_are_where_the_test_believes(hospital):
    assert len(leaks(hospital)) > 8_000


@pytest.mark.slow
def test_text_that_stands_in_the_pixels_is_a_finding(imported):
    (record,) = imported.rglob("import.json")
    findings = record.read_text()
    assert "text stands in the pixels of tmax (BurnedInAnnotation is YES)" in findings


@pytest.mark.slow
def test_no_byte_of_generated_maps_holds_what_a_hospital_wrote(
    hospital, tmp_path, capfd
):
    scan, out = tmp_path / "ZQscanQZ", tmp_path / "maps"
    scan.mkdir()
    for path in hospital.rglob("ZQfileQZ-0-*.dcm"):
        shutil.copy(path, scan)
    checkpoint = write_checkpoint(tmp_path / "run", small_recipe())
    paths = ["--checkpoint", checkpoint, "--input", scan, "--out", out]
    capfd.readouterr()
    assert main([str(a) for a in ["generate", *paths, "--dicom"]]) == 0
    shown = capfd.readouterr()
    assert MARKER.findall((shown.out + shown.err).encode()) == []
    names = {path.name for path in out.rglob("*")}
    assert {"cbf.dcm", "cbf.nii.gz", "generated.json", "generated.csv"} <= names
    assert leaks(out) == []


def test_what_a_note_quotes_is_taken_out(tmp_path):
    ncct = Volume(np.zeros((4, 4, 4)), np.eye(4), Kind.NCCT)
    file = tmp_path / "MUELLER" / "slice7.dcm"
    texts = {
        f"{file}: odd": "[file]: odd",
        f"in {file.parent} too": "in [file] too",
        "slice7.dcm was left out": "[file] was left out",
        "MUELLER has a tilt": "p1 has a tilt",
        "series 1.2.840.113619.2.5.176 of 19371104": "series [UID] of [date]",
        "on 04.11.1937 and 1937-11-04": "on [date] and [date]",
        "spacing 1.25 mm, 12 of 240 images": "spacing 1.25 mm, 12 of 240 images",
    }
    source = PatientSource("MUELLER", {}, (file,), findings=tuple(texts))
    record, _ = describe("p1", {Kind.NCCT: ncct}, notes=tuple(texts))
    cleaned = deidentify(record, source)
    assert cleaned.notes == list(texts.values())
    assert cleaned.checks.findings[: len(texts)] == list(texts.values())


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("head", "the head is tilted"),
        ("data", "no data ahead of 3 mm"),
        ("CBF", "CBF is 60 times too large"),
        ("5", "slices are 5 to 5.5 mm apart, 5 of them"),
    ],
)
def test_an_id_that_is_a_word_is_taken_out_of_what_a_hospital_wrote(name, own):
    ncct = Volume(np.zeros((4, 4, 4)), np.eye(4), Kind.NCCT)
    file = Path(name) / "ncct.nii.gz"
    texts = {
        own: own,
        f"the series 'axial {name}' is left out": "the series 'axial ID' is left out",
        f"{name}: holds two images": "ID: holds two images",
        f"{file} is odd, and so is /in/{name}/it": "[file] is odd, and so is /in/ID/it",
        f"the patient's {name} isn't taken": f"the patient's {name} isn't taken",
    }
    source = PatientSource(name, {}, (file,))
    record, _ = describe("p1", {Kind.NCCT: ncct}, notes=tuple(texts))
    cleaned = [
        re.sub(r"\[file\](?! is)|p1", "ID", x) for x in deidentify(record, source).notes
    ]
    assert cleaned == list(texts.values())


def test_headers_of_nifti_files_are_not_copied(tmp_path):
    """Converters write names and dates into descrip and intent_name."""
    import nibabel as nib

    image = nib.Nifti1Image(np.ones((4, 4, 4), np.float32), np.eye(4))
    image.header["descrip"] = b"ZQdescripQZ 19371104"
    image.header["intent_name"] = b"ZQnameQZ"
    image.header["aux_file"] = b"ZQauxQZ"
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"ZQextQZ"))
    root = tmp_path / "ZQrootQZ"
    root.mkdir()
    nib.save(image, root / "ZQcbfQZ.nii.gz")
    table = "patient_id,cbf\nZQidQZ,ZQcbfQZ.nii.gz\n"
    (root / "patients.csv").write_text(table)
    out = tmp_path / "cohort"
    assert main(["import", str(root), "--layout", "nifti", "--out", str(out)]) == 0
    assert leaks(out) == []
    assert len(leaks(root)) > 2
