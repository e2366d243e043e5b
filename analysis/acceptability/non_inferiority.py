"""Is the test method at most a margin worse than the reference method?"""

from dataclasses import dataclass

from analysis.acceptability.paired_proportions import tango_interval
from analysis.intervals import ConfidenceInterval
from analysis.multireader.estimate import ClusteredEstimate


@dataclass(frozen=True, eq=False)
class NonInferiority:
    """Result of `non_inferiority`.

    Attributes:
        difference: Proportion acceptable, test minus reference.
        margin: Largest loss that is accepted.
        confidence_level: Level of the two-sided interval.
        interval: Of the difference.
        non_inferior: Whether its lower limit is above -margin; None where it has none.
        test: Name of the test method.
        reference: Name of the reference method.
    """

    difference: ClusteredEstimate
    margin: float
    confidence_level: float
    interval: ConfidenceInterval
    non_inferior: bool | None
    test: str = "test"
    reference: str = "reference"

    @property
    def words(self) -> str:
        """The decision as a sentence."""
        if self.non_inferior is None:
            return (
                f"Whether {self.test} is non-inferior to {self.reference} cannot be "
                f"judged: {self.difference.undefined_reason}.{self._bound}"
            )
        found = (
            f"the {self.confidence_level:.0%} interval of the difference, "
            f"{self.interval.low:.3f} to {self.interval.high:.3f}, "
        )
        if self.non_inferior:
            better = ", and above 0" if self.interval.low > 0 else ""
            return (
                f"{self.test} is non-inferior to {self.reference}: {found}lies above "
                f"the margin of {-self.margin:g}{better}."
            )
        if self.interval.high < -self.margin:
            return (
                f"{self.test} is inferior to {self.reference}: {found}lies below the "
                f"margin of {-self.margin:g}."
            )
        return (
            f"Non-inferiority of {self.test} to {self.reference} is not shown: {found}"
            f"reaches to or below the margin of {-self.margin:g}."
        )

    @property
    def _bound(self) -> str:
        """What one observation per case would tell, where no pair differs."""
        if self.difference.estimate != 0 or not self.difference.n_cases:
            return ""
        bound = tango_interval(0, 0, self.difference.n_cases, self.confidence_level)
        return (
            f" Were each of the {self.difference.n_cases} cases a single pair, Tango's "
            f"interval would be {bound.low:.3f} to {bound.high:.3f}."
        )


def non_inferiority(
    difference: ClusteredEstimate,
    margin: float | None,
    *,
    confidence_level: float = 0.95,
    test: str = "test",
    reference: str = "reference",
) -> NonInferiority:
    """Decide on non-inferiority: the lower limit must lie above -margin.

    Without a pair that differs the interval carries no information, and no decision is
    made: agreement of every pair seen is no proof about those not seen.

    Args:
        difference: Proportion acceptable, test minus reference.
        margin: Stated before the data were seen; None is refused.
        confidence_level: Of the two-sided interval; 0.95 is a one-sided level of 0.025.
        test: Name of the test method.
        reference: Name of the reference method.

    Raises:
        ValueError: If no margin is given or it is impossible.

    References:
        Piaggio G et al. JAMA 2012;308:2594. doi:10.1001/jama.2012.87802
    """
    if margin is None:
        msg = (
            "A non-inferiority margin must be stated before the data are seen, got none"
        )
        raise ValueError(msg)
    if not 0 < margin < 1:
        msg = f"Non-inferiority margin must be between 0 and 1, got {margin:g}"
        raise ValueError(msg)
    interval = difference.confidence_interval(confidence_level)
    known = difference.undefined_reason is None
    decision = interval.low > -margin if known else None
    return NonInferiority(
        difference, margin, confidence_level, interval, decision, test, reference
    )
