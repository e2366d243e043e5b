"""Readers in a real Chromium, timed in the page itself, for `benchmarks.app`."""

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from playwright.async_api import Browser, Page, async_playwright

_ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic",
    "--no-first-run", "--disable-background-networking",
]  # fmt: skip
_READING = "1111124"
_SIZE = {"width": 1920, "height": 1080}
_WAIT = 60_000.0  # milliseconds
_READY = "[data-testid='stApp'][data-test-script-state='notRunning']"
_CHOSEN = "[class*='st-key-question-']:has(input:checked)"

_SAVE_AND_SEE = """async () => {
  const shown = () => [...document.querySelectorAll(".st-key-reading *")]
    .map((e) => e.shadowRoot?.querySelector(".viewer[data-scale]")).find((v) => v);
  const before = shown();
  const start = performance.now();
  document.querySelector("[class*='st-key-save-'] button").click();
  const frame = () => new Promise(requestAnimationFrame);
  const waiting = () => !shown() || shown() === before
    || document.querySelector("[class*='st-key-question-'] input:checked");
  while (waiting()) {
    if (document.querySelector("table.answers")) break;
    if (performance.now() - start > 60000) throw new Error("no next case");
    await frame();
  }
  await frame();
  return (performance.now() - start) / 1000;
}"""
"""Click; wait until another picture is on a canvas and no answer is left; one frame."""


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Start the browser of the tests."""
    found = os.environ.get("MAGIC_TEST_CHROMIUM") or shutil.which("chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=found, args=_ARGUMENTS
        )
        yield browser
        await browser.close()


async def first_page(browser: Browser, url: str) -> float:
    """Give the seconds from the address to the sign-in, in a browser that is new."""
    context = await browser.new_context(viewport=_SIZE)
    page = await context.new_page()
    start = time.perf_counter()
    await page.goto(url)
    await page.get_by_role("button", name="Sign in").wait_for()
    seconds = time.perf_counter() - start
    await context.close()
    return seconds


async def read(
    browser: Browser, url: str, cookies: Mapping[str, str], n_cases: int
) -> list[float]:
    """Read cases, and give the seconds from each click to the next case painted."""
    context = await browser.new_context(viewport=_SIZE)
    for name, value in cookies.items():
        await context.add_cookies([{"name": name, "value": value, "url": url}])
    page = await context.new_page()
    await page.goto(url)
    await page.locator(".viewer[data-scale]").wait_for(timeout=_WAIT)
    seconds = []
    for _ in range(n_cases):
        await answer(page)
        seconds.append(float(await page.evaluate(_SAVE_AND_SEE)))
    await context.close()
    return seconds


async def answer(page: Page) -> None:
    """Answer all questions by keys and let the page come to rest."""
    await _settle(page)
    await page.locator("[data-current]").wait_for(timeout=_WAIT)
    for n, number in enumerate(_READING, start=1):
        await page.keyboard.press(number)
        chosen = page.locator(f":nth-match({_CHOSEN}, {n})")
        await chosen.wait_for(state="attached", timeout=_WAIT)
    await _settle(page)


async def _settle(page: Page) -> None:
    for _ in range(2):
        await page.wait_for_selector(_READY, timeout=_WAIT)
        await asyncio.sleep(0.3)
