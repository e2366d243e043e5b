"""Pictures of every page of the reading room, which people look at.

The environment's MAGIC_SHOTS names the folder that keeps them.
"""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.demo import GUEST, draw_montage, make_demo, new_code
from reader_study.running.lifecycle import Amendment, amend
from tests.app.browser.conftest import serving
from tests.app.browser.driving import Server, press, see, settle
from tests.app.browser.hands import READING, Mouse
from tests.app.material import GOOD, PROTOCOL, TITLE, build

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SIZES = {"1366x768": (1366, 768), "2560x1440": (2560, 1440)}
LARGEST = 300_000  # bytes
PLAIN = "Perfusion maps of two methods, read blinded in two trials"


class Album:
    """Takes a picture of a page at each size of the window."""

    def __init__(self, page, folder):
        self.page, self.folder = page, folder
        folder.mkdir(parents=True, exist_ok=True)

    def take(self, name):
        for size, (width, height) in SIZES.items():
            self.page.set_viewport_size({"width": width, "height": height})
            self.page.mouse.move(2, height - 2)
            settle(self.page)
            self.page.wait_for_timeout(400)
            file = self.folder / f"{name}-{size}.png"
            self.page.screenshot(path=file)
            shrink(file)
        first = SIZES["1366x768"]
        self.page.set_viewport_size({"width": first[0], "height": first[1]})
        settle(self.page)


def shrink(file):
    """Keep 256 colours if the file is large."""
    if file.stat().st_size > LARGEST:
        with Image.open(file) as image:
            few = image.convert("RGB").quantize(
                256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
            )
        few.save(file, optimize=True)


@pytest.fixture
def drawn(tmp_path):
    """A server of drawn heads under a title as in a real study."""
    rng = np.random.default_rng(11)
    severities = iter(("none", "none", *["mild_moderate"] * 2, *["severe"] * 2))
    (tmp_path / "built").mkdir()
    protocol = PROTOCOL.replace(TITLE, PLAIN).replace(
        "closing = true", "closing = false"
    )
    built = build(
        tmp_path / "built", protocol, draw=lambda: draw_montage(next(severities), rng)
    )
    yield from serving(built, tmp_path / "STUDY")


def test_every_page_is_photographed(drawn, context, tmp_path):
    page = context.new_page()
    folder = Path(os.environ.get("MAGIC_SHOTS") or tmp_path / "shots")
    album, mouse = Album(page, folder), Mouse()
    photograph_the_way_in(album, mouse, drawn)
    photograph_a_reading(album)
    photograph_the_end_of_a_trial(album, mouse, drawn)
    photograph_the_end(album, drawn)

    assert_whole(folder, [f"{number:02d}" for number in (*range(1, 14), 17)])


def assert_whole(folder, numbers):
    """Each picture is there in each size, and small enough for a page of docs."""
    for number in numbers:
        files = list(folder.glob(f"{number}-*.png"))
        assert len(files) == len(SIZES), number
        for file in files:
            with Image.open(file) as image:
                assert image.size == SIZES[file.stem.rpartition("-")[2]]
            assert file.stat().st_size <= LARGEST


def photograph_the_way_in(album, mouse, server):
    page = album.page
    page.goto(server.url)
    see(page, "Sign in")
    album.take("01-sign-in")
    mouse.enter(page, server, server.codes["anna"])
    see(page, "Instructions")
    album.take("02-instructions")
    mouse.agree(page)
    see(page, "Your display")
    album.take("03-display")
    mouse.check_display(page)


def photograph_a_reading(album):
    page = album.page
    see(page, "1 of 3")
    page.get_by_text(" %", exact=False).first.wait_for()
    album.take("04-reading")
    press(page, "12")
    page.keyboard.type("streaks from the skull base")
    album.take("05-reading-explanation")
    press(page, ["Escape", *READING[2:]])
    settle(page)
    album.take("06-reading-filled")
    page.route("**/_stcore/health", lambda route: route.abort())
    page.locator("dialog#connection").wait_for()
    album.take("17-no-connection")
    page.unroute("**/_stcore/health")
    page.locator("dialog#connection").wait_for(state="detached")
    settle(page)
    press(page, ["a", "+", "+", "ArrowDown", "ArrowDown", "ArrowDown"])
    album.take("07-reading-zoomed")
    press(page, ["f", "Control+Enter"])
    see(page, "2 of 3")
    press(page, ["1", "Control+Enter"])
    see(page, "Please complete Q2A")
    album.take("08-reading-incomplete")


def photograph_the_end_of_a_trial(album, mouse, server):
    page = album.page
    read_all(server)
    page.reload()
    see(page, "Trial 1: your answers")
    album.take("09-review")
    page.get_by_role("button", name="Look at it again").click()
    see(page, "Why is it corrected?")
    album.take("10-correction")
    page.get_by_role("button", name="Back").click()
    see(page, "Trial 1: your answers")
    page.get_by_text("These are my answers").click()
    settle(page)
    album.take("11-sign")
    page.get_by_role("button", name="Sign trial 1").click()
    see(page, "Trial 2 opens on")
    album.take("12-washout")


def photograph_the_end(album, server):
    room = server.room
    change = Amendment("no pause", "pictures", "coordinator", {"washout_days": 0.0})
    amend(room.study, room.store, change, clock=room.clock)
    read_all(server)
    room.session_of("anna").sign(2)
    album.page.reload()
    see(album.page, "your part in this study is done")
    album.take("13-thank-you")


def test_what_is_around_the_cases_is_photographed(browser, tmp_path):
    make_demo(tmp_path / "demo")
    server = Server(tmp_path / "demo" / "STUDY")
    server.start()
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    page = context.new_page()
    folder = Path(os.environ.get("MAGIC_SHOTS") or tmp_path / "shots")
    try:
        code = new_code(server.study)
        photograph_training(Album(page, folder), server, code)
        server.room.session_of(GUEST).training.skip()
        for trial in (1, 2):
            read_all(server, GUEST)
            server.room.session_of(GUEST).sign(trial)
        page.reload()
        see(page, "Before you go")
        Album(page, folder).take("16-closing")
    finally:
        context.close()
        server.stop()
    assert_whole(folder, ["14", "15", "16"])


def photograph_training(album, server, code):
    page = album.page
    page.goto(server.url)
    see(page, "Sign in")
    page.get_by_label("Name").fill(GUEST)
    page.get_by_label("Code").fill(code)
    press(page, ["Enter"])
    hands = Mouse()
    hands.agree(page)
    hands.check_display(page)
    see(page, "A case to practise on")
    page.locator(".viewer[data-scale]").wait_for()
    page.wait_for_timeout(1000)
    press(page, READING)
    album.take("14-training")
    press(page, ["Control+Enter"])
    see(page, "Compare your answers with what is expected")
    album.take("15-training-feedback")


def read_all(server, reader="anna"):
    session = server.room.session_of(reader)
    while (reading := session.next_reading()) is not None:
        session.submit(reading.token, GOOD, {})
