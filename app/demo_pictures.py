"""Drawn montages for the demonstration: heads of ellipses, no patient, no model."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Pixels = NDArray[np.uint8]

COLUMNS = ("NCCT", "CBV", "CBF", "MTT", "TTP")
_UNITS = ("HU", "mL/100g", "mL/100g/min", "s", "s")
_TOPS = (80, 4, 60, 12, 25)  # of the colour bars
_TILE, _ROWS, _HEADER = 256, 4, 72  # of the form that the viewer knows
# Share of the hemisphere: core and tissue at risk.
_LESION = {"none": (0.0, 0.0), "mild_moderate": (0.12, 0.5), "severe": (0.4, 0.6)}
# Of normal tissue, of the tissue at risk and of the core, as shares of the scale.
_VALUES = {
    "CBV": (0.6, 0.62, 0.12),
    "CBF": (0.62, 0.3, 0.06),
    "MTT": (0.3, 0.75, 0.9),
    "TTP": (0.35, 0.75, 0.9),
}


def draw_montage(severity: str, rng: np.random.Generator) -> Pixels:
    """Draw a montage: one column of slices for the NCCT and for each perfusion map.

    Args:
        severity: `none`, `mild_moderate` or `severe`.
        rng: Source of all chance.

    Returns:
        `(1096, 1280, 3)` RGB.
    """
    side = -1 if rng.random() < 0.5 else 1
    rows = [_slice_row(severity, side, 1 - 0.09 * abs(i - 1), rng) for i in range(4)]
    body = np.concatenate(rows)
    canvas = Image.new("RGB", (body.shape[1], _HEADER + body.shape[0]))
    canvas.paste(Image.fromarray(body), (0, _HEADER))
    _write_legends(canvas)
    return np.asarray(canvas)


def _slice_row(
    severity: str, side: int, size: float, rng: np.random.Generator
) -> Pixels:
    y, x = np.mgrid[-1 : 1 : _TILE * 1j, -1 : 1 : _TILE * 1j] / size
    radius = np.hypot(x / 0.68, y / 0.86)
    brain = radius < 0.9
    ventricle = np.hypot((np.abs(x) - 0.12) / 0.07, (y + 0.02) / 0.26) < 1
    wobble = _smooth_noise(rng, 8) * 0.25
    distance = np.hypot((x - side * 0.36) / 0.34, (y + 0.05) / 0.5) + wobble
    distance = np.maximum(distance, 0)  # else a head without a lesion had a dot
    core, risk = (np.sqrt(share) for share in _LESION[severity])
    zone = (distance < risk).astype(int) + (distance < core)
    zone[x * side < 0.04] = 0
    ncct = 0.45 + 0.05 * _smooth_noise(rng, 40) - 0.06 * (zone == 2)
    ncct[ventricle] = 0.1
    ncct[~brain] = 0.0
    ncct[(radius >= 0.9) & (radius < 1)] = 1.0
    tiles = [np.repeat(_bytes(ncct)[..., None], 3, axis=2)]
    for name in COLUMNS[1:]:
        grain = 0.16 * _smooth_noise(rng, 24) + 0.06 * _smooth_noise(rng, 64)
        value = np.asarray(_VALUES[name])[zone] + grain
        value[ventricle] *= 0.25
        tiles.append(_coloured(value, brain))
    return np.concatenate(tiles, axis=1)


def _smooth_noise(rng: np.random.Generator, cells: int) -> NDArray[np.float64]:
    coarse = Image.fromarray(rng.uniform(-1, 1, (cells, cells)).astype(np.float32))
    return np.asarray(
        coarse.resize((_TILE, _TILE), Image.Resampling.BICUBIC), np.float64
    )


def _coloured(value: NDArray[np.float64], brain: NDArray[np.bool_]) -> Pixels:
    v = np.clip(value, 0, 1)
    # Black, blue, green, yellow, red at equal steps.
    steps = np.linspace(0, 1, 5)
    channels = ((0, 0, 0, 1, 1), (0, 0, 0.8, 0.9, 0), (0, 1, 0.2, 0, 0))
    colours = np.stack([np.interp(v, steps, channel) for channel in channels], axis=-1)
    colours[~brain] = 0
    return _bytes(colours)


def _bytes(share: NDArray[np.float64]) -> Pixels:
    return np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)


def _write_legends(canvas: Image.Image) -> None:
    pen = ImageDraw.Draw(canvas)
    large, small = ImageFont.load_default(20), ImageFont.load_default(14)
    grey = "#d8d8d8"
    ramp = np.tile(np.linspace(0, 1, 200), (12, 1))
    for column, (name, unit, top) in enumerate(
        zip(COLUMNS, _UNITS, _TOPS, strict=True)
    ):
        left = column * _TILE
        middle = left + _TILE / 2
        pen.text((middle, 18), name, grey, large, anchor="mm")
        bar = (
            _coloured(ramp, np.full(ramp.shape, fill_value=True))
            if column
            else np.repeat(_bytes(ramp)[..., None], 3, axis=2)
        )
        canvas.paste(Image.fromarray(bar), (left + 28, 34))
        pen.text((left + 28, 59), "0", grey, small, anchor="lm")
        pen.text((middle, 59), unit, grey, small, anchor="mm")
        pen.text((left + 228, 59), str(top), grey, small, anchor="rm")
