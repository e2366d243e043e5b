"""Ratings of readers beside the truth, as one array of modality, reader and case."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.columns import missing
from analysis.errors import InputError, shown

FloatArray = NDArray[np.float64]

COLUMNS = ("reader", "case", "modality", "truth", "rating")


@dataclass(frozen=True)
class Scores:
    """Ratings of a study.

    Attributes:
        ratings: `(modalities, readers, cases)`; NaN where nobody rated.
        truth: Whether each case is diseased.
        modalities: Names, in the order of the first axis.
        readers: Names, in the order of the second axis.
    """

    ratings: FloatArray
    truth: NDArray[np.bool_]
    modalities: tuple[Hashable, ...]
    readers: tuple[Hashable, ...]

    @property
    def cells(self) -> FloatArray:
        """Return the ratings as `(modalities x readers, cases)`."""
        return self.ratings.reshape(-1, self.ratings.shape[2])

    def of_class(self, *, diseased: bool) -> FloatArray:
        """Return the cells on the diseased cases, or on the others."""
        return self.cells[:, self.truth == diseased]


def scores_of(frame: Any) -> Scores:  # noqa: ANN401 - a data frame or a mapping
    """Return the scores of a table with one row a rating.

    Args:
        frame: A data frame, or a mapping of columns, with `reader`, `case`, `modality`,
            `truth` (0 or 1) and `rating` (a number; empty where missing).

    Raises:
        InputError: If a column is missing, a name or the truth is empty, truth is not 0
            or 1 or differs within a case, a rating is not a number, or one was given
            twice.
    """
    columns = _columns(frame)
    codes = {name: _codes(name, columns[name]) for name in COLUMNS[:3]}
    (reader, readers), (case, cases), (modality, modalities) = codes.values()
    truth = _truth(columns["truth"], case, cases)
    rating = _numbers(columns["rating"])
    shape = (len(modalities), len(readers), len(cases))
    place = np.ravel_multi_index((modality, reader, case), shape)
    _refuse_twice(place, [modalities, readers, cases])
    ratings = np.full(math.prod(shape), np.nan)
    ratings[place] = rating
    held = ~np.isnan(ratings.reshape(shape)).all(axis=(0, 1))
    if not held.any():
        msg = "At least one rating must be given, got none"
        raise InputError(msg)
    return Scores(ratings.reshape(shape)[:, :, held], truth[held], modalities, readers)


def _columns(frame: Any) -> Mapping[str, list[Any]]:  # noqa: ANN401
    if not hasattr(frame, "keys"):
        msg = f"Ratings must be a data frame or named columns, got {shown(frame)}"
        raise TypeError(msg)
    lacking = [name for name in COLUMNS if name not in frame.keys()]  # noqa: SIM118
    if lacking:
        had = ", ".join(map(str, frame.keys())) or "none"
        msg = f"Ratings must have the column {lacking[0]}, got {had}"
        raise InputError(msg)
    columns = {name: _listed(frame[name]) for name in COLUMNS}
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1 or not lengths["reader"]:
        msg = f"Columns must be as long and not empty, got {lengths}"
        raise InputError(msg)
    return columns


def _listed(column: Any) -> list[Any]:  # noqa: ANN401
    listed: list[Any] = column.tolist() if hasattr(column, "tolist") else list(column)
    return listed


def _codes(
    what: str, column: Sequence[Any]
) -> tuple[NDArray[np.intp], tuple[Hashable, ...]]:
    """Return the place of each name among the names, and these as they first occur."""
    place: dict[Hashable, int] = {}
    codes = np.array([place.setdefault(name, len(place)) for name in column], np.intp)
    for name in place:
        if missing(name) or name == "":
            row = column.index(name) + 1
            msg = f"Every row must name its {what}, got none in row {row}"
            raise InputError(msg)
    return codes, tuple(place)


def _truth(
    column: Sequence[Any], case: NDArray[np.intp], cases: Sequence[Hashable]
) -> NDArray[np.bool_]:
    for row, value in enumerate(column):
        if missing(value) or value == "":
            msg = f"Every case must have a truth, got none for case {cases[case[row]]}"
            raise InputError(msg)
        if value not in (0, 1):
            of = cases[case[row]]
            msg = f"Truth must be 0 or 1, got {shown(value)} for case {of}"
            raise InputError(msg)
    values = np.array([value == 1 for value in column])
    truth = np.zeros(len(cases), bool)
    truth[case] = values
    differing = np.flatnonzero(truth[case] != values)
    if len(differing):
        msg = (
            f"Truth of a case must be one, got 0 and 1 for {cases[case[differing[0]]]}"
        )
        raise InputError(msg)
    return truth


def _numbers(column: Sequence[Any]) -> FloatArray:
    try:
        return np.array([_number(value) for value in column], float)
    except (TypeError, ValueError):
        for row, value in enumerate(column, 1):
            if isinstance(value, (int, float, np.number)) or missing(value):
                continue
            msg = f"Ratings must be numbers, got {shown(value)} in row {row}"
            raise InputError(msg) from None
        raise


def _number(value: Any) -> float:  # noqa: ANN401
    if isinstance(value, str):
        raise TypeError
    return math.nan if missing(value) else float(value)


def _refuse_twice(
    place: NDArray[np.intp], names: Sequence[tuple[Hashable, ...]]
) -> None:
    kept, counts = np.unique(place, return_counts=True)
    if (counts > 1).any():
        at = np.unravel_index(kept[counts > 1][0], [len(axis) for axis in names])
        modality, reader, case = (
            axis[index] for axis, index in zip(names, at, strict=True)
        )
        msg = (
            "A reader must rate a case once under a modality, got two ratings of "
            f"reader {reader}, case {case}, modality {modality}"
        )
        raise InputError(msg)
