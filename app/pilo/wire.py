"""Panels as bytes for the browser: PNG pictures, and values as whole numbers."""

import json
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from app.pilo.panels import Panel
from magic_model.colours import RgbArray

NOTHING = -32768
"""Stands for no value."""

_LENGTH = 4  # bytes of the length of the header, the least significant first


def pack(panels: Sequence[Panel], captions: Sequence[str]) -> bytes:
    """Put panels into one message.

    The message is the length of a header, the header in JSON, and what it gives the
    lengths of: of each panel its picture and its colour bar as PNG, then its values as
    little-endian 16-bit whole numbers, in units of the last decimal that is told.

    Args:
        panels: What is shown of a slice.
        captions: Which slice it is first, then what else is printed on saved pictures.
    """
    entries: list[dict[str, Any]] = []
    parts: list[bytes] = []
    for panel in panels:
        blobs = [encode_png(panel.picture), encode_png(panel.bar), _whole(panel)]
        parts += blobs
        low, high = panel.limits
        entries.append(
            {
                "title": panel.title,
                "unit": panel.unit,
                "note": panel.note,
                "decimals": panel.decimals,
                "summary": panel.summary,
                "ticks": [f"{x:g}" for x in (low, (low + high) / 2, high)],
                "lengths": [len(blob) for blob in blobs],
            }
        )
    size = panels[0].picture.shape[0]
    known = {"size": size, "captions": list(captions), "nothing": NOTHING}
    text = json.dumps(known | {"panels": entries}).encode()
    return b"".join([len(text).to_bytes(_LENGTH, "little"), text, *parts])


def encode_png(picture: RgbArray) -> bytes:
    """Encode `(height, width, 3)` without loss.

    Nothing is compressed: that takes longer than to send it within a machine.
    """
    file = BytesIO()
    Image.fromarray(picture).save(file, "PNG", compress_level=0)
    return file.getvalue()


def _whole(panel: Panel) -> bytes:
    """Round values, `(size, size)`; what is beyond 16 bits is cut off."""
    known = np.isfinite(panel.values)
    exact = np.where(known, panel.values, 0) * 10.0**panel.decimals
    kept = np.clip(np.rint(exact), NOTHING + 1, -NOTHING - 1)
    return np.where(known, kept, NOTHING).astype("<i2").tobytes()
