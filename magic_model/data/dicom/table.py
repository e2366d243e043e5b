"""The table of a patient's DICOM series: what each is, and why it was taken or left."""

from collections.abc import Sequence
from dataclasses import dataclass

HEADER = (
    "series", "description", "kernel", "images", "coverage mm", "spacing mm", "tilt",
    "contrast", "role", "why",
)  # fmt: skip
"""Titles of `SeriesRow.cells`."""


@dataclass(frozen=True)
class SeriesRow:
    """One series, or what of it is of one kind.

    Attributes:
        series: SeriesNumber; 0 where none is told.
        description: What `cleaned_description` leaves of SeriesDescription.
        kernel: What `cleaned_kernel` leaves of ConvolutionKernel.
        images: Images in it.
        coverage_mm: From the lower edge of the first slice to the upper of the last.
        spacing_mm: Smallest and largest distance of neighbours; 0, 0 if there are none.
        tilt_degrees: Between the stack and the normal of its slices: a gantry's tilt.
        contrast_told: Whether tags or description tell of contrast agent.
        contrast_seen: Whether the pixels show it; None where they were not looked at.
        role: `ncct`, a map, `localizer`, `report`, `picture`, `4d` or empty.
        why: Why it was taken or left, in words.
    """

    series: int
    description: str
    kernel: str
    images: int
    coverage_mm: float
    spacing_mm: tuple[float, float]
    tilt_degrees: float
    contrast_told: bool
    contrast_seen: bool | None
    role: str
    why: str

    @property
    def cells(self) -> tuple[str, ...]:
        """Texts in the order of `HEADER`."""
        low, high = (f"{mm:.2f}".rstrip("0").rstrip(".") for mm in self.spacing_mm)
        seen = {None: "not looked at", True: "seen", False: "not seen"}
        told = "told" if self.contrast_told else "not told"
        return (
            str(self.series),
            self.description or "-",
            self.kernel or "-",
            str(self.images),
            f"{self.coverage_mm:.0f}" if self.coverage_mm else "-",
            "-" if not self.spacing_mm[1] else low if low == high else f"{low}-{high}",
            f"{self.tilt_degrees:.1f}" if self.tilt_degrees >= 0.05 else "-",
            f"{told}, {seen[self.contrast_seen]}",
            self.role or "-",
            self.why,
        )


def describe_series(rows: Sequence[SeriesRow]) -> str:
    """Lay the table out for a console, one line a series."""
    table = [HEADER, *(row.cells for row in rows)]
    widths = [max(len(line[i]) for line in table) for i in range(len(HEADER) - 1)]
    return "\n".join(
        "  ".join([*(f"{c:{w}}" for c, w in zip(line, widths, strict=False)), line[-1]])
        for line in table
    )


def as_row(raw: dict[str, object]) -> SeriesRow:
    """Read a row of import.json.

    Raises:
        TypeError: If fields are missing or unknown.
    """
    fields = dict(raw)
    low, high = fields["spacing_mm"]  # type: ignore[misc]
    return SeriesRow(**(fields | {"spacing_mm": (float(low), float(high))}))  # type: ignore[arg-type, has-type]
