"""From Save to the next case on the screen, in Chromium, and where the time goes.

    python -m benchmarks.painted [--cases 12] [--only stack]

Montages of 1280 x 2560 and stacks of 24 slices of NCCT and four maps at 256. A reader
answers by keys and presses Save with the mouse once the next case has been fetched
ahead, or while nothing can be. All times are the page's own, from the click on.
"""

import argparse
import asyncio
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from playwright.async_api import Browser, Page

from benchmarks import app_browser
from benchmarks.app_study import Server, let_in, make_study, reader_name

_WATCH = """(() => {
  const marks = window.marks = [];
  const mark = (what, size) => marks.push([what, performance.now(), size]);
  const Plain = window.WebSocket;
  window.WebSocket = class extends Plain {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", ({ data }) =>
        mark("come", data.byteLength ?? data.size ?? 0));
    }
    send(data) {
      mark("sent", data.byteLength ?? data.length ?? 0);
      super.send(data);
    }
  };
  const save = "[class*='st-key-save-'] button";
  document.addEventListener("click", (event) => {
    if (event.target.closest?.(save)) mark("click", 0);
  }, { capture: true });
  window.viewer = () => [...document.querySelectorAll(".st-key-reading *")]
    .map((e) => e.shadowRoot?.querySelector(".viewer[data-painted]")).find((v) => v);
})()"""

_AFTER = """async () => {
  const before = window.viewer();
  window.marks.length = 0;
  window.painted = (async () => {
    const frame = () => new Promise(requestAnimationFrame);
    const begin = performance.now();
    const waiting = () => !window.viewer() || window.viewer() === before
      || document.querySelector("[class*='st-key-question-'] input:checked");
    while (waiting()) {
      if (performance.now() - begin > 60000) throw new Error("no next case");
      await frame();
    }
    await frame();
    const now = performance.now();
    const click = window.marks.find(([what]) => what === "click")[1];
    const come = window.marks.filter(([what, at]) => what === "come" && at > click);
    const first = come[0][1], last = come[come.length - 1][1];
    const bytes = come.reduce((sum, [, , size]) => sum + size, 0);
    const drawn = Number(window.viewer().dataset.painted);
    return {
      drawn: drawn - click, painted: now - click,
      first: first - click, last: last - click, bytes,
    };
  })();
}"""

_HELD = """() => window.readAhead !== undefined
  && window.readAhead.token !== window.heldBefore"""
_PARTS = {
    "first": "first answer of the server",
    "last": "its last before that",
    "drawn": "case drawn on the canvas",
    "painted": "case and empty questions on the screen",
}


def main(argv: Sequence[str] | None = None) -> None:
    """Print a table for each kind of study."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=int, default=12, help="readings of each run")
    parser.add_argument("--only", choices=["montage", "stack"])
    given = parser.parse_args(argv)
    n_cases = given.cases
    kinds = {"montage": None, "stack": write_volume}
    for name, writes in kinds.items():
        if given.only not in (None, name):
            continue
        with tempfile.TemporaryDirectory() as root:
            room = make_study(Path(root), n_cases + 2, 2, write_volume=writes)
            server = Server(Path(root) / "STUDY")
            try:
                for n, held in enumerate((True, False)):
                    cookies = let_in(room, reader_name(n))
                    rows = asyncio.run(_read(server.url, cookies, n_cases, held=held))
                    how = "fetched ahead" if held else "sent with the page"
                    _print(f"{name}, {how}", rows)
            finally:
                server.stop()
                room.store.close()


def write_volume(path: Path, n: int) -> None:
    """Write a head of 24 slices with four maps, different for each number."""
    slices, side = 24, 256
    down, across = np.mgrid[:side, :side] - 127.5
    head = (across / 80) ** 2 + (down / 100) ** 2 < 1
    wave = 40 + 20 * np.sin((across + 7 * n) / 9) * np.cos(down / 11)
    ncct = np.where(head, wave, -1000).astype("<i2")
    codes = np.where(head, 1 + 3 * wave, 0).astype("u1")
    panels = [
        {
            "name": "NCCT",
            "unit": "HU",
            "dtype": "int16",
            "low": 0,
            "high": 80,
            "colours": "",
        }
    ]
    colours = "".join(f"{k:02x}{255 - k:02x}{k // 2:02x}" for k in range(256))
    drawn = {"unit": "s", "dtype": "uint8", "low": 0, "high": 20, "colours": colours}
    panels += [drawn | {"name": name} for name in ("CBF", "CBV", "MTT", "TTP")]
    images = {
        f"panel_{p}": np.stack([ncct if p == 0 else codes] * slices) for p in range(5)
    }
    affine = np.diag([0.8, 0.8, 5.0, 1.0])
    np.savez(path, affine=affine, about=json.dumps({"panels": panels}), **images)


async def _read(
    url: str, cookies: dict[str, str], n_cases: int, *, held: bool
) -> list[dict[str, float]]:
    async with app_browser.chromium() as browser:
        page = await _open(browser, url, cookies, held=held)
        rows = []
        for _ in range(n_cases):
            await app_browser.answer(page)
            if held:
                await page.wait_for_function(_HELD)
                await page.evaluate(
                    "() => { window.heldBefore = window.readAhead.token; }"
                )
            await page.evaluate(_AFTER)
            await page.locator("[class*='st-key-save-'] button").click()
            rows.append(dict(await page.evaluate("() => window.painted")))
        return rows


async def _open(
    browser: Browser, url: str, cookies: dict[str, str], *, held: bool
) -> Page:
    context = await browser.new_context(viewport={"width": 1366, "height": 768})
    for name, value in cookies.items():
        await context.add_cookies([{"name": name, "value": value, "url": url}])
    page = await context.new_page()
    await page.add_init_script(_WATCH)
    if not held:
        await page.route("**/ahead", lambda route: route.abort())
    await page.goto(url)
    await page.locator(".viewer[data-painted]").wait_for(timeout=60_000)
    return page


def _print(name: str, rows: Sequence[dict[str, float]]) -> None:
    print(f"\n{name} ({len(rows)})")
    for part, words in _PARTS.items():
        found = [row[part] / 1000 for row in rows]
        median, p95 = np.quantile(found, [0.5, 0.95])
        print(f"  {words:42}median {median:.2f} s, p95 {p95:.2f} s")
    size = np.median([row["bytes"] for row in rows])
    print(f"  {'bytes over the connection meanwhile':42}median {size:,.0f}", flush=True)


if __name__ == "__main__":
    main()
