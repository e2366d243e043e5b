"""Scrolling through a stack of 24 slices of NCCT and four maps at 256, in Chromium.

    python -m benchmarks.stack_scroll

Software rendering (`--disable-gpu`), a window of 1366 x 768, one slice a frame;
frames are counted as drawn over three seconds.
"""

import statistics

from playwright.sync_api import Page, sync_playwright

from tests.app.browser import test_stack as stack
from tests.app.browser.driving import launch

_SCROLL = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  const press = (key) => window.dispatchEvent(new KeyboardEvent("keydown", { key }));
  const { dataset } = document.querySelector(".viewer");
  const [before, start] = [Number(dataset.frames), performance.now()];
  let step = "ArrowDown";
  while (performance.now() - start < 3000) {
    if (dataset.slice === "24") step = "ArrowUp";
    if (dataset.slice === "1") step = "ArrowDown";
    press(step);
    await frame();
  }
  return 1000 * (Number(dataset.frames) - before) / (performance.now() - start);
}"""


def main() -> None:
    """Print a table."""
    stack.SLICES = 24
    stack.LAYOUT["slices"] = 24
    volume = stack.make_volume()
    with sync_playwright() as playwright:
        browser = launch(playwright.chromium)
        page = browser.new_context(viewport={"width": 1366, "height": 768}).new_page()
        stack.open_stack_at(page, volume)
        print("| measure | value |\n| --- | --- |")
        print(f"| frames per second, median of 3 | {_median(page, _SCROLL):.0f} |")
        stack.press(page, "d")
        print(f"| the same, all panels of one size | {_median(page, _SCROLL):.0f} |")
        browser.close()


def _median(page: Page, script: str) -> float:
    return statistics.median(page.evaluate(script) for _ in range(3))


if __name__ == "__main__":
    main()
