"""`magic-analyze accuracy`: readers against a truth, from a file of ratings."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from analysis.commands.shared import AsJson, text_of_frame
from analysis.errors import InputError, user_input

if TYPE_CHECKING:
    from analysis.accuracy import MultireaderAccuracy
    from analysis.accuracy.study import Ways
    from analysis.commands.accuracy_tables import Compared
    from analysis.responses.ratings import RatingsFile

_USE = "Research use only; not for diagnosis."
_NEEDED = {
    "auc": ("diseased", "non-diseased"),
    "sensitivity": ("diseased",),
    "specificity": ("non-diseased",),
    "lroc_area": ("diseased", "non-diseased"),
    "froc_area": ("diseased", "non-diseased"),
}
"""Classes of cases that a metric is made of."""

Asked = Literal["auc", "sensitivity", "specificity", "lroc_area", "froc_area"]
_OF_MARKS = frozenset({"lroc_area", "froc_area"})


def accuracy(
    ratings: Annotated[
        Path,
        typer.Argument(
            help="CSV or .xlsx with reader, case, modality, truth, rating; .imrmc; or "
            "marks.csv beside --lesions."
        ),
    ],
    metric: Annotated[
        Asked,
        typer.Option(help="What; the last two of marks beside --lesions."),
    ] = "auc",
    method: Annotated[
        Literal["obuchowski_rockette", "u_statistics"],
        typer.Option(help="Analysis of variance, or U-statistics as iMRMC has them."),
    ] = "obuchowski_rockette",
    covariance: Annotated[
        Literal["jackknife", "delong", "unbiased"] | None,
        typer.Option(help="Of obuchowski_rockette; jackknife."),
    ] = None,
    random: Annotated[
        Literal["readers_and_cases", "readers", "cases"],
        typer.Option(help="What is a sample; what is not named is fixed."),
    ] = "readers_and_cases",
    threshold: Annotated[
        float | None,
        typer.Option(help="A rating from here on is a call of disease."),
    ] = None,
    reference: Annotated[
        str | None, typer.Option(help="Reference modality; else every two.")
    ] = None,
    test: Annotated[str | None, typer.Option(help="Modality under test.")] = None,
    margin: Annotated[
        float | None, typer.Option(help="Of non-inferiority: largest loss accepted.")
    ] = None,
    rating: Annotated[
        str, typer.Option(help="Column of the ratings, such as Q4.")
    ] = "rating",
    truth_positive: Annotated[
        str | None,
        typer.Option(help="Values of truth that are diseased: mild,severe."),
    ] = None,
    lesions: Annotated[
        Path | None,
        typer.Option(
            help="Where the lesions are: case, lesion, x, y and radius or box."
        ),
    ] = None,
    question: Annotated[
        str, typer.Option(help="Whose marks, where several questions have some.")
    ] = "",
    label: Annotated[
        str, typer.Option(help="Marks of this label alone; else all.")
    ] = "",
    as_programs: Annotated[
        bool,
        typer.Option("--as-programs", help="Limits and tests as MRMCaov and iMRMC."),
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder for JSON, tables and ROC curves.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """How accurate readers are under each modality: AUC, sensitivity, specificity.

    For ratings from elsewhere; a study's own are in its report.
    """
    from analysis.accuracy.study import Ways
    from analysis.commands import accuracy_tables
    from analysis.responses.marks import read_marks
    from analysis.responses.ratings import read_ratings

    _refuse_wrong(method, covariance, threshold)
    diseased = [v.strip() for v in (truth_positive or "").split(",") if v.strip()]
    if lesions is None:
        _refuse_marks(metric, {"--question": question, "--label": label})
        read = read_ratings(ratings, rating=rating, truth_positive=diseased)
    else:
        read = read_marks(ratings, lesions, question=question, label=label)
    _refuse_one_class(ratings, read, metric)
    with user_input():
        ways = Ways(method, covariance or "jackknife", random)
        study = _study_of(read, metric, ways, threshold)
        study = study if as_programs else study.for_decisions()
        pairs = _pairs(study, test, reference, margin)
        compared = accuracy_tables.compare(study, pairs, margin)
    content = accuracy_tables.as_json(ratings, read, compared, threshold)
    if out:
        accuracy_tables.write(out, read, compared, content, threshold)
    if as_json:
        print(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False))
    else:
        written = [f"Results: {out}"] if out else []
        parts = [*_understood(ratings, read), *_describe(compared, threshold), *written]
        print("\n\n".join([*parts, _USE]))


def _refuse_wrong(method: str, covariance: str | None, threshold: float | None) -> None:
    """Refuse options that do not go together, or are no numbers.

    Raises:
        InputError: If there are any.
    """
    if covariance and method == "u_statistics":
        msg = f"--covariance is for obuchowski_rockette, got {covariance}"
        raise InputError(msg)
    if threshold is not None and not math.isfinite(threshold):
        msg = f"--threshold must be a finite number, got {threshold}"
        raise InputError(msg)


def _refuse_marks(metric: str, options: Mapping[str, str]) -> None:
    """Refuse what is about marks where no lesions are named.

    Raises:
        InputError: If it is asked for.
    """
    asked = [f"--metric {metric}"] if metric in _OF_MARKS else []
    asked += [name for name, given in options.items() if given]
    if asked:
        msg = f"{asked[0]} needs --lesions, a file of where the lesions are"
        raise InputError(msg)


def _study_of(
    read: "RatingsFile", metric: Asked, ways: "Ways", threshold: float | None
) -> "MultireaderAccuracy":
    """Return the study of ratings, or of marks beside lesions.

    Raises:
        InputError: If another analysis is asked for than areas of marks have.
    """
    from analysis.accuracy import froc_area, lroc_area, multireader_accuracy

    if metric != "lroc_area" and metric != "froc_area":  # noqa: PLR1714 - narrows
        return multireader_accuracy(
            read.columns, metric, ways.method, ways.covariance, ways.random, threshold
        )
    if ways.method != "obuchowski_rockette" or threshold is not None:
        what = f"--method {ways.method}" if threshold is None else "--threshold"
        msg = f"--metric {metric} has neither --method nor --threshold, got {what}"
        raise InputError(msg)
    of_marks = read.marks if metric == "froc_area" else read.columns
    area = froc_area if metric == "froc_area" else lroc_area
    return area(of_marks, ways.random)


def _refuse_one_class(path: Path, read: "RatingsFile", metric: str) -> None:
    """Refuse ratings of one class of cases, of which the metric cannot be made.

    Raises:
        InputError: If a class that it needs has no rated case.
    """
    diseased, others = read.n_cases
    held = {"diseased": diseased, "non-diseased": others}
    lacking = [name for name in _NEEDED[metric] if not held[name]]
    if lacking and diseased + others:
        what = "The AUC" if metric == "auc" else f"The {metric.replace('_', ' ')}"
        msg = (
            f"{path}: {what[0].lower()}{what[1:]} needs {' and '.join(_NEEDED[metric])}"
            f" cases with ratings, got {diseased} diseased and {others} non-diseased"
        )
        raise InputError(msg)


def _pairs(
    study: "MultireaderAccuracy",
    test: str | None,
    reference: str | None,
    margin: float | None,
) -> list[tuple[str, str]]:
    """Return the pairs of modalities to be compared, each test before reference.

    Raises:
        InputError: If only one is named and more than one could be the other, or a
            margin has no test and reference.
    """
    names = [str(name) for name in study.modalities]
    for option, name in (("--test", test), ("--reference", reference)):
        if name is not None and name not in names:
            msg = f"{option} must be a modality, {', '.join(names)}; got {name}"
            raise InputError(msg)
    if test is None and reference is None:
        if margin is not None:
            msg = f"--margin needs --test and --reference, of {', '.join(names)}"
            raise InputError(msg)
        return [(one, other) for n, one in enumerate(names) for other in names[n + 1 :]]
    others = [name for name in names if name not in {test, reference}]
    if test is None or reference is None:
        if len(others) != 1:
            lacking = "--test" if test is None else "--reference"
            msg = f"{lacking} must name one of {', '.join(others) or 'two modalities'}"
            raise InputError(msg)
        test, reference = test or others[0], reference or others[0]
    return [(test, reference)]


def _understood(path: Path, read: "RatingsFile") -> list[str]:
    """Return what the file holds, in words."""
    from analysis.accuracy.design import rating_design
    from analysis.report.section import PROVENANCE_WARNING

    diseased, others = read.n_cases
    columns = read.columns
    names = {
        of: list(dict.fromkeys(map(str, columns[of]))) for of in ("modality", "reader")
    }
    found = [
        f"{path}: {len(columns['rating'])} rows",
        f"Modalities {len(names['modality'])}: {', '.join(names['modality'])}",
        f"Readers {len(names['reader'])}: {', '.join(names['reader'])}",
        f"Cases {diseased + others}: {diseased} diseased (truth "
        f"{' or '.join(read.positive) or '-'}), {others} not (truth "
        f"{' or '.join(read.negative) or '-'})",
        f"Design: {rating_design(columns).sentence}",
    ]
    warning = PROVENANCE_WARNING[read.provenance]
    parts = [warning, "\n".join(found)] if warning else ["\n".join(found)]
    if read.assumed:
        said = [f"  {sentence}" for sentence in read.assumed]
        parts.append("\n".join(["How the file was understood:", *said]))
    return parts


def _describe(compared: "Compared", threshold: float | None) -> list[str]:
    """Return the results, in words and tables of text."""
    from analysis.commands import accuracy_tables

    study = compared.study
    parts = [accuracy_tables.heading(study, threshold)]
    if study.undefined_reason:
        parts.append(f"Not defined: {study.undefined_reason}.")
    tables = accuracy_tables.tables(compared)
    parts += [text_of_frame(table.frame) for table in tables[:-1]]
    if compared.non_inferiority:
        parts.append(accuracy_tables.non_inferiority_sentence(compared.non_inferiority))
    parts.append(text_of_frame(tables[-1].frame))
    reasons: Sequence[str] = accuracy_tables.reasons(compared)
    last = [accuracy_tables.covariances_sentence(study), *reasons]
    return [*parts, "\n".join(last)]
