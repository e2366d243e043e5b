"""Linked slices on the canvas of a real browser."""

import base64
import json
from io import BytesIO
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from app.components import STACK, asset
from app.fetched import outwards
from tests.app.browser.driving import launch

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SLICES, SIDE = 6, 256
MIDLINE = 127.5  # of the picture, between the columns
HEX = "".join(f"{n:02x}{255 - n:02x}{n // 2:02x}" for n in range(256))
MAPS = {
    "CBF": ("mL/100g/min", 60),
    "CBV": ("mL/100g", 4),
    "MTT": ("s", 12),
    "TTP": ("s", 25),
}
NCCT = {"name": "NCCT", "unit": "HU", "dtype": "int16", "high": 80, "colours": ""}
MAP = {"dtype": "uint8", "colours": HEX}
LAYOUT = {
    "slices": SLICES,
    "rows": SIDE,
    "columns": SIDE,
    "panels": [
        NCCT | {"low": 0},
        *(
            MAP | {"name": name, "unit": unit, "low": 0, "high": high}
            for name, (unit, high) in MAPS.items()
        ),
    ],
}


def make_volume(seed=1):
    """NCCT and codes of maps, `(slices, rows, columns)`, of a head of noise."""
    rng = np.random.default_rng(seed)
    across, down = np.meshgrid(np.arange(SIDE) - 127.5, np.arange(SIDE) - 127.5)
    head = (across / 80) ** 2 + (down / 100) ** 2 < 1
    shape = (SLICES, SIDE, SIDE)
    ncct = np.where(head, rng.integers(-20, 110, shape), -1000).astype("<i2")
    maps = [np.where(head, rng.integers(1, 256, shape), 0).astype("u1") for _ in MAPS]
    return ncct, maps


def contain(ncct, maps):
    """The bytes of a container, as docs/file-formats.md has them."""
    affine = np.diag([0.8, 0.8, 5.0, 1.0]).astype("<f8").tobytes()
    order = [ncct, *maps]
    slices = [image[k].tobytes() for k in range(SLICES) for image in order]
    return affine + b"".join(slices) + bytes(32)


def as_sent(content, n_slices=None):
    """A container as the page gets it."""
    panels = tuple(SimpleNamespace(n_bytes=1 + (n == 0)) for n in range(5))
    grid = {"slices": SLICES, "rows": SIDE, "columns": SIDE}
    return outwards(content, SimpleNamespace(**grid, panels=panels), n_slices)


@pytest.fixture(scope="module")
def volume():
    return make_volume()


def open_stack(page, volume, n_slices=None, **told):
    """Show the component in a page of its own, with the size it has in the room."""
    exported = "export default function"
    script = asset(*STACK).replace(exported, "window.component = function")
    style = asset("viewer.css", "stack.css")
    page.set_content(
        f"<body style='margin:0;background:#0e1012'><style>{style}</style>"
        f"<div id=host style='width:74vw'>{asset('stack.html')}</div>"
        f"<script>{script}</script>"
    )
    layout = json.dumps(LAYOUT | {"token": "t", "measures": True} | told).encode()
    container = contain(*volume)
    data = len(layout).to_bytes(4, "little") + layout + as_sent(container, n_slices)
    page.evaluate(
        """(text) => {
          const data = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
          const given = { data, parentElement: host, setStateValue() {} };
          window.leave = window.component(given);
        }""",
        base64.b64encode(data).decode(),
    )
    page.wait_for_function("() => document.querySelector('.viewer').dataset.views")
    return page


@pytest.fixture
def page(context, volume):
    return open_stack_at(context.new_page(), volume)


def open_stack_at(page, volume, **told):
    """Give the page an origin, which what it keeps in the tab needs."""
    blank = {"body": "<p>", "content_type": "text/html"}
    page.route("**/*", lambda route: route.fulfill(**blank))
    page.goto("http://stack.test/")
    return open_stack(page, volume, **told)


def settle(page):
    frame = "(d) => requestAnimationFrame(d)"
    for _ in range(2):
        page.evaluate(f"() => new Promise({frame})")


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)
    settle(page)


