"""What `magic-model evaluate` found of generated maps, for the scorecard's criteria.

The scorecard (doi:10.1038/s44172-025-00450-1) names criteria and examples of figures,
no limit above which images are good. Which figure answers which criterion is said here;
beside each stands that of the measured maps where there is one.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from analysis.errors import InputError
from analysis.report import setting

EVALUATION = "evaluation.json"
_SCHEMA = 1
_MEASURED, _HALVES, _JOINTLY = "measured", "measured, two halves", "all maps"
_ALL = "all"
_CLASSES = ("none", "mild_moderate", "severe")
_SSIM, _RESIDUAL = "ssim_in_brain", "central_volume_residual"
_VOLUMES = {"core_ml": "core", "tissue_at_risk_ml": "tissue at risk"}


def image_facts(evaluation: Path) -> dict[str, str]:
    """Return what an evaluation says of generated maps, by the name of the fact.

    Args:
        evaluation: Folder that `magic-model evaluate` wrote, or its evaluation.json.

    Raises:
        InputError: If it is none.
    """
    path = evaluation / EVALUATION if evaluation.is_dir() else evaluation
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["schema"] != _SCHEMA:
            raise ValueError
        facts = {
            "images_congruence": _each(found, _congruence),
            "images_coverage": _each(found, _coverage),
            "images_constraint": _each(found, _constraint),
            "images_consistency": _each(found, _consistency),
        }
        n = found["groups"][_ALL]
    except OSError as error:
        msg = f"{path}: {error.strerror}"
        raise InputError(msg) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        msg = f"{path} must be evaluation.json of magic-model evaluate, got another"
        raise InputError(msg) from error
    of = f"Maps of {setting.counted(n, 'patient')} (magic-model evaluate)"
    return {name: f"{of}. {text}" for name, text in facts.items() if text}


Found = Mapping[str, Any]


def _each(found: Found, say: Callable[[Found, str], Iterator[str]]) -> str:
    """Return what is said of each method; nothing where nothing is known of any."""
    said = {method: "; ".join(say(found, method)) for method in found["methods"]}
    return " ".join(f"{method}: {text}." for method, text in said.items() if text)


def _congruence(found: Found, method: str) -> Iterator[str]:
    alike = _by_map(found, method, _ALL)
    if alike:
        yield f"SSIM in the brain {alike}"
    told, halves = (_realism(found, name, _JOINTLY) for name in (method, _HALVES))
    if told and told["machine_auc"] is not None:
        yield (
            "AUC of a forest that tells generated from measured patches "
            f"{_with_limits(told['machine_auc'], told)}"
            f"{_beside(halves, 'machine_auc')}"
        )
    if told and told.get("kernel_distance") is not None:
        yield (
            f"kernel distance {_figure(told['kernel_distance'])} in features "
            f"{told['features']}{_beside(halves, 'kernel_distance')}"
        )


def _coverage(found: Found, method: str) -> Iterator[str]:
    for metric, what in _VOLUMES.items():
        ranges = [_range(found, name, metric) for name in (method, _MEASURED)]
        if all(ranges):
            yield f"{what} of {ranges[0]} mL, measured {ranges[1]} mL"
    rows = [row for row in found["realism"] if row["method"] == method]
    finest = [
        f"{row['map'].upper()} {_figure(power)}"
        for row in rows
        for power in [[v for k, v in row.items() if k.startswith("power ")][-1]]
        if power is not None and row["map"] != _JOINTLY
    ]
    if finest:
        yield f"power of finest detail, 1 as measured, {', '.join(finest)}"
    likeness = found.get("likeness", {})
    if method in likeness:
        measured = likeness.get(_MEASURED)
        beside = f", of measured maps {_figure(measured)}" if measured else ""
        yield (
            "likeness to the nearest patch of the training patients "
            f"{_figure(likeness[method])}{beside}"
        )


def _constraint(found: Found, method: str) -> Iterator[str]:
    own, measured = (
        _summary(found, name, None, _RESIDUAL, _ALL) for name in (method, _MEASURED)
    )
    if own:
        beside = f", of measured maps {_figure(measured['mean'])}" if measured else ""
        yield (
            "CBV = CBF x MTT / 60 is missed by "
            f"{_with_limits(own['mean'], own)} mL/100g{beside}"
        )


def _consistency(found: Found, method: str) -> Iterator[str]:
    for group in _CLASSES:
        alike = _by_map(found, method, group)
        if alike:
            n = found["groups"][group]
            named = setting.in_words(group)
            yield f"SSIM in the brain, severity {named} ({n}), {alike}"


def _by_map(found: Found, method: str, group: str) -> str:
    summaries = {
        name: _summary(found, method, name, _SSIM, group) for name in found["maps"]
    }
    return ", ".join(
        f"{name.upper()} {_with_limits(one['mean'], one)}"
        for name, one in summaries.items()
        if one
    )


def _summary(
    found: Found, method: str, name: str | None, metric: str, group: str
) -> Found | None:
    """Return the row of a figure, nothing where it has no value."""
    wanted = (method, name, metric, group)
    rows = (
        row
        for row in found["summaries"]
        if (row["method"], row["map"], row["metric"], row["group"]) == wanted
    )
    return next((row for row in rows if row["mean"] is not None), None)


def _realism(found: Found, method: str, name: str) -> Found | None:
    rows = (r for r in found["realism"] if (r["method"], r["map"]) == (method, name))
    return next(rows, None)


def _range(found: Found, method: str, metric: str) -> str:
    values = [
        figure["value"]
        for patient in found["patients"]
        for figure in patient["figures"]
        if (figure["method"], figure["metric"]) == (method, metric)
        and figure["value"] is not None
    ]
    return f"{min(values):.0f} to {max(values):.0f}" if values else ""


def _beside(halves: Found | None, name: str) -> str:
    if halves is None or halves.get(name) is None:
        return ""
    return f", of halves of the measured {_figure(halves[name])}"


def _with_limits(value: float, row: Found) -> str:
    if row["low"] is None:
        return _figure(value)
    return f"{_figure(value)} ({_figure(row['low'])} to {_figure(row['high'])})"


def _figure(value: float) -> str:
    return f"{value:.3g}"
