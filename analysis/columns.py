"""Tables of counts from what researchers have: lists, arrays, frames, two columns."""

import inspect
from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import wraps
from typing import Any, Protocol, TypeVar

import numpy as np

from analysis.errors import listed, shown
from analysis.tables import ContingencyTable

TableLike = Any
"""A `ContingencyTable`, a nested list or array of counts, a crosstab as a data frame
with the same categories in rows and columns, or the first of two columns of ratings."""

Scale = Iterable[Hashable]
"""Categories in their order."""

NEVER_CHOSEN = ("(never chosen)", "(never chosen either)")
"""Categories that stand in where fewer than two answers occur and no scale is known."""

_TOTALS = "All"  # as pandas.crosstab(margins=True) names them
_Result_co = TypeVar("_Result_co", covariant=True)


class Statistic(Protocol[_Result_co]):
    """A statistic of one table, or of two columns of ratings."""

    __name__: str

    def __call__(
        self,
        table: TableLike,
        test: Any = None,  # noqa: ANN401 - a column of anything
        /,
        *,
        categories: Scale | None = None,
        **options: Any,  # noqa: ANN401 - those of the statistic
    ) -> _Result_co:
        """Compute the statistic.

        Args:
            table: Counts of pairs of answers, reference method in rows; or the ratings
                under the reference method, one a pair.
            test: The ratings under the test method, if `table` is a column of ratings.
            categories: The scale in its order.
            options: Such as `weights`.
        """
        ...


def takes_ratings(
    *, scale_matters: bool
) -> Callable[[Callable[..., _Result_co]], Statistic[_Result_co]]:
    """Let a function of a `ContingencyTable` take everything that `as_table` takes.

    Args:
        scale_matters: The statistic depends on categories that nobody chose also
            without weights.
    """

    def decorate(function: Callable[..., _Result_co]) -> Statistic[_Result_co]:
        @wraps(function)
        def statistic(
            table: TableLike,
            *test: Any,  # noqa: ANN401
            categories: Scale | None = None,
            **options: Any,  # noqa: ANN401
        ) -> _Result_co:
            if isinstance(table, ContingencyTable) and categories is None:
                return function(table, *test, **options)
            if len(test) > 1 or (test and isinstance(test[0], str)):
                msg = (
                    f"{function.__name__} takes a table or two columns of ratings; "
                    f"all else must be named, such as weights='linear'"
                )
                raise TypeError(msg)
            matters = scale_matters or options.get("weights") is not None
            given = as_table(table, *test, categories=categories, scale_matters=matters)
            return function(given, **options)

        vars(statistic)["__signature__"] = _signature(function)
        return statistic  # type: ignore[return-value]  # its signature is set above

    return decorate


def as_table(
    table: TableLike,
    test: Any = None,  # noqa: ANN401
    *,
    categories: Scale | None = None,
    scale_matters: bool = False,
) -> ContingencyTable:
    """Return a table of counts.

    Args:
        table: A `ContingencyTable`; a nested list or array of counts; a crosstab as a
            data frame, whose columns are put in the order of its rows; or a column of
            ratings under the reference method.
        test: A column of ratings under the test method, if `table` is a column.
        categories: The scale in its order. Without it counts have the categories 1 to
            k, a frame those of its rows, and two columns those that occur.
        scale_matters: Refuse columns without a scale.

    Raises:
        TypeError: If it is none of these.
        ValueError: If the counts are not a square table of whole numbers, rows and
            columns of a frame differ, or ratings are missing, not on the scale or not
            as many under both methods.
    """
    scale = None if categories is None else scale_of(categories)
    if test is not None:
        return _from_columns(table, test, scale, scale_matters=scale_matters)
    if isinstance(table, ContingencyTable):
        if scale is not None and scale != table.categories:
            msg = f"The table has the categories {table.categories}, got {scale}"
            raise ValueError(msg)
        return table
    if hasattr(table, "columns") and hasattr(table, "to_numpy"):
        return _from_frame(table, scale)
    return ContingencyTable(_counts(table), scale)


def _counts(table: TableLike) -> Any:  # noqa: ANN401
    """Refuse what cannot be counts."""
    kinds = (str, bytes, dict, set)
    if isinstance(table, kinds) or not hasattr(table, "__iter__"):
        msg = (
            "A table must be counts (a nested list, an array, a crosstab) or two "
            f"columns of ratings, got {shown(table)}"
        )
        if isinstance(table, (str, bytes)):
            msg += "; a file is read by read_study"
        raise TypeError(msg)
    if not isinstance(table, np.ndarray):
        table = list(table)
    if np.ndim(np.asarray(table, dtype=object)) == 1 and not any(
        hasattr(row, "__len__") and not isinstance(row, str) for row in table
    ):
        msg = (
            "Ratings of one method need those of the other as a second argument, got "
            f"one column of {len(table)}"
        )
        raise ValueError(msg)
    return table


