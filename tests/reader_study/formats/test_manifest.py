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


def test_a_sealed_manifest_is_known_by_its_content():
    sealed = manifest().sealed()
    content = json.loads(json.dumps(sealed.to_dict()))
    assert Manifest.from_dict(content) == sealed == sealed.sealed()
    assert sealed.is_whole
    assert manifest().is_whole  # of an earlier version: nothing is known
    assert sealed.to_dict() == manifest().to_dict() | {
        "content_sha256": sealed.content_sha256
    }
    for changed in (
        {"study_id": "t"},
        {"content_sha256": "0" * 64},
        {"presentations": [p | {"length": 11} for p in content["presentations"]]},
    ):
        assert not Manifest.from_dict(content | changed).is_whole


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
        ({"schema": 2}, "schema must be 1, got 2"),
        ({"study_id": ""}, "study_id must not be empty, got ''"),
        (
            {"presentations": (presentation("a"), presentation("a"))},
            "presentations must each have its own token, got one twice",
        ),
        (
            {"presentations": (presentation("a"), presentation("b", pseudo_id="P-a"))},
            "presentations must each have its own pseudo_id, got one twice",
        ),
        (
            {"slots": (Slot("reader-1", "group-1", {1: ("a", "a")}),)},
            r"orders.1 must show each picture of its group once, got 2 for 2",
        ),
        ({"slots": manifest().slots * 2}, "slots must each have its own name"),
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
        ({"trial": 0}, "trial must be 1 or more, got 0"),
        ({"length": "10"}, "length must be a whole number, got '10'"),
        ({"pseudo_id": ""}, "pseudo_id must not be empty, got ''"),
    ],
)
def test_a_presentation_that_cannot_be_is_refused(changes, message):
    with pytest.raises(StudyError, match=message):
        presentation("a", **changes)


def test_a_slot_without_orders_by_trial_is_refused():
    content = manifest().to_dict()
    for orders in ([], {}, {"one": ["a"]}):
        content["slots"][0]["orders"] = orders
        with pytest.raises(StudyError, match=r"slots\[0\].orders.* must be .*, got "):
            Manifest.from_dict(content)
    content["slots"][0]["orders"] = {"1": "ab"}
    with pytest.raises(StudyError, match="must be a list, got 'ab'"):
        Manifest.from_dict(content)
