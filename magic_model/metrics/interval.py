"""A confidence interval."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """Limits of a confidence interval; NaN where none can be given."""

    low: float
    high: float
