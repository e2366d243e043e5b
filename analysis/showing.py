"""Results as data frames and in notebooks; the one place that needs pandas for it."""

import numbers
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


class Shown:
    """A result that gives itself as a data frame, and as a table in a notebook."""

    def to_frame(self) -> "pd.DataFrame":
        """Return the result as a data frame, one row unless it holds several."""
        import pandas as pd

        return pd.DataFrame(**self._content())

    def _content(self) -> Mapping[str, Any]:
        """Return the arguments of the data frame."""
        return {"data": [dict(row) for row in self._rows()]}

    def _rows(self) -> Sequence[Mapping[str, object]]:
        return [row_of(self)]

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html())


def row_of(result: object) -> dict[str, object]:
    """Return what is single of a result, with its interval of 95 % where it has one."""
    named = {field.name for field in fields(result)}  # type: ignore[arg-type]
    first = [name for name in ("estimate", "standard_error") if hasattr(result, name)]
    row = {name: getattr(result, name) for name in first}
    if hasattr(result, "confidence_interval"):
        interval = result.confidence_interval()
        row |= {"low": interval.low, "high": interval.high}
    for name in (field.name for field in fields(result)):  # type: ignore[arg-type]
        value = getattr(result, name)
        if name not in row and name in named:
            row |= _cells(name, value)
    return row


def _cells(name: str, value: object) -> dict[str, object]:
    """Return the cells of one attribute; arrays and tables have none."""
    if value is None or isinstance(value, (str, numbers.Number)):
        return {name: value}
    if isinstance(value, tuple) and all(isinstance(item, str) for item in value):
        return {name: "; ".join(value)}
    if isinstance(value, Shown) and hasattr(value, "estimate"):
        inner = row_of(value)
        kept = ("estimate", "standard_error", "low", "high")
        return {f"{name}_{key}": inner[key] for key in kept if key in inner}
    if hasattr(value, "low") and hasattr(value, "high"):
        return {f"{name}_low": value.low, f"{name}_high": value.high}
    return {}
