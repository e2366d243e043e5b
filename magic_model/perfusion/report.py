"""The folder of a perfusion computation: maps, report.json, a page with figures."""

import base64
import io
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import numpy as np

from magic_model.data.nifti import write_nifti
from magic_model.data.volume import Volume
from magic_model.maps import MAP_SPECS, PerfusionMap
from magic_model.output import complete_or_untouched
from magic_model.perfusion import figures, parameters
from magic_model.perfusion.compute import Perfusion
from magic_model.perfusion.deconvolution import Deconvolution
from magic_model.perfusion.denoising import Array, Mask
from magic_model.perfusion.look import Look, look_at
from magic_model.perfusion.vessels import Vessel

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SCHEMA = 1
_METHODS = {
    Deconvolution.SVD: "singular values truncated",
    Deconvolution.CIRCULANT: "block-circulant, singular values truncated",
    Deconvolution.OSCILLATION: "block-circulant, limited by the oscillation index",
    Deconvolution.TIKHONOV: "Tikhonov, smooth residue function",
    Deconvolution.BAYES: "means over tissue models",
}


def write_perfusion(result: Perfusion, out: Path, look: Look | None = None) -> None:
    """Write a NIfTI file for each map, report.json and report.html.

    Files of the same name are replaced; if anything fails nothing is written.

    Args:
        result: The maps.
        out: The folder.
        look: What the report shows of the series; looked at now if left out.

    Raises:
        DataError: If the folder cannot be made or written.
    """
    with complete_or_untouched(out) as folder:
        for name, volume in result.maps.items():
            write_nifti(volume, folder / f"{name}.nii.gz")
        write_report(result, folder, look=look)


def write_report(
    result: Perfusion, folder: Path, name: str = "report", look: Look | None = None
) -> None:
    """Write the numbers as JSON and the page as HTML into a folder that is there."""
    look = look or look_at(result)
    text = json.dumps(as_json(result, look.noise_hu), indent=1, allow_nan=False)
    (folder / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")
    (folder / f"{name}.html").write_text(_page(result, look), encoding="utf-8")


def as_json(result: Perfusion, noise_hu: Array) -> dict[str, Any]:
    """Return all numbers of the report, without NaN.

    Args:
        result: The maps.
        noise_hu: Of each frame.
    """
    times, motion = result.series.times, result.motion
    return {
        "schema": _SCHEMA,
        "frames": len(times),
        "frame_times_s": times.tolist(),
        "baseline_frames": result.baseline_frames,
        "noise_hu": result.noise_hu,
        "noise_left": result.gain,
        "brain_ml": _ml(result.brain, result),
        "vessels_ml": _ml(result.vessels, result),
        "blurred_ml": _ml(result.blurred, result),
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
        "shift_mm": _told(motion.shift_mm),
        "turn_degrees": _told(motion.turn_degrees),
        "moved_mm": _told(motion.moved_mm),
        "put_back": list(motion.moved),
        "frame_noise_hu": [
            None if math.isnan(value) else value for value in noise_hu.tolist()
        ],
        "warnings": list(result.notes),
    }


def describe(result: Perfusion) -> str:
    """Say in a few lines what was found."""
    lines = [
        f"{name}: {value}" for name, value in _facts(result).items() if name != "maps"
    ]
    return "\n".join([*lines, *(f"warning: {note}" for note in result.notes)])


def _told(frames: Array) -> list[Any]:
    return [None if np.isnan(one).any() else one.round(3).tolist() for one in frames]


def _vessel(vessel: Vessel) -> dict[str, Any]:
    return {
        "voxel": list(vessel.voxel),
        "found": vessel.found,
        "correction": vessel.factor,
        "peak_hu": float(vessel.curve.max()),
        "curve_hu": vessel.curve.tolist(),
    }


def _ml(mask: Mask, result: Perfusion) -> float:
    return float(mask.sum()) * result.maps[PerfusionMap.CBF].voxel_ml


def _quartiles(volume: Volume, result: Perfusion) -> dict[str, float]:
    """Return the quartiles of the brain without large vessels, if more is left."""
    tissue = result.brain & ~result.vessels
    values = volume.array[tissue if tissue.any() else result.brain]
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
        "motion": result.motion.describe(),
        "noise": f"{result.noise_hu:.2f} HU, {result.gain:.0%} of it left",
        "artery": f"voxel {at} ({whose}), peak {artery.curve.max():.0f} HU"
        + (f", corrected by {artery.factor:.2f}" if artery.factor != 1 else ""),
        "vein": "none",
        "large vessels": f"{_ml(result.vessels, result):.1f} of "
        f"{_ml(result.brain, result):.0f} mL, left out of medians and mean curve",
        "deconvolution": _METHODS[result.method],
    }
    if result.blurred.any():
        facts["blurred"] = (
            f"{_ml(result.blurred, result):.1f} mL beside bone and air, as the head "
            "moved; computed from what is beside them"
        )
    if not math.isnan(result.strength):
        facts["deconvolution"] += f" ({result.strength:.2g})"
    if vein is not None:
        at = ", ".join(map(str, vein.voxel))
        whose = "found" if vein.found else "given"
        facts["vein"] = f"voxel {at} ({whose}), peak {vein.curve.max():.0f} HU"
    return facts


def _page(result: Perfusion, look: Look) -> str:
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
        curves=_as_png(figures.draw_curves(result)),
        vessels=_as_png(figures.draw_vessels(result, look)),
        frames=_as_png(figures.draw_frames(result, look)),
        maps=_as_png(figures.draw_maps(result, look.baseline)),
    )


def _as_png(figure: "Figure") -> str:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=160, metadata={})
    return base64.b64encode(stream.getvalue()).decode()
