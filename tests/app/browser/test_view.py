"""The viewer alone in a real browser: sides, pixels of the screen, keys and hands."""

import base64
import json
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from app.components import VIEWER, asset
from tests.app.browser.driving import launch

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PANEL, ROWS, COLUMNS = 256, 10, 5
STRIP = round(PANEL * 0.28)
LETTER, MARK = 23, 32  # pixels of a panel, and of the strip, where a letter stands
RIGHT, LEFT = (255, 0, 0), (0, 0, 255)
"""Colours that stand for the letters R and L of the patient's sides."""

PAGE = """<!doctype html><style>body {{ margin: 0; background: #000; }} {css}
#place {{ position: absolute; left: 0; top: 0; width: 100%; height: {height}px; }}
#answers {{ position: absolute; right: 0; bottom: 0; }}
.viewer {{ height: 100% !important; }}</style><div id="place">{html}</div>
<div id="answers"><input type="radio" name="q" value="1"><input type="radio" name="q"
value="2"><input type="radio" name="q" value="3"><textarea></textarea></div>"""


def montage():
    """A montage whose letters are colours; its panels are dark."""
    picture = np.full((STRIP + ROWS * PANEL, COLUMNS * PANEL, 3), 40, np.uint8)
    picture[:STRIP] = 0
    for left in range(0, COLUMNS * PANEL, PANEL):
        picture[8:24, left + 4 : left + 18] = RIGHT
        picture[8:24, left + PANEL - 18 : left + PANEL - 4] = LEFT
    return picture


def noise(height, width):
    rng = np.random.default_rng(5)
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


def load(context, picture, height=600.4, told=None):
    """Open a page that shows a picture, and questions in a corner."""
    page = context.new_page()
    page.route("http://room.test/", lambda route: route.fulfill(body=""))
    page.goto("http://room.test/")  # what was seen is kept for a page with an address
    page.set_content(
        PAGE.format(css=asset("viewer.css"), html=asset("viewer.html"), height=height)
    )
    told = json.dumps(told).encode() if told else b""
    letter = len(told).to_bytes(4, "little") + told if told else b""
    script = asset(*VIEWER).replace("export default function", "function show")
    page.add_script_tag(content=script)
    file = BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    page.evaluate(
        """(file) => {
          const data = Uint8Array.from(atob(file), (c) => c.charCodeAt(0));
          show({ data, parentElement: document.querySelector("#place") });
        }""",
        base64.b64encode(letter + file.getvalue()).decode(),
    )
    page.locator(".viewer[data-scale]").wait_for()
    return page


def view(page):
    found = page.locator(".viewer").evaluate("(v) => ({...v.dataset})")
    return float(found["scale"]), int(found["x"]), int(found["y"])


def shot(page):
    content = page.screenshot(scale="device")
    return np.asarray(Image.open(BytesIO(content)).convert("RGB")).astype(int)


@pytest.fixture
def open_page(browser):
    contexts = []

    def open_one(picture, told=None):
        size = {"width": 1000, "height": 700}
        context = browser.new_context(viewport=size, has_touch=True)
        contexts.append(context)
        return load(context, picture, told=told)

    yield open_one
    for context in contexts:
        context.close()


def columns_of(shown, colour):
    """Columns of the screen where a letter's colour is clearly seen."""
    other = colour[::-1]
    like = shown[:110] @ np.sign(colour) - shown[:110] @ np.sign(other)
    return np.flatnonzero((like > 150).any(axis=0))


def test_letters_stand_on_their_side_of_the_midline_at_every_zoom_and_pan(open_page):
    page = open_page(montage())
    page.keyboard.press("PageDown")
    seen = 0
    for _ in range(7):
        for key in ("", *["ArrowRight"] * 7, *["ArrowLeft"] * 3):
            if key:
                page.keyboard.press(key)
            scale, x, _ = view(page)
            shown = shot(page)
            for colour, first, last in ((RIGHT, 0, 0.5), (LEFT, 0.5, 1)):
                at = (columns_of(shown, colour) + 0.5 - x) / scale / PANEL
                side = at - np.floor(at)
                assert ((side > first) & (side < last)).all(), (scale, x)
                near = np.minimum(side, 1 - side)
                assert (near < 0.09).all(), (scale, x)
                seen += len(at)
        page.keyboard.press("+")
        page.keyboard.press("+")
    assert scale > 8
    assert seen > 500


