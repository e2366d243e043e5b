"""Results as data frames: the one place of this package that imports pandas."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pandas import DataFrame as DataFrame


def frame_of(
    rows: Iterable[Mapping[str, object]], columns: Sequence[str] | None = None
) -> "DataFrame":
    """Return rows as a data frame.

    Args:
        rows: One mapping a row, all with the same keys.
        columns: Names of the columns in their order; None for those of the rows.
    """
    import pandas as pd

    return pd.DataFrame(list(rows), columns=None if columns is None else list(columns))


def frame_of_csv(text: str) -> "DataFrame":
    """Return the content of a CSV file as a data frame."""
    import io

    import pandas as pd

    return pd.read_csv(io.StringIO(text))
