"""Pictures of a run: maps of patients that it does not train on, and its losses."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from magic_model.colours import RgbArray, colour_map, grey_ncct
from magic_model.data.normalise import NCCT_WINDOW, unscale_hounsfield, unscale_map
from magic_model.data.slice_cache import SliceCache
from magic_model.data.split import Split
from magic_model.data.volume import FloatArray
from magic_model.figures.panels import add_colour_bar, letter_sides, show_pixels
from magic_model.maps import MAP_SPECS, PerfusionMap
from magic_model.networks import Generator
from magic_model.training.adversaries import Adversaries
from magic_model.training.batches import load_batch

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SAMPLES = "samples"
CURVE = "losses.png"

_SHOWN = 3
_INCHES = 1.5  # side of a panel
_DPI = 100
_PATIENCE = 20  # times as long as a drawing takes before there is the next


@dataclass
class RunPictures:
    """Draws samples and curves of a run after an epoch.

    After the first and the last one, and after those between as long as it takes no
    more than a twentieth of the time: an epoch of few slices is sooner over than its
    pictures are drawn.

    Attributes:
        cache: Slices of the run.
        folder: Of the run.
        metrics: The file of its lines.
        epochs: Of all.
    """

    cache: SliceCache
    folder: Path
    metrics: Path
    epochs: int
    _next: float = field(default=0.0, init=False)

    def __call__(self, epoch: int, nets: Adversaries) -> None:
        """Draw, if it is time."""
        start = time.monotonic()
        if start < self._next and epoch < self.epochs:
            return
        draw_samples(nets.generator, self.cache, self.folder, epoch)
        draw_curve(self.metrics, self.folder)
        end = time.monotonic()
        self._next = end + _PATIENCE * (end - start)


def draw_samples(
    generator: Generator, cache: SliceCache, folder: Path, epoch: int
) -> None:
    """Draw slices of unseen patients (of training ones if there are none).

    Two rows a slice: the NCCT and the measured maps; below, the generated maps.
    """
    (folder / SAMPLES).mkdir(parents=True, exist_ok=True)
    figure = sample_figure(generator, cache, epoch)
    figure.savefig(folder / SAMPLES / f"epoch-{epoch:04}.png", dpi=_DPI)


def sample_figure(generator: Generator, cache: SliceCache, epoch: int) -> "Figure":
    """Lay measured maps above generated ones, with units and colour bars."""
    unseen = cache.of_split(Split.VAL)
    indices = unseen if len(unseen) else cache.of_split(Split.TRAIN)
    chosen = indices[np.linspace(0, len(indices) - 1, _SHOWN).astype(int)]
    rows = _sample_rows(generator, cache, chosen)
    whose = "validation" if len(unseen) else "training"
    figure, panels, bars = _lay_out(len(rows), 1 + len(cache.maps))
    for line, (title, pictures) in zip(panels, rows, strict=True):
        for ax, picture in zip(line, pictures, strict=True):
            if picture is None:
                ax.set_axis_off()
                continue
            show_pixels(ax, picture)
        line[0].text(
            -0.06,
            0.5,
            title,
            transform=line[0].transAxes,
            ha="right",
            va="center",
            fontsize=8,
        )
    low, high = NCCT_WINDOW
    panels[0][0].set_title(f"NCCT, {low:g} to {high:g} HU", fontsize=9, pad=4)
    letter_sides(panels[0][0], {"left": "R", "right": "L"})
    for name, ax, bar in zip(cache.maps, panels[0][1:], bars, strict=True):
        ax.set_title(MAP_SPECS[name].title, fontsize=9, pad=4)
        add_colour_bar(figure, bar, name, lying=True)
    head = f"After epoch {epoch}: patients of the {whose} split. Research use only."
    figure.suptitle(head, fontsize=10, y=1 - 0.08 / figure.get_figheight(), va="top")
    return figure


def _sample_rows(
    generator: Generator, cache: SliceCache, chosen: NDArray[np.int64]
) -> list[tuple[str, list[RgbArray | None]]]:
    """Title and pictures of each row; None where there is nothing to show."""
    device = next(generator.parameters()).device
    batch = load_batch(cache, chosen).to(device)
    generator.eval()
    with torch.inference_mode():
        made = generator(batch.ncct).float().cpu().numpy()
    ncct, maps, mask = (
        part.cpu().numpy() for part in (batch.ncct, batch.maps, batch.mask)
    )
    rows: list[tuple[str, list[RgbArray | None]]] = []
    for number, index in enumerate(chosen.tolist()):
        scan = grey_ncct(unscale_hounsfield(ncct[number, 1]), NCCT_WINDOW)
        who = cache.patient_of(index)
        at = f"{who.patient_id}\n{who.heights[index - who.first]:.0f} mm"
        measured = _coloured(cache, maps[number], mask[number])
        rows.append((f"{at}\nmeasured", [scan, *measured]))
        generated = _coloured(cache, made[number], mask[number])
        rows.append((f"{at}\ngenerated", [None, *generated]))
    return rows


def _coloured(cache: SliceCache, maps: FloatArray, mask: FloatArray) -> list[RgbArray]:
    return [
        colour_map(unscale_map(image, name, limits), name) * (mask[0, ..., None] > 0)
        for image, (name, limits) in zip(maps, cache.maps.items(), strict=True)
    ]


def _lay_out(rows: int, columns: int) -> "tuple[Figure, list[list[Axes]], list[Axes]]":
    """Make room for panels, a title on each row and column, and bars below the maps."""
    from matplotlib.figure import Figure

    wide, high = _INCHES * columns + 1.1, _INCHES * rows + 1.1
    figure = Figure(figsize=(wide, high))
    grid = figure.add_gridspec(
        rows,
        columns,
        left=1 / wide,
        right=1 - 0.1 / wide,
        bottom=0.55 / high,
        top=1 - 0.55 / high,
        wspace=0.03,
        hspace=0.03,
    )
    panels = [
        [figure.add_subplot(grid[row, column]) for column in range(columns)]
        for row in range(rows)
    ]
    bars = []
    for ax in panels[-1][1:]:
        place = ax.get_position()
        left, below = place.x0 + 0.1 * place.width, place.y0 - 0.16 / high
        box = (left, below, 0.8 * place.width, 0.1 / high)
        bars.append(figure.add_axes(box))
    return figure, panels, bars


def draw_curve(metrics: Path, folder: Path) -> None:
    """Draw the losses of a run, and its errors on patients that it does not train on.

    Args:
        metrics: The file of its lines.
        folder: Where the picture goes.
    """
    with metrics.open(encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    curve_figure(lines).savefig(folder / CURVE, dpi=_DPI)


_NOT_LOSSES = {"epoch", "step", "learning_rate"}


def curve_figure(lines: Sequence[Mapping[str, Any]]) -> "Figure":
    """Draw the mean of each loss over each epoch, the learning rate, and the errors.

    Args:
        lines: Of `metrics.jsonl`.
    """
    from matplotlib.figure import Figure

    steps = [line for line in lines if "step" in line]
    epochs = [line for line in lines if "step" not in line]
    figure = Figure(figsize=(10, 3.2), layout="constrained")
    losses, rate, errors = figure.subplots(1, 3)
    for name in [name for name in steps[-1] if name not in _NOT_LOSSES]:
        _draw(losses, _means(steps, name), name)
    losses.set(title="Losses, unweighted but the total", yscale="log")
    _draw(rate, _means(steps, "learning_rate"), "")
    rate.set(title="Learning rate", ylim=(0, None))
    for name in PerfusionMap:
        key = f"validation/{name}"
        known = {line["epoch"]: line[key] for line in epochs if key in line}
        if known:
            first = next(iter(known.values()))
            shares = {epoch: value / first for epoch, value in known.items()}
            last = f"{known[max(known)]:.3g} {MAP_SPECS[name].unit}"
            _draw(errors, shares, f"{MAP_SPECS[name].title}, now {last}")
    errors.set(title="MAE on validation, 1: after the first epoch")
    for ax in (losses, errors):
        if ax.lines:
            ax.legend(fontsize=7, frameon=False, ncols=2 if ax is losses else 1)
    for ax in (losses, rate, errors):
        ax.set_xlabel("epoch", fontsize=8)
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.tick_params(labelsize=7)
        ax.title.set_fontsize(9)
        ax.spines[["top", "right"]].set_visible(False)
    return figure


def _means(steps: Sequence[Mapping[str, Any]], name: str) -> dict[int, float]:
    """Mean over the steps of each epoch that have the value."""
    values: dict[int, list[float]] = {}
    for line in steps:
        if name in line:
            values.setdefault(line["epoch"], []).append(line[name])
    return {epoch: float(np.mean(found)) for epoch, found in values.items()}


def _draw(ax: "Axes", values: Mapping[int, float], label: str) -> None:
    ax.plot(list(values), list(values.values()), marker=".", linewidth=1, label=label)
