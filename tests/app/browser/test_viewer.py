"""The picture on the canvas of a real browser."""

import base64
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from tests.app.browser.driving import open_reading, press

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


def png_of_canvas(page):
    """Pixels of the canvas, `(height, width, 3)`."""
    address = page.locator(".viewer canvas").evaluate("(c) => c.toDataURL()")
    content = base64.b64decode(address.split(",")[1])
    return np.asarray(Image.open(BytesIO(content)).convert("RGB"))


def test_pixels_on_the_canvas_are_those_of_the_picture(server, signed_in):
    page = open_reading(signed_in, server)
    token = server.room.session_of("anna").progress().token
    wanted = np.asarray(
        Image.open(BytesIO(server.room.study.image_bytes(token))).convert("RGB")
    )
    for keys, scale in ((["a"], 1), (["+"] * 4, 1.25**4)):
        press(page, keys)
        view = page.locator(".viewer").evaluate("(v) => ({...v.dataset})")
        assert float(view["scale"]) == pytest.approx(scale)
        shown = png_of_canvas(page)
        height, width, _ = shown.shape
        x, y = int(view["x"]), int(view["y"])
        rows = np.floor((np.arange(height) - y + 0.5) / scale).astype(int)
        columns = np.floor((np.arange(width) - x + 0.5) / scale).astype(int)
        inside_r = (rows >= 0) & (rows < wanted.shape[0])
        inside_c = (columns >= 0) & (columns < wanted.shape[1])
        expected = wanted[np.ix_(rows[inside_r], columns[inside_c])]
        same = (shown[np.ix_(inside_r, inside_c)] == expected).all(axis=2)
        assert same.size > 300_000
        # Enlarged, a pixel is a square; only where squares meet may rounding differ.
        assert same.all() if scale == 1 else same.mean() > 0.99
