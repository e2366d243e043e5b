"""The reading fits the smallest window and is legible on the largest."""

import pytest

from tests.app.browser.driving import open_reading, press, settle

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

MEASURE = """() => {
  const box = (name) => document.querySelector(name).getBoundingClientRect();
  const main = document.querySelector("[data-testid='stMain']");
  const texts = [...document.querySelectorAll("[data-testid='stRadioOption'] p")];
  const canvas = [...document.querySelectorAll(".st-key-reading *")]
    .map((e) => e.shadowRoot?.querySelector("canvas")).find((c) => c);
  return {
    scrolls: main.scrollHeight > innerHeight || main.scrollWidth > innerWidth,
    foot: box(".st-key-more").bottom,
    letters: Math.min(...texts.map((p) => p.getBoundingClientRect().height)),
    picture: canvas.getBoundingClientRect().width / innerWidth,
  };
}"""


@pytest.mark.parametrize(
    ("width", "height", "line"), [(1366, 768, 18), (1920, 1080, 23), (3840, 2160, 34)]
)
def test_all_is_in_the_window_and_large_enough(server, signed_in, width, height, line):
    page = open_reading(signed_in, server)
    page.set_viewport_size({"width": width, "height": height})
    press(page, "12")
    page.keyboard.type("noise")
    settle(page)
    found = page.evaluate(MEASURE)

    assert not found["scrolls"]
    assert found["foot"] <= height
    assert found["letters"] >= line
    assert found["picture"] > 0.64
