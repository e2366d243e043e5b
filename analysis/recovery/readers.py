"""One table per reader that fits each reader's totals and adds up to a pooled table."""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, vstack

from analysis.arrays import IntArray
from analysis.tables import ContingencyTable

_INFEASIBLE = 2  # status of scipy.optimize.milp


def tables_by_reader(
    pooled: ContingencyTable,
    row_totals: Sequence[Sequence[int]] | IntArray,
    column_totals: Sequence[Sequence[int]] | IntArray,
) -> list[ContingencyTable] | None:
    """Split a pooled table among the readers, as an integer programme.

    Args:
        pooled: `k x k` table over all readers.
        row_totals: `(readers, k)` answers of each reader under the reference method.
        column_totals: `(readers, k)` the same under the test method.

    Returns:
        One table per reader, the same at each call, or None if there is no solution.
        There may be others.

    Raises:
        ValueError: If the totals do not have the shape `(readers, k)`.
    """
    rows, columns = np.asarray(row_totals), np.asarray(column_totals)
    if rows.shape != columns.shape or rows.ndim != 2 or rows.shape[1] != pooled.k:
        msg = (
            f"Totals must be (readers, {pooled.k}) for both methods, "
            f"got {rows.shape} and {columns.shape}"
        )
        raise ValueError(msg)
    sums, totals = _constraints(pooled, rows, columns)
    n_cells = len(rows) * pooled.k**2
    solution = milp(
        np.zeros(n_cells),
        integrality=np.ones(n_cells),
        bounds=Bounds(0, np.inf),
        constraints=LinearConstraint(sums, totals, totals),
    )
    if solution.status == _INFEASIBLE:
        return None
    if not solution.success:
        msg = f"The integer programme was not solved: {solution.message}"
        raise RuntimeError(msg)
    cells = np.rint(solution.x).astype(np.int64).reshape(-1, pooled.k, pooled.k)
    return [ContingencyTable(table, pooled.categories) for table in cells]


def _constraints(
    pooled: ContingencyTable, rows: IntArray, columns: IntArray
) -> tuple[csr_array, IntArray]:
    """Sums over cells `(reader, row, column)` and what each must be."""
    n_readers, k = rows.shape
    reader, row, column = np.indices((n_readers, k, k)).reshape(3, -1)
    groups = (reader * k + row, reader * k + column, row * k + column)
    sums = vstack([_indicator(group) for group in groups])
    totals = np.concatenate([rows.ravel(), columns.ravel(), pooled.counts.ravel()])
    return sums, totals


def _indicator(group: IntArray) -> csr_array:
    cells = np.arange(len(group))
    return csr_array((np.ones(len(group)), (group, cells)))
