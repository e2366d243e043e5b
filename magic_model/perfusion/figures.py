"""Figures of a perfusion computation: curves, vessels, frames, maps."""

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from magic_model.colours import colour_map
from magic_model.data.grid import reorient_ras
from magic_model.data.volume import FloatArray, Kind, Volume
from magic_model.evaluation.figures.style import METHOD_COLOURS, house_style
from magic_model.figures.panels import add_colour_bar, letter_sides, show_pixels
from magic_model.maps import MAP_SPECS, PerfusionMap
from magic_model.perfusion.compute import Perfusion
from magic_model.perfusion.denoising import Mask
from magic_model.perfusion.look import Look
from magic_model.perfusion.vessels import Vessel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SLICES = 4
_ARTERY, _VEIN, _TISSUE = METHOD_COLOURS[1], METHOD_COLOURS[0], METHOD_COLOURS[2]
_VESSEL_OUTLINE = (255, 196, 0)
_VESSEL_WINDOW = (0.0, 250.0)  # HU of the maximum over time


def draw_curves(result: Perfusion) -> "Figure":
    """Draw artery, vein and brain over time, with the baseline shaded."""
    from matplotlib.figure import Figure

    times = result.series.times
    with house_style():
        figure = Figure(figsize=(7.2, 2.9), layout="constrained")
        vessels, tissue = figure.subplots(1, 2, width_ratios=(1.2, 1))
        vessels.plot(times, result.artery.curve, ".-", color=_ARTERY, label="artery")
        if result.vein is not None:
            vessels.plot(times, result.vein.curve, ".-", color=_VEIN, label="vein")
        tissue.plot(times, result.tissue, ".-", color=_TISSUE, label="brain")
        for ax, title in ((vessels, "Vessels"), (tissue, "Mean of the brain")):
            ax.axvspan(
                times[0],
                times[result.baseline_frames - 1],
                color="0.9",
                label="baseline",
                zorder=0,
            )
            ax.set_title(title, loc="left")
            ax.set_xlabel("time [s]")
            ax.set_ylabel("enhancement [HU]")
            ax.legend(frameon=False)
    return figure


def draw_vessels(result: Perfusion, look: Look) -> "Figure":
    """Draw where artery and vein are, on the maximum over time of their slices."""
    from matplotlib.figure import Figure

    shown = [("artery", result.artery, look.artery, _ARTERY)]
    if result.vein is not None and look.vein is not None:
        shown.append(("vein", result.vein, look.vein, _VEIN))
    with house_style():
        figure = Figure(figsize=(2.6 * len(shown), 2.9), layout="constrained")
        panels = figure.subplots(1, len(shown), squeeze=False)[0]
        for ax, (name, vessel, highest, colour) in zip(panels, shown, strict=True):
            _show_vessel(ax, highest, vessel, colour)
            at = ", ".join(map(str, vessel.voxel))
            ax.set_title(f"{name}: voxel {at}", loc="left")
    return figure


def draw_frames(result: Perfusion, look: Look) -> "Figure":
    """Draw when frames were taken, where the head lay and how noisy they are."""
    from matplotlib.figure import Figure

    times = result.series.times
    with house_style():
        figure = Figure(figsize=(7.2, 2.3), layout="constrained")
        steps, shifts, noise = figure.subplots(1, 3)
        steps.plot(times[1:], np.diff(times), ".", color="0.3")
        steps.plot(times, np.zeros(len(times)), "|", color=_TISSUE)
        steps.set_title("Time coverage", loc="left")
        steps.set_ylabel("seconds since the frame before")
        _draw_motion(shifts, result)
        noise.plot(times, look.noise_hu, ".-", color=_TISSUE)
        noise.set_title("Noise of a voxel", loc="left")
        noise.set_ylabel("standard deviation [HU]")
        noise.set_ylim(0, 1.25 * max(1e-3, float(np.nanmax(look.noise_hu))))
        for ax in (steps, shifts, noise):
            ax.set_xlabel("time [s]")
        steps.set_ylim(bottom=-0.1 * float(np.diff(times).max()))
    return figure


def _draw_motion(ax: "Axes", result: Perfusion) -> None:
    times, motion = result.series.times, result.motion
    lines = [
        (motion.shift_mm[:, 0], "shift 1", _ARTERY),
        (motion.shift_mm[:, 1], "shift 2", _VEIN),
        (motion.shift_mm[:, 2], "shift 3", _TISSUE),
        (motion.turn_degrees[:, 0], "turn 1", "0.75"),
        (motion.turn_degrees[:, 1], "turn 2", "0.5"),
        (motion.turn_degrees[:, 2], "turn 3", "0.2"),
    ]
    top = 2.0
    for values, name, colour in lines:
        largest = float(np.nan_to_num(np.abs(values)).max())
        if largest:
            ax.plot(times, values, ".-", color=colour, label=name)
            top = max(top, 1.3 * largest)
    ax.set_ylim(-top, top)
    ax.set_title("Motion, put back", loc="left")
    ax.set_ylabel("shift [mm], turn [degrees]")
    if ax.lines:
        ax.legend(frameon=False, fontsize=6, ncols=2)