def state(page):
    told = page.locator(".viewer").evaluate("(v) => ({...v.dataset})")
    return told | {"views": json.loads(told["views"])}


def pixels(content):
    return np.asarray(Image.open(BytesIO(content)).convert("RGB"))


def on_canvas(page):
    address = page.locator("canvas").evaluate("(c) => c.toDataURL()")
    return pixels(base64.b64decode(address.split(",")[1]))


def grey(values, level, width):
    share = np.clip((values - (level - width / 2)) / width, 0, 1)
    return np.floor(255 * share + 0.5).astype(int)


def shown_part(shown, view, wanted):
    """What a panel shows at 1:1, and what it should, clear of letters and edges."""
    area = view["area"]
    left, top = int(area["left"]) + 30, int(area["top"]) + 30
    right = int(area["left"] + area["width"]) - 30
    bottom = int(area["top"] + area["height"]) - 30
    x, y = view["x"], view["y"]
    left, top = max(left, x + 30), max(top, y + 30)
    right, bottom = min(right, x + SIDE - 30), min(bottom, y + SIDE - 30)
    part = shown[top:bottom, left:right]
    assert part.shape[0] * part.shape[1] > 10_000
    return part, wanted[top - y : bottom - y, left - x : right - x]


@pytest.mark.parametrize("panel", [0, 2])
def test_at_1_to_1_each_pixel_is_that_of_the_array(page, volume, panel):
    press(page, *["e"] * panel, "a", "Home", "ArrowDown")
    view = state(page)["views"][panel]
    assert (state(page)["slice"], view["scale"]) == ("2", 1)
    ncct, maps = volume
    table = np.frombuffer(bytes.fromhex(HEX), np.uint8).reshape(256, 3)
    for level, width, keys in ((40, 80, []), (40, 40, ["p"]), (35, 350, ["p"])):
        press(page, *keys)
        wanted = np.repeat(grey(ncct[1], level, width)[..., None], 3, axis=2)
        if panel:
            wanted = table[maps[panel - 1][1]]
        part, right = shown_part(on_canvas(page), view, wanted)
        assert (part == right).all()
        assert (state(page)["level"], state(page)["width"]) == (str(level), str(width))
    if panel:
        press(page, "g")
        codes = np.repeat(maps[panel - 1][1][..., None], 3, axis=2)
        part, right = shown_part(on_canvas(page), view, codes)
        assert (part == right).all()


