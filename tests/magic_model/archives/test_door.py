import os
import socket
import subprocess
import sys
import tempfile

import pytest

from magic_model.archives.dicomweb import find_studies
from magic_model.archives.door import find_entries, links, temporary_place
from magic_model.errors import DataError


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("http://pacs.example/dicom-web", "must be https"),
        ("https://a:b@pacs.example/dicom-web", "without user and password"),
        ("https://", "must be https://HOST/PATH"),
    ],
)
def test_an_address_that_shows_images_or_passwords_is_refused(address, message):
    with pytest.raises(DataError, match=message) as refused:
        find_studies(address)
    assert "a:b" not in str(refused.value)


def test_names_in_an_archive_do_not_get_into_messages(tmp_path):
    (tmp_path / "MUELLER").mkdir()
    (tmp_path / "ADAMS.nii.gz").touch()
    first, second = find_entries(str(tmp_path))
    assert links([first, second]) == {
        "case-0001": "ADAMS.nii.gz",
        "case-0002": "MUELLER",
    }

    def fail():
        with first.opened() as path:
            msg = f"{path}: odd, {path.with_name('ADAMS.json').name} too"
            raise DataError(msg)

    with pytest.raises(DataError) as refused:
        fail()
    assert str(refused.value) == "case-0001: odd, case-0001 too"


def test_what_is_fetched_is_removed_and_so_is_what_a_killed_process_left(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    process = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"],
        capture_output=True,
        check=True,
        text=True,
    )
    left = tmp_path / f"magic-source-{socket.gethostname()}-{process.stdout.strip()}-x"
    other = tmp_path / f"magic-source-{socket.gethostname()}-{os.getppid()}-x"
    for place in (left, other):
        place.mkdir()

    def interrupted():
        with temporary_place() as place:
            assert place.stat().st_mode & 0o777 == 0o700
            (place / "image").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == [other]
