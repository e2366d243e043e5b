"""What `magic-analyze accuracy` found: as JSON, tables and ROC curves."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from analysis.accuracy import Inference, MultireaderAccuracy, NonInferiority
from analysis.accuracy.design import rating_design
from analysis.accuracy.obuchowski_rockette import Covariances
from analysis.accuracy.roc import RocCurve, reader_curves
from analysis.charts.roc import roc_chart
from analysis.report.figures import house_style, save_figure
from analysis.report.formatting import (
    NO_INTERVAL,
    UNDEFINED,
    Json,
    format_estimate,
    format_p,
    neutralise,
    number,
)
from analysis.report.section import Table
from analysis.report.writing import (
    complete_or_untouched,
    stamp_provenance,
    write_json,
    write_table,
)
from analysis.responses.ratings import RatingsFile

METRIC = {
    "auc": "AUC",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "lroc_area": "LROC area",
    "froc_area": "FROC area",
}
METHOD = {
    "obuchowski_rockette": "Obuchowski-Rockette",
    "u_statistics": "U-statistics",
}
SAMPLES = {
    "readers_and_cases": "readers and cases are samples",
    "readers": "readers are a sample, cases fixed",
    "cases": "cases are a sample, readers fixed",
}
_LEVEL = "95% CI"
_MOST_NAMED = 6


@dataclass(frozen=True)
class Compared:
    """Accuracy of each modality, and of some beside another.

    Attributes:
        study: All of it.
        differences: By test and reference.
        non_inferiority: Of the one pair, where a margin was given.
    """

    study: MultireaderAccuracy
    differences: Mapping[tuple[Hashable, Hashable], Inference]
    non_inferiority: NonInferiority | None = None


def compare(
    study: MultireaderAccuracy,
    pairs: Sequence[tuple[Hashable, Hashable]],
    margin: float | None,
) -> Compared:
    """Return the differences of pairs, each test and reference.

    Raises:
        ValueError: If the margin is not between 0 and 1.
    """
    differences = {pair: study.difference(*pair) for pair in pairs}
    shown = None if margin is None else study.non_inferiority(*pairs[0], margin)
    return Compared(study, differences, shown)


def heading(study: MultireaderAccuracy, threshold: float | None) -> str:
    """Return what was computed, in words."""
    parts = [METRIC[study.metric]]
    if threshold is not None:
        parts.append(f"a rating of {threshold:g} or more is a call")
    if study.method == "obuchowski_rockette":
        parts.append(f"{METHOD[study.method]}, {study.covariance} covariances")
    else:
        parts.append(METHOD[study.method])
    limits = "that hold for decisions" if study.decides else "as MRMCaov and iMRMC"
    samples = f"{SAMPLES[study.random]}; limits {limits}"
    return "\n".join(["; ".join(parts), samples[0].upper() + samples[1:]])


def tables(compared: Compared) -> list[Table]:
    """Return the tables of modalities, of differences where there are some, of readers.

    What is undefined is written out, with its reason in `reasons`.
    """
    study = compared.study
    metric = METRIC[study.metric]
    of = f"{metric}, {SAMPLES[study.random]}"
    found = [Table("accuracy_modalities", f"{of}.", _modalities(study))]
    if compared.differences:
        caption = f"Differences of {of}."
        frame = _differences(compared)
        found.append(Table("accuracy_differences", caption, frame))
    caption = f"{metric} of each reader; only cases are a sample."
    found.append(Table("accuracy_readers", caption, _readers(compared)))
    return found


def reasons(compared: Compared) -> list[str]:
    """Return why something is not defined, a sentence each."""
    study = compared.study
    named: dict[str, str | None] = {
        str(name): study.modality(name).undefined_reason for name in study.modalities
    }
    for (test, reference), found in compared.differences.items():
        named[f"{test} - {reference}"] = found.undefined_reason
    for row in _rows(study):
        reason = row["undefined_reason"]
        named[f"{row['reader']} under {row['modality']}"] = _text(reason)
    for (reader, test, reference), found in _reader_differences(compared).items():
        named[f"{test} - {reference} of {reader}"] = found.undefined_reason
    said: dict[str, list[str]] = {}
    for name, reason in named.items():
        if reason and reason != study.undefined_reason:
            said.setdefault(reason, []).append(name)
    return [f"{_few(names)}: {reason}." for reason, names in said.items()]


def _few(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    rest = [f"and {more} more"] if more > 0 else []
    return ", ".join([*names[:_MOST_NAMED], *rest])


def non_inferiority_sentence(found: NonInferiority) -> str:
    """Return the result of the test in words."""
    what = f"{found.test} at most {found.margin:g} worse than {found.reference}"
    if found.undefined_reason:
        return f"Non-inferiority, {what}: not tested, {found.undefined_reason}."
    low, p_value = _estimate(found.low), format_p(_finite(found.p_value))
    said = "shown" if found.shown else "not shown"
    return (
        f"Non-inferiority, {what}: {said}; lower limit of 97.5% {low}, "
        f"p {p_value} (one-sided)."
    )


def covariances_sentence(study: MultireaderAccuracy) -> str:
    """Return the error covariances in words."""
    found = _covariances(study)
    if found is None:
        return "Error covariances: undefined."
    named = {
        "Error variance": found.error_variance,
        "Cov1": found.cov1,
        "Cov2": found.cov2,
        "Cov3": found.cov3,
    }
    # One modality has no Cov1, one reader no Cov2, either of them no Cov3.
    return ", ".join(f"{said} {v:.4g}" for said, v in named.items() if v is not None)


def _covariances(study: MultireaderAccuracy) -> Covariances | None:
    """Return the covariances, None where the design has no result to take them."""
    return None if study.undefined_reason else study.covariances


def as_json(
    path: Path, read: RatingsFile, compared: Compared, threshold: float | None
) -> Json:
    """Return everything unrounded; what is undefined is None, beside its reason."""
    study = compared.study
    diseased, others = read.n_cases
    design = rating_design(read.columns)
    covariances, shown = _covariances(study), compared.non_inferiority
    return {
        "schema": 1,
        "file": path.name,
        "provenance": read.provenance,
        "assumed": list(read.assumed),
        "readers": list(map(str, study.readers)),
        "modalities": list(map(str, study.modalities)),
        "n_diseased": diseased,
        "n_non_diseased": others,
        "truth": {"diseased": list(read.positive), "not": list(read.negative)},
        "design": {"words": design.sentence, **asdict(design)},
        "metric": study.metric,
        "threshold": threshold,
        "method": study.method,
        "covariance": study.covariance,
        "random": study.random,
        "limits": "for_decisions" if study.decides else "as_programs",
        "undefined_reason": study.undefined_reason,
        "of_modality": {str(m): _numbers(study.modality(m)) for m in study.modalities},
        "differences": [
            {"test": test, "reference": reference, **_numbers(found)}
            for (test, reference), found in compared.differences.items()
        ],
        "non_inferiority": shown and _numbers(shown),
        "equality": _numbers(study.equality),
        "covariances": None if covariances is None else _numbers(covariances),
        "per_reader": [
            {name: _plain(value) for name, value in row.items()} for row in _rows(study)
        ],
    }


def write(
    folder: Path,
    read: RatingsFile,
    compared: Compared,
    content: Json,
    threshold: float | None,
) -> None:
    """Write accuracy.json, the tables and the ROC curves, all of it or nothing.

    Raises:
        OutputError: If the folder cannot be made.
    """
    curves = {name: of for name, of in reader_curves(read.columns).items() if of}
    with complete_or_untouched(folder) as staging, house_style():
        write_json(content, staging / "accuracy.json")
        for table in tables(compared):
            write_table(table, staging)
        if curves:
            figure = roc_figure(curves, threshold)
            save_figure(stamp_provenance(figure, read.provenance), staging, "roc")


def roc_figure(
    curves: Mapping[Hashable, Mapping[Hashable, RocCurve]], threshold: float | None
) -> Figure:
    """Draw the curves of all readers and modalities."""
    figure = Figure(figsize=(3.6, 3.6), layout="constrained")
    roc_chart(curves, figure.subplots(), threshold=threshold)
    return figure


# -- Frames of text


def _modalities(study: MultireaderAccuracy) -> pd.DataFrame:
    rows = []
    for name in study.modalities:
        found = study.modality(name)
        row = {"Modality": neutralise(str(name)), **_cells(found, METRIC[study.metric])}
        if study.metric == "auc":
            row["p (AUC 0.5)"] = format_p(_finite(found.p_value))
        rows.append(row)
    return pd.DataFrame(rows)


def _differences(compared: Compared) -> pd.DataFrame:
    rows = []
    for (test, reference), found in compared.differences.items():
        name = neutralise(f"{test} - {reference}")
        row = {"Difference": name, **_cells(found, METRIC[compared.study.metric])}
        rows.append(row | {"p": format_p(_finite(found.p_value))})
    return pd.DataFrame(rows)


def _readers(compared: Compared) -> pd.DataFrame:
    """Return a row for each reader; with the difference where there is one only."""
    study = compared.study
    cells = {(row["reader"], row["modality"]): row for row in _rows(study)}
    differences = _reader_differences(compared)
    metric = METRIC[study.metric]
    rows = []
    for reader in study.readers:
        row = {"Reader": neutralise(str(reader))}
        for modality in study.modalities:
            found = cells[reader, modality]
            values = (found["estimate"], found["low"], found["high"])
            row[neutralise(f"{modality}: {metric} [{_LEVEL}]")] = _interval(*values)
        for (of, test, reference), both in differences.items():
            if of == reader:
                name = neutralise(f"{test} - {reference} [{_LEVEL}]")
                row[name] = _interval(both.estimate, both.low, both.high)
        rows.append(row)
    return pd.DataFrame(rows)


def _reader_differences(
    compared: Compared,
) -> dict[tuple[Hashable, Hashable, Hashable], Inference]:
    """Return the difference of each reader, where one pair is compared."""
    if len(compared.differences) != 1:
        return {}
    ((test, reference),) = compared.differences
    study = compared.study
    return {
        (reader, test, reference): study.reader_difference(reader, test, reference)
        for reader in study.readers
    }


def _cells(found: Inference, metric: str) -> dict[str, str]:
    return {
        f"{metric} [{_LEVEL}]": _interval(found.estimate, found.low, found.high),
        "Standard error": _estimate(found.standard_error, 4),
        "df": _df(found.df),
    }


def _interval(estimate: object, low: object, high: object) -> str:
    value = _finite(estimate)
    if math.isnan(value):
        return UNDEFINED
    limits = (_finite(low), _finite(high))
    if any(map(math.isnan, limits)) or limits[0] == limits[1]:
        return f"{format_estimate(value)} [{NO_INTERVAL}]"
    return f"{format_estimate(value)} [{', '.join(map(format_estimate, limits))}]"


def _estimate(value: object, digits: int = 3) -> str:
    return format_estimate(_finite(value), digits)


def _df(value: float | None) -> str:
    if value is None or math.isnan(value):
        return UNDEFINED
    return "normal" if math.isinf(value) else f"{value:.1f}"


# -- Values as they are written


def _rows(study: MultireaderAccuracy) -> list[dict[Hashable, object]]:
    return study.per_reader.to_dict("records")


def _finite(value: object) -> float:
    """Return a number; NaN where it is None, which formats as undefined."""
    return float(value) if isinstance(value, (int, float)) else math.nan


def _numbers(found: object) -> Json:
    """Return the fields of a result; None where a number is not finite."""
    return {name: _plain(value) for name, value in vars(found).items()}


def _plain(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    return number(value)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
