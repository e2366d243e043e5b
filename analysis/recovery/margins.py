"""What is known of a table: its totals and how many pairs agree."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class KnownMargins:
    """Row totals, column totals and the number of agreements of a square table.

    Raises:
        ValueError: If they cannot belong to one table.
    """

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    n_agree: int

    def __post_init__(self) -> None:
        for name, totals in (("Row", self.rows), ("Column", self.columns)):
            wrong = [t for t in totals if t < 0 or t != int(t)]
            if wrong:
                msg = (
                    f"{name} totals must be whole numbers of 0 or more, got {wrong[0]}"
                )
                raise ValueError(msg)
        if len(self.rows) != len(self.columns) or len(self.rows) < 2:
            msg = (
                "Row and column totals must be as many, two or more, "
                f"got {len(self.rows)} and {len(self.columns)}"
            )
            raise ValueError(msg)
        if sum(self.rows) != sum(self.columns):
            msg = (
                "Row and column totals must have one sum, "
                f"got {sum(self.rows)} and {sum(self.columns)}"
            )
            raise ValueError(msg)
        if not 0 <= self.n_agree <= sum(self.rows):
            msg = (
                f"Agreements must be between 0 and {sum(self.rows)}, got {self.n_agree}"
            )
            raise ValueError(msg)

    @classmethod
    def of(
        cls, rows: Sequence[int], columns: Sequence[int], n_agree: int
    ) -> "KnownMargins":
        """Build from any sequences of whole numbers."""
        return cls(tuple(map(int, rows)), tuple(map(int, columns)), int(n_agree))
