import json
import stat

import pytest

from reader_study.building.sealing import (
    Truth,
    TruthCell,
    check_passphrases,
    commitment,
    new_salt,
    seal,
    unseal,
)
from reader_study.errors import StudyError

TRUTH = Truth(
    "study-1",
    "ab" * 32,
    {"t1": TruthCell("patient-1", "RAPID", "none")},
    {"nonce": "cd"},
)
PHRASE, OTHER = "correct horse", "battery staple"
CHEAP = {"work_factor": 2**4}


@pytest.mark.slow
def test_what_is_sealed_comes_back(tmp_path, cheap_keys):
    path = tmp_path / "KEY"
    seal(TRUTH, path, [PHRASE], work_factor=cheap_keys)

    assert unseal(path, [PHRASE]) == TRUTH
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    # OWASP Password Storage Cheat Sheet: scrypt with N = 2^17, r = 8, p = 1.
    assert json.loads(path.read_text())["work_factor"] == 131072


def test_the_file_tells_nothing_and_is_never_the_same(tmp_path):
    for name in ("a", "b"):
        seal(TRUTH, tmp_path / name, [PHRASE], **CHEAP)
    one, other = ((tmp_path / name).read_text() for name in ("a", "b"))

    assert one != other
    assert not any(word in one for word in ("patient-1", "RAPID", TRUTH.salt, PHRASE))


def test_two_people_open_it_together_in_either_order(tmp_path):
    path = tmp_path / "KEY"
    seal(TRUTH, path, [PHRASE, OTHER], **CHEAP)

    assert unseal(path, [PHRASE, OTHER]) == unseal(path, [OTHER, PHRASE]) == TRUTH
    with pytest.raises(StudyError, match="by the passphrases of two people, got 1"):
        unseal(path, [PHRASE])
    with pytest.raises(StudyError, match="the passphrases do not open this key"):
        unseal(path, [PHRASE, PHRASE])


def test_a_wrong_passphrase_is_one_sentence(tmp_path):
    path = tmp_path / "KEY"
    seal(TRUTH, path, [PHRASE], **CHEAP)
    with pytest.raises(StudyError) as error:
        unseal(path, [OTHER])
    assert str(error.value) == (
        f"{path}: the passphrase does not open this key, or the file was changed"
    )
    with pytest.raises(StudyError, match="by one passphrase, got 2"):
        unseal(path, [PHRASE, OTHER])


def test_an_umlaut_may_be_typed_in_two_ways(tmp_path):
    seal(TRUTH, tmp_path / "KEY", ["schl\u00fcsselwort"], **CHEAP)

    assert unseal(tmp_path / "KEY", ["schlu\u0308sselwort"]) == TRUTH


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"study_id": "study-2"}, "does not open this key, or the file was changed"),
        ({"kind": "letter"}, "kind must be magic-study key, got 'letter'"),
        ({"salts": []}, "salts must be 1 or more entries"),
        ({"work_factor": 3}, "must be a power of 2 up to 2\\^20, got 3"),
        ({"work_factor": 2**30}, "must be a power of 2 up to 2\\^20"),
        ({"work_factor": "16"}, "work_factor must be a whole number, got '16'"),
        ({"nonce": "&"}, "the key is damaged"),
        ({"nonce": "eA=="}, "does not open this key, or the file was changed"),
        ({"nonce": 3}, "nonce must be a text, got 3"),
        ({"colour": 3}, "line 1: colour is unknown; known are kind"),
    ],
)
def test_a_changed_file_is_refused(tmp_path, change, message):
    path = tmp_path / "KEY"
    seal(TRUTH, path, [PHRASE], **CHEAP)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))

    with pytest.raises(StudyError, match=message):
        unseal(path, [PHRASE])


@pytest.mark.parametrize(
    ("phrases", "message"),
    [
        ([], "one or two passphrases, got 0"),
        (["short"], "must have 8 characters, got 5"),
        ([PHRASE, PHRASE], "must differ"),
        ([PHRASE] * 3, "one or two passphrases, got 3"),
    ],
)
def test_weak_passphrases_are_refused(phrases, message):
    with pytest.raises(StudyError, match=message):
        check_passphrases(phrases)


def test_a_key_is_never_written_over(tmp_path):
    (tmp_path / "KEY").write_text("precious")
    with pytest.raises(StudyError, match="a key is never written over"):
        seal(TRUTH, tmp_path / "KEY", [PHRASE], **CHEAP)
    with pytest.raises(StudyError, match="cannot be written"):
        seal(TRUTH, tmp_path / "nowhere" / "KEY", [PHRASE], **CHEAP)
    assert (tmp_path / "KEY").read_text() == "precious"


def test_a_key_that_cannot_be_finished_is_not_left_behind(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("reader_study.building.sealing.os.fsync", full)
    with pytest.raises(StudyError, match="No space left on device"):
        seal(TRUTH, tmp_path / "KEY", [PHRASE], **CHEAP)
    assert list(tmp_path.iterdir()) == []


def test_the_commitment_binds_everything_and_needs_the_salt():
    # hmac.new(bytes.fromhex("ab" * 32), <canonical JSON>, "sha256") with OpenSSL:
    # printf '%s' '{"cells":{"t1":{"case":"patient-1","method":"RAPID",
    #  "severity":"none"}},"details":{"nonce":"cd"},"study_id":"study-1"}' (one line)
    #  | openssl dgst -sha256 -mac HMAC -macopt hexkey:abab...
    assert commitment(TRUTH) == GOLDEN
    for changed in (
        Truth("study-2", TRUTH.salt, TRUTH.cells, TRUTH.details),
        Truth("study-1", new_salt(), TRUTH.cells, TRUTH.details),
        Truth("study-1", TRUTH.salt, {}, TRUTH.details),
        Truth("study-1", TRUTH.salt, TRUTH.cells, {}),
    ):
        assert commitment(changed) != commitment(TRUTH)


def test_a_content_that_is_no_key_is_refused():
    with pytest.raises(StudyError, match="key: cells must be an object, got 3"):
        Truth.from_dict(TRUTH.to_dict() | {"cells": 3})
    with pytest.raises(StudyError, match=r"key: cells\.t\.method must be given"):
        Truth.from_dict(TRUTH.to_dict() | {"cells": {"t": {"case": "c"}}})


GOLDEN = "9401685bf349b25e218a00b1c610614d4000805f3425338d2bfb6ca4c8915452"
