"""The picture on the canvas of a real browser."""

import base64
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from app.components import VIEWER, asset
from magic_model.montage.picture import MontageLayout
from tests.app.browser.conftest import let_in
from tests.app.browser.driving import launch, open_reading, press, see, settle
from tests.app.browser.hands import READING

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

MONTAGE = (1280, 72 + 10 * 256)  # of the form that magic-model writes


def pixels(content):
    return np.asarray(Image.open(BytesIO(content)).convert("RGB"))


def picture_at_hand(server):
    token = server.room.session_of("anna").progress().token
    return pixels(server.room.study.image_bytes(token))


def on_canvas(page):
    """What the viewer says of its view, and the canvas, `(height, width, 3)`."""
    view = page.locator(".viewer").evaluate("(v) => ({...v.dataset})")
    address = page.locator(".viewer canvas").evaluate("(c) => c.toDataURL()")
    return view, pixels(base64.b64decode(address.split(",")[1]))


def same_pixels(page, wanted, *, below=0):
    """Which pixels of the canvas, below a row, are those of the picture."""
    view, shown = on_canvas(page)
    height, width, _ = shown.shape
    scale, x, y = float(view["scale"]), int(view["x"]), int(view["y"])
    rows = np.floor((np.arange(height) - y + 0.5) / scale).astype(int)
    columns = np.floor((np.arange(width) - x + 0.5) / scale).astype(int)
    inside_r = (rows >= 0) & (rows < wanted.shape[0]) & (np.arange(height) >= below)
    inside_c = (columns >= 0) & (columns < wanted.shape[1])
    expected = wanted[np.ix_(rows[inside_r], columns[inside_c])]
    same = (shown[np.ix_(inside_r, inside_c)] == expected).all(axis=2)
    assert same.size > 300_000
    return same


def test_pixels_on_the_canvas_are_those_of_the_picture(server, signed_in):
    page = open_reading(signed_in, server)
    wanted = picture_at_hand(server)
    press(page, "a")
    assert on_canvas(page)[0]["scale"] == "1"
    assert same_pixels(page, wanted).all()
    press(page, "++++")
    assert float(on_canvas(page)[0]["scale"]) == pytest.approx(1.25**4)
    # Enlarged, a pixel is a square; only where squares meet may rounding differ.
    assert same_pixels(page, wanted).mean() > 0.99
    press(page, [*READING, "Control+Enter"])
    see(page, "2 of 3")
    press(page, "a")
    following = picture_at_hand(server)
    assert (following != wanted).any()
    assert same_pixels(page, following).all()


@pytest.mark.parametrize(
    "large_pictures", [(1280, 2560), (2560, 1096)], indirect=True, ids=["tall", "wide"]
)
def test_large_pictures_are_not_shrunk(large_pictures, context):
    server = large_pictures
    let_in(server, context, server.codes["anna"])
    page = open_reading(context, server)
    wanted = picture_at_hand(server)
    press(page, "a")
    corners = set()
    for keys in (["ArrowUp", "ArrowLeft"] * 20, ["ArrowDown", "ArrowRight"] * 30):
        for key in keys:
            page.keyboard.press(key)
        view, shown = on_canvas(page)
        corners.add((int(view["x"]), int(view["y"])))
        assert view["scale"] == "1"
        assert same_pixels(page, wanted).all()
    height, width, _ = wanted.shape
    reach = (shown.shape[1] - width, shown.shape[0] - height)
    assert corners == {(0, 0), reach}


@pytest.mark.parametrize("large_pictures", [MONTAGE], indirect=True, ids=["montage"])
def test_titles_and_colour_bars_stay_in_view(large_pictures, context):
    server = large_pictures
    let_in(server, context, server.codes["anna"])
    page = open_reading(context, server)
    wanted = picture_at_hand(server)
    assert on_canvas(page)[0]["pinned"] == "no"
    press(page, ["a", "PageDown"])
    view, shown = on_canvas(page)
    left = -int(view["x"])

    assert view["pinned"] == "yes"
    strip = wanted[:72, left : left + shown.shape[1]]
    # The titles of columns that are cut off move into view; the middle one is whole.
    whole = slice(512 - left, 768 - left)
    assert (shown[:72, whole] == strip[:, whole]).all()
    assert same_pixels(page, wanted, below=74).all()
    press(page, "++++++++")
    assert on_canvas(page)[0]["pinned"] == "yes"


