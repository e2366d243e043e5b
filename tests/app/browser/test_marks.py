"""Points and boxes on the picture in a real browser, by mouse and by keys alone."""

import json
import os
from contextlib import contextmanager

import pytest

from reader_study.building.builder import build_study
from reader_study.building.demo import write_template
from tests.app.browser.conftest import let_in, serving
from tests.app.browser.driving import open_reading, press, see, settle, stored
from tests.app.browser.test_axe import Inspector, axe  # noqa: F401
from tests.app.browser.test_stack_room import write_volume
from tests.app.browser.test_viewer import on_canvas, picture_at_hand, same_pixels
from tests.app.material import PROTOCOL, build, draw_noise
from tests.reader_study.every_type import MARKED
from tests.reader_study.material import request

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def built_with_marks(folder, further="", **more):
    (folder / "own.json").write_text(json.dumps(MARKED))
    plain, _ = PROTOCOL.replace('"paper"', '"own.json"').split("[analysis]")
    return build(folder, plain + further, **more)


@pytest.fixture(scope="module")
def built_of_marks(tmp_path_factory):
    return built_with_marks(tmp_path_factory.mktemp("marks"))


@pytest.fixture
def marked(built_of_marks, tmp_path):
    yield from serving(built_of_marks, tmp_path / "STUDY")


def of(page, question="site"):
    return page.locator(f".st-key-question-{question} .marks")


def tool(page, name, question="site"):
    return of(page, question).get_by_role("button", name=name, exact=True)


def spot(page, x, y):
    """Where a place in the picture is on the screen."""
    view = page.locator(".viewer").evaluate("(v) => ({...v.dataset})")
    box = page.locator(".viewer canvas").bounding_box()
    ratio = page.evaluate("window.devicePixelRatio")
    scale = float(view["scale"])
    return (
        box["x"] + (float(view["x"]) + x * scale) / ratio,
        box["y"] + (float(view["y"]) + y * scale) / ratio,
    )


def begin(server, context, *keys):
    """A reading whose first question is answered by keys."""
    page = open_reading(let_in(server, context, server.codes["anna"]), server)
    press(page, keys)
    page.wait_for_timeout(400)
    settle(page)
    return page


def save(page, words):
    page.wait_for_timeout(400)
    settle(page)
    page.get_by_role("button", name="Save and next").click()
    see(page, words)


def label(page, number, name, confidence):
    of(page).get_by_label(f"Mark {number}: Label").select_option(name)
    of(page).get_by_label(f"Mark {number}: How sure?").select_option(str(confidence))


def drag(page, *places):
    page.mouse.move(*spot(page, *places[0]))
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*spot(page, *place), steps=4)
    page.mouse.up()


def marks_in(server):
    (response,) = stored(server)
    return json.loads(response.answers["site"])


def n_marks(page):
    return page.locator(".viewer").get_attribute("data-marks")


def has_focus(locator):
    return locator.evaluate("(b) => b === document.activeElement")


def test_a_point_and_a_box_by_mouse(marked, context):
    page = begin(marked, context, "1", "a")  # 1:1, so that all pixels can be compared
    wanted = picture_at_hand(marked)
    viewer = page.locator(".viewer")
    before, painted = on_canvas(page)[1], viewer.get_attribute("data-painted")
    assert same_pixels(page, wanted).all()
    tool(page, "Point").click()
    page.mouse.click(*spot(page, 300.5, 200.5))
    page.keyboard.type("co")  # the label's list has the focus
    press(page, ["Enter"])  # on to what is still missing
    page.keyboard.type("4")
    tool(page, "Box").click()
    drag(page, (480, 360), (430, 330), (400, 300))
    # Marks lie above the picture: not a pixel of it is another, and it came once.
    assert n_marks(page) == "2"
    assert (on_canvas(page)[1] == before).all()
    assert viewer.get_attribute("data-painted") == painted
    save(page, "Please complete site.")  # the box has no label yet
    assert not stored(marked)
    page.reload()
    see(page, "1 of 3")
    page.locator(".viewer[data-marks='2']").wait_for()
    label(page, 2, "penumbra", 2)
    save(page, "2 of 3")
    assert n_marks(page) in {None, "0"}

    point, box = marks_in(marked)
    assert (point.pop("x"), point.pop("y")) == pytest.approx((300.5, 200.5), abs=0.6)
    assert point == {"label": "core", "confidence": 4}
    at = [box.pop(name) for name in ("x", "y", "width", "height")]
    assert at == pytest.approx([400, 300, 80, 60], abs=1.1)
    assert box == {"label": "penumbra", "confidence": 2}
    assert "artefacts" not in stored(marked)[0].answers


