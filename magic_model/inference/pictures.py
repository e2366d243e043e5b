"""Pictures of generated maps: the ratio (Figure 5) and the resolution (Figure 6)."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from magic_model.data.normalise import scale_hounsfield, unscale_map
from magic_model.data.slices import SliceStack
from magic_model.data.volume import Volume
from magic_model.figures.pilo_figure import pilo_figure
from magic_model.figures.resolution_figure import resolution_figure, to_thick_slices
from magic_model.inference.backend import Backend
from magic_model.maps import PerfusionMap

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RATIOS = (0.25, 0.5, 1.0, 2.0, 4.0)

_THIN = 2.0  # mm; thicker slices have no finer resolution to show
_DPI = 150


def draw_pictures(
    stack: SliceStack, maps: Mapping[PerfusionMap, Volume], backend: Backend, out: Path
) -> list[Path]:
    """Draw the first map at five ratios, and at 8 mm beside its own slices.

    Returns:
        The pictures.
    """
    out.mkdir(parents=True, exist_ok=True)
    name = next(iter(maps))
    fullest = int(stack.mask.sum((1, 2)).argmax())
    by_ratio = {}
    for ratio in RATIOS:
        ncct = scale_hounsfield(stack.ncct[fullest : fullest + 1])
        made = backend.predict(ncct, ratio)[0, list(backend.maps).index(name)]
        by_ratio[ratio] = unscale_map(made, name, backend.ranges[name])
    figure = pilo_figure(stack.ncct[fullest, 1], by_ratio, name, stack.mask[fullest])
    drawn = [_save(figure, out / "ratios.png")]
    volume = maps[name]
    even = bool((np.diff(stack.positions) == 1).all())
    if even and volume.spacing[2] <= _THIN:
        thick = to_thick_slices(volume)
        figure = resolution_figure(thick, volume, thick_name="Generated, averaged")
        drawn.append(_save(figure, out / "resolution.png"))
    return drawn


def _save(figure: "Figure", path: Path) -> Path:
    staged = path.with_name(f".{path.name}")
    figure.savefig(staged, dpi=_DPI, format="png", facecolor=figure.get_facecolor())
    staged.replace(path)
    return path
