"""How severe an infarction is, from the volumes of core and tissue at risk."""

import math
from enum import StrEnum

_SEVERE_ABOVE = 0.5


UNKNOWN = "unknown"
"""Stands in tables that must say something where no class can be told."""


class Severity(StrEnum):
    """Classes of the paper, section 2.1.3."""

    NONE = "none"
    MILD_MODERATE = "mild_moderate"
    SEVERE = "severe"


def mismatch_ratio(core_ml: float, penumbra_ml: float) -> float:
    """Ratio of core to tissue at risk, which RAPID calls the mismatch ratio.

    Args:
        core_ml: Volume with CBF below 30 % of normal tissue.
        penumbra_ml: Volume of tissue at risk, Tmax above 6 s (the core counts in it).

    Returns:
        The ratio; 0 without a core, infinite for a core without tissue at risk.

    Raises:
        ValueError: If a volume is negative or no number.
    """
    for name, volume in (("Core", core_ml), ("Tissue at risk", penumbra_ml)):
        if not volume >= 0:
            msg = f"{name} must be 0 mL or more, got {volume}"
            raise ValueError(msg)
    if core_ml == 0:
        return 0.0
    return core_ml / penumbra_ml if penumbra_ml else math.inf


def severity_class(ratio: float) -> Severity:
    """Class of a mismatch ratio: none at 0, mild to moderate up to 0.5, then severe."""
    if ratio == 0:
        return Severity.NONE
    return Severity.SEVERE if ratio > _SEVERE_ABOVE else Severity.MILD_MODERATE
