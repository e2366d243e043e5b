"""Printed numbers: what an unrounded value must be to have been printed so."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

_ROUNDING_SLACK = 1e-9  # of a unit, so that binary halves round either way


@dataclass(frozen=True)
class PrintedNumber:
    """A number as it stands on paper; its digits tell how it was rounded.

    Raises:
        ValueError: If the text is not a finite number.

    Examples:
        >>> PrintedNumber("0.1885").fits(0.188474), PrintedNumber("0.19").fits(0.1846)
        (True, False)
        >>> PrintedNumber("53.24").units_from(53.623)
        38
    """

    text: str

    def __post_init__(self) -> None:
        try:
            finite = Decimal(self.text).is_finite()
        except InvalidOperation:
            finite = False
        if not finite:
            msg = f"A printed number must be finite, got {self.text!r}"
            raise ValueError(msg)

    @property
    def value(self) -> float:
        """The number."""
        return float(self.text)

    @property
    def decimals(self) -> int:
        """Digits after the decimal point."""
        return max(0, -int(Decimal(self.text).as_tuple().exponent))

    def fits(self, value: float) -> bool:
        """Return whether the value rounds to what is printed."""
        unit = 10.0**-self.decimals
        return abs(value - self.value) <= unit * (0.5 + _ROUNDING_SLACK)

    def units_from(self, value: float) -> int:
        """How many units of the last printed digit the rounded value is above it."""
        if self.fits(value):
            return 0
        return round((value - self.value) * 10.0**self.decimals)

    def format(self, value: float) -> str:
        """Write a value with as many digits as are printed."""
        return f"{value:.{self.decimals}f}"
