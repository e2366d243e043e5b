"""The card of a trained network, from its checkpoint's header and an evaluation.

Sections as in Mitchell et al., Model Cards for Model Reporting (2019). Nothing in it is
typed by hand; what neither file tells is said to be unknown.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from magic_model.checkpoint import CheckpointHeader, checkpoint_of, load_generator
from magic_model.errors import DataError
from magic_model.evaluation.metric import METRICS, Metric
from magic_model.maps import MAP_SPECS, PerfusionMap
from magic_model.networks import count_parameters
from magic_model.output import file_digest

CARD = "model-card.md"
EVALUATION = "evaluation.json"
_UNKNOWN = "not known"

_OF_MAPS = (Metric.MAE, Metric.CORRELATION, Metric.SSIM_IN_BRAIN)
_OF_PATIENTS = (
    Metric.CORE_DICE,
    Metric.AT_RISK_DICE,
    Metric.CORE_AUC,
    Metric.AT_RISK_AUC,
)


def model_card(run: Path, evaluation: Path | None = None) -> str:
    """Write the card of a network in Markdown.

    Args:
        run: A checkpoint or the folder of a run.
        evaluation: Folder that `evaluate` wrote of maps that this network generated; a
            card without one says so.

    Raises:
        DataError: If there is no checkpoint, or no evaluation in the folder.
    """
    path = checkpoint_of(run)
    generator, header = load_generator(path)
    sections = {
        f"Model card: {header.recipe.name}": _details(
            path, header, count_parameters(generator)
        ),
        "Intended use": _use(header),
        "Training data": _data(header),
        "Training": _training(header),
        "Evaluation": _evaluation(evaluation),
        "Caveats": _caveats(header),
    }
    title, *others = sections
    return "\n".join(
        [
            f"# {title}",
            "",
            *sections[title],
            *(
                line
                for name in others
                for line in ("", f"## {name}", "", *sections[name])
            ),
            "",
        ]
    )


def _details(path: Path, header: CheckpointHeader, weights: int) -> list[str]:
    recipe = header.recipe
    maps = ", ".join(f"{MAP_SPECS[m].title} [{MAP_SPECS[m].unit}]" for m in recipe.maps)
    return [
        f"- Makes {maps} from non-contrast head CT, {recipe.data.size} x "
        f"{recipe.data.size} pixels a slice",
        f"- Family {recipe.generator.family}, {weights:,} weights",
        f"- File {path.name}, {path.stat().st_size / 1e6:.1f} MB, SHA-256 "
        f"{file_digest(path)}",
    ]


def _use(header: CheckpointHeader) -> list[str]:
    lines = [
        "- For research: reader studies, methods, teaching",
        "- **Not for patients**: not for diagnosis, triage or treatment; no medical "
        "device",
    ]
    if header.texture is not None:
        lines.append(
            "- Its maps have sampled texture, for reader studies and not for reading; "
            "`generate --no-texture` leaves it out"
        )
    return lines


def _data(header: CheckpointHeader) -> list[str]:
    mm = header.sampling
    return [
        f"- Fingerprint of the slices: {header.data or _UNKNOWN}",
        "- Pixel "
        + (
            f"{mm.pixel_mm:.3g} mm, slices {mm.slice_mm:.3g} mm apart, averaged over "
            f"{mm.slab_mm:g} mm"
            if mm
            else _UNKNOWN
        ),
        "- Ranges: "
        + ", ".join(
            f"{MAP_SPECS[name].title} {low:g} to {high:g}"
            for name, (low, high) in header.ranges.items()
        ),
    ]


def _training(header: CheckpointHeader) -> list[str]:
    if header.origin:
        return [f"- Not trained by this package: {header.origin}"]
    errors = ", ".join(
        f"{name.upper()} {error:.3g} {MAP_SPECS[PerfusionMap(name)].unit}"
        for name, error in header.validation.items()
    )
    training = header.recipe.training
    return [
        f"- Epoch {header.epoch} of {training.epochs}, seed {header.seed}, batches of "
        f"{training.batch_size}; started from "
        + (f"weights with SHA-256 {header.init}" if header.init else "drawn weights"),
        f"- Mean absolute error on validation patients: {errors or _UNKNOWN}",
    ]


def _evaluation(folder: Path | None) -> list[str]:
    if folder is None:
        return ["Not evaluated. `magic-model evaluate`, then this card again."]
    path = folder / EVALUATION
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return list(_figures(found))
    except OSError as error:
        msg = f"{path}: must be what magic-model evaluate wrote ({error.strerror})"
        raise DataError(msg) from error
    except (ValueError, KeyError, TypeError) as error:
        msg = f"{path}: must be what magic-model evaluate wrote, got another file"
        raise DataError(msg) from error


def _figures(found: Mapping[str, Any]) -> Iterator[str]:
    means = {
        (one["method"], one["map"], one["metric"]): one
        for one in found["summaries"]
        if one["group"] == "all"
    }
    maps = [PerfusionMap(name) for name in found["maps"]]
    columns: list[tuple[str | None, Metric]]
    columns = [(str(name), metric) for name in maps for metric in _OF_MAPS]
    columns += [(None, metric) for metric in _OF_PATIENTS]
    titles = [
        f"{MAP_SPECS[PerfusionMap(name)].title + ' ' if name else ''}"
        f"{METRICS[metric].title}"
        for name, metric in columns
    ]
    methods = list(dict.fromkeys(method for method, *_ in means))
    n = found["groups"]["all"]
    yield f"Means over {n} patients; errors in the unit of the map."
    yield ""
    yield from _row(["", *methods])
    yield from _row(["---"] * (1 + len(methods)))
    for title, (name, metric) in zip(titles, columns, strict=True):
        cells = [means.get((method, name, str(metric))) for method in methods]
        if any(cells):
            yield from _row([title, *(_shown(cell, metric) for cell in cells)])


def _row(cells: Sequence[str]) -> Iterator[str]:
    yield "| " + " | ".join(cells) + " |"


def _shown(summary: Mapping[str, Any] | None, metric: Metric) -> str:
    if not summary or summary["mean"] is None:
        return "n/a"
    return f"{summary['mean']:.{METRICS[metric].digits}f}"


def _caveats(header: CheckpointHeader) -> list[str]:
    from magic_model.weights import DEFECTS

    lines = [f"- {note[0].upper()}{note[1:]}" for note in DEFECTS if header.origin]
    return [
        *lines,
        "- What it was not trained on it does not know: other scanners, haemorrhage, "
        "tumours, old infarcts, children",
        "- A lesion that the NCCT does not show can be missing from a map that looks "
        "sound",
    ]
