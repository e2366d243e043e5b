"""Panels of a slice: picture, colour bar and values, and their bytes on the wire."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from app.pilo.explorer import Explorer
from app.pilo.view import TRAINED, Colours, Ratios, View
from magic_model.colours import LEVELS, RgbArray, colour_map, grey_ncct
from magic_model.data.grid import BoolArray
from magic_model.data.volume import FloatArray
from magic_model.maps import MAP_SPECS, PerfusionMap

Limits = tuple[float, float]

NOT_CALIBRATED = "not calibrated"


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One image of a slice.

    Attributes:
        title: Its name.
        unit: Of its values.
        decimals: With which its values are told.
        note: What its ratio is, and what that means; empty for the NCCT.
        limits: Values at both ends of its colours.
        picture: `(size, size, 3)`, black outside the brain.
        bar: `(1, 256, 3)`, its colours from the lower limit to the upper one.
        values: `(size, size)`; NaN outside the brain.
    """

    title: str
    unit: str
    decimals: int
    note: str
    limits: Limits
    picture: RgbArray
    bar: RgbArray
    values: FloatArray

    @property
    def summary(self) -> str:
        """Least, mean and largest value in the brain."""
        known = self.values[np.isfinite(self.values)]
        figures = known.min(), known.max(), known.mean(dtype=np.float64)
        least, most, mean = (f"{figure:.{self.decimals}f}" for figure in figures)
        return f"brain {least} to {most}, mean {mean}"


def draw_panels(explorer: Explorer, view: View) -> list[Panel]:
    """Draw NCCT and maps as they are to be seen.

    Args:
        explorer: Gives slices and maps.
        view: Which, and how.

    Returns:
        The NCCT, then the maps in the order of the network.
    """
    brain = explorer.brain(view.index)
    made = explorer.generate(view.index, view.ratios)
    panels = [_ncct_panel(explorer.ncct(view.index), brain, view.window)]
    for name, values in made.items():
        panels.append(_map_panel(name, values, brain, view))
    return panels


def ratio_note(name: PerfusionMap, ratios: Ratios) -> str:
    """Say what the ratio of a map is.

    Examples:
        >>> ratio_note(PerfusionMap.CBF, {PerfusionMap.CBF: 2.0})
        'ratio 2.00, not calibrated'
        >>> ratio_note(PerfusionMap.CBF, {})
        'ratio 1.00, as trained'
    """
    ratio = ratios.get(name, TRAINED)
    meaning = "as trained" if ratio == TRAINED else NOT_CALIBRATED
    return f"ratio {ratio:.2f}, {meaning}"


def _ncct_panel(ct: FloatArray, brain: BoolArray, window: Limits) -> Panel:
    return Panel(
        title="NCCT",
        unit="HU",
        decimals=0,
        note="",
        limits=window,
        picture=_inside(brain, grey_ncct(ct[brain], window)),
        bar=grey_ncct(_ramp(window), window),
        values=np.where(brain, ct, np.float32(np.nan)),
    )


def _map_panel(
    name: PerfusionMap, values: FloatArray, brain: BoolArray, view: View
) -> Panel:
    spec = MAP_SPECS[name]
    limits = spec.value_range[0], view.limit(name)
    return Panel(
        title=spec.title,
        unit=spec.unit,
        decimals=2 if spec.value_range[1] < 10 else 1,
        note=ratio_note(name, view.ratios),
        limits=limits,
        picture=_inside(brain, _coloured(values[brain], name, limits, view.colours)),
        bar=_coloured(_ramp(limits), name, limits, view.colours),
        values=np.where(brain, values, np.float32(np.nan)),
    )


def _coloured(
    values: FloatArray, name: PerfusionMap, limits: Limits, colours: Colours
) -> RgbArray:
    """Colour values by the scale of the project, stretched to other limits."""
    if colours is Colours.GREY:
        return grey_ncct(values, limits)
    (low, high), (first, last) = MAP_SPECS[name].value_range, limits
    share = (np.asarray(values, np.float64) - first) / (last - first)
    return colour_map(low + share * (high - low), name)


def _inside(brain: BoolArray, colours: RgbArray) -> RgbArray:
    """Put colours `(n, 3)` of the brain's pixels into a black picture."""
    picture: RgbArray = np.zeros((*brain.shape, 3), np.uint8)
    picture[brain] = colours
    return picture


def _ramp(limits: Limits) -> FloatArray:
    ramp: FloatArray = np.linspace(*limits, LEVELS, dtype=np.float32)[np.newaxis]
    return ramp


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
