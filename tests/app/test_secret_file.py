import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.secret_file import shared_secret
from reader_study.errors import StudyError


def test_the_first_makes_it_and_all_get_the_same(tmp_path):
    path = tmp_path / "secret"
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(shared_secret, [path] * 8))

    (secret,) = found
    assert len(secret) >= 43  # 256 bits in base64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o604, 0o620, 0o666])
def test_a_secret_that_others_can_reach_is_refused(tmp_path, mode):
    path = tmp_path / "secret"
    path.write_text("s" * 43)
    path.chmod(mode)
    with pytest.raises(StudyError, match=f"closed to others, got mode {oct(mode)}"):
        shared_secret(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"short\n", "at least 32 letters, got 5"), (b"\xff" * 40, "not ASCII")],
)
def test_a_secret_that_is_none_is_refused(tmp_path, content, message):
    path = tmp_path / "secret"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(StudyError, match=message):
        shared_secret(path)


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(StudyError, match="No such file"):
        shared_secret(tmp_path / "nowhere" / "secret")
