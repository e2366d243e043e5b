"""What an ordinal mixed model is fitted to: answers, fixed effects and groups."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.arrays import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class OrdinalProblem:
    """Answers on an ordered scale with what may explain them.

    Attributes:
        categories: The scale in its order.
        answers: `(n,)` position of each answer on the scale, from 0.
        fixed_names: Names of the fixed effects.
        fixed: `(n, p)` their values.
        group_names: Names of the groupings, each with a random intercept.
        group_sizes: Number of groups in each grouping.
        members: `(n, groupings)` group of each answer, counted through all groupings.
    """

    categories: tuple[Hashable, ...]
    answers: IntArray
    fixed_names: tuple[str, ...]
    fixed: FloatArray
    group_names: tuple[str, ...]
    group_sizes: tuple[int, ...]
    members: IntArray

    @property
    def n(self) -> int:
        """Number of answers."""
        return len(self.answers)

    @property
    def n_thresholds(self) -> int:
        """Thresholds between the categories."""
        return len(self.categories) - 1

    @property
    def n_effects(self) -> int:
        """Groups of all groupings together."""
        return sum(self.group_sizes)

    @cached_property
    def grouping_of_effect(self) -> IntArray:
        """`(effects,)` grouping that each effect belongs to."""
        return np.repeat(np.arange(len(self.group_sizes)), self.group_sizes)

    def without_fixed(self, names: Sequence[str]) -> "OrdinalProblem":
        """Leave fixed effects out."""
        kept = [i for i, name in enumerate(self.fixed_names) if name not in names]
        return OrdinalProblem(
            self.categories,
            self.answers,
            tuple(self.fixed_names[i] for i in kept),
            self.fixed[:, kept],
            self.group_names,
            self.group_sizes,
            self.members,
        )

    def without_groupings(self, names: Sequence[str]) -> "OrdinalProblem":
        """Leave groupings out."""
        kept = [i for i, name in enumerate(self.group_names) if name not in names]
        starts = np.concatenate([[0], np.cumsum(self.group_sizes)]).astype(np.int64)
        sizes = tuple(self.group_sizes[i] for i in kept)
        return OrdinalProblem(
            self.categories,
            self.answers,
            self.fixed_names,
            self.fixed,
            tuple(self.group_names[i] for i in kept),
            sizes,
            _counted_through(self.members[:, kept] - starts[kept], sizes),
        )


def ordinal_problem(
    y: ArrayLike,
    fixed: Mapping[str, ArrayLike],
    groups: Mapping[str, ArrayLike],
    categories: Sequence[Hashable] | None = None,
) -> OrdinalProblem:
    """Put the columns of a table together.

    Args:
        y: `(n,)` answers.
        fixed: `(n,)` numbers of each fixed effect, without an intercept: the
            thresholds take its place.
        groups: `(n,)` labels of each grouping.
        categories: The scale in its order; None for the answers in use, sorted.

    Raises:
        ValueError: If columns differ in length, numbers are missing, or an answer is
            not on the scale.
    """
    answers = np.asarray(y)
    n = len(answers)
    _refuse_other_lengths({**fixed, **groups}, n)
    scale = tuple(np.unique(answers).tolist()) if categories is None else categories
    labels = [
        np.unique(_labels(column), return_inverse=True) for column in groups.values()
    ]
    sizes = tuple(len(names) for names, _ in labels)
    codes = np.array([code for _, code in labels], dtype=np.int64)
    codes = codes.reshape(len(groups), n).T
    return OrdinalProblem(
        categories=tuple(scale),
        answers=_positions(answers, scale),
        fixed_names=tuple(fixed),
        fixed=_numbers(fixed, n),
        group_names=tuple(groups),
        group_sizes=sizes,
        members=_counted_through(codes, sizes),
    )


def crossing(*columns: ArrayLike) -> IntArray:
    """Label each combination of groupings, as `reader:case`.

    Examples:
        >>> crossing(["a", "a", "b"], [1, 2, 1])
        array([0, 1, 2])
    """
    label = np.zeros(len(np.asarray(columns[0])), dtype=np.int64)
    for column in columns:
        names, code = np.unique(_labels(column), return_inverse=True)
        label = label * len(names) + code
    return np.unique(label, return_inverse=True)[1].astype(np.int64)


def _labels(column: ArrayLike) -> NDArray[np.generic]:
    values = np.asarray(column)
    return values.astype(str) if values.dtype == object else values


def _refuse_other_lengths(columns: Mapping[str, ArrayLike], n: int) -> None:
    for name, column in columns.items():
        if np.shape(column) != (n,):
            msg = f"{name} must have shape {(n,)}, got {np.shape(column)}"
            raise ValueError(msg)


def _positions(answers: NDArray[np.generic], scale: Sequence[Hashable]) -> IntArray:
    place = {category: index for index, category in enumerate(scale)}
    values = answers.tolist()
    unknown = sorted({str(value) for value in values if value not in place})
    if unknown:
        msg = f"Answers must be on the scale, got {', '.join(unknown)}"
        raise ValueError(msg)
    return np.array([place[value] for value in values], dtype=np.int64)


def _numbers(fixed: Mapping[str, ArrayLike], n: int) -> FloatArray:
    columns = [np.asarray(column, dtype=np.float64) for column in fixed.values()]
    matrix = np.array(columns).reshape(len(fixed), n).T
    if not np.isfinite(matrix).all():
        msg = "Fixed effects must be finite numbers, got missing or infinite ones"
        raise ValueError(msg)
    return matrix


def _counted_through(codes: IntArray, sizes: Sequence[int]) -> IntArray:
    starts = np.cumsum([0, *sizes])[: len(sizes)]
    return np.asarray(codes + starts, dtype=np.int64)