def _from_frame(frame: Any, scale: tuple[Hashable, ...] | None) -> ContingencyTable:  # noqa: ANN401
    rows, columns = list(frame.index), list(frame.columns)
    if _TOTALS in rows and _TOTALS in columns and _TOTALS not in (scale or ()):
        msg = f"A crosstab must be without its totals, got a row and column {_TOTALS!r}"
        raise ValueError(msg)
    for side, labels in (("rows", rows), ("columns", columns)):
        if len(set(labels)) != len(labels):
            msg = f"Categories of the {side} must all differ, got {_joined(labels)}"
            raise ValueError(msg)
    if scale is None:
        if set(rows) != set(columns):
            msg = (
                "Rows and columns of a crosstab must have the same categories, got "
                f"{_joined(rows)} and {_joined(columns)}; categories= names the scale"
            )
            raise ValueError(msg)
        scale = tuple(rows)
    unknown = [label for label in [*rows, *columns] if label not in scale]
    if unknown:
        msg = f"Categories must be on the scale {scale}, got {_joined(unknown)}"
        raise ValueError(msg)
    place = {label: position for position, label in enumerate(scale)}
    counts = np.zeros((len(scale), len(scale)), dtype=object)
    at = np.ix_([place[row] for row in rows], [place[column] for column in columns])
    counts[at] = frame.to_numpy(dtype=object)
    return ContingencyTable(counts, scale)


def _from_columns(
    reference: Any,  # noqa: ANN401
    test: Any,  # noqa: ANN401
    scale: tuple[Hashable, ...] | None,
    *,
    scale_matters: bool,
) -> ContingencyTable:
    sides = {"reference": reference, "test": test}
    first, second = (_column(name, column) for name, column in sides.items())
    if len(first) != len(second):
        msg = f"Both columns must be as long, got {len(first)} and {len(second)}"
        raise ValueError(msg)
    if all(hasattr(column, "to_numpy") for column in sides.values()):
        if list(reference.index) != list(test.index):
            msg = "Both columns must have the same index, so that pairs are pairs"
            raise ValueError(msg)
        scale = scale or _categorical(reference, test)
    if scale is None:
        if scale_matters:
            msg = (
                "This statistic depends on the scale: categories= must name it in its "
                "order, for columns do not tell what nobody answered"
            )
            raise ValueError(msg)
        scale = occurring([*first, *second])
    return ContingencyTable.from_pairs(first, second, scale)


def _column(name: str, column: Any) -> list[Hashable]:  # noqa: ANN401
    if isinstance(column, (str, bytes, dict)) or not hasattr(column, "__iter__"):
        msg = f"Ratings of the {name} method must be a column, got {shown(column)}"
        raise TypeError(msg)
    if getattr(column, "ndim", 1) != 1:
        msg = f"Ratings of the {name} method must be one column, got {column.ndim} axes"
        raise ValueError(msg)
    values = column.tolist() if hasattr(column, "tolist") else list(column)
    for number, value in enumerate(values, 1):
        if missing(value):
            msg = (
                f"Ratings must be complete, got none in row {number} of {len(values)} "
                f"of the {name} method"
            )
            raise ValueError(msg)
        if not isinstance(value, Hashable) or isinstance(value, tuple):
            msg = (
                f"Ratings of the {name} method must be one answer each, got "
                f"{shown(value)}; counts are one argument"
            )
            raise TypeError(msg)
    return values


def _categorical(reference: Any, test: Any) -> tuple[Hashable, ...] | None:  # noqa: ANN401
    """Return the scale of two categorical columns, if both have the same."""
    scales = [getattr(column.dtype, "categories", None) for column in (reference, test)]
    first, second = scales
    if first is None or second is None or list(first) != list(second):
        return None
    return tuple(first)


def missing(value: object) -> bool:
    """Return whether a rating is None, NaN or another mark of a missing value."""
    if value is None:
        return True
    try:
        return bool(value != value)  # noqa: PLR0124
    except (TypeError, ValueError):  # pandas.NA has no truth
        return not isinstance(value, (list, np.ndarray))


def occurring(answers: Sequence[Hashable]) -> tuple[Hashable, ...]:
    """Return the answers that occur as a scale, two at least; their order says nothing.

    It serves statistics that depend neither on the order nor on unused categories.
    """
    seen = sorted(set(answers), key=str)
    return tuple([*seen, *NEVER_CHOSEN][: max(2, len(seen))])


def scale_of(categories: Scale) -> tuple[Hashable, ...]:
    """Return the categories that a caller names, in their order."""
    return tuple(listed("Categories", categories))


def _joined(labels: Iterable[object]) -> str:
    return ", ".join(map(str, labels))


def _signature(function: Callable[..., object]) -> inspect.Signature:
    """Return the signature as it is called: a table or two columns, all else named."""
    own = inspect.signature(function)
    table, *options = own.parameters.values()
    named = [option.replace(kind=inspect.Parameter.KEYWORD_ONLY) for option in options]
    first = table.replace(annotation="TableLike")
    second = inspect.Parameter(
        "test", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None
    )
    scale = inspect.Parameter(
        "categories",
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation="Scale | None",
    )
    return own.replace(parameters=[first, second, *named, scale])
