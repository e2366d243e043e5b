"""Pictures of stacks with a lesion, which people look at, at the sizes that must pass.

The environment's MAGIC_SHOTS names the folder that keeps them.
"""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import magic_model
from app.demo import draw_montage
from reader_study.running.access import issue_code
from tests.app.browser.conftest import let_in, serving
from tests.app.browser.driving import press, settle
from tests.app.browser.test_screenshots import LARGEST, PLAIN, shrink
from tests.app.browser.test_stack import state
from tests.app.material import PROTOCOL, TITLE, build

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

WINDOWS = {
    "1366x768": (1366, 768, 1),
    "1920x1080": (1920, 1080, 1),
    "1180x820": (1180, 820, 1),
    "1366x768-at-150": (911, 425, 1.5),
}
SEVERITIES = ("none", "mild_moderate", "severe")
READING_TABLE = '\n[reading]\nviewer = "stack"\nmeasures = true\n'
PROTOCOL_OF_STACKS = PROTOCOL.replace(TITLE, PLAIN) + READING_TABLE


@pytest.fixture(scope="module")
def volumes(tmp_path_factory):
    """Volumes of patients with known lesions, by severity."""
    folder = tmp_path_factory.mktemp("phantoms")
    wanted = dict.fromkeys(SEVERITIES, 1)
    cohort = magic_model.make_phantom(folder / "cohort", wanted, seed=5, exact=True)
    shutil.copytree(folder / "cohort", folder / "generated")
    (folder / "generated" / "cohort.csv").rename(folder / "generated" / "generated.csv")
    magic_model.draw_montages(
        folder / "cohort", folder / "generated", folder / "cases", split="all",
        volumes=True,
    )  # fmt: skip
    drawn = folder / "cases" / "volumes"
    found = {
        p.severity: drawn / f"{p.patient_id}_reference.npz" for p in cohort.patients
    }
    return [dict(np.load(found[severity])) for severity in SEVERITIES]


@pytest.fixture(params=["stack", "montage"])
def shown(request, volumes, tmp_path):
    """A server of these patients; what the other method shows is a shade darker."""

    def write_volume(path):
        images = dict(volumes[int(path.stem[-1])])
        if path.stem.startswith("test"):
            images = {
                name: np.where(image > 1, image - 1, image).astype(image.dtype)
                if name.startswith("panel")
                else image
                for name, image in images.items()
            }
        np.savez(path, **images)

    (tmp_path / "built").mkdir()
    stack = request.param == "stack"
    protocol = PROTOCOL_OF_STACKS if stack else PROTOCOL.replace(TITLE, PLAIN)
    rng = np.random.default_rng(11)
    writes = {"write_volume": write_volume} if stack else {}
    built = build(
        tmp_path / "built",
        protocol,
        draw=lambda: draw_montage("severe", rng),
        **writes,
    )
    yield from serving(built, tmp_path / "STUDY")


def test_a_lesion_at_every_size(shown, browser, tmp_path):
    folder = Path(os.environ.get("MAGIC_SHOTS") or tmp_path / "shots")
    folder.mkdir(parents=True, exist_ok=True)
    room = shown.room
    stack = room.study.manifest.volumes is not None
    for name, (width, height, ratio) in WINDOWS.items():
        window = {"width": width, "height": height}
        context = browser.new_context(viewport=window, device_scale_factor=ratio)
        code = issue_code(room.store, "anna", by="test", clock=room.clock)
        page = let_in(shown, context, code).new_page()
        page.goto(shown.url)
        page.locator(".viewer[data-painted]").wait_for()
        settle(page)
        if stack:
            press(page, ["e", "e", "e"])
            area = state(page)["views"][3]["area"]
            assert min(area["width"], area["height"]) >= 220 * max(1, ratio * 0.9)
        keep(page, folder / f"18-{'stack' if stack else 'montage'}-{name}.png")
        assert_in_view(page)
        if stack and name == "1366x768":
            page.emulate_media(forced_colors="active")
            press(page, ["d"])
            keep(page, folder / "18-stack-forced-colours.png")
        context.close()


def keep(page, file):
    page.mouse.move(2, 2)
    settle(page)
    page.screenshot(path=file)
    shrink(file)
    with Image.open(file) as image:
        assert image.width >= 1180
    assert file.stat().st_size <= LARGEST


def assert_in_view(page):
    """Nothing is cut off, and the question at hand and Save are in the window."""
    main = page.locator("[data-testid='stMain']")
    assert main.evaluate(
        "(m) => m.scrollHeight <= innerHeight && m.scrollWidth <= innerWidth"
    )
    height = page.viewport_size["height"]
    for place in ("[class*='st-key-save-'] button", "[data-current]"):
        box = page.locator(place).first.bounding_box()
        assert box["y"] + box["height"] <= height