@pytest.mark.parametrize("ratio", [1, 1.25, 1.5])
def test_the_screen_shows_the_pixels_of_the_picture(server, browser, ratio):
    scale = f"--force-device-scale-factor={ratio}"
    display = launch(browser.browser_type, scale, "--hide-scrollbars")
    context = display.new_context(no_viewport=True)
    let_in(server, context, server.codes["anna"])
    page = open_reading(context, server)
    wanted = picture_at_hand(server)
    window = context.new_cdp_session(page)
    number = window.send("Browser.getWindowForTarget")["windowId"]
    for width, height in ((1366, 768), (1536, 864), (1901, 1000), (1920, 1080)):
        bounds = {"width": width, "height": height}
        window.send("Browser.setWindowBounds", {"windowId": number, "bounds": bounds})
        page.wait_for_timeout(500)
        press(page, "fa")
        assert page.evaluate("devicePixelRatio") == pytest.approx(ratio)
        assert_screen_shows(page, wanted)
    display.close()


def assert_screen_shows(page, wanted):
    view = page.locator(".viewer").evaluate("(v) => ({...v.dataset})")
    assert view["scale"] == "1"
    ratio = page.evaluate("devicePixelRatio")
    box = page.locator(".viewer canvas").bounding_box()
    shown = pixels(page.screenshot(scale="device"))
    left, top = (round(box[side] * ratio) for side in ("x", "y"))
    x, y = int(view["x"]), int(view["y"])
    seen = shown[top + max(y, 0) :, left + max(x, 0) :]
    size = [round(box[side] * ratio) for side in ("height", "width")]
    rows = min(size[0] - max(y, 0), wanted.shape[0] + min(y, 0)) - 2
    columns = min(size[1] - max(x, 0), wanted.shape[1] + min(x, 0)) - 2
    part = wanted[max(-y, 0) :, max(-x, 0) :][:rows, :columns]
    assert part.size > 300_000
    assert (seen[:rows, :columns] == part).all()


ONE_AFTER_ANOTHER = """async ([html, files]) => {
  const parent = document.createElement("div");
  parent.innerHTML = html;
  document.body.append(parent);
  const canvas = parent.querySelector("canvas");
  canvas.style.cssText = "display: block; width: 8px; height: 8px";
  const colours = [];
  for (const file of files) {
    const data = Uint8Array.from(atob(file), (c) => c.charCodeAt(0));
    show({ data, parentElement: parent });
    await new Promise((shown) => setTimeout(shown, 500));
    colours.push(canvas.getContext("2d").getImageData(4, 4, 1, 1).data[0]);
  }
  return colours;
}"""


def test_of_files_of_one_length_each_is_shown(browser):
    """As a page that is not built anew would have it: the same canvas, other bytes."""
    page = browser.new_page()
    script = asset(*VIEWER).replace("export default function", "function show")
    page.add_script_tag(content=script)
    pictures = []
    for level in (40, 200):
        file = BytesIO()
        Image.new("L", (8, 8), level).save(file, "PNG")
        pictures.append(file.getvalue())
    longest = max(map(len, pictures)) + 64
    ends = [b"\1", b"\2"]
    same_length = [
        base64.b64encode(p + end * (longest - len(p))).decode()
        for p, end in zip(pictures, ends, strict=True)
    ]
    html = asset("viewer.html")

    assert page.evaluate(ONE_AFTER_ANOTHER, [html, same_length]) == [40, 200]
    page.close()


def test_the_viewer_knows_the_montages_of_the_model(browser):
    page = browser.new_page()
    page.add_script_tag(content=asset("montage.js"))

    def form(width, height):
        return page.evaluate("([w, h]) => montageForm(w, h)", [width, height])

    for rows, panel in ((10, 256), (1, 96), (16, 512), (40, 125)):
        layout = MontageLayout(rows=rows, panel=panel)
        height, width = layout.size
        assert form(width, height) == {
            "columns": 5, "panel": panel, "strip": layout.header, "rows": rows
        }  # fmt: skip
    for width, height in ((1280, 2560), (2560, 2560), (900, 700), (256, 256)):
        assert form(width, height) is None
    page.close()


FETCHED = "(token) => window.readAhead?.token === token"
LOSE = "addEventListener('click', () => { window.readAhead = null; }, true)"


@pytest.mark.parametrize("lost", [False, True], ids=["there", "lost"])
def test_the_next_picture_is_there_before_its_turn(server, signed_in, lost):
    """It then comes no second time; if the page has lost it after all, it does."""
    frames = []

    def listen(page):
        page.on("websocket", lambda socket: socket.on("framereceived", keep))

    def keep(frame):
        frames.append(frame)

    signed_in.on("page", listen)
    page = open_reading(signed_in, server)
    orders = server.room.session_of("anna").progress().history.orders
    page.wait_for_function(FETCHED, arg=orders[1][1], timeout=60_000)
    if lost:
        page.evaluate(LOSE)
    press(page, READING)
    settle(page)
    frames.clear()
    page.get_by_role("button", name="Save and next").click()
    see(page, "2 of 3")
    page.locator(".viewer[data-scale]").wait_for(timeout=60_000)
    press(page, "a")
    assert same_pixels(page, picture_at_hand(server)).all()
    assert any(b"\x89PNG" in frame for frame in frames) is lost