def test_a_point_and_a_box_by_keys_alone(marked, context, axe):  # noqa: F811
    page = begin(marked, context, "a", "1")  # goes on to the question of marks
    assert has_focus(tool(page, "Point"))
    press(page, ["Enter", "2", *["ArrowRight"] * 5, "Shift+ArrowDown", "Enter"])
    page.keyboard.type("pen")
    press(page, ["Tab"])
    page.keyboard.type("5")
    press(page, ["Escape", "Escape"])  # back to the picture, and off it
    assert has_focus(tool(page, "Point"))
    press(page, ["Tab", "Enter"])  # the box
    press(page, ["Enter", *["ArrowRight"] * 4, *["ArrowDown"] * 3, "Enter"])
    page.keyboard.type("co")
    press(page, ["Enter"])
    page.keyboard.type("1")
    press(page, ["Enter"])
    inspector = Inspector(page, axe)
    inspector.look("marks")
    assert inspector.found == {}
    press(page, ["Enter", "ArrowLeft", "ArrowUp", "Enter"])  # a third, taken back
    assert n_marks(page) == "3"
    assert tool(page, "Box").is_disabled()
    assert "No more than 3 marks." in of(page).inner_text()
    press(page, ["Control+z"])
    page.wait_for_timeout(400)
    settle(page)
    press(page, ["Control+Enter"])
    see(page, "2 of 3")
    assert_keys_were_taken(*marks_in(marked))
    assert stored(marked)[0].answers["grade"] == 1  # 2 was pressed at the picture


def assert_keys_were_taken(point, box):
    assert point["x"] == pytest.approx(450 + 40, abs=1)  # steps of 8 points, and of 1
    assert point["y"] == pytest.approx(box["y"] + 1, abs=0.02)
    assert (point["label"], point["confidence"]) == ("penumbra", 5)
    assert (box["width"], box["height"]) == (32, 24)
    assert (box["label"], box["confidence"]) == ("core", 1)


def test_that_there_is_nothing_to_mark_is_an_answer_of_its_own(marked, context):
    page = begin(marked, context, "1")
    save(page, "Please complete site.")
    tool(page, "Point").click()
    page.mouse.click(*spot(page, 100, 100))
    assert tool(page, "Nothing to mark").is_disabled()
    press(page, ["Delete"])  # from the row that has the focus
    save(page, "Please complete site.")  # that all were taken away says nothing
    tool(page, "Nothing to mark").click()
    page.wait_for_timeout(400)
    settle(page)
    page.reload()
    see(page, "1 of 3")
    assert tool(page, "Nothing to mark").get_attribute("aria-pressed") == "true"
    save(page, "2 of 3")
    (response,) = stored(marked)
    assert response.answers == {"grade": 1, "site": "[]"}


@pytest.fixture
def stacks(tmp_path):
    (tmp_path / "made").mkdir()
    stack = '\n[reading]\nviewer = "stack"\n'
    size = (600, 400)
    study = built_with_marks(
        tmp_path / "made", stack, size=size, write_volume=write_volume
    )
    yield from serving(study, tmp_path / "STUDY")


