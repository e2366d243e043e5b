import json
from io import BytesIO

import numpy as np
from PIL import Image

from app.pilo.panels import NOTHING, Panel, draw_panels, pack
from app.pilo.view import View


def unpack(content):
    """Read a message as the browser does; give its header, pictures and values."""
    begin = 4 + int.from_bytes(content[:4], "little")
    header = json.loads(content[4:begin])
    panels = []
    for panel in header["panels"]:
        parts = []
        for length in panel["lengths"]:
            parts.append(content[begin : begin + length])
            begin += length
        pictures = [np.asarray(Image.open(BytesIO(part))) for part in parts[:2]]
        panels.append((*pictures, np.frombuffer(parts[2], "<i2")))
    assert begin == len(content)
    return header, panels


def test_the_browser_gets_every_pixel_and_every_value(explorer):
    drawn = draw_panels(explorer, View(index=explorer.fullest))
    header, sent = unpack(pack(drawn, ["Slice 3 of 14", "from", "use"]))

    assert header["captions"] == ["Slice 3 of 14", "from", "use"]
    assert header["size"] == 64
    for panel, told, (picture, bar, values) in zip(
        drawn, header["panels"], sent, strict=True
    ):
        assert np.array_equal(picture, panel.picture)
        assert np.array_equal(bar, panel.bar)
        assert told["title"] == panel.title
        known = np.isfinite(panel.values).ravel()
        assert np.array_equal(values == NOTHING, ~known)
        exact = panel.values.ravel()[known] * 10.0**panel.decimals
        assert np.abs(values[known] - exact).max() <= 0.5 + 1e-3
    assert header["panels"][0]["ticks"] == ["0", "40", "80"]
    assert header["panels"][4]["ticks"] == ["0", "12.5", "25"]


def test_a_value_beyond_what_is_sent_is_cut_off_and_not_turned_round():
    values = np.array([[3000.0, -3000.0], [np.nan, np.inf]], np.float32)
    picture = np.zeros((2, 2, 3), np.uint8)
    panel = Panel(
        title="", unit="", decimals=2, note="", limits=(0, 1), picture=picture,
        bar=picture[:1], values=values,
    )  # fmt: skip
    _, ((_, _, sent),) = unpack(pack([panel], []))
    assert sent.tolist() == [32767, -32767, NOTHING, NOTHING]
