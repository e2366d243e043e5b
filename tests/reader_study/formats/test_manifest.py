import json

import pytest

from reader_study.errors import StudyError
from reader_study.formats.manifest import Manifest, Presentation, Slot


def presentation(token, trial=1, **changes):
    values = {
        "token": token,
        "group": "group-1",
        "trial": trial,
        "pseudo_id": f"P-{token}",
        "image": f"{token}.png",
        "sha256": "00",
        "length": 10,
    }
    return Presentation(**values | changes)


def manifest(**changes):
    orders = {1: ("b", "a"), 2: ("c", "d")}
    values = {
        "schema": 1,
        "study_id": "s",
        "protocol_sha256": "p",
        "questionnaire_sha256": "q",
        "commitment": "c",
        "nonce": "n",
        "presentations": tuple(presentation(t, 1 + (t > "b")) for t in "abcd"),
        "slots": (Slot("reader-1", "group-1", orders),),
    }
    return Manifest(**values | changes)


def test_a_manifest_survives_json():
    content = json.loads(json.dumps(manifest().to_dict()))

    assert Manifest.from_dict(content) == manifest()


def test_what_is_shown_is_found():
    assert manifest().presentation("c").trial == 2
    assert manifest().orders("reader-1", 1) == ("b", "a")
    with pytest.raises(StudyError, match="no presentation 'x'"):
        manifest().presentation("x")
    with pytest.raises(StudyError, match="no slot 'reader-9'; it has 1"):
        manifest().orders("reader-9", 1)
    with pytest.raises(StudyError, match=r"trial must be one of \[1, 2\], got 3"):
        manifest().orders("reader-1", 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema": 2}, "schema of the manifest must be 1, got 2"),
        ({"study_id": ""}, "study_id must be a text"),
        (
            {"presentations": (presentation("a"), presentation("a"))},
            "its own token, got one twice",
        ),
        (
            {"presentations": (presentation("a"), presentation("b", pseudo_id="P-a"))},
            "its own pseudo_id, got one twice",
        ),
        (
            {"slots": (Slot("reader-1", "group-1", {1: ("a", "a")}),)},
            "reader-1: trial 1 must show each picture of its group once, got 2 for 2",
        ),
        ({"slots": manifest().slots * 2}, "Each slot must have its own name"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(changes, message):
    with pytest.raises(StudyError, match=message):
        manifest(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image": "../KEY"}, "image must be a plain file name, got '../KEY'"),
        ({"image": "a\\b.png"}, "image must be a plain file name"),
        ({"trial": 0}, "trial of a must be a whole number from 1 on, got 0"),
        ({"length": "10"}, "length of a must be a whole number from 1 on, got '10'"),
        ({"pseudo_id": ""}, "pseudo_id of a presentation must be a text"),
    ],
)
def test_a_presentation_that_cannot_be_is_refused(changes, message):
    with pytest.raises(StudyError, match=message):
        presentation("a", **changes)


def test_a_slot_without_orders_by_trial_is_refused():
    content = manifest().to_dict()
    for orders in ([], {}, {"one": ["a"]}):
        content["slots"][0]["orders"] = orders
        with pytest.raises(StudyError, match="orders of a slot must be lists by trial"):
            Manifest.from_dict(content)
    content["slots"][0]["orders"] = {"1": "ab"}
    with pytest.raises(StudyError, match="an order must be a list, got str"):
        Manifest.from_dict(content)
