"""Every page of the reading room at the sizes of hospitals' screens, as pictures.

People look at the pictures (the environment's MAGIC_SHOTS names the folder that keeps
them); asserted is what a program can see: nothing is cut, covered or out of reach.
"""

import os
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.app.browser.conftest import let_in, serving
from tests.app.browser.driving import open_reading, press, see, settle
from tests.app.browser.hands import READING, Mouse
from tests.app.browser.test_axe import built_with_all, reading_room, walk  # noqa: F401
from tests.app.browser.test_stack import SLICES
from tests.app.browser.test_stack_room import STACK, write_volume
from tests.app.material import GOOD, build

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SIZES = ((1366, 768), (1920, 1080), (1180, 820))
SHAPES = """() => {
  const seen = (e) => e.checkVisibility({ visibilityProperty: true })
    && e.getBoundingClientRect().width > 1 && e.getBoundingClientRect().height > 1;
  const all = (words) => [...document.querySelectorAll(words)].filter(seen);
  const said = (e) => (e.innerText || e.placeholder || e.className || e.tagName)
    .toString().slice(0, 40);
  const found = [];
  for (const e of [document.documentElement, ...all("[data-testid=stMain]")]) {
    if (e.scrollWidth > window.innerWidth) found.push(`${e.scrollWidth} wide`);
  }
  const parts = all("button, input:not([type=radio]):not([type=checkbox]), textarea, "
    + "label:has(input), h1, h2, [data-testid=stText], .stHtml p, canvas");
  for (const e of parts) {
    const { left, right } = e.getBoundingClientRect();
    const beyond = left < -1 || right > window.innerWidth + 1;
    const cut = e.matches("button, h1, h2, label") && e.scrollWidth > e.clientWidth + 1;
    if (beyond || cut) found.push(`cut: ${said(e)}`);
  }
  const shown = (e) => { // what of it no scrolling part hides
    let box = e.getBoundingClientRect();
    let [l, t, r, b] = [box.left, box.top, box.right, box.bottom];
    for (let at = e.parentElement; at; at = at.parentElement) {
      if (getComputedStyle(at).overflowY === "visible") continue;
      box = at.getBoundingClientRect();
      [l, t, r, b] = [Math.max(l, box.left), Math.max(t, box.top),
        Math.min(r, box.right), Math.min(b, box.bottom)];
    }
    return [l, t, r, b];
  };
  parts.forEach((one, n) => parts.slice(n + 1).forEach((other) => {
    if (one.contains(other) || other.contains(one)) return;
    if (one.closest("dialog, [data-testid=stPopoverBody]")
      || other.closest("dialog, [data-testid=stPopoverBody]")) return;
    const [a, b] = [shown(one), shown(other)];
    const across = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
    const down = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
    if (across > 2 && down > 2) found.push(`${said(one)} over ${said(other)}`);
  }));
  return found;
}"""
FREE = """(button) => {
  button.scrollIntoView({ block: "nearest" });
  const { left, top, width, height } = button.getBoundingClientRect();
  const at = document.elementFromPoint(left + width / 2, top + height / 2);
  return top >= 0 && top + height <= window.innerHeight + 1 && button.contains(at);
}"""


class Photographer:
    """Takes each page at each size, and remembers what is wrong with it."""

    def __init__(self, page, folder):
        self.page, self.folder, self.found = page, folder, {}
        folder.mkdir(parents=True, exist_ok=True)

    def look(self, name):
        for width, height in SIZES:
            self.page.set_viewport_size({"width": width, "height": height})
            settle(self.page)
            self.page.wait_for_timeout(400)
            file = f"{name.replace(' ', '-').replace(':', '')}-{width}x{height}.png"
            self.page.screenshot(path=self.folder / file)
            wrong = self.page.evaluate(SHAPES)
            main = self.page.locator("button[kind^=primary]:visible").last
            above = self.page.locator("dialog#connection, [data-testid=stPopoverBody]")
            if main.count() and not above.count() and not main.evaluate(FREE):
                wrong.append("the main button is out of reach")
            if wrong:
                self.found[file] = wrong
        width, height = SIZES[0]
        self.page.set_viewport_size({"width": width, "height": height})
        settle(self.page)


@pytest.fixture
def photographer(browser, tmp_path):
    context = browser.new_context(has_touch=True)
    folder = Path(os.environ.get("MAGIC_SHOTS") or tmp_path / "shots")
    yield Photographer(context.new_page(), folder)
    context.close()


def test_the_pages_of_a_reader(reading_room, photographer):  # noqa: F811
    walk(photographer, reading_room)
    assert photographer.found == {}


def test_a_stack_and_its_correction(tmp_path, photographer):
    (tmp_path / "made").mkdir()
    study = build(tmp_path / "made", STACK, size=(600, 400), write_volume=write_volume)
    with contextmanager(serving)(study, tmp_path / "STUDY") as server:
        context, look = photographer.page.context, photographer.look
        let_in(server, context, server.codes["anna"])
        page = photographer.page = open_reading(context, server)
        page.locator(".stack[data-views]").wait_for()
        look("stack")
        press(page, [*READING, "Control+Enter"])
        see(page, "slices must have been on screen")
        look("stack not all seen")
        session = server.room.session_of("anna")
        seen = {
            "slices": {str(k): 1.0 for k in range(1, SLICES + 1)},
            "window_changes": 0,
        }
        while (reading := session.next_reading()) is not None:
            session.submit(reading.token, GOOD, {}, seen=seen)
        page.reload()
        see(page, "Trial 1: your answers")
        page.get_by_role("button", name="Look at it again").first.click()
        see(page, "Why is it corrected?")
        page.locator(".stack[data-views]").wait_for()
        look("stack correction")
    assert photographer.found == {}


def test_the_pages_of_trouble(built_large, tmp_path, photographer):
    page, look = photographer.page, photographer.look
    with contextmanager(serving)(built_large, tmp_path / "STUDY") as server:
        for path in (server.study / "images").iterdir():
            path.write_bytes(b"damaged")
        let_in(server, page.context, server.codes["anna"])
        page.goto(server.url)
        see(page, "This picture cannot be shown")
        look("damaged picture")
        with server.room.store.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE sessions RENAME TO gone")
        page.reload()
        see(page, "Please wait")
        look("no store")
    assert photographer.found == {}


def test_a_study_that_is_not_open(tmp_path, photographer, built_large):
    page, look, mouse = photographer.page, photographer.look, Mouse()
    with contextmanager(serving)(
        built_large, tmp_path / "STUDY", opened=False
    ) as server:
        mouse.enter(page, server, server.codes["anna"])
        see(page, "The study is not open yet")
        look("not open")
    assert photographer.found == {}
