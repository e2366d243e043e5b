"""Accuracy of saying where: LROC, one mark a case, and FROC, any number of marks."""

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.accuracy.cells import LeftOut, Pairwise
from analysis.accuracy.scores import scores_of
from analysis.accuracy.study import MultireaderAccuracy, Random, Ways, study_of
from analysis.columns import missing
from analysis.errors import InputError, shown

FloatArray = NDArray[np.float64]


def lroc_area(
    frame: Any,  # noqa: ANN401 - a data frame or a mapping
    random: Random = "readers_and_cases",
) -> MultireaderAccuracy:
    """Return the area below the LROC curve of each modality.

    It is the chance that a diseased case has a higher rating than another *and* was
    marked at the right place; ties of rightly marked cases count a half.

    Args:
        frame: As `multireader_accuracy` takes it, with the column `located`: 1 if the
            mark of a diseased case is at its lesion, else 0; not looked at for others.
        random: What is a sample, as there.

    Raises:
        InputError: If the table cannot be used.

    References:
        Swensson RG. Med Phys 1996;23:1709. doi:10.1118/1.597758
    """
    _need(frame, "located")
    scores = scores_of(frame)
    at = scores_of(_with(frame, "rating", _located(frame)))
    located = at.ratings == 1
    ratings = np.where(located | ~scores.truth, scores.ratings, -np.inf)
    ratings = np.where(np.isnan(scores.ratings), np.nan, ratings)
    cells = ratings.reshape(-1, scores.truth.size)
    pairs = Pairwise(cells[:, scores.truth], cells[:, ~scores.truth])
    return study_of(scores, pairs, "lroc_area", Ways(random=random))


def froc_area(
    frame: Any,  # noqa: ANN401 - a data frame or a mapping
    random: Random = "readers_and_cases",
) -> MultireaderAccuracy:
    """Return the jackknife AFROC figure of merit of each modality.

    It is the chance that a lesion has a higher rating than the highest false mark on a
    case without disease. A lesion that nobody marked is below every mark, a case
    without false marks below every lesion that was marked; ties count a half. Marks
    elsewhere on diseased cases do not count. All lesions weigh the same.

    Args:
        frame: A data frame, or a mapping of columns `reader`, `case`, `modality`,
            `truth` (1 or 0), `lesion` (which lesion of the case was marked; empty for a
            false mark) and `rating`. Each lesion and each case without disease has a
            row for every reader, with an empty rating where nothing was marked.
        random: What is a sample, as in `multireader_accuracy`.

    Raises:
        InputError: If the table cannot be used.

    References:
        Chakraborty DP, Berbaum KS. Med Phys 2004;31:2313. doi:10.1118/1.1769352
    """
    _need(frame, "lesion")
    units, rows = _units(frame)
    scores = scores_of(rows)
    owner = np.array(units)
    lesions = scores.cells[:, scores.truth]
    calm = scores.cells[:, ~scores.truth]
    n_cases = len(set(units)) - calm.shape[1], calm.shape[1]
    if 1 in n_cases:  # leaving it out leaves none
        msg = (
            "The FROC area needs two or more cases with lesions and two or more "
            f"without, got {n_cases[0]} and {n_cases[1]}"
        )
        raise InputError(msg)
    cells = _left_out(lesions, calm, owner[scores.truth])
    study = study_of(scores, cells, "froc_area", Ways(random=random))
    return replace(study, _n_cases=cells.left_out().shape[1])


