"""One picture of a patient: the middle slice of each image."""

from collections.abc import Mapping
from io import BytesIO

import numpy as np
from matplotlib.figure import Figure

from magic_model.data.grid import reorient_ras
from magic_model.data.volume import FloatArray, Kind, Volume
from magic_model.maps import MAP_SPECS, PerfusionMap

_WINDOW = (0.0, 80.0)
_SHOWN = (Kind.NCCT, *(Kind(name.value) for name in PerfusionMap))


def thumbnail(images: Mapping[Kind, Volume]) -> bytes:
    """Draw NCCT and maps at the height where the maps have most values, as PNG.

    Radiological display: the patient's right is on the left.
    """
    upright = {k: reorient_ras(images[k]) for k in _SHOWN if k in images}
    figure = Figure(figsize=(1.9 * max(1, len(upright)), 2.25), facecolor="black")
    height = _busiest_height(upright)
    panels = figure.subplots(1, max(1, len(upright)), squeeze=False)[0]
    for ax, (kind, volume) in zip(panels, upright.items(), strict=False):
        low, high = _WINDOW if kind == Kind.NCCT else _range(kind)
        ax.imshow(
            _slice_at(volume, height),
            cmap="gray" if kind == Kind.NCCT else "turbo",
            vmin=low,
            vmax=high,
            interpolation="nearest",
            aspect=volume.spacing[1] / volume.spacing[0],
        )
        ax.set_title(kind.upper(), color="white", fontsize=8, pad=2)
    for ax in panels:
        ax.axis("off")
    figure.subplots_adjust(left=0, right=1, bottom=0, top=0.9, wspace=0.02)
    out = BytesIO()
    figure.savefig(out, format="png", dpi=100, facecolor="black", metadata={})
    return out.getvalue()


def _range(kind: Kind) -> tuple[float, float]:
    return MAP_SPECS[PerfusionMap(kind.value)].value_range


def _busiest_height(upright: Mapping[Kind, Volume]) -> float:
    """Height in mm of the slice in which the first map has most values."""
    for kind, volume in upright.items():
        if kind != Kind.NCCT:
            filled = np.count_nonzero(volume.array, axis=(0, 1))
            return float(_heights(volume)[int(filled.argmax())])
    for volume in upright.values():
        return float(_heights(volume)[volume.shape[2] // 2])
    return 0.0


def _slice_at(volume: Volume, height: float) -> FloatArray:
    """Cut the nearest slice to what is shown: the box around values, plus a margin."""
    index = int(np.abs(_heights(volume) - height).argmin())
    # Rows run from front to back, columns from the patient's right to the left.
    picture = volume.array[::-1, ::-1, index].T
    rows, columns = (np.flatnonzero((picture > 0).any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return picture
    margin = 4
    if volume.kind != Kind.NCCT:
        picture = np.where(picture == 0, np.nan, picture)  # the background stays black
    return picture[
        max(0, rows[0] - margin) : rows[-1] + margin + 1,
        max(0, columns[0] - margin) : columns[-1] + margin + 1,
    ]


def _heights(volume: Volume) -> FloatArray:
    steps = np.arange(volume.shape[2])
    return np.asarray(volume.affine[2, 3] + volume.affine[2, 2] * steps)
