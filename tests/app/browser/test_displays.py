"""Several pictures at once, and two steps, in a real browser."""

import os
from pathlib import Path

import numpy as np
import pytest

from app.room import open_room
from reader_study.building.builder import build_study
from reader_study.building.demo import write_template
from tests.app.browser.conftest import let_in
from tests.app.browser.driving import Server, press, see, settle, stored
from tests.app.browser.hands import Wire
from tests.app.browser.test_viewer import on_canvas, pixels
from tests.app.material import admit, open_study_of
from tests.reader_study import material

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def reading_room(request, tmp_path, browser):
    """A page at the first reading of a template's study, and its server."""
    name = request.param
    write_template(tmp_path / "study.toml", name, demo=True)
    text = (tmp_path / "study.toml").read_text().replace("number = 4", "number = 2")
    build_study(material.request(tmp_path, text, jobs=1))
    room = open_room(tmp_path / "STUDY")
    codes = admit(room)
    open_study_of(room)
    room.store.close()
    server = Server(tmp_path / "STUDY")
    server.start()
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    try:
        let_in(server, context, codes["anna"])
        page = context.new_page()
        page.goto(server.url)
        page.locator(".viewer[data-scale]").wait_for()
        settle(page)
        yield page, server
    finally:
        context.close()
        server.stop()


def photograph(page, name):
    folder = os.environ.get("MAGIC_SHOTS")
    if folder:
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


@pytest.mark.parametrize(
    "reading_room", ["afc", "ranking", "preference"], indirect=True
)
def test_pictures_stand_side_by_side_and_move_together(reading_room):
    page, server = reading_room
    n = server.room.study.protocol.design.at_once
    photograph(page, f"display-{server.room.study.protocol.design.display}")
    token = server.room.session_of("anna").progress().token
    parts = np.split(pixels(server.room.study.image_bytes(token)), n, axis=1)

    press(page, "a")
    view, shown = on_canvas(page)
    assert (view["pictures"], view["scale"]) == (str(n), "1")
    ratio = page.evaluate("devicePixelRatio")
    head, gap = round(28 * ratio), round(6 * ratio)
    width = (shown.shape[1] - gap * (n - 1)) // n
    height, wide = parts[0].shape[:2]
    x, y = int(view["x"]), int(view["y"])
    for place, part in enumerate(parts):
        left = place * (width + gap) + x
        there = shown[head + y : head + y + height, left : left + wide]
        assert (there == part).all()

    press(page, "1")
    if server.room.study.questionnaire.ids[1:]:
        press(page, "2")
    press(page, ["Control+Enter"])
    see(page, "Reading 1 saved")
    (response,) = stored(server)
    question = server.room.study.questionnaire.questions[0]
    assert response.answers[question.id] == question.codes[0]


@pytest.mark.parametrize("reading_room", ["aided"], indirect=True)
def test_the_second_step_follows_the_first_and_shows_its_answer(reading_room):
    page, server = reading_room
    see(page, "Step 1 of 2. Your answers stay")
    see(page, "case 1 of 16, step 1 of 2")
    photograph(page, "display-aided-1")
    press(page, ["5", "Control+Enter"])
    see(page, "Step 2 of 2. Please answer again")
    see(page, "Step 1: Q1 Probably present")
    photograph(page, "display-aided-2")
    assert [r.answers for r in stored(server)] == [{"Q1": 5}]


def ask(page, path, token=""):
    """Status of the answer to a request that the reader's own browser makes."""
    return page.evaluate(
        """async ([path, token]) => {
            const answer = await fetch(path, {headers: {"X-Reading": token}});
            return answer.status;
        }""",
        [path, token],
    )


class Locked:
    """That the first step is at hand, and nothing of a second has come or is stored."""

    def __init__(self, page, server):
        self.page, self.server, self.wire = page, server, Wire(page)
        study = server.room.study
        slot = next(s for s in study.manifest.slots if s.name == "reader-1")
        self.order = slot.orders[1]
        self.pictures = [study.image_bytes(token) for token in self.order]

    def check(self):
        see(self.page, "case 1 of 16, step 1 of 2")
        assert stored(self.server) == ()
        seen = b"\n".join(self.wire.bytes)
        assert self.pictures[0] in seen
        for token, picture in zip(self.order[1:], self.pictures[1:], strict=True):
            assert token.encode() not in seen
            assert picture not in seen


@pytest.mark.parametrize("reading_room", ["aided"], indirect=True)
def test_no_address_opens_the_second_step_before_the_first(reading_room):
    page, server = reading_room
    locked = Locked(page, server)
    page.reload()
    locked.check()
    assert ask(page, "/ahead") == 204  # which elsewhere has the next picture
    for token in locked.order[:3]:
        assert ask(page, "/slices", token) == 404
        assert ask(page, f"/images/{token}.png") == 404
        page.goto(f"{server.url}?reading={token}&step=2#step=2")
        see(page, "case 1 of 16, step 1 of 2")
    page.goto("about:blank")
    page.go_back()
    see(page, "case 1 of 16, step 1 of 2")
    assert stored(server) == ()


@pytest.mark.parametrize("reading_room", ["aided"], indirect=True)
def test_a_second_tab_and_the_way_back_change_no_first_step(reading_room):
    page, server = reading_room
    other = page.context.new_page()
    other.goto(server.url)
    see(other, "case 1 of 16, step 1 of 2")
    other.locator("body[data-desk]").wait_for(state="attached")
    press(page, ["5", "Control+Enter"])
    see(page, "Step 1: Q1 Probably present")
    press(other, ["1"])  # its draft is refused, and the page goes on
    see(other, "answered already, otherwise; nothing was stored")
    see(other, "Step 1: Q1 Probably present")
    page.reload()
    see(page, "Step 1: Q1 Probably present")
    page.goto("about:blank")
    page.go_back()
    see(page, "Step 1: Q1 Probably present")
    assert [r.answers for r in stored(server)] == [{"Q1": 5}]
