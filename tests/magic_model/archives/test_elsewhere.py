"""Maps of patients that an S3 server and a DICOMweb server keep."""

from urllib.parse import urlsplit

import pytest

from magic_model.batch import FAILURES
from magic_model.cli import main
from magic_model.data.nifti import write_nifti
from tests.magic_model.archives.conftest import SECRET, assert_names_nobody
from tests.magic_model.data.conftest import make_head
from tests.magic_model.inference.tiny import small_recipe, write_checkpoint

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("temporary")]

NAMES = ("MUELLER", "ADAMS", "YILMAZ")


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("run"), small_recipe()).parent


@pytest.fixture
def generate(network, tmp_path, capsys):
    """Generate for an archive; give status, what was said and the maps."""

    def run(archive, out, *more):
        words = ["generate", "--checkpoint", network, "--input", archive, "--out"]
        status = main([str(word) for word in [*words, tmp_path / out, *more]])
        printed = capsys.readouterr()
        return status, printed.out + printed.err, maps_of(tmp_path / out)

    return run


def maps_of(folder):
    """All but the records, which hold the mark of what was read."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".json"
    }


@pytest.fixture
def heads(tmp_path):
    """Three patients as files, under a hospital's names."""
    folder = tmp_path / "heads"
    for seed, name in enumerate(NAMES):
        write_nifti(make_head(noise=4.0, seed=seed).ncct, folder / f"{name}.nii.gz")
    return folder


@pytest.fixture
def bucket(heads, s3):
    """They, and a file that is no patient, in a bucket."""
    for path in heads.iterdir():
        s3.upload_file(str(path), "hospital", f"stroke/2026/{path.name}")
    s3.put_object(Bucket="hospital", Key="stroke/2026/README.txt", Body=b"-")
    return s3


def test_a_bucket_is_as_a_folder(generate, heads, bucket, tmp_path):
    status, _, local = generate(heads, "local", "--archive")
    assert status == 0
    link = tmp_path / "link.csv"
    status, said, there = generate("s3://hospital/stroke/2026", "s3", "--link", link)
    assert status == 0
    assert there == local
    assert len([name for name in there if name.endswith("cbf.nii.gz")]) == 3
    assert_names_nobody(tmp_path / "s3", said, NAMES)
    assert "case-0001,ADAMS.nii.gz" in link.read_text()


def test_parts_of_a_bucket_go_on_and_fetch_what_is_missing(
    generate, bucket, monkeypatch, tmp_path
):
    address = "s3://hospital/stroke/2026/"
    whole = generate(address, "whole")[2]
    assert "2 patients of other parts" in generate(address, "out", "--part", "2/2")[1]
    assert generate(address, "out", "--part", "1/2")[2] == whole
    (tmp_path / "out" / "case-0003" / "cbf.nii.gz").unlink()
    from magic_model.archives import s3

    fetched = []
    fetch = s3._open

    def noted():
        fetched.append(1)
        return fetch()

    monkeypatch.setattr(s3, "_open", noted)
    assert generate(address, "out")[2] == whole
    assert len(fetched) == 2  # the listing, and one patient


def test_an_odd_object_is_in_the_table_of_failures(generate, bucket, tmp_path):
    bucket.put_object(Bucket="hospital", Key="stroke/2026/MUELLER.nii.gz", Body=b"odd")
    status, said, _ = generate("s3://hospital/stroke/2026", "out", "--keep-going")
    assert status == 1
    table = (tmp_path / "out" / FAILURES).read_text().splitlines()
    assert [row.partition(",")[0] for row in table] == ["patient_id", "case-0002"]
    assert_names_nobody(tmp_path / "out", said, NAMES)


def test_what_s3_refuses_is_one_sentence(generate, bucket, monkeypatch):
    for address, why in (
        ("s3://other/x", "no such bucket"),
        ("s3://hospital/empty", "must hold folders"),
        ("s3://", "must name a bucket"),
    ):
        status, said, _ = generate(address, "out")
        assert status == 2
        assert why in said
        assert said.strip().count("\n") == 0
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    status, said, _ = generate("s3://hospital/stroke/2026", "out")
    assert status == 2
    assert "cannot be listed (EndpointConnectionError)" in said
    assert SECRET not in said


@pytest.mark.usefixtures("signed_in")
def test_a_server_that_fails_now_and_then_is_as_a_folder(
    generate, studies, moody, tmp_path, monkeypatch
):
    from magic_model.archives import dicomweb

    monkeypatch.setattr(dicomweb, "_FIRST_WAIT_MS", 1)
    status, _, local = generate(studies, "local", "--archive")
    assert status == 0
    address, asked = moody
    status, said, there = generate(f"{address}?ModalitiesInStudy=CT", "web")
    assert status == 0
    assert there == local
    uids = [path.name for path in studies.iterdir()]
    assert_names_nobody(tmp_path / "web", said, uids)
    n_objects = sum(path.is_file() for path in studies.rglob("*"))
    retrieved = [path for path in asked if "/instances/" in urlsplit(path).path]
    assert len(retrieved) == n_objects
    assert set(asked.values()) == {2}
    asked.clear()
    status, _, again = generate(f"{address}?ModalitiesInStudy=CT", "web")
    assert again == there
    assert not [path for path in asked if "/instances/" in urlsplit(path).path]


def test_what_a_server_refuses_is_one_sentence(generate, orthanc, monkeypatch):
    from magic_model.archives import dicomweb

    address = f"http://127.0.0.1:{orthanc.http_port}/dicom-web"
    monkeypatch.setattr(dicomweb, "_FIRST_WAIT_MS", 1)
    monkeypatch.setenv("DICOMWEB_USER", "reader")
    monkeypatch.setenv("DICOMWEB_PASSWORD", f"{SECRET}-other")
    for wrong, why in (
        (address, "the server answered 401"),
        ("http://127.0.0.1:1/x", "cannot be searched (ConnectionError)"),
    ):
        status, said, _ = generate(wrong, "out")
        assert status == 2
        assert why in said
        assert SECRET not in said
        assert said.strip().count("\n") == 0


@pytest.mark.usefixtures("signed_in")
def test_a_server_without_such_studies_is_one_sentence(generate, orthanc):
    address = f"http://127.0.0.1:{orthanc.http_port}/dicom-web?ModalitiesInStudy=MR"
    status, said, _ = generate(address, "out")
    assert status == 2
    assert "must have studies that were asked for, got none" in said
