"""Every type of question in a real browser, by keys alone and by hand."""

import json

import pytest

from tests.app.browser.conftest import let_in, serving
from tests.app.browser.cutting import Line
from tests.app.browser.driving import open_reading, press, see, settle, stored
from tests.app.material import PROTOCOL, build
from tests.reader_study.every_type import EVERY_TYPE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def built_of_every_type(tmp_path_factory):
    folder = tmp_path_factory.mktemp("every-type")
    (folder / "own.json").write_text(json.dumps(EVERY_TYPE))
    protocol, _ = PROTOCOL.split("[analysis]")
    return build(folder, protocol.replace('"paper"', '"own.json"'))


@pytest.fixture
def asked(built_of_every_type, tmp_path):
    yield from serving(built_of_every_type, tmp_path / "STUDY")


def test_all_types_are_answered_by_keys_alone(asked, context):
    page = open_reading(let_in(asked, context, asked.codes["anna"]), asked)
    assert page.locator(".line[data-marked]").count() == 0
    press(page, ["1", "3"])  # a lesion, of grade 3
    settle(page)
    press(page, ["1", "3"])  # two sites, the last of them with a reason
    page.keyboard.type("near the falx")
    press(page, ["Escape"])
    settle(page)
    press(page, ["2"])  # the key goes into the number's field
    page.keyboard.type(".5")
    press(page, ["Enter", "4", "ArrowLeft"])  # the line: 40, then 39
    page.wait_for_timeout(600)
    settle(page)
    press(page, ["Enter"])
    page.wait_for_timeout(300)
    page.keyboard.type("motion")
    press(page, ["Control+Enter"])
    see(page, "2 of 3")

    (response,) = stored(asked)
    assert response.answers == {
        "lesion": 1, "grade": 3, "sites": "1|-1", "volume": 2.5, "sure": 39,
        "why": "motion",
    }  # fmt: skip
    assert response.reasons == {"sites": "near the falx"}
    assert page.locator(".line[data-marked]").count() == 0  # nothing is carried over


def test_keys_find_their_question_before_the_server_has_answered(asked, context):
    line = Line(asked.port)
    line.study, line.room = asked.study, asked.room
    page = open_reading(let_in(line, context, asked.codes["anna"]), line)
    line.fall_silent()
    press(page, ["2", "3"])  # no lesion: neither sites nor a volume is asked for
    press(page, ["Backspace", "Backspace", "1"])  # but it is one
    press(page, ["1", "2", "Enter"])  # two sites
    press(page, ["2"])
    page.keyboard.type(".5")
    press(page, ["Enter", "6", "4", "Enter"])  # not sure after all: why?
    page.wait_for_timeout(100)
    page.keyboard.type("motion")
    line.speak()
    settle(page)
    press(page, ["Control+Enter"])
    see(page, "2 of 3")
    line.close()

    (response,) = stored(asked)
    assert response.answers == {
        "lesion": 1, "grade": 3, "sites": "1|2", "volume": 2.5, "sure": 40,
        "why": "motion",
    }  # fmt: skip


def test_a_tap_shows_what_it_asks_for_before_the_server_has_answered(asked, context):
    line = Line(asked.port)
    line.study, line.room = asked.study, asked.room
    page = open_reading(let_in(line, context, asked.codes["anna"]), line)
    line.fall_silent()
    hidden = page.locator(".st-key-question-sites")
    assert not hidden.is_visible()
    choices = page.locator(".st-key-question-lesion").get_by_test_id("stRadioOption")
    choices.first.click()
    hidden.wait_for(timeout=1000)
    choices.nth(1).click()
    hidden.wait_for(state="hidden", timeout=1000)
    line.close()


@pytest.fixture(scope="module")
def built_of_numbers(tmp_path_factory):
    """A text is asked for above 2.4 mL, which lies between two steps."""
    folder = tmp_path_factory.mktemp("numbers")
    of_type = {question["id"]: question for question in EVERY_TYPE["questions"]}
    volume = {k: v for k, v in of_type["volume"].items() if k != "shown_if"}
    condition = {"question": "volume", "at_least": 2.4, "at_most": 30}
    asked = EVERY_TYPE | {
        "questions": [volume, of_type["why"] | {"shown_if": [condition]}]
    }
    (folder / "own.json").write_text(json.dumps(asked))
    protocol, _ = PROTOCOL.split("[analysis]")
    return build(folder, protocol.replace('"paper"', '"own.json"'))


@pytest.mark.parametrize(
    ("typed", "answers"),
    [
        ("2.5", {"volume": 2.5, "why": "seen"}),
        ("2", {"volume": 2}),
        ("31", {"volume": 31}),
    ],
)
def test_a_number_decides_what_is_asked(
    built_of_numbers, tmp_path, context, typed, answers
):
    for server in serving(built_of_numbers, tmp_path / "STUDY"):
        page = open_reading(let_in(server, context, server.codes["anna"]), server)
        press(page, typed[0])
        page.keyboard.type(typed[1:])
        press(page, ["Enter"])
        page.keyboard.type("seen")
        settle(page)
        why = page.locator(".st-key-question-why")
        assert why.is_visible() == ("why" in answers)
        press(page, ["Control+Enter"])
        see(page, "2 of 3")
        assert [r.answers for r in stored(server)] == [answers]


def test_a_line_is_not_answered_before_it_is_touched_and_hidden_texts_come_back(
    asked, context
):
    page = open_reading(let_in(asked, context, asked.codes["anna"]), asked)
    press(page, ["2", "1"])
    settle(page)
    page.get_by_role("button", name="Save and next").click()
    see(page, "Please complete sure.")
    line = page.locator(".line input")
    line.click(position={"x": 30, "y": 10})
    page.wait_for_timeout(600)
    settle(page)
    page.get_by_label("why What makes you unsure?").fill("noise")
    press(page, ["Tab"])
    settle(page)
    line.press("9")  # sure: the text is not asked for any longer
    page.wait_for_timeout(600)
    settle(page)
    assert not page.get_by_label("why What makes you unsure?").is_visible()
    page.reload()
    see(page, "1 of 3")
    assert page.locator(".line output").inner_text() == "90"
    page.locator(".line input").press("1")
    page.wait_for_timeout(600)
    settle(page)
    assert page.get_by_label("why What makes you unsure?").input_value() == "noise"
    page.locator(".line input").press("9")
    page.wait_for_timeout(600)
    settle(page)
    page.get_by_role("button", name="Save and next").click()
    see(page, "2 of 3")

    (response,) = stored(asked)
    assert response.answers == {"lesion": 0, "grade": 1, "sure": 90}


def test_a_number_stays_at_its_choice_whatever_way_the_words_run(asked, context):
    page = open_reading(let_in(asked, context, asked.codes["anna"]), asked)
    settle(page)
    page.locator("[role=radiogroup] label").first.click()  # a lesion, which has sites
    page.locator("[class*=st-key-several-] label p").first.wait_for()
    settle(page)
    for choice in ("[role=radiogroup] label p", "[class*=st-key-several-] label p"):
        left, right = page.evaluate(
            """(choice) => {
                const words = document.querySelector(choice);
                const text = [...words.childNodes].find((n) => n.nodeType === 3);
                text.data = "\u0646\u0639\u0645";  // yes, in Arabic
                const place = document.createRange();
                place.selectNode(text);
                const box = words.getBoundingClientRect();
                const at = place.getBoundingClientRect();
                return [at.left - box.left, box.right - at.right];
            }""",
            choice,
        )
        assert left > 8  # where the number is, next to its button
        assert right < 8
