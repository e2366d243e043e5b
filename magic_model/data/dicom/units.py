"""Units of perfusion maps as DICOM files write them."""

from magic_model.data.volume import UNITS, Kind
from magic_model.errors import DataError

BRAIN_DENSITY = 1.05
"""g/mL; vendors give flow and volume per 100 g or per 100 mL of tissue."""

_PER_100_ML = 1 / BRAIN_DENSITY

_FACTORS: dict[str, dict[str, float]] = {
    "mL/100g/min": {
        "ml/100g/min": 1.0,
        "ml/min/100g": 1.0,
        "ml/100ml/min": _PER_100_ML,
        "ml/min/100ml": _PER_100_ML,
    },
    "mL/100g": {"ml/100g": 1.0, "ml/100ml": _PER_100_ML, "%": _PER_100_ML},
    "s": {"s": 1.0, "sec": 1.0, "seconds": 1.0, "ms": 0.001, "msec": 0.001},
}

_UNSPECIFIED = ("", "us")  # DICOM PS3.3 C.11.1.1.2


def factor_to(kind: Kind, unit: str) -> float | None:
    """Find what to multiply by to reach the unit of a kind.

    Args:
        kind: A perfusion map.
        unit: In UCUM or as a vendor writes it; case, spaces and brackets do not count.

    Returns:
        The factor, or None where the unit is left unspecified.

    Raises:
        DataError: If it is no unit of such a map.

    Examples:
        >>> factor_to(Kind.MTT, "ms")
        0.001
        >>> factor_to(Kind.CBF, "ml/[100]g/min")
        1.0
    """
    written = unit.lower().translate(str.maketrans("", "", " []{}()*"))
    if written in _UNSPECIFIED:
        return None
    factors = _FACTORS[UNITS[kind]]
    if written not in factors:
        msg = f"unit of {kind} must be {UNITS[kind]} or convertible, got {unit!r}"
        raise DataError(msg)
    return factors[written]
