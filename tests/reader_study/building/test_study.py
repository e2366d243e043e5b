import json

import pytest

from reader_study.building.builder import build_study
from reader_study.building.study import open_study
from reader_study.errors import DamagedPictureError, StudyError
from tests.reader_study.building.test_builder import SMALL
from tests.reader_study.material import COUNTS, request, write_cases


@pytest.fixture
def folder(tmp_path):
    """A built study of three cases."""
    write_cases(tmp_path, dict.fromkeys(COUNTS, 1), spare=0)
    build_study(request(tmp_path, SMALL))
    return tmp_path / "STUDY"


def test_a_swapped_picture_is_refused_when_served_and_stops_no_study(folder):
    study = open_study(folder)
    one, other = study.manifest.presentations[:2]
    images = folder / "images"
    (images / one.image).write_bytes((images / other.image).read_bytes())

    with pytest.raises(DamagedPictureError, match="must be the picture the study was"):
        study.image_bytes(one.token)
    (images / one.image).unlink()
    with pytest.raises(DamagedPictureError, match="No such file"):
        study.image_bytes(one.token)
    (fault,) = open_study(folder).damage()
    assert fault.startswith(str(images / one.image))
    assert list(study.damaged_pictures()) == [one.token]


def test_an_edited_protocol_is_refused_and_a_comment_is_none(folder):
    path = folder / "study.toml"
    path.write_text(path.read_text() + "# read and approved\n")
    open_study(folder)
    path.write_text(path.read_text().replace("washout_days = 28", "washout_days = 1"))
    with pytest.raises(
        StudyError, match=r"study\.toml was changed after the study was"
    ):
        open_study(folder)


def test_all_that_was_edited_is_named_with_what_puts_it_back(folder):
    for name in ("study.toml", "questionnaire.json"):
        (folder / name).write_text("?")
    with pytest.raises(StudyError) as refused:
        open_study(folder)
    for words in ("study.toml", "questionnaire.json", f"magic-study restore {folder}"):
        assert words in str(refused.value)


def test_an_edited_questionnaire_is_refused(folder):
    path = folder / "questionnaire.json"
    path.write_text(path.read_text().replace("Somewhat confident", "Confident"))
    with pytest.raises(StudyError, match=r"questionnaire\.json was changed after"):
        open_study(folder)


def test_a_manifest_that_cannot_be_used_is_named(folder):
    path = folder / "manifest.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"schema": 9}))
    with pytest.raises(StudyError, match=r"manifest\.json line 1: schema must be 1"):
        open_study(folder)
    path.unlink()
    with pytest.raises(StudyError, match="must be a built study, got none with a man"):
        open_study(folder)
