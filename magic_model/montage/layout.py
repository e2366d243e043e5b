"""What stands where on a montage: the same for every patient and method."""

from dataclasses import dataclass

from magic_model.errors import DataError
from magic_model.maps import PerfusionMap

MONTAGE_MAPS = (
    PerfusionMap.CBV, PerfusionMap.CBF, PerfusionMap.MTT, PerfusionMap.TTP,
)  # fmt: skip
"""Columns after the NCCT, in the order of paper 2.4.2."""

_PANELS = (96, 1024)  # titles are illegible below, and files huge above
_ROWS = (1, 40)


@dataclass(frozen=True, kw_only=True)
class MontageLayout:
    """Size of a montage; two of the same layout have the same canvas.

    Raises:
        DataError: If a panel or the number of rows is too small or too large.
    """

    rows: int = 10
    """Slices shown; a patient with fewer gets black rows at the bottom."""

    panel: int = 256
    """Pixels along each side of a panel."""

    maps: tuple[PerfusionMap, ...] = MONTAGE_MAPS
    """Columns after the NCCT, from left to right."""

    def __post_init__(self) -> None:
        for name, value, (least, most) in (
            ("A panel", self.panel, _PANELS),
            ("The number of slices", self.rows, _ROWS),
        ):
            if not least <= value <= most:
                msg = f"{name} must be between {least} and {most}, got {value}"
                raise DataError(msg)

    @property
    def header(self) -> int:
        """Pixels of the strip above the panels, with titles and colour bars."""
        return round(self.panel * 0.28)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the canvas."""
        return (
            self.header + self.rows * self.panel,
            (1 + len(self.maps)) * self.panel,
        )

    def corner(self, row: int, column: int) -> tuple[int, int]:
        """First pixel row and column of a panel."""
        return self.header + row * self.panel, column * self.panel