def _units(frame: Any) -> tuple[list[Hashable], dict[str, list[Any]]]:  # noqa: ANN401
    """Return lesions and cases without disease as cases, with the case of each."""
    columns = {name: _listed(frame[name]) for name in _OF_FROC}
    highest: dict[tuple[Hashable, ...], float] = {}
    truth: dict[tuple[Hashable, ...], Any] = {}
    for reader, case, modality, sick, lesion, rating in zip(
        *columns.values(), strict=True
    ):
        marked = not (missing(lesion) or lesion == "")
        if sick == 0 and marked:
            msg = (
                f"A case without disease has no lesion, got {lesion!r} for case {case}"
            )
            raise InputError(msg)
        if sick == 1 and not marked:
            continue  # a false mark on a diseased case
        unit = (reader, modality, case, lesion if marked else None)
        truth[unit] = sick
        value = _rating(rating)
        if marked and unit in highest:
            msg = (
                f"A lesion must have one row of a reader, got two of lesion {lesion}, "
                f"case {case}, reader {reader}"
            )
            raise InputError(msg)
        highest[unit] = max(value, highest.get(unit, -np.inf))
    names = dict.fromkeys((unit[2], unit[3]) for unit in highest)
    rows: dict[str, list[Any]] = {
        "reader": [unit[0] for unit in highest],
        "case": [(unit[2], unit[3]) for unit in highest],
        "modality": [unit[1] for unit in highest],
        "truth": [truth[unit] for unit in highest],
        "rating": list(highest.values()),
    }
    return [name[0] for name in names], rows


_OF_FROC = ("reader", "case", "modality", "truth", "lesion", "rating")


def _left_out(
    lesions: FloatArray, calm: FloatArray, owner: NDArray[np.object_]
) -> LeftOut:
    """Return the figure of merit, and without each diseased and each other case."""
    n_cells, n_calm = calm.shape
    values = np.full(n_cells, np.nan)
    cases = list(dict.fromkeys(owner.tolist()))
    left_out = np.full((n_cells, len(cases) + n_calm), np.nan)
    of_case = np.array([[own == case for own in owner.tolist()] for case in cases])
    for cell in range(n_cells):
        x, y = lesions[cell], calm[cell]
        held = ~np.isnan(x), ~np.isnan(y)
        if not (held[0].any() and held[1].any()):
            continue
        wins = (x[:, None] > y).astype(float) + 0.5 * (x[:, None] == y)
        wins[~held[0]] = wins[:, ~held[1]] = 0.0
        n1, n0, total = held[0].sum(), held[1].sum(), wins.sum()
        values[cell] = total / (n1 * n0)
        without = of_case @ wins.sum(axis=1)
        fewer = n1 - of_case @ held[0].astype(int)
        first = np.full(len(cases), np.nan)
        np.divide(total - without, fewer * n0, out=first, where=fewer > 0)
        second = np.full(n_calm, np.nan)
        np.divide(total - wins.sum(axis=0), n1 * (n0 - held[1]), out=second,
                  where=n0 - held[1] > 0)  # fmt: skip
        left_out[cell] = np.concatenate([first, second])
    return LeftOut(values, left_out, np.arange(left_out.shape[1]) < len(cases))


def _need(frame: Any, column: str) -> None:  # noqa: ANN401
    if not hasattr(frame, "keys") or column not in frame.keys():  # noqa: SIM118
        had = ", ".join(map(str, frame.keys())) if hasattr(frame, "keys") else "none"
        msg = f"Marks must have the column {column}, got {had}"
        raise InputError(msg)
    if column == "lesion":
        for name in _OF_FROC:
            if name not in frame.keys():  # noqa: SIM118
                _need(frame, name)


def _with(frame: Any, column: str, values: list[Any]) -> dict[str, list[Any]]:  # noqa: ANN401
    names = ("reader", "case", "modality", "truth", "rating")
    columns = {name: _listed(frame[name]) for name in names}
    return columns | {column: values}


def _located(frame: Any) -> list[float]:  # noqa: ANN401
    found = []
    columns = [_listed(frame[name]) for name in ("located", "truth", "rating")]
    for place, sick, rating in zip(*columns, strict=True):
        if missing(rating):
            found.append(np.nan)
            continue
        if sick == 1 and place not in (0, 1):
            msg = f"Located of a diseased case must be 0 or 1, got {shown(place)}"
            raise InputError(msg)
        found.append(1.0 if sick == 1 and place == 1 else 0.0)
    return found


def _rating(value: Any) -> float:  # noqa: ANN401
    if missing(value) or value == "":
        return -np.inf
    if isinstance(value, str):
        msg = f"Ratings must be numbers, got {shown(value)}"
        raise InputError(msg)
    return float(value)


def _listed(column: Sequence[Any]) -> list[Any]:
    return column.tolist() if hasattr(column, "tolist") else list(column)
