"""How many tables have given totals and a given number of agreements.

The tables are counted without being listed: the array `ways` tells, for each amount
taken out of each column and each number of agreements so far, in how many ways the rows
seen so far can have done so. Adding a row is one running sum per column.
"""

import math
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.arrays import BoolArray
from analysis.errors import InputError
from analysis.recovery.margins import KnownMargins

Counts = NDArray[Any]
"""Whole numbers as int64 where they fit, else as float64."""

MAX_CELLS = 120_000_000
"""Largest array that is worked on (1 GB)."""


class TooMuchWorkError(InputError):
    """The tables cannot be listed or counted within the bound on work."""


def count_tables(margins: KnownMargins) -> int:
    """Count the tables of whole numbers with these totals and agreements.

    Exact below 2^62, correct to about 15 digits above.

    Raises:
        TooMuchWorkError: If the array of ways would exceed `MAX_CELLS`.

    Examples:
        >>> count_tables(KnownMargins.of([113, 4, 23], [101, 9, 30], 106))
        65
    """
    shape = (*(total + 1 for total in margins.columns), margins.n_agree + 1)
    if math.prod(shape) > MAX_CELLS:
        msg = (
            f"counting needs an array of {math.prod(shape):.1e} cells, "
            f"above the bound of {MAX_CELLS:.0e}"
        )
        raise TooMuchWorkError(msg)
    k = len(margins.rows)
    bound = math.prod(math.comb(total + k - 1, k - 1) for total in margins.rows)
    exact = bound < 2**62
    ways: Counts = np.zeros(shape, dtype=np.int64 if exact else np.float64)
    ways[(0,) * len(shape)] = 1
    taken = np.indices(shape[:-1], sparse=True)
    taken_in_all = sum(taken, start=np.zeros((1,) * k, dtype=np.int64))
    for row, total_so_far in enumerate(accumulate(margins.rows)):
        _add_row(ways, row, taken_in_all == total_so_far)
    return int(ways[(-1,) * len(shape)])


def _add_row(ways: Counts, row: int, used_up: BoolArray) -> None:
    """Let one row take any amounts, then keep the states where it is used up."""
    for column in range(ways.ndim - 1):
        if column == row:
            _accumulate_agreements(np.moveaxis(ways, column, 0))
        else:
            np.cumsum(ways, axis=column, out=ways)
    ways *= used_up[..., None]


def _accumulate_agreements(ways: Counts) -> None:
    """Running sum down the diagonal: one more taken is one more agreement."""
    for taken in range(1, len(ways)):
        ways[taken, ..., 1:] += ways[taken - 1, ..., :-1]
