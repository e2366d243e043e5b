"""Results as pandas frames; pandas is imported when the first one is asked for."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def to_frame(rows: Iterable[Mapping[str, object]]) -> "pd.DataFrame":
    """Return a frame with a row for each mapping, its keys as columns."""
    import pandas as pd

    return pd.DataFrame(list(rows))
