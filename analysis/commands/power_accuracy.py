"""`magic-analyze power --pilot`: readers and cases to compare accuracies."""

import json
import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from analysis.accuracy import MultireaderAccuracy, multireader_accuracy
from analysis.commands.shared import text_table
from analysis.errors import InputError, user_input
from analysis.power.accuracy import (
    AccuracyComponents,
    AccuracyPower,
    AccuracyTest,
)
from analysis.power.deciding import Guard
from analysis.power.normal import check_power
from analysis.responses.ratings import read_ratings

Metric = Literal["auc", "sensitivity", "specificity"]

_READERS, _CASES = (5, 8, 12), (50, 100, 200)
_OF_REPORT = "Power of the test on which a report decides."


@dataclass(frozen=True, kw_only=True)
class AccuracyRequest:
    """What the user asks, with the names of the options.

    Attributes:
        pilot: File of ratings.
        components: File of variances, in its place.
        metric: `auc`, `sensitivity` or `specificity`.
        rating: Column of ratings.
        threshold: A rating from there on is a call.
        truth_positive: Values of truth that are diseased.
        difference: True difference; None for .05, of non-inferiority 0.
        margin: Of non-inferiority.
        readers: Numbers of readers.
        cases: Numbers of cases.
        alpha: Two-sided.
        power: Wanted.
    """

    pilot: Path | None = None
    components: Path | None = None
    metric: Metric = "auc"
    rating: str = "rating"
    threshold: float | None = None
    truth_positive: tuple[str, ...] = ()
    difference: float | None = None
    margin: float | None = None
    readers: tuple[int, ...] = _READERS
    cases: tuple[int, ...] = _CASES
    alpha: float = 0.05
    power: float = 0.8

    @property
    def test(self) -> AccuracyTest:
        """Return what is to be shown."""
        usual = 0.05 if self.margin is None else 0.0
        difference = usual if self.difference is None else self.difference
        return AccuracyTest(difference=difference, margin=self.margin, alpha=self.alpha)


def accuracy_power(
    request: AccuracyRequest, *, as_json: bool, progress: Callable[[str], None]
) -> str:
    """Compute the power of every design, and the fewest cases of each reader number."""
    with user_input():
        check_power(request.power, request.alpha)
        test = request.test
        found, guard, said = _components(request, progress)
        designs = [
            test.power(found, readers, cases, guard)
            for readers in sorted(set(request.readers))
            for cases in sorted(set(request.cases))
        ]
        needed = {
            readers: test.cases_needed(found, readers, request.power, guard)
            for readers in sorted(set(request.readers))
        }
    if as_json:
        content = _json(request, found, designs, needed)
        content["guard"] = None if guard is None else asdict(guard)
        return json.dumps(content, indent=1)
    return _describe(request, said, designs, needed)


def _components(
    request: AccuracyRequest, progress: Callable[[str], None]
) -> tuple[AccuracyComponents, Guard | None, str]:
    """Return the variances, the guard, and lines on where they come from."""
    if (request.pilot is None) == (request.components is None):
        msg = "Power of an accuracy takes --pilot or --components, one of the two"
        raise InputError(msg)
    if request.components is not None:
        found = _from_file(request.components)
        said = (
            f"Components of {request.components}, {found.cases} cases\n"
            "Power of Hillis' test; a report decides on wider limits, whose power "
            "--pilot gives."
        )
        return found, None, said
    study = _pilot(request)
    covered = " and ".join(str(name) for name in study.modalities)
    progress(f"{len(study.readers)} readers, {study.n_cases} cases, {covered}")
    found = AccuracyComponents.of_pilot(study)
    guard = Guard.of_pilot(study)
    parts = [f"{name} {value:.3g}" for name, value in list(asdict(found).items())[1:]]
    said = (
        f"Pilot {request.pilot}: {len(study.readers)} readers x {study.n_cases} cases, "
        f"{request.metric}\n{', '.join(parts)}\n"
        + ("Power of Hillis' test." if guard is None else _OF_REPORT)
    )
    return found, guard, said


def _pilot(request: AccuracyRequest) -> MultireaderAccuracy:
    assert request.pilot is not None  # noqa: S101
    read = read_ratings(
        request.pilot, rating=request.rating, truth_positive=request.truth_positive
    )
    columns = read.columns
    return multireader_accuracy(columns, request.metric, threshold=request.threshold)


def _from_file(path: Path) -> AccuracyComponents:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"{path} is not TOML: {error}"
        raise InputError(msg) from error
    names = [field.name for field in fields(AccuracyComponents)]
    unknown = sorted(set(content) - set(names))
    lacking = [name for name in names if name not in content]
    if unknown or lacking:
        what = f"unknown {unknown[0]}" if unknown else f"lacks {lacking[0]}"
        msg = f"{path}: {what}; it must have {', '.join(names)}"
        raise InputError(msg)
    try:
        return AccuracyComponents(**content)
    except (TypeError, ValueError) as error:
        msg = f"{path}: {error}"
        raise InputError(msg) from error


def _json(
    request: AccuracyRequest,
    found: AccuracyComponents,
    designs: Sequence[AccuracyPower],
    needed: Mapping[int, int | None],
) -> dict[str, Any]:
    asked = {
        name: str(value) if isinstance(value, Path) else value
        for name, value in asdict(request).items()
    }
    return {
        "asked": asked | {"difference": request.test.difference},
        "components": asdict(found),
        "designs": [
            asdict(row) | {"df": row.df if math.isfinite(row.df) else None}
            for row in designs
        ],
        "needed": [{"readers": r, "cases": cases} for r, cases in needed.items()],
    }


def _describe(
    request: AccuracyRequest,
    said: str,
    designs: Sequence[AccuracyPower],
    needed: Mapping[int, int | None],
) -> str:
    test = request.test
    what = f"True difference {test.difference:g}, "
    if test.margin is None:
        what += f"test of no difference, alpha {test.alpha:g} two-sided"
    else:
        level = f"{test.alpha / 2:g} one-sided"
        what += f"non-inferiority with the margin {test.margin:g}, alpha {level}"
    sizes = sorted({row.cases for row in designs})
    head = [
        "Readers",
        f"Cases for {request.power:.0%}",
        *(f"Power at {cases}" for cases in sizes),
    ]
    rows = [
        [
            str(readers),
            "none" if cases is None else str(cases),
            *(f"{row.power:.1%}" for row in designs if row.readers == readers),
        ]
        for readers, cases in needed.items()
    ]
    note = (
        "Readers and cases are samples; as many of the cases are diseased as in the "
        "pilot.\n'none': no number of cases gives the power with so few readers."
    )
    return "\n\n".join([what, said, text_table(rows, head), note])
