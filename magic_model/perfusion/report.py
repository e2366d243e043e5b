"""The folder of a perfusion computation: maps, report.json, a page with figures."""

import base64
import io
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import numpy as np

from magic_model.colours import colour_map
from magic_model.data.grid import reorient_ras
from magic_model.data.nifti import write_nifti
from magic_model.data.volume import FloatArray, Kind, Volume
from magic_model.evaluation.figures.style import METHOD_COLOURS, house_style
from magic_model.figures.panels import add_colour_bar, show_pixels
from magic_model.maps import MAP_SPECS, PerfusionMap
from magic_model.output import complete_or_untouched
from magic_model.perfusion import parameters
from magic_model.perfusion.compute import Perfusion
from magic_model.perfusion.deconvolution import Deconvolution
from magic_model.perfusion.vessels import Vessel

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SCHEMA = 1
_SLICES = 4
_ARTERY, _VEIN, _TISSUE = METHOD_COLOURS[1], METHOD_COLOURS[0], METHOD_COLOURS[2]
_METHODS = {
    Deconvolution.SVD: "singular values truncated",
    Deconvolution.CIRCULANT: "block-circulant, singular values truncated",
    Deconvolution.OSCILLATION: "block-circulant, limited by the oscillation index",
    Deconvolution.TIKHONOV: "Tikhonov, smooth residue function",
}


def write_perfusion(result: Perfusion, out: Path) -> None:
    """Write a NIfTI file for each map, report.json and report.html.

    Files of the same name are replaced; if anything fails nothing is written.

    Raises:
        DataError: If the folder cannot be made or written.
    """
    with complete_or_untouched(out) as folder:
        for name, volume in result.maps.items():
            write_nifti(volume, folder / f"{name}.nii.gz")
        write_report(result, folder)


def write_report(result: Perfusion, folder: Path, name: str = "report") -> None:
    """Write the numbers as JSON and the page as HTML into a folder that is there."""
    text = json.dumps(as_json(result), indent=1, allow_nan=False)
    (folder / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")
    (folder / f"{name}.html").write_text(_page(result), encoding="utf-8")


def as_json(result: Perfusion) -> dict[str, Any]:
    """Return all numbers of the report, without NaN."""
    times = result.series.times
    return {
        "schema": _SCHEMA,
        "frames": len(times),
        "frame_times_s": times.tolist(),
        "baseline_frames": result.baseline_frames,
        "noise_hu": result.noise_hu,
        "noise_left": result.gain,
        "brain_ml": float(result.brain.sum()) * result.maps[PerfusionMap.CBF].voxel_ml,
        "aif": _vessel(result.artery),
        "vof": None if result.vein is None else _vessel(result.vein),
        "tissue_hu": result.tissue.tolist(),
        "deconvolution": str(result.method),
        "strength": None if math.isnan(result.strength) else result.strength,
        "constants": {
            "density_g_per_ml": parameters.DENSITY_G_PER_ML,
            "haematocrit_factor": parameters.HAEMATOCRIT_FACTOR,
        },
        "maps": {
            str(name): {"unit": MAP_SPECS[name].unit, **_quartiles(volume, result)}
            for name, volume in result.maps.items()
        },
        "warnings": list(result.notes),
    }


def describe(result: Perfusion) -> str:
    """Say in a few lines what was found."""
    lines = [
        f"{name}: {value}" for name, value in _facts(result).items() if name != "maps"
    ]
    return "\n".join([*lines, *(f"warning: {note}" for note in result.notes)])


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


def draw_maps(result: Perfusion) -> "Figure":
    """Draw slices of the baseline and of each map, the patient's right on the left."""
    from matplotlib.figure import Figure

    upright = {name: reorient_ras(volume) for name, volume in result.maps.items()}
    rest = reorient_ras(result.series.mean(result.baseline_frames))
    brain = reorient_ras(
        Volume(result.brain.astype(np.float32), result.series.affine, Kind.BRAIN_MASK)
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


def _turned(array: FloatArray, z: int, box: tuple[slice, slice]) -> FloatArray:
    """Return a slice as it is looked at: from the feet, front up."""
    return np.asarray(array[*box, z][::-1, ::-1].T)


def _vessel(vessel: Vessel) -> dict[str, Any]:
    return {
        "voxel": list(vessel.voxel),
        "found": vessel.found,
        "correction": vessel.factor,
        "peak_hu": float(vessel.curve.max()),
        "curve_hu": vessel.curve.tolist(),
    }


def _quartiles(volume: Volume, result: Perfusion) -> dict[str, float]:
    values = volume.array[result.brain]
    names = ("lower_quartile", "median", "upper_quartile")
    found = np.percentile(values, (25, 50, 75))
    return {name: float(value) for name, value in zip(names, found, strict=True)}


def _facts(result: Perfusion) -> dict[str, str]:
    times, artery, vein = result.series.times, result.artery, result.vein
    steps = np.diff(times)
    pace = " to ".join(dict.fromkeys(f"{s:.3g}" for s in (steps.min(), steps.max())))
    at = ", ".join(map(str, artery.voxel))
    whose = "found" if artery.found else "given"
    facts = {
        "frames": f"{len(times)} over {times[-1] - times[0]:.4g} s, {pace} s apart",
        "baseline": f"{result.baseline_frames} frames",
        "noise": f"{result.noise_hu:.2f} HU, {result.gain:.0%} of it left",
        "artery": f"voxel {at} ({whose}), peak {artery.curve.max():.0f} HU"
        + (f", corrected by {artery.factor:.2f}" if artery.factor != 1 else ""),
        "vein": "none",
        "deconvolution": _METHODS[result.method],
    }
    if not math.isnan(result.strength):
        facts["deconvolution"] += f" ({result.strength:.2g})"
    if vein is not None:
        at = ", ".join(map(str, vein.voxel))
        whose = "found" if vein.found else "given"
        facts["vein"] = f"voxel {at} ({whose}), peak {vein.curve.max():.0f} HU"
    return facts


def _page(result: Perfusion) -> str:
    rows = []
    for name, volume in result.maps.items():
        spec = MAP_SPECS[name]
        low, middle, high = _quartiles(volume, result).values()
        text = f"{middle:.3g} ({low:.3g} to {high:.3g})"
        rows.append((spec.title, spec.long_name, text, spec.unit))
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("magic_model.perfusion"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("perfusion.html.j2").render(
        facts=_facts(result),
        rows=rows,
        notes=result.notes,
        curves=_as_png(draw_curves(result)),
        maps=_as_png(draw_maps(result)),
    )


def _as_png(figure: "Figure") -> str:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=160, metadata={})
    return base64.b64encode(stream.getvalue()).decode()
