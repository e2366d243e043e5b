"""The explorer in a real browser."""

from ipaddress import ip_address
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from magic_model.colours import colour_map, grey_ncct
from magic_model.maps import PAPER_MAPS, PerfusionMap
from tests.app.pilo.driving import (
    explore,
    note,
    picture,
    serving,
    slider,
    until_note,
)

pytest.importorskip("playwright.sync_api")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.flaky(reruns=1),  # as all that a browser does: tests/app/conftest.py
]

TITLES = ("CBF", "CBV", "MTT", "TTP")


@pytest.fixture(scope="module")
def url(explored, explorer):
    with serving(explored / "run", explored / "head.nii.gz") as url:
        yield url


def expected(explorer, name, ratio):
    """What a panel has to show of the first slice shown."""
    values = explorer.generate(explorer.fullest, {name: ratio})[name]
    brain = explorer.brain(explorer.fullest)[..., np.newaxis]
    return colour_map(values, name) * brain


def test_a_dragged_slider_changes_the_pictures_at_once(url, explorer):
    def visit(page):
        for name, title in zip(PAPER_MAPS, TITLES, strict=True):
            assert np.array_equal(picture(page, title), expected(explorer, name, 1.0))
        ct, brain = explorer.ncct(explorer.fullest), explorer.brain(explorer.fullest)
        assert np.array_equal(picture(page, "NCCT"), grey_ncct(ct) * brain[..., None])

        box = slider(page, "cbf").bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + box["width"] / 4, y, steps=8)
        place = int(slider(page, "cbf").input_value())
        ratio = 2 ** (place / 8)
        assert place > 4
        for name, title in zip(PAPER_MAPS, TITLES, strict=True):  # still held
            until_note(page, title, f"ratio {ratio:.2f}, not calibrated")
            assert np.array_equal(picture(page, title), expected(explorer, name, ratio))
        page.mouse.up()

        page.get_by_role("button", name="Reset").click()
        until_note(page, "TTP", "ratio 1.00, as trained")
        page.get_by_label("All maps together").uncheck()
        slider(page, "mtt").press("ArrowLeft")
        until_note(page, "MTT", "ratio 0.92")
        for name, title in zip(PAPER_MAPS, TITLES, strict=True):
            ratio = 2 ** (-1 / 8) if name is PerfusionMap.MTT else 1.0
            assert np.array_equal(picture(page, title), expected(explorer, name, ratio))
        return page.seen

    seen = explore(url, visit)
    addresses = [urlsplit(address) for address in seen]
    assert {a.scheme for a in addresses} <= {"http", "ws", "blob", "data"}
    hosts = {a.hostname for a in addresses if a.scheme in {"http", "ws"}}
    assert all(ip_address(host).is_loopback for host in hosts)
    assert any(a.scheme == "ws" for a in addresses)


def test_every_movement_of_a_hurried_hand_is_drawn_in_the_end(url, explorer):
    def visit(page):
        slider(page, "cbv").focus()
        for key in ["ArrowRight"] * 15 + ["ArrowLeft"] * 4:
            page.keyboard.press(key)
        ratio = 2 ** (11 / 8)
        until_note(page, "TTP", f"ratio {ratio:.2f}")
        page.wait_for_timeout(500)
        assert note(page, "TTP").startswith(f"ratio {ratio:.2f}")
        shown = picture(page, "CBV")
        assert np.array_equal(shown, expected(explorer, PerfusionMap.CBV, ratio))

    explore(url, visit)


def test_pointer_tells_values_and_wheel_changes_slices(url, explorer):
    def visit(page):
        frame = page.locator("figure[data-title=CBF] .frame")
        box = frame.bounding_box()
        pixel = box["width"] / 64
        frame.hover(position={"x": 38.5 * pixel, "y": 30.5 * pixel})
        told = page.locator("figure output").all_inner_texts()
        frame.hover(position={"x": 2, "y": 2})
        assert page.locator("figure output").all_inner_texts() == ["outside"] * 5
        before = page.locator(".where").inner_text()
        page.mouse.wheel(0, -100)
        page.locator(".where", has_text=f"Slice {explorer.fullest + 2} of").wait_for()
        return told, before

    (ncct, cbf, cbv, *_), before = explore(url, visit)
    row, column = 30, 38
    made = explorer.generate(explorer.fullest, {})
    assert ncct == f"{explorer.ncct(explorer.fullest)[row, column]:.0f}"
    assert cbf == f"{made[PerfusionMap.CBF][row, column]:.1f}"
    assert cbv == f"{made[PerfusionMap.CBV][row, column]:.2f}"
    assert before == f"Slice {explorer.fullest + 1} of {explorer.n_slices}"


@pytest.mark.parametrize("size", [(1366, 768), (2560, 1440)])
def test_everything_fits_the_screen(url, size):
    def visit(page):
        boxes = [
            page.locator(place).bounding_box()
            for place in (".bar", ".st-key-limits", ".foot", "figure >> nth=-1")
        ]
        main = page.locator("[data-testid=stMain]")
        fits = main.evaluate("(m) => m.scrollHeight <= m.clientHeight")
        return boxes, fits

    boxes, fits = explore(url, visit, size)
    assert fits
    for box in boxes:
        assert box["x"] >= 0
        assert box["y"] >= 0
        assert box["x"] + box["width"] <= size[0]
        assert box["y"] + box["height"] <= size[1]


def test_a_saved_picture_holds_the_pixels_that_were_shown(url, explorer, tmp_path):
    path = tmp_path / "saved.png"

    def visit(page):
        with page.expect_download() as download:
            page.get_by_role("button", name="Save picture").click()
        download.value.save_as(path)
        return download.value.suggested_filename, picture(page, "CBF")

    name, shown = explore(url, visit)
    number, n = explorer.fullest + 1, explorer.n_slices
    assert name == f"pilo_slice_{number}_of_{n}.png"
    saved = np.asarray(Image.open(path).convert("RGB"))
    gap, above, side = 24, 64, 512
    left = gap + side + gap
    cut = saved[above : above + side, left : left + side]
    assert np.array_equal(cut[4::8, 4::8][4:], shown[4:])  # R and L stand above
    written = saved[above + side + 60 :]
    assert (written.max(axis=2) > 100).sum() > 500
