"""Two trials read in stacks of slices in Firefox, by keyboard and by mouse."""

import json
import os
import time
from pathlib import Path

import pytest

from reader_study.store.readings import find_responses
from tests.app.browser.conftest import serving
from tests.app.browser.driving import HEARD, STATE
from tests.app.browser.firefox import Firefox, firefox
from tests.app.browser.hands import READING
from tests.app.browser.test_stack import SLICES
from tests.app.browser.test_stack_room import build_of_stacks
from tests.app.material import GOOD

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        firefox() is None and not os.environ.get("CI"),
        reason="firefox-esr is not installed",
    ),
]

VIEWER = """[...document.querySelectorAll(".st-key-reading *")]
  .map((e) => e.shadowRoot?.querySelector(".viewer[data-views]")).find((v) => v)"""
CHOICE = """[...document.querySelectorAll("[class*='st-key-question-']")][{}]
  .querySelectorAll("label:has(input)")[{}]"""
BUTTON = "[class*='st-key-{}'] button"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return build_of_stacks(tmp_path_factory.mktemp("stacks"))


@pytest.fixture
def stacks(built, tmp_path):
    yield from serving(built, tmp_path / "STUDY")


@pytest.fixture
def fox(tmp_path):
    browser = Firefox(tmp_path / "profile")
    yield browser
    browser.close()


class Keyboard:
    """Never touches the mouse."""

    def __init__(self, fox):
        self.fox = fox

    def focus(self, selector):
        self.fox.wait(f"Boolean(document.querySelector({json.dumps(selector)}))")
        self.fox.evaluate(f"document.querySelector({json.dumps(selector)}).focus()")

    def enter(self, code):
        self.fox.see("Sign in")
        self.focus("input[aria-label='Name']")
        self.fox.type("anna")
        self.fox.press(["Tab"])
        self.fox.type(code)
        self.fox.press(["Enter"])

    def agree(self):
        self.tick()
        self.push("instructions-continue")

    def check_display(self):
        self.push("display-continue")

    def look(self):
        self.fox.press(["Home"])
        for _ in range(SLICES):
            time.sleep(0.2)
            self.fox.press(["ArrowDown"])

    def answer(self):
        self.fox.wait(HEARD)
        self.fox.press(READING)
        self.fox.wait(f"{STATE}.chosen.join('') === '{READING}'")
        self.fox.see("")
        self.fox.press(["Control+Enter"])

    def tick(self):
        self.focus("input[type=checkbox]")
        self.fox.press(["Space"])

    def push(self, key):
        self.focus(f"{BUTTON.format(key)}:enabled")
        self.fox.press(["Enter"])


class Mouse(Keyboard):
    """Uses the keyboard for words only."""

    def look(self):
        box = self.fox.box(f"({VIEWER}).querySelector('canvas')")
        place = box["x"] + 300, box["y"] + 300
        for turn in (-100, 100):
            for _ in range(SLICES):
                self.fox.wheel(*place, turn)
                time.sleep(0.2)

    def answer(self):
        self.fox.wait(HEARD)
        for n, number in enumerate(READING):
            self.fox.click(CHOICE.format(n, int(number) - 1))
        self.fox.click_at(BUTTON.format("save-"))

    def tick(self):
        self.fox.click_at("label:has(input[type=checkbox])")

    def push(self, key):
        self.fox.wait(
            f'Boolean(document.querySelector("{BUTTON.format(key)}:enabled"))'
        )
        self.fox.click_at(BUTTON.format(key))


@pytest.mark.parametrize("hands", [Keyboard, Mouse], ids=["keys", "mouse"])
def test_two_trials(stacks, fox, hands):
    reader = hands(fox)
    fox.goto(stacks.url)
    reader.enter(stacks.codes["anna"])
    fox.see("Instructions")
    reader.agree()
    fox.see("Your display")
    reader.check_display()
    for trial in (1, 2):
        for position in (1, 2, 3):
            fox.see(f"{position} of 3")
            fox.wait(f"Boolean({VIEWER})")
            look_at_all(fox, reader)
            if (trial, position) == (1, 1):
                keep(fox, hands)
            reader.answer()
        fox.see(f"Trial {trial}: your answers")
        reader.tick()
        reader.push(f"sign-{trial}")
    fox.see("your part in this study is done")
    with stacks.room.store.reading() as connection:
        responses = find_responses(connection)
        seen = connection.exec_driver_sql("SELECT seen FROM views").scalars().all()
    assert [response.answers for response in responses] == [GOOD] * 6
    assert len(seen) == 6
    for told in seen:
        assert set(json.loads(told)["slices"]) == {str(n) for n in range(1, SLICES + 1)}


def look_at_all(fox, reader):
    """Look until no slice is left: a busy machine may draw one too late to count."""
    for _ in range(20):
        reader.look()
        said = fox.evaluate(f"({VIEWER}).innerText")
        if "not yet seen" not in said:
            return
    pytest.fail(f"slices stay unseen: {fox.evaluate(STATE)}")


def keep(fox, hands):
    """Keep a picture of the page where somebody wants to look at it."""
    if folder := os.environ.get("MAGIC_SHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        name = f"19-stack-firefox-{hands.__name__.lower()}.png"
        (Path(folder) / name).write_bytes(fox.screenshot())
