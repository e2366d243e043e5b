"""Sample panels as Figure 3 of the paper, of slices chosen by rule and not by looks."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from magic_model.colours import PERFUSION_COLOURS, RgbArray, colour_map, grey_ncct
from magic_model.data.grid import BoolArray
from magic_model.data.normalise import NCCT_WINDOW, Range
from magic_model.evaluation.figures.style import FOOT, add_foot
from magic_model.evaluation.selection import PatientMaps
from magic_model.maps import MAP_SPECS, PerfusionMap
from magic_model.metrics.pixelwise import bounding_box

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure
from magic_model.data.cohort import Patient
from magic_model.data.slices import SliceStack, to_display
from magic_model.evaluation.metric import Metric
from magic_model.evaluation.result import Evaluation
from magic_model.evaluation.scores import Key, measured_lesion
from magic_model.evaluation.selection import Selection, can_find_lesion
from magic_model.evaluation.statistics import ALL, patient_groups
from magic_model.severity import Severity

_INCHES = 1.35  # width of a panel
_LEFT, _BOTTOM, _TOP, _RIGHT = 0.3, 0.55, 0.3, 0.15
_BAR = 0.36  # height of a colour bar with its numbers
_MARGIN = 12  # pixels around the mask
_DIFFERENCE = "difference"
_DIVERGING = "RdBu_r"


def sample_panels(pair: PatientMaps, plane: int) -> "Figure":
    """Draw one slice: a column per image, measured above generated maps.

    With one method, a last row shows generated minus measured. Colours are those of
    the montages, shared by the rows; radiological view.

    Args:
        pair: A patient.
        plane: Which of its slices.
    """
    from matplotlib.figure import Figure

    mask = pair.reference.mask[plane]
    maps = list(next(iter(pair.generated.values())))
    rows = _rows(pair, plane)
    box = _with_margin(mask)
    height = _INCHES * mask[box].shape[0] / mask[box].shape[1]
    columns = 1 + len(maps)
    below = _BOTTOM + _BAR * (_DIFFERENCE in rows)
    size = (
        _LEFT + _INCHES * columns + _RIGHT,
        _TOP + height * len(rows) + below,
    )
    figure = Figure(figsize=size, facecolor="black")
    panels = figure.subplots(len(rows), columns, squeeze=False)
    figure.subplots_adjust(
        left=_LEFT / size[0],
        right=1 - _RIGHT / size[0],
        bottom=below / size[1],
        top=1 - _TOP / size[1],
        wspace=0.03,
        hspace=0.03,
    )
    scan = grey_ncct(pair.reference.ncct[plane, 1])
    _fill(panels, rows, np.where(mask[..., None], scan, np.uint8(0)), box)
    for ax, title in zip(
        panels[0], ["NCCT", *(MAP_SPECS[name].title for name in maps)], strict=True
    ):
        ax.set_title(title, color="white", fontsize=9, pad=4)
    _bars(figure, panels[-1], maps, with_difference=_DIFFERENCE in rows)
    place = (
        f"{pair.patient.patient_id}, slice {plane + 1} of {len(pair.reference.mask)}"
    )
    add_foot(figure, f"{place}. {FOOT}", "0.7")
    return figure


def sample_patients(evaluation: Evaluation) -> dict[str, Patient]:
    """Choose the median patient of each class of severity, by the first method.

    Patients are ranked by in-brain SSIM, averaged over the maps; of an even number the
    lower of the middle two is taken.

    Returns:
        A patient by class; by `all` if no class is known.
    """
    scores = evaluation.scores
    columns = [
        scores.column(Key(evaluation.methods[0], name, Metric.SSIM_IN_BRAIN))
        for name in evaluation.maps
    ]
    quality = np.mean(columns, axis=0)
    groups = patient_groups(scores.patients)
    chosen = {}
    known = [str(group) for group in Severity if groups[group].any()]
    for group in known or [ALL]:
        members = np.flatnonzero(groups[group])
        ranked = members[np.argsort(quality[members], kind="stable")]
        chosen[group] = scores.patients[int(ranked[(len(ranked) - 1) // 2])]
    return chosen


def sample_slice(selection: Selection, patient: Patient, reference: SliceStack) -> int:
    """Choose the slice with most core, then most tissue at risk, else the middle one.

    Raises:
        DataError: If a mask cannot be read.
    """
    middle = len(reference.mask) // 2
    if not can_find_lesion(selection.maps):
        return middle
    lesion, _ = measured_lesion(selection.measured, patient, reference)
    for mask in (lesion.core, lesion.at_risk) if lesion else ():
        area = to_display(mask.array)[reference.positions].sum(axis=(1, 2))
        if area.any():
            return int(area.argmax())
    return middle


def _rows(pair: PatientMaps, plane: int) -> dict[str, list[RgbArray]]:
    """Coloured maps of each row, black off the mask."""
    mask = pair.reference.mask[plane][..., None]
    measured = {name: pair.reference.maps[name][plane] for name in pair.reference.maps}
    methods = {"measured": measured} | {
        method: {name: image[plane] for name, image in images.items()}
        for method, images in pair.generated.items()
    }
    names = list(next(iter(pair.generated.values())))
    rows = {
        method: [np.where(mask, colour_map(images[n], n), np.uint8(0)) for n in names]
        for method, images in methods.items()
    }
    if len(pair.generated) == 1:
        (generated,) = pair.generated.values()
        rows[_DIFFERENCE] = [
            np.where(
                mask, _diverging(generated[n][plane] - measured[n], n), np.uint8(0)
            )
            for n in names
        ]
    return rows


def _diverging(difference: np.ndarray, name: PerfusionMap) -> RgbArray:
    import matplotlib as mpl

    low, high = _difference_limits(name)
    share = np.clip((difference - low) / (high - low), 0, 1)
    coloured: RgbArray = mpl.colormaps[_DIVERGING](share, bytes=True)[..., :3]
    return coloured


def _difference_limits(name: PerfusionMap) -> Range:
    low, high = MAP_SPECS[name].value_range
    return -(high - low) / 2, (high - low) / 2


def _with_margin(mask: BoolArray) -> tuple[slice, slice]:
    rows, columns = (
        slice(max(0, side.start - _MARGIN), side.stop + _MARGIN)
        for side in bounding_box(mask)
    )
    return rows, columns


def _fill(
    panels: np.ndarray,
    rows: Mapping[str, list[RgbArray]],
    scan: RgbArray,
    box: tuple[slice, slice],
) -> None:
    from magic_model.figures.panels import letter_sides, show_pixels

    for line, (label, pictures) in zip(panels, rows.items(), strict=True):
        show_pixels(line[0], scan[box])
        for ax, picture in zip(line[1:], pictures, strict=True):
            show_pixels(ax, picture[box])
        line[0].set_ylabel(label, color="white", fontsize=8)
    letter_sides(panels[0, 0], {"left": "R", "right": "L"})


def _bars(
    figure: "Figure",
    panels: np.ndarray,
    maps: list[PerfusionMap],
    *,
    with_difference: bool,
) -> None:
    """Draw the scale of each column below it, and that of the difference below that."""
    import matplotlib as mpl
    from matplotlib.colors import ListedColormap

    scale = ListedColormap(PERFUSION_COLOURS / np.float64(255))
    high = _BOTTOM - 0.2 + _BAR * with_difference
    _bar(figure, panels[0], high, NCCT_WINDOW, mpl.colormaps["gray"], "HU")
    for ax, name in zip(panels[1:], maps, strict=True):
        spec = MAP_SPECS[name]
        _bar(figure, ax, high, spec.value_range, scale, spec.unit)
        if with_difference:
            limits = _difference_limits(name)
            diverging = mpl.colormaps[_DIVERGING]
            _bar(figure, ax, high - _BAR, limits, diverging, spec.unit)


def _bar(
    figure: "Figure",
    panel: "Axes",
    inches: float,
    limits: Range,
    colours: "Colormap",
    label: str,
) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    place = panel.get_position()
    tall = figure.get_figheight()
    ax = figure.add_axes(
        (place.x0 + 0.1 * place.width, inches / tall, 0.8 * place.width, 0.07 / tall)
    )
    bar = figure.colorbar(
        ScalarMappable(Normalize(*limits), colours), cax=ax, orientation="horizontal"
    )
    middle = sum(limits) / 2
    ticks = [limits[0], middle, limits[1]]
    bar.set_ticks(ticks, labels=[f"{limits[0]:g}", label, f"{limits[1]:g}"])
    bar.outline.set_visible(False)
    ax.tick_params(colors="white", labelsize=6.5, length=0, pad=2)