def test_marks_in_a_stack_have_their_slice_and_their_place_in_the_patient(
    stacks, context
):
    page = begin(stacks, context, "1")
    stack = page.locator(".stack[data-views]")
    tool(page, "Point").click()
    view = json.loads(stack.get_attribute("data-views"))[1]
    slice_ = int(stack.get_attribute("data-slice"))
    box = page.locator(".viewer canvas").bounding_box()
    x = box["x"] + view["x"] + 120.5 * view["scale"]
    y = box["y"] + view["y"] + 130.5 * view["scale"] * view["tallness"]
    page.mouse.click(x, y)
    label(page, 1, "core", 3)
    tool(page, "Point").click()  # off, and on again
    tool(page, "Point").click()
    press(page, [".", "Enter"])  # in the next slice, by keys
    label(page, 2, "core", 1)
    if folder := os.environ.get("MAGIC_SHOTS"):
        page.screenshot(path=f"{folder}/marks-in-a-stack.png")
    save(page, "2 of 3")

    first, second = marks_in(stacks)
    assert (first["x"], first["y"]) == pytest.approx((120.5, 130.5), abs=1)
    assert (first["slice"], second["slice"]) == (slice_, slice_ + 1)
    assert first["panel"] == view["name"]
    # The affine of the volumes is diagonal: 0.8, 0.8 and 5 mm.
    place = [0.8 * (first["x"] - 0.5), 0.8 * (first["y"] - 0.5), 5 * (slice_ - 1)]
    assert first["mm"] == pytest.approx(place, abs=0.02)


def test_a_mark_stays_where_it_is_while_a_montage_is_scrolled(tmp_path, context):
    (tmp_path / "made").mkdir()
    montage = draw_noise((1280, 72 + 10 * 256), 4)
    study = built_with_marks(tmp_path / "made", draw=montage)
    with contextmanager(serving)(study, tmp_path / "STUDY") as server:
        page = begin(server, context, "1")
        press(page, ["w", "PageDown", "PageDown"])  # below the strip that stays
        tool(page, "Point").click()
        top = int(page.locator(".viewer").get_attribute("data-y"))
        scale = float(page.locator(".viewer").get_attribute("data-scale"))
        below = (300 - top) / scale
        page.mouse.click(*spot(page, 700, below))
        label(page, 1, "core", 3)
        press(page, ["Escape", *["Shift+ArrowUp"] * 3, *["ArrowUp"] * 60, "Enter"])
        assert int(page.locator(".viewer").get_attribute("data-y")) > top  # followed
        label(page, 2, "core", 1)
        if folder := os.environ.get("MAGIC_SHOTS"):
            page.screenshot(path=f"{folder}/marks-on-a-montage.png")
        save(page, "2 of 3")
        first, second = marks_in(server)
    assert (first["x"], first["y"]) == pytest.approx((700, below), abs=2)
    assert second["y"] < first["y"]


def test_of_two_pictures_a_mark_lies_in_one(tmp_path, context):
    write_template(tmp_path / "study.toml", "preference", demo=True)
    (path,) = tmp_path.glob("preference*.json")
    content = json.loads(path.read_text())
    content["questions"].append(MARKED["questions"][1])
    path.write_text(json.dumps(content))
    text = (tmp_path / "study.toml").read_text().replace("number = 4", "number = 2")
    build_study(request(tmp_path, text, jobs=1))
    (tmp_path / "made").mkdir()
    made = (tmp_path / "STUDY").rename(tmp_path / "made" / "STUDY")
    with contextmanager(serving)(made, tmp_path / "STUDY") as server:
        page = let_in(server, context, server.codes["anna"]).new_page()
        page.goto(server.url)
        page.locator(".viewer[data-scale]").wait_for()
        page.locator("body[data-desk]").wait_for(state="attached")
        press(page, ["1", "f"])
        settle(page)
        tool(page, "Point").click()
        box = page.locator(".viewer canvas").bounding_box()
        x, y = spot(page, 30, 20)
        page.mouse.click(x + (box["width"] + 6) / 2, y + 28)  # gap, and letters above
        label(page, 1, "core", 2)
        if folder := os.environ.get("MAGIC_SHOTS"):
            page.screenshot(path=f"{folder}/marks-of-two.png")
        save(page, "2 of")
        (mark,) = marks_in(server)
    assert (mark["x"], mark["y"]) == pytest.approx((30, 20), abs=1)
    assert mark["picture"] == 2
