"""Pairs from anything that has columns, such as a data frame."""

from collections.abc import Hashable, Iterable, Mapping
from typing import Protocol

from analysis.multireader.pairs import COLUMNS, Pairs

_NEVER_CHOSEN = ("(never chosen)", "(never chosen either)")


class Columns(Protocol):
    """Anything that gives a column by its name: a mapping, a data frame."""

    def __getitem__(self, name: str, /) -> Iterable[Hashable]:
        """Give the column."""
        ...


def as_pairs(pairs: Pairs | Columns, *, scale_matters: bool = False) -> Pairs:
    """Take pairs as they are, or make them from columns.

    Columns do not tell the scale; the answers that occur, sorted, take its place.

    Args:
        pairs: `Pairs`, or columns `reader`, `case`, `reference` and `test`.
        scale_matters: The statistic depends on categories that nobody chose.

    Raises:
        ValueError: If a column is missing, the scale matters and is not known, or an
            answer is missing.
    """
    if isinstance(pairs, Pairs):
        return pairs
    if scale_matters:
        msg = (
            "This statistic depends on the scale: pairs must come from "
            "Pairs.from_labels with its categories, got columns only"
        )
        raise ValueError(msg)
    reader, case, reference, test = (list(_column(pairs, name)) for name in COLUMNS)
    answers = [*reference, *test]
    if any(answer is None or answer != answer for answer in answers):  # noqa: PLR0124
        msg = "Pairs must be complete, got a missing answer"
        raise ValueError(msg)
    seen = sorted(set(answers), key=str)  # their order does not matter here
    scale = [*seen, *_NEVER_CHOSEN][: max(2, len(seen))]
    return Pairs.from_labels(reader, case, reference, test, scale)


def _column(columns: Columns, name: str) -> Iterable[Hashable]:
    try:
        return columns[name]
    except (KeyError, IndexError, TypeError) as error:
        got = ", ".join(map(str, columns)) if isinstance(columns, Mapping) else "others"
        msg = f"Pairs must have the columns {', '.join(COLUMNS)}, got {got}"
        raise ValueError(msg) from error
