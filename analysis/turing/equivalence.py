"""Is an estimate equivalent to chance? Two one-sided tests with a margin."""

import math
from dataclasses import dataclass

from analysis.intervals import ConfidenceInterval
from analysis.multireader.estimate import ClusteredEstimate


@dataclass(frozen=True, eq=False)
class Equivalence:
    """Result of `equivalence_to_chance`.

    Attributes:
        estimate: What was tested.
        chance: Its value by chance.
        margin: How far from chance still counts as chance.
        alpha: Level of each of the two tests.
        p_value: The larger of the two; NaN where nothing can be said.
        equivalent: Whether equivalence is shown, None where nothing can be said.
    """

    estimate: ClusteredEstimate
    chance: float
    margin: float
    alpha: float
    p_value: float
    equivalent: bool | None

    @property
    def interval(self) -> ConfidenceInterval:
        """The interval of level 1 - 2 alpha, which lies within the margin if shown."""
        return self.estimate.confidence_interval(1 - 2 * self.alpha)

    @property
    def words(self) -> str:
        """The result as a sentence."""
        low, high = self.chance - self.margin, self.chance + self.margin
        if self.equivalent is None:
            reason = self.estimate.undefined_reason
            return f"Equivalence to chance cannot be judged: {reason}."
        within = f"the {1 - 2 * self.alpha:.0%} interval, {self.interval.low:.3f} to "
        within += f"{self.interval.high:.3f}, "
        if self.equivalent:
            return f"Equivalent to chance: {within}lies within {low:g} to {high:g}."
        return (
            f"Equivalence to chance is not shown: {within}does not lie within {low:g} "
            f"to {high:g}."
        )


def equivalence_to_chance(
    estimate: ClusteredEstimate,
    margin: float | None,
    *,
    alpha: float = 0.05,
    chance: float = 0.5,
) -> Equivalence:
    """Test that an estimate is within a margin of chance.

    That a difference from chance is not significant shows nothing; this does.

    Args:
        estimate: Such as the balanced accuracy of all readers.
        margin: Stated before the data were seen; None is refused.
        alpha: Level of each test; 0.05 goes with a 90 % interval.
        chance: Value by chance.

    Raises:
        ValueError: If no margin is given, or it or the level is impossible.

    References:
        Schuirmann DJ. J Pharmacokinet Biopharm 1987;15:657. doi:10.1007/BF01068419
    """
    if margin is None:
        msg = "An equivalence margin must be stated before the data are seen, got none"
        raise ValueError(msg)
    if not 0 < margin <= chance:
        msg = (
            f"Equivalence margin must be above 0 and at most {chance:g}, got {margin:g}"
        )
        raise ValueError(msg)
    if not 0 < alpha < 0.5:
        msg = f"Alpha must be between 0 and 0.5, got {alpha:g}"
        raise ValueError(msg)
    not_low = one_sided_p(estimate, chance - margin)
    not_high = 1 - one_sided_p(estimate, chance + margin)
    p_value = math.nan if math.isnan(not_low) else max(not_low, not_high)
    shown = None if math.isnan(p_value) else p_value < alpha
    return Equivalence(estimate, chance, margin, alpha, p_value, shown)


def one_sided_p(estimate: ClusteredEstimate, null: float) -> float:
    """One-sided p-value of the hypothesis that the truth is at most `null`."""
    half = estimate.p_value(null) / 2
    return half if estimate.estimate > null else 1 - half
