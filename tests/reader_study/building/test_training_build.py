# ruff: noqa: E501 - a table of messages
import json
import re
import shutil

import numpy as np
import pytest

from reader_study.blinding_audit import audit_study
from reader_study.building.builder import build_study
from reader_study.building.pictures import read_montage
from reader_study.building.png import CHUNKS, pixels_of, read_chunks
from reader_study.building.sealing import unseal
from reader_study.building.study import open_study
from reader_study.building.training import read_training_file
from reader_study.building.training_set import (
    NO_TRAINING,
    read_training,
    training_image,
)
from reader_study.errors import StudyError
from reader_study.formats.protocol import Protocol
from reader_study.formats.questionnaire import paper_questionnaire
from tests.reader_study.material import COUNTS, PASSPHRASE, request, write_cases
from tests.reader_study.practising import PRACTISING, SMALL, TABLE, write_training

Q = paper_questionnaire()


@pytest.fixture
def small(tmp_path):
    write_cases(tmp_path, dict.fromkeys(COUNTS, 1), spare=0)
    write_training(tmp_path)
    return tmp_path


def test_training_lies_apart_hashed_and_without_metadata(small):
    build_study(request(small, PRACTISING))
    study = open_study(small / "STUDY")
    shown = {p.token for p in study.manifest.presentations}
    first, second = study.training.cases

    assert study.manifest.training_sha256 == study.training.sha256
    assert (dict(first.expected), dict(second.expected)) == ({"Q1": 1, "Q3": 2}, {})
    assert first.feedback == {"Q3": "Look at the left side."}
    for case, name in ((first, "first"), (second, "second")):
        chunks = read_chunks(training_image(study.folder, case))
        assert tuple(chunk.kind for chunk in chunks) == CHUNKS
        source = read_montage(small / "practice" / f"{name}.png")
        assert np.array_equal(pixels_of(chunks), source)
        assert case.token not in shown
    truth = unseal(small / "KEY", [PASSPHRASE])
    names = {c["token"]: c["case"] for c in truth.details["training"]}
    assert names == {first.token: "practice-1", second.token: "practice-2"}
    assert not audit_study(study.folder, truth).leaks


def test_a_study_without_training_is_what_it_was(small):
    """Manifest and protocol of before hash and open as they did."""
    build_study(request(small, SMALL))
    content = json.loads((small / "STUDY" / "manifest.json").read_text())

    assert "training_sha256" not in content
    assert open_study(small / "STUDY").training == NO_TRAINING
    assert not (small / "STUDY" / "training").exists()


def test_the_hash_of_a_protocol_from_before_stays():
    # Computed by the release before training cases and closing questions.
    old = "e8cea2d96b2a3ff4e7f01d759f6001b7"
    protocol = Protocol(title="T", per_severity={"severe": 4})

    assert protocol.sha256[:32] == old
    for later in ({"closing": True}, {"training_cases": "t.csv"}):
        assert Protocol(title="T", per_severity={"severe": 4}, **later) != protocol


@pytest.mark.parametrize("name", ["training.json", "picture"])
def test_a_changed_training_is_named_and_stops_no_study(small, name):
    build_study(request(small, PRACTISING))
    folder = small / "STUDY" / "training"
    path = folder / name if name != "picture" else next(folder.glob("*.png"))
    path.write_bytes(path.read_bytes().replace(b"left", b"rght") + b" ")
    study = open_study(small / "STUDY")
    (fault,) = study.damage()
    assert re.search(r"was changed after|study was built with", fault)
    assert bool(study.training.cases) == (name == "picture")
    shutil.rmtree(folder)
    (fault,) = open_study(small / "STUDY").damage()
    assert "No such file" in fault


def changed(row, column, value):
    rows = [list(cells) for cells in TABLE]
    rows[row][column] = value
    return rows


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (changed(0, 0, "name"), "line 1: column case is missing; known are case, image, Q1"),
        (changed(0, 2, "Q9"), "line 1: column 'Q9' is unknown; known are"),
        (changed(1, 0, " "), "line 2: case must be given, got nothing"),
        (changed(1, 1, "gone.png"), "gone.png must be a file, got none"),
        (changed(1, 2, "7"), "line 2: Q1 must be 1 or 0 or empty, got '7'"),
        (changed(2, 0, "practice-1"), "line 2: case must be there once, got 'practice-1'"),
        (changed(2, 3, ""), "line 3: an expected answer or a feedback must be given"),
        (changed(1, 5, "rapid said so"), "line 2: Q3_feedback must not name a method, got 'r"),
        (TABLE[:1], "training.csv must have one or more cases, got none"),
        (changed(1, 0, "patient-001"), "must be none of the study's cases, got 'patient-001'"),
        (changed(1, 1, "montages/case001_generated.png"), "must be none of the study's cases"),
    ],
)  # fmt: skip
def test_a_wrong_training_is_named_with_its_line(small, rows, message):
    write_training(small, rows)
    with pytest.raises(StudyError, match=re.escape(message)):
        build_study(request(small, PRACTISING))
    assert not (small / "STUDY").exists()


def test_a_copy_of_a_picture_of_the_study_is_refused(small):
    source = small / "montages" / "case001_generated.png"
    shutil.copyfile(source, small / "practice" / "second.png")
    with pytest.raises(StudyError, match=r"line 3: .*none of the study's pictures"):
        build_study(request(small, PRACTISING))


def test_feedback_may_hold_parts_of_a_method(small):
    write_training(small, changed(1, 5, "It was magical, and rapidly done."))
    build_study(request(small, PRACTISING))


def test_files_that_cannot_be_read_are_named(tmp_path):
    path = tmp_path / "training.csv"
    with pytest.raises(StudyError, match=r"training\.csv: No such file"):
        read_training_file(path, Q, ())
    path.write_bytes(b"case,image\xff")
    with pytest.raises(StudyError, match="not a CSV table in UTF-8"):
        read_training_file(path, Q, ())


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ({"token": ""}, r"cases\[0\].token must not be empty, got ''"),
        ({"expected": []}, r"cases\[0\].expected must be an object, got \[\]"),
        ({"length": 0}, r"cases\[0\].length must be 1 or more, got 0"),
    ],
)
def test_a_list_that_is_none_is_told(tmp_path, case, message):
    good = {"token": "t", "sha256": "00", "length": 1, "expected": {}, "feedback": {}}
    (tmp_path / "training").mkdir()
    content = {"schema": 1, "cases": [good | case]}
    (tmp_path / "training" / "training.json").write_text(json.dumps(content))
    with pytest.raises(StudyError, match=message):
        read_training(tmp_path, "00")