@pytest.mark.parametrize("ratio", [1, 1.25, 1.5])
def test_the_screen_shows_the_pixels_of_the_array(browser, volume, ratio):
    scale = f"--force-device-scale-factor={ratio}"
    display = launch(browser.browser_type, scale, "--hide-scrollbars")
    page = display.new_context(no_viewport=True).new_page()
    open_stack_at(page, volume)
    press(page, "a")
    view = state(page)["views"][0]
    screen = pixels(page.screenshot(scale="device"))
    wanted = np.repeat(grey(volume[0][SLICES // 2], 40, 80)[..., None], 3, axis=2)
    part, right = shown_part(screen, view, wanted)
    assert (part == right).all()
    display.close()


def test_sides_are_right_at_every_enlargement_and_place(page):
    scales = []
    for key, times in (
        ("f", 1), ("+", 1), ("+", 2), ("Shift+ArrowLeft", 4), ("Shift+ArrowRight", 9),
        ("+", 3), ("Shift+ArrowUp", 7), ("-", 12), ("d", 1), ("+", 5),
    ):  # fmt: skip
        press(page, *[key] * times)
        scales.append(state(page)["views"][0]["scale"])
        for view in state(page)["views"]:
            area, scale = view["area"], view["scale"]
            edges = {
                "R": view["x"] >= area["left"],
                "L": view["x"] + SIDE * scale <= area["left"] + area["width"],
                "A": view["y"] >= area["top"],
                "P": view["y"] + SIDE * scale <= area["top"] + area["height"],
            }
            marks = {mark["letter"]: mark for mark in view["marks"]}
            assert {name: mark["edge"] for name, mark in marks.items()} == edges
            middle = [view[axis] + (MIDLINE + 0.5) * scale for axis in ("x", "y")]
            for low, high, axis in (("R", "L", 0), ("A", "P", 1)):
                assert marks[low]["at"][axis] < marks[high]["at"][axis]
                # A bare letter stands on its own side of the midline.
                if edges[low]:
                    assert marks[low]["at"][axis] < middle[axis]
                if edges[high]:
                    assert marks[high]["at"][axis] > middle[axis]
    assert (min(scales) < 0.6, max(scales) > 6) == (True, True)


def test_all_panels_show_the_same_slice_and_place(page):
    seen = []
    for keys in (
        ["End"],
        ["PageUp"],
        ["ArrowUp"],
        ["Home"],
        ["PageDown"],
        ["ArrowLeft"],
    ):
        press(page, *keys)
        seen.append(int(state(page)["slice"]))
    assert seen == [6, 1, 1, 1, 6, 5]
    box = page.locator("canvas").bounding_box()
    page.mouse.move(box["x"] + 300, box["y"] + 300)
    page.mouse.wheel(0, 100)
    page.wait_for_function(
        "() => document.querySelector('.viewer').dataset.slice === '6'"
    )
    page.mouse.wheel(0, -100)
    page.wait_for_function(
        "() => document.querySelector('.viewer').dataset.slice === '5'"
    )
    assert "Slice 5 of 6" in page.locator("output").text_content()
    assert "20 mm" in page.locator("output").text_content()
    before = state(page)["views"]
    page.keyboard.down("Control")
    page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    settle(page)
    after = state(page)["views"]
    grown = [a["scale"] / b["scale"] for a, b in zip(after, before, strict=True)]
    assert min(grown) > 1.1
    assert max(grown) - min(grown) < 1e-6


def test_the_brain_is_large_and_a_click_selects(page):
    views = state(page)["views"]
    assert 160 * views[0]["scale"] >= 220
    target = views[3]["area"]
    box = page.locator("canvas").bounding_box()
    page.mouse.click(box["x"] + target["left"] + 60, box["y"] + target["top"] + 60)
    settle(page)
    views = state(page)["views"]
    assert state(page)["selected"] == "3"
    assert 160 * views[3]["scale"] >= 220 > 160 * views[0]["scale"]


def test_value_under_the_pointer(page, volume):
    ncct, maps = volume
    press(page, "Home")
    view = state(page)["views"][0]
    box = page.locator("canvas").bounding_box()
    for column, row in ((100, 90), (140, 160)):
        x = view["x"] + (column + 0.5) * view["scale"]
        y = view["y"] + (row + 0.5) * view["scale"]
        page.mouse.move(box["x"] + x, box["y"] + y)
        settle(page)
        told = page.locator(".viewer").get_attribute("data-values")
        values = json.loads(told)
        assert values[0] == f"{ncct[0, row, column]} HU"
        code = int(maps[1][0, row, column])
        assert values[2] == f"{code * 4 / 255:.2f} mL/100g"


def test_the_right_button_sets_the_window_unless_it_is_locked(page, volume):
    box = page.locator("canvas").bounding_box()

    def drag():
        page.mouse.move(box["x"] + 300, box["y"] + 300)
        page.mouse.down(button="right")
        page.mouse.move(box["x"] + 340, box["y"] + 280, steps=4)
        page.mouse.up(button="right")
        settle(page)

    drag()
    assert (state(page)["level"], state(page)["width"]) == ("50", "100")
    page.get_by_text("35/350").click()
    settle(page)
    assert (state(page)["level"], state(page)["width"]) == ("35", "350")
    open_stack(page, volume, lock_window=True)
    drag()
    press(page, "p", "i", "l")
    assert (state(page)["level"], state(page)["width"]) == ("40", "80")
    assert not page.get_by_text("35/350").is_visible()


def test_length_and_mean_are_those_of_the_array(page, volume):
    press(page, "Home", "m")
    view = state(page)["views"][0]
    box = page.locator("canvas").bounding_box()

    def at(column, row):
        place = (view["x"] + column * view["scale"], view["y"] + row * view["scale"])
        return box["x"] + place[0], box["y"] + place[1]

    def draw(start, end):
        page.mouse.move(*at(*start))
        page.mouse.down()
        page.mouse.move(*at(*end), steps=3)
        page.mouse.up()
        settle(page)
        return json.loads(page.locator(".viewer").get_attribute("data-measured"))

    # A pointer stands on whole points of the page.
    assert draw((100, 100), (150, 100))["length"] == pytest.approx(40, abs=0.8)
    press(page, "c")
    told = draw((120, 130), (132, 130))
    (column, row), radius = told["points"][0], told["length"] / 0.8
    r, c = np.mgrid[:SIDE, :SIDE] + 0.5
    inside = np.hypot(c - column, r - row) <= radius
    assert told["means"][0] == pytest.approx(volume[0][0][inside].mean())
    codes = volume[1][0][0][inside]
    assert told["means"][1] == pytest.approx(codes[codes > 0].mean() * 60 / 255)
    press(page, "x")
    assert page.locator(".viewer").get_attribute("data-measured") == ""


def test_what_was_on_the_screen_is_counted(page, volume):
    told = {"require_all_slices": True, "token": "t2"}
    page = open_stack(page, volume, **told)
    page.evaluate("() => window.stackSeen.report()")
    press(page, "Home")
    page.wait_for_timeout(300)
    press(page, "ArrowDown", "ArrowDown")
    page.wait_for_timeout(300)
    press(page, "p")
    told = page.evaluate("() => window.stackSeen.report()")
    assert {"1", "3"} <= set(told["slices"]) <= {"1", "2", "3", "4"}
    assert told["slices"]["1"] >= 0.25
    assert told["window_changes"] == 1
    assert "not yet seen" in page.locator("output").text_content()


def test_no_key_of_the_picture_changes_an_answer(page):
    page.evaluate(
        """() => document.body.insertAdjacentHTML('beforeend',
          [1, 2, 3].map((n) => `<input type=radio name=q value=${n}>`).join(''))"""
    )
    page.locator("input").first.click(force=True)
    for key in ("ArrowDown", "ArrowRight", "End", "PageUp", "+", "p", "g"):
        press(page, key)
    assert page.locator("input:checked").get_attribute("value") == "1"


def test_the_first_slice_is_painted_before_the_others_come(context, volume):
    page, asked = context.new_page(), []
    sent, size = as_sent(contain(*volume)), SIDE * SIDE * 6

    def give(route):
        begin = int(route.request.headers["range"].removeprefix("bytes=")[:-1])
        asked.append((begin, route.request.headers["x-reading"]))
        if len(asked) == 1:
            route.abort()  # a lost connection
            return
        until = begin + 2 * size + 7 if len(asked) == 2 else None  # torn in a slice
        route.fulfill(status=206, body=sent[begin:until])

    blank = {"body": "<p>", "content_type": "text/html"}
    page.route("**/*", lambda route: route.fulfill(**blank))
    page.route("**/slices", give)
    page.goto("http://stack.test/")
    open_stack(page, volume, 1, reading="r1")
    assert state(page)["slice"] == "4"
    press(page, "a", "Home")
    assert page.locator(".notice").text_content() == "Loading"
    page.wait_for_timeout(300)
    assert "1" not in page.evaluate("() => window.stackSeen.report()")["slices"]
    page.locator(".viewer[data-whole]").wait_for()
    begins = [128 + size, 128 + size, 128 + 3 * size + 7]
    assert asked[:3] == [(begin, "r1") for begin in begins]
    settle(page)
    assert page.locator(".notice").text_content() == ""
    wanted = np.repeat(grey(volume[0][0], 40, 80)[..., None], 3, axis=2)
    part, right = shown_part(on_canvas(page), state(page)["views"][0], wanted)
    assert (part == right).all()


def test_what_was_seen_before_a_reload_counts(page, volume):
    page.wait_for_timeout(200)
    press(page, "Home")
    page.wait_for_timeout(200)
    press(page, "p", "End")
    page.reload()
    open_stack(page, volume)
    told = page.evaluate("() => window.stackSeen.report()")
    assert {"1", "4"} <= set(told["slices"])
    assert told["window_changes"] == 1
