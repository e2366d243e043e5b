"""Cohorts of patients that an S3 server and a DICOMweb server keep."""

import json
import shutil
import zipfile
from urllib.parse import urlsplit

import pytest

from magic_model.cli import main
from magic_model.data.cohort import read_cohort
from tests.magic_model.archives.conftest import SECRET, assert_names_nobody


@pytest.fixture
def import_from(tmp_path, capsys):
    """Import; give status, what was said, and the images by their content."""

    def run(root, out, *more, layout="dicom"):
        words = ["import", root, "--layout", layout, "--out", tmp_path / out, *more]
        status = main([str(word) for word in words])
        printed = capsys.readouterr()
        return status, printed.out + printed.err, images_of(tmp_path / out)

    return run


def images_of(folder):
    """Images of a cohort, whose patients have names that are drawn anew each time."""
    return sorted(path.read_bytes() for path in folder.glob("*/*.nii.gz"))


def without_names(folder):
    records = [json.loads(path.read_text()) for path in folder.glob("*/import.json")]
    for record in records:
        del record["patient_id"]
    return sorted(map(json.dumps, records))


@pytest.fixture
def uids(studies):
    return [path.name for path in studies.iterdir()]


@pytest.fixture
def web(orthanc, monkeypatch):
    """The address of a server that keeps the studies."""
    monkeypatch.setenv("DICOMWEB_USER", "reader")
    monkeypatch.setenv("DICOMWEB_PASSWORD", SECRET)
    return f"http://127.0.0.1:{orthanc.http_port}/dicom-web?ModalitiesInStudy=CT"


@pytest.mark.slow
@pytest.mark.usefixtures("temporary")
def test_a_server_of_dicomweb_is_as_a_folder(import_from, studies, uids, web, tmp_path):
    status, _, local = import_from(studies, "local")
    assert status == 0
    assert len(local) == 2
    link = tmp_path / "link.csv"
    status, said, there = import_from(web, "web", "--link", link, "--jobs", "2")

    assert status == 0, said
    assert there == local
    assert "2 patients in" in said
    assert len(read_cohort(tmp_path / "web").patients) == 2
    # Files have other names when they are fetched, so only their order could differ.
    first, other = (
        [{k: v for k, v in json.loads(text).items() if k != "fingerprint"}
         for text in without_names(tmp_path / name)] for name in ("local", "web")
    )  # fmt: skip
    assert first == other
    assert_names_nobody(tmp_path / "web", said, uids)
    assert all(uid in link.read_text() for uid in uids)
    assert not (tmp_path / "web" / ".fetched").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("temporary", "signed_in")
def test_an_import_that_was_cut_short_fetches_what_is_missing_and_no_more(
    import_from, studies, moody, tmp_path, monkeypatch
):
    from magic_model.archives import dicomweb
    from magic_model.importing import archive

    monkeypatch.setattr(dicomweb, "_FIRST_WAIT_MS", 1)
    address, asked = moody
    imported = archive._import_entry

    def stop_at_the_second(entry, *more):
        if entry.name == "case-0002":
            raise KeyboardInterrupt
        return imported(entry, *more)

    monkeypatch.setattr(archive, "_import_entry", stop_at_the_second)
    assert import_from(address, "web")[0] == 130
    monkeypatch.setattr(archive, "_import_entry", imported)
    (before,) = (tmp_path / "web").glob("*/import.json")
    asked.clear()
    status, said, there = import_from(address, "web", "--link", tmp_path / "link.csv")

    assert (status, len(there)) == (0, 2)
    assert "1 of them from before" in said
    assert before.exists()
    objects = [path for path in asked if "/instances/" in urlsplit(path).path]
    assert len(objects) == sum(p.is_file() for p in studies.rglob("*")) // 2
    assert len((tmp_path / "link.csv").read_text().splitlines()) == 3
    # A third run has nothing left to go on from: it fetches, and works on none again.
    kept = {p: p.stat().st_mtime_ns for p in (tmp_path / "web").glob("*/*")}
    status, said, _ = import_from(address, "web")
    assert (status, "2 of them from before" in said) == (0, True)
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "web").glob("*/*")} == kept


@pytest.mark.slow
@pytest.mark.usefixtures("temporary")
def test_a_bucket_of_folders_and_archives_names_nobody(
    import_from, studies, s3, tmp_path
):
    """A folder in folders, a ZIP archive and what is no patient, under their names."""
    first, second = sorted(studies.iterdir())
    for path in first.iterdir():
        s3.upload_file(str(path), "hospital", f"in/MUELLER/HANS/{path.name}")
    packed = shutil.make_archive(str(tmp_path / "ADAMS"), "zip", second)
    s3.upload_file(packed, "hospital", "in/ADAMS.zip")
    with zipfile.ZipFile(tmp_path / "torn.zip", "w") as empty:
        empty.writestr("YILMAZ.txt", "no image of YILMAZ")
    s3.upload_file(str(tmp_path / "torn.zip"), "hospital", "in/YILMAZ.zip")

    status, said, there = import_from("s3://hospital/in", "cohort")
    assert status == 1
    assert there == import_from(studies, "local")[2]
    assert "1 could not be imported" in said
    names = ("MUELLER", "HANS", "ADAMS", "YILMAZ", first.name, second.name)
    assert_names_nobody(tmp_path / "cohort", said, names)
    assert "case-0003: " in said
    # What failed is tried again; what an unfinished import has had is not.
    assert (tmp_path / "cohort" / ".fetched").exists()
    s3.delete_object(Bucket="hospital", Key="in/YILMAZ.zip")
    status, said, again = import_from("s3://hospital/in", "cohort")
    assert (status, again) == (0, there)
    assert not (tmp_path / "cohort" / ".fetched").exists()


@pytest.mark.parametrize("layout", ["nifti", "isles24"])
def test_other_layouts_have_a_place_on_disk(import_from, layout):
    status, said, _ = import_from("s3://hospital/in", "out", layout=layout)
    assert status == 2
    assert f"must have layout dicom, got layout {layout}" in said
    assert said.strip().count("\n") == 0