def _show_vessel(ax: "Axes", highest: Volume, vessel: Vessel, colour: str) -> None:
    point = np.zeros(highest.shape, np.float32)
    point[vessel.voxel[0], vessel.voxel[1]] = 1
    picture = reorient_ras(highest)
    mark = reorient_ras(highest.with_array(point)).array
    # A series of coronal or sagittal slices is turned: its slice is another axis.
    flat = int(np.argmin(picture.shape)) if 1 in picture.shape else 2
    grey, at = (np.take(a, 0, axis=flat) for a in (picture.array, mark))
    low, high = _VESSEL_WINDOW
    grey = np.clip((grey - low) / (high - low), 0, 1)[::-1, ::-1].T
    row, column = np.argwhere(at[::-1, ::-1].T == 1)[0]
    mm = [length for i, length in enumerate(picture.spacing) if i != flat]
    height, width = grey.shape[0] * mm[1], grey.shape[1] * mm[0]
    show_pixels(ax, (255 * np.dstack([grey] * 3)).astype(np.uint8), (height, width))
    ax.plot(
        (column + 0.5) * mm[0],
        (row + 0.5) * mm[1],
        "o",
        markersize=11,
        markerfacecolor="none",
        markeredgecolor=colour,
        markeredgewidth=1.4,
    )
    letter_sides(ax, {"left": "R", "right": "L"})


def draw_maps(result: Perfusion, baseline: Volume) -> "Figure":
    """Draw slices of the baseline and of each map, the patient's right on the left."""
    from matplotlib.figure import Figure

    upright = {name: reorient_ras(volume) for name, volume in result.maps.items()}
    rest = reorient_ras(baseline)
    inside = result.brain.astype(np.float32)
    brain = reorient_ras(baseline.with_array(inside, Kind.BRAIN_MASK)).array
    large = reorient_ras(
        baseline.with_array(result.vessels.astype(np.float32), Kind.BRAIN_MASK)
    ).array
    heights = _heights(brain)
    rows, columns = (np.flatnonzero(brain.any(axis=axes)) for axes in ((0, 2), (1, 2)))
    box = (
        slice(columns[0], columns[-1] + 1),
        slice(rows[0], rows[-1] + 1),
    )
    x_mm, y_mm, _ = rest.spacing
    size = ((box[1].stop - box[1].start) * y_mm, (box[0].stop - box[0].start) * x_mm)
    with house_style():
        tall = 1.25 * size[0] / size[1]
        figure = Figure(
            figsize=(1.25 * (len(upright) + 1), tall * len(heights) + 0.75),
            layout="constrained",
        )
        panels = figure.subplots(
            len(heights) + 1,
            len(upright) + 1,
            squeeze=False,
            height_ratios=[*([tall] * len(heights)), 0.12],
        )
        for row, z in zip(panels[:-1], heights, strict=True):
            grey = np.clip(_turned(rest.array, z, box) / 80, 0, 1)
            pixels = (255 * np.dstack([grey] * 3)).astype(np.uint8)
            pixels[_outline(_turned(large, z, box))] = _VESSEL_OUTLINE
            show_pixels(row[0], pixels, size)
            for ax, (name, volume) in zip(row[1:], upright.items(), strict=True):
                pixels = colour_map(_turned(volume.array, z, box), name)
                pixels[_turned(brain, z, box) == 0] = 0
                show_pixels(ax, pixels, size)
        panels[0, 0].set_title("baseline")
        panels[-1, 0].axis("off")
        for top, bar, name in zip(panels[0, 1:], panels[-1, 1:], upright, strict=True):
            top.set_title(MAP_SPECS[name].title)
            _lying_bar(figure, bar, name)
    return figure


def _lying_bar(figure: "Figure", bar: Any, name: PerfusionMap) -> None:  # noqa: ANN401 - matplotlib
    add_colour_bar(figure, bar, name, lying=True)
    bar.set_xlabel(MAP_SPECS[name].unit, fontsize=7)


def _heights(brain: FloatArray) -> list[int]:
    """Choose slices that are evenly spread over those with brain, from above."""
    filled = np.flatnonzero(brain.any(axis=(0, 1)))
    count = min(_SLICES, len(filled))
    at = (np.arange(count) + 0.5) / count * len(filled)
    return [int(filled[int(i)]) for i in at][::-1]


def _outline(mask: FloatArray) -> Mask:
    """Return the pixels of a mask that have one outside beside them."""
    inside = mask > 0
    return np.asarray(inside & ~ndimage.binary_erosion(inside))


def _turned(array: FloatArray, z: int, box: tuple[slice, slice]) -> FloatArray:
    """Return a slice as it is looked at: from the feet, front up."""
    return np.asarray(array[*box, z][::-1, ::-1].T)
