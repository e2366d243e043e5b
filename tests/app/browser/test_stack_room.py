"""Two trials read in stacks of slices, by keyboard and by mouse."""

import json
import zlib

import numpy as np
import pytest

from reader_study.store.readings import find_responses
from tests.app.browser.conftest import let_in, serving
from tests.app.browser.driving import open_reading, press, see, settle, stored
from tests.app.browser.hands import READING, Keyboard, Mouse
from tests.app.browser.test_stack import LAYOUT, SLICES, make_volume, on_canvas, state
from tests.app.material import GOOD, PROTOCOL, build

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

READING_TABLE = """
[reading]
viewer = "stack"
require_all_slices = true
measures = true
"""
STACK = (
    PROTOCOL.replace("washout_days = 28", "washout_days = 0").replace(
        "closing = true", "closing = false"
    )
    + READING_TABLE
)


def write_volume(path):
    """The volume of a case, as docs/file-formats.md has it."""
    ncct, maps = make_volume(zlib.crc32(path.name.encode()))
    np.savez(
        path,
        affine=np.diag([0.8, 0.8, 5.0, 1.0]),
        about=json.dumps({"panels": LAYOUT["panels"]}),
        **{f"panel_{n}": image for n, image in enumerate([ncct, *maps])},
    )


def build_of_stacks(folder):
    """A study of stacks that ask for all slices."""
    return build(folder, STACK, size=(600, 400), write_volume=write_volume)


@pytest.fixture(scope="module")
def built_of_stacks(tmp_path_factory):
    return build_of_stacks(tmp_path_factory.mktemp("stacks"))


@pytest.fixture
def stacks(built_of_stacks, tmp_path):
    """A server of a study that is read in stacks."""
    yield from serving(built_of_stacks, tmp_path / "STUDY")


def look_by_key(page):
    press(page, ["Home"])
    for _ in range(SLICES):
        page.wait_for_timeout(200)
        press(page, ["ArrowDown"])


def look_by_wheel(page):
    box = page.locator(".viewer canvas").bounding_box()
    page.mouse.move(box["x"] + 300, box["y"] + 300)
    for turn in (-100, 100):
        for _ in range(SLICES):
            page.mouse.wheel(0, turn)
            page.wait_for_timeout(200)


def look_at_all(page, look):
    """Look until no slice is left: a busy machine may draw one too late to count."""
    for _ in range(20):
        look(page)
        if "not yet seen" not in page.locator(".stack").inner_text():
            return


@pytest.mark.parametrize(
    ("hands", "look"),
    [(Keyboard(), look_by_key), (Mouse(), look_by_wheel)],
    ids=["keys", "mouse"],
)
def test_two_trials(stacks, context, hands, look):
    let_in(stacks, context, stacks.codes["anna"])
    page = open_reading(context, stacks)
    for trial in (1, 2):
        for position in (1, 2, 3):
            see(page, f"{position} of 3")
            page.locator(".stack[data-views]").wait_for()
            look_at_all(page, look)
            hands.read(page, position)
        hands.sign(page, trial)
    with stacks.room.store.reading() as connection:
        assert len(find_responses(connection)) == 6
        seen = connection.exec_driver_sql("SELECT * FROM views").mappings().all()
    assert len(seen) == 6
    for row in seen:
        slices = json.loads(row["seen"])["slices"]
        assert set(slices) == {str(n) for n in range(1, SLICES + 1)}
        assert all(0.1 <= seconds < 900 for seconds in slices.values())


def test_save_says_which_slices_were_not_on_the_screen(stacks, context):
    let_in(stacks, context, stacks.codes["anna"])
    page = open_reading(context, stacks)
    page.locator(".stack[data-views]").wait_for()
    press(page, [*READING, "Control+Enter"])
    see(page, "slices must have been on screen")
    assert not stored(stacks)
    look_at_all(page, look_by_key)
    page.reload()  # and what was seen before counts
    see(page, "1 of 3")
    page.locator(".stack[data-whole]").wait_for()
    page.locator("[data-desk]").wait_for(state="attached")
    assert "not yet seen" not in page.locator(".stack").inner_text()
    press(page, ["Control+Enter"])
    see(page, "2 of 3")
    assert len(stored(stacks)) == 1
    # The next volume was fetched ahead; it is the one that the study has.
    page.locator(".stack[data-views]").wait_for()
    settle(page)
    press(page, ["a", "Home"])
    token = stacks.room.session_of("anna").progress().token
    content = stacks.room.study.volume_bytes(token)
    first = np.frombuffer(content, "<i2", 256 * 256, 128).reshape(256, 256)
    view = state(page)["views"][0]
    left, top = view["x"] + 110, view["y"] + 110
    shown = on_canvas(page)[top : top + 40, left : left + 40, 0]
    share = np.clip(first[110:150, 110:150] / 80, 0, 1)
    assert (shown == np.floor(255 * share + 0.5)).all()


def test_what_was_on_the_screen_before_a_correction_is_kept_with_it(stacks, context):
    let_in(stacks, context, stacks.codes["anna"])
    session = stacks.room.session_of("anna")
    seen = {"slices": {str(n): 1 for n in range(1, SLICES + 1)}}
    while (reading := session.next_reading()) is not None:
        session.submit(reading.token, GOOD, {}, seen=seen)
    page = context.new_page()
    page.goto(stacks.url)
    page.get_by_role("button", name="Look at it again").click()
    page.locator(".stack[data-whole]").wait_for()
    settle(page)
    page.locator("[data-desk]").wait_for(state="attached")
    press(page, ["Home"])
    page.wait_for_timeout(2000)
    page.get_by_test_id("stRadioOption").nth(1).click()
    page.get_by_label("Why is it corrected?").fill("a slip")
    page.get_by_role("button", name="Save correction").click()
    see(page, "Correction saved")
    with stacks.room.store.reading() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM views_again").mappings().all()
    assert [(row["reader"], row["revision"]) for row in rows] == [("anna", 2)]
    slices = json.loads(rows[0]["seen"])["slices"]
    assert "1" in slices
    assert len(slices) < SLICES  # of the reading itself nothing
