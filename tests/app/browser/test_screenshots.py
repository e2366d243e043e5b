"""Pictures of every page of the reading room, which people look at.

The environment's MAGIC_SHOTS names the folder that keeps them.
"""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.demo import READER, make_demo, new_code
from app.demo_pictures import draw_montage
from reader_study.amending import Amendment, amend
from tests.app.browser.conftest import serving
from tests.app.browser.driving import Server, press, see, settle
from tests.app.browser.hands import READING, Mouse
from tests.app.material import GOOD, PROTOCOL, TITLE, build

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

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

    assert_whole(folder, [f"{number:02d}" for number in range(1, 14)])


def assert_whole(folder, numbers):
    """Each picture is there in each size, and small enough for a page of docs."""
    for number in numbers:
        files = list(folder.glob(f"{number}-*.png"))
        assert len(files) == len(SIZES), number
        for file in files:
            with Image.open(file) as image:
                assert image.size == SIZES[file.stem.rpartition("-")[2]]
            assert file.stat().st_size <= LARGEST


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
        for trial in (1, 2):
            read_all(server, READER)
            server.room.session_of(READER).sign(trial)
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
    page.get_by_label("Name").fill(READER)
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