def test_a_montage_opens_as_wide_as_there_is_room_and_its_rows_are_counted(open_page):
    page = open_page(montage(), {"token": "t", "all_rows": True})
    scale, x, y = view(page)
    assert (scale, x, y) == (pytest.approx(1000 / (COLUMNS * PANEL)), 0, 0)
    said = page.locator("output")
    # 600 points hold the strip and 2.7 rows
    page.wait_for_function("() => window.stackSeen.left() === 8")
    assert said.text_content().endswith("8 not yet seen")
    for _ in range(20):
        page.keyboard.press("PageDown")
        page.wait_for_timeout(300)
    page.wait_for_function("() => window.stackSeen.left() === 0")
    assert "not yet seen" not in said.text_content()
    told = page.evaluate("() => window.stackSeen.report()")
    assert sorted(map(int, told["slices"])) == list(range(1, ROWS + 1))
    assert min(told["slices"].values()) > 0.1


def test_rows_that_are_only_scrolled_past_were_not_seen(open_page):
    page = open_page(montage(), {"token": "t", "all_rows": True})
    page.evaluate(
        """() => "Down Down Down Up Up Up".split(" ").map((way) => `Page${way}`)
          .forEach((key) =>
            document.dispatchEvent(new KeyboardEvent("keydown", { key })))"""
    )
    page.wait_for_timeout(400)
    assert page.evaluate("() => window.stackSeen.left()") == 8


@pytest.fixture(params=[1, 1.25, 1.5])
def display(request, browser):
    """A browser on a display of so many pixels to a point; none is emulated."""
    scale = f"--force-device-scale-factor={request.param}"
    display = launch(
        browser.browser_type, scale, "--window-size=1940,900", "--hide-scrollbars"
    )
    yield display
    display.close()


def test_at_one_to_one_the_screen_shows_the_pixels_of_the_picture(display):
    picture = noise(400, 600)
    page = load(display.new_context(no_viewport=True), picture)
    page.keyboard.press("a")
    for width in (1366, 1440, 1536, 1680, 1900, 1920):
        size = f"width: {width}px; height: {width / 3.1}px"
        page.locator("#place").evaluate("(p, s) => { p.style.cssText = s; }", size)
        page.wait_for_timeout(300)
        scale, x, y = view(page)
        assert scale == 1
        shown = shot(page)[max(y, 0) :, max(x, 0) :][:300, :600]
        wanted = picture[max(-y, 0) :, max(-x, 0) :][: shown.shape[0], : shown.shape[1]]
        assert wanted.size > 300_000
        assert (shown == wanted).all(), width


ANSWER = "document.querySelector('input:checked')?.value"


def test_a_key_that_moves_the_picture_never_changes_an_answer(open_page):
    page = open_page(noise(900, 700))
    answers = page.locator("input")
    answers.nth(0).click()
    page.keyboard.press("a")
    top = view(page)[2]
    page.keyboard.press("ArrowDown")
    assert page.evaluate(ANSWER) == "1"
    assert view(page)[2] < top
    answers.nth(0).click()  # and at once, without another key between
    for key in ("ArrowDown", "ArrowRight", "ArrowUp", "ArrowLeft", "PageDown"):
        page.keyboard.press(key)
        assert page.evaluate(ANSWER) == "1"
    # Who comes by Tab walks through the answers, until the picture is asked for.
    page.locator("textarea").focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("ArrowDown")
    assert page.evaluate(ANSWER) == "2"
    page.keyboard.press("+")
    page.keyboard.press("ArrowDown")
    assert page.evaluate(ANSWER) == "2"
    page.locator("textarea").focus()
    page.keyboard.type("fa+")
    assert page.locator("textarea").input_value() == "fa+"


def test_the_wheel_goes_through_the_rows_and_does_not_zoom(open_page):
    page = open_page(montage())
    scale, _, top = view(page)
    page.mouse.move(400, 300)
    page.mouse.wheel(0, 120)
    page.wait_for_timeout(200)
    assert view(page)[0] == scale
    assert top - view(page)[2] == pytest.approx(PANEL * scale, abs=1)
    assert "of 10" in page.locator("output").inner_text()
    for _ in range(12):
        page.mouse.wheel(0, 120)
    page.wait_for_timeout(200)
    assert f"to {ROWS} of {ROWS}" in page.locator("output").inner_text()
    page.keyboard.down("Control")
    page.mouse.wheel(0, -100)
    page.wait_for_timeout(200)
    page.keyboard.up("Control")
    assert view(page)[0] > scale


def test_two_fingers_enlarge(open_page):
    page = open_page(noise(900, 700))
    before = view(page)[0]
    touch = page.context.new_cdp_session(page)

    def send(kind, *places):
        points = [{"x": x, "y": 300, "id": n} for n, x in enumerate(places)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    send("touchStart", 400, 500)
    for spread in range(10, 110, 10):
        send("touchMove", 400 - spread, 500 + spread)
    send("touchEnd")
    assert view(page)[0] == pytest.approx(3 * before, rel=0.1)
