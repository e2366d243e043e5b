"""What readers need who do not see, point or correct as most do, in a real browser."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from tests.app.browser.driving import chosen, open_reading, press, settle

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_a_wrong_number_is_taken_back_by_a_key(server, signed_in):
    page = open_reading(signed_in, server)
    press(page, ["1", "1", "Backspace", "3", "1"])
    settle(page)
    assert chosen(page) == [1, 3, 1, 0, 0, 0, 0]
    press(page, ["Backspace", "Backspace", "Backspace", "2", *"1114"])
    settle(page)
    assert chosen(page) == [2, 3, 1, 1, 1, 1, 4]
    press(page, ["Backspace", "5"])  # also where no question is open any more
    settle(page)
    assert chosen(page) == [2, 3, 1, 1, 1, 1, 5]


def test_arrows_answer_after_tab_alone(server, signed_in):
    page = open_reading(signed_in, server)
    page.locator(".st-key-question-Q3").get_by_test_id("stRadioOption").nth(0).click()
    settle(page)
    for key in ("ArrowDown", "a", "ArrowDown", "ArrowRight", "PageDown"):
        press(page, [key])
    settle(page)
    assert chosen(page) == [0, 0, 0, 0, 0, 1, 0]
    page.locator(".st-key-question-Q2D input").first.focus()
    press(page, ["Tab", "ArrowDown"])
    settle(page)
    assert chosen(page) == [0, 0, 0, 0, 0, 2, 0]
    press(page, ["w", "ArrowDown"])
    settle(page)
    assert chosen(page) == [0, 0, 0, 0, 0, 2, 0]


def test_what_is_missing_is_read_out_and_marked(server, signed_in):
    page = open_reading(signed_in, server)
    press(page, ["1", "Control+Enter"])
    page.get_by_text("Please complete Q2A").first.wait_for()
    page.wait_for_timeout(600)
    spoken = page.locator("[aria-live=polite]").last.inner_text()
    assert "Please complete Q2A" in spoken
    groups = page.locator("[role=radiogroup]")
    invalid = [groups.nth(n).get_attribute("aria-invalid") for n in range(7)]
    assert invalid == ["false", *["true"] * 6]


def test_in_the_colours_of_the_system_the_chosen_answer_is_seen(server, signed_in):
    page = open_reading(signed_in, server)
    page.emulate_media(forced_colors="active")
    press(page, "1")
    settle(page)
    first = page.locator(".st-key-question-Q1 label > div > div:first-child")
    pictures = [
        np.asarray(Image.open(BytesIO(first.nth(n).screenshot())).convert("L"))
        for n in range(2)
    ]
    size = np.min([p.shape for p in pictures], axis=0)
    one, other = (p[: size[0], : size[1]].astype(int) for p in pictures)
    assert (abs(one - other) > 60).mean() > 0.15


def test_the_focus_is_seen_on_what_tab_leads_to(server, signed_in):
    page = open_reading(signed_in, server)
    button = page.get_by_role("button", name="Save and next")
    button.focus()
    press(page, ["Shift+Tab", "Tab"])
    assert button.evaluate("(b) => getComputedStyle(b).outlineStyle") == "solid"


@pytest.mark.parametrize("size", [(1180, 820), (1280, 585)])
def test_a_tablet_and_a_laptop_with_large_letters_have_room(server, signed_in, size):
    page = open_reading(signed_in, server)
    page.set_viewport_size({"width": size[0], "height": size[1]})
    settle(page)
    save = page.get_by_role("button", name="Save and next").bounding_box()
    assert save["y"] + save["height"] <= size[1]
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    picture = page.locator(".viewer canvas").bounding_box()
    assert picture["width"] > 0.55 * size[0]
