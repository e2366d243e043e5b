"""Montage of a phantom patient: NCCT and maps side by side, with colour bars."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from magic_model.data.volume import FloatArray, Kind, Volume
from magic_model.maps import MAP_SPECS, PAPER_MAPS, PerfusionMap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WINDOW_HU = (0.0, 80.0)
_COLOURS = "nipy_spectral"
_PANEL_INCHES = 1.75
_CROP = 12  # pixels left out on each side, where there is only air


def montage(images: dict[Kind, Volume], planes: Sequence[int]) -> "Figure":
    """Draw a patient: a column per image, a row per axial slice.

    Slices are seen from below, as radiologists do: the patient's right is on the left.

    Args:
        images: NCCT and the four maps of the paper at least.
        planes: Indices of the map slices to show, from the top row down.
    """
    from matplotlib.figure import Figure

    columns = [Kind.NCCT, *(Kind(name) for name in PAPER_MAPS)]
    size = (_PANEL_INCHES * len(columns), _PANEL_INCHES * (len(planes) + 0.42))
    figure = Figure(figsize=size, facecolor="black")
    panels = figure.subplots(len(planes), len(columns), squeeze=False)
    below = 0.42 / (len(planes) + 0.42)
    figure.subplots_adjust(0, below, 1, 1, wspace=0.01, hspace=0.01)
    for column, kind in enumerate(columns):
        for row, plane in enumerate(planes):
            _show(panels[row, column], _slice(images, kind, plane), kind)
        bar = figure.add_axes(
            (column / len(columns) + 0.02, below * 0.72, 0.16, 0.1 * below)
        )
        _colour_bar(bar, panels[0, column], kind)
    return figure


def _slice(images: dict[Kind, Volume], kind: Kind, plane: int) -> FloatArray:
    """Return the slice of an image at the height of a map slice."""
    image, reference = images[kind], images[Kind.CBF]
    height = reference.affine[2, 3] + plane * reference.affine[2, 2]
    index = round((height - image.affine[2, 3]) / image.affine[2, 2])
    return image.array[_CROP:-_CROP, _CROP:-_CROP, index]


def _limits(kind: Kind) -> tuple[float, float]:
    if kind is Kind.NCCT:
        return _WINDOW_HU
    return MAP_SPECS[PerfusionMap(kind)].value_range


def _show(axes: "Axes", pixels: FloatArray, kind: Kind) -> None:
    low, high = _limits(kind)
    colours = "gray" if kind is Kind.NCCT else _COLOURS
    # Radiological view: columns from the patient's right, rows from the front.
    seen = np.flip(pixels.T, axis=(0, 1))
    axes.imshow(seen, cmap=colours, vmin=low, vmax=high, interpolation="bilinear")
    axes.axis("off")


def _colour_bar(bar: "Axes", panel: "Axes", kind: Kind) -> None:
    low, high = _limits(kind)
    colours = bar.figure.colorbar(panel.images[0], cax=bar, orientation="horizontal")
    ticks = [low, (low + high) / 2, high]
    colours.set_ticks(ticks, labels=[f"{tick:g}" for tick in ticks])
    colours.ax.tick_params(colors="white", labelsize=7, length=2, pad=1)
    if kind is Kind.NCCT:
        label = "NCCT [HU]"
    else:
        spec = MAP_SPECS[PerfusionMap(kind)]
        label = f"{spec.title} [{spec.unit}]"
    colours.set_label(label, color="white", fontsize=8, labelpad=1)
