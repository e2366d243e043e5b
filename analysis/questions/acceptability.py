"""Question 2, diagnostic quality: is the test method as acceptable as the reference?

In the clustered tests a patient has n pairs: b in which only the test method is
acceptable, c in which only the reference method is, d = b - c. Each test is a
chi-square with one degree of freedom. All take patients as independent and readers as
they are.
"""

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.optimize import brentq
from scipy.special import chdtrc

from analysis.arrays import BoolArray, FloatArray, IntArray
from analysis.intervals import ConfidenceInterval, normal_quantile
from analysis.multireader import score
from analysis.multireader.estimate import ClusteredEstimate, Variance, mean_of
from analysis.multireader.pairs import Pairs
from analysis.showing import Shown
from analysis.symmetry import NO_DISAGREEMENT, TestResult
from analysis.tables import ContingencyTable
from reader_study.formats.questionnaire import Code


def tango_interval(
    only_test: int, only_reference: int, n: int, confidence_level: float = 0.95
) -> ConfidenceInterval:
    """Tango's score interval of the difference, test minus reference.

    Args:
        only_test: Pairs in which only the test method has the property.
        only_reference: Pairs in which only the reference method has it.
        n: All pairs; with 0 the limits are NaN, with the reason.
        confidence_level: Between 0 and 1.

    Raises:
        ValueError: If the counts or the level are impossible.

    References:
        Tango T. Stat Med 1998;17:891.
        doi:10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B

    Examples:
        >>> interval = tango_interval(0, 1, 44)
        >>> round(interval.low, 4), round(interval.high, 4)
        (-0.1181, 0.0594)
    """
    z = normal_quantile(confidence_level)
    if min(only_test, only_reference) < 0 or only_test + only_reference > n:
        msg = (
            f"Pairs that differ must be 0 or more and at most n = {n} in all, "
            f"got {only_test} and {only_reference}"
        )
        raise ValueError(msg)
    if n == 0:
        return ConfidenceInterval(math.nan, math.nan, "there are no pairs")
    if only_test + only_reference == 0:
        limit = z**2 / (n + z**2)
        return ConfidenceInterval(-limit, limit)

    def beyond(difference: float) -> float:
        distance = only_test - only_reference - n * difference
        spread = tango_variance(only_test, only_reference, n, difference)
        return distance**2 - z**2 * spread

    # Where all pairs gained, the variance at 1 is 0; just inside, it is not.
    seen = max(-1 + 1e-9, min(1 - 1e-9, (only_test - only_reference) / n))
    low = -1.0 if only_reference == n else brentq(beyond, -1, seen, xtol=1e-14)
    high = 1.0 if only_test == n else brentq(beyond, seen, 1, xtol=1e-14)
    return ConfidenceInterval(float(low), float(high))


def tango_variance(
    only_test: int, only_reference: int, n: int, difference: float
) -> float:
    """Variance of the number gained if the true difference were the one given."""
    linear = (2 * n + only_reference - only_test) * difference
    linear -= only_test + only_reference
    constant = -only_reference * difference * (1 - difference)
    root = math.sqrt(max(0.0, linear**2 - 8 * n * constant))
    lost = (root - linear) / (4 * n)
    return max(0.0, n * (2 * lost + difference * (1 - difference)))


@dataclass(frozen=True, eq=False)
class NonInferiority(Shown):
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
                f"judged: {self.difference.undefined_reason}."
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
    def p_value(self) -> float:
        """One-sided p-value of the hypothesis that the loss is the margin or more."""
        return self.difference.p_above(-self.margin)


def non_inferiority(
    difference: ClusteredEstimate,
    margin: float | None,
    *,
    confidence_level: float = 0.95,
    test: str = "test",
    reference: str = "reference",
) -> NonInferiority:
    """Decide on non-inferiority: the lower limit must lie above -margin.

    Where no pair differs, all pairs of a case count as one: agreement of every pair
    seen is no proof about those not seen.

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
    decision = bool(interval.low > -margin) if known else None
    return NonInferiority(
        difference, margin, confidence_level, interval, decision, test, reference
    )


@dataclass(frozen=True, eq=False)
class Acceptance:
    """Whether a reader accepted the pictures of a case under each method.

    Attributes:
        reader: `(n,)` whole numbers, one per reader.
        case: `(n,)` whole numbers, one per case.
        reference: `(n,)` whether the picture of the reference method was acceptable.
        test: `(n,)` whether that of the test method was.
    """

    reader: IntArray
    case: IntArray
    reference: BoolArray
    test: BoolArray

    @property
    def n(self) -> int:
        """Number of pairs."""
        return len(self.reader)

    @property
    def only_test(self) -> int:
        """Pairs in which only the test method was acceptable."""
        return int((self.test & ~self.reference).sum())

    @property
    def only_reference(self) -> int:
        """Pairs in which only the reference method was acceptable."""
        return int((self.reference & ~self.test).sum())

    @property
    def table(self) -> ContingencyTable:
        """The pairs, reference method in rows, acceptable first."""
        return ContingencyTable.from_pairs(
            np.where(self.reference, "acceptable", "not acceptable").tolist(),
            np.where(self.test, "acceptable", "not acceptable").tolist(),
            ("acceptable", "not acceptable"),
        )


def acceptance_of(pairs: Pairs, acceptable: Collection[Code]) -> Acceptance:
    """Split the answers into acceptable and not.

    Args:
        pairs: Answers to a question of diagnostic quality.
        acceptable: Codes that count as acceptable; all others do not.

    Raises:
        ValueError: If none or all codes of the scale are acceptable, or one is not on
            the scale.
    """
    unknown = [str(code) for code in acceptable if code not in pairs.categories]
    if unknown:
        got = ", ".join(unknown)
        msg = f"Acceptable codes must be on the scale {pairs.categories}, got {got}"
        raise ValueError(msg)
    accepted = np.array([code in acceptable for code in pairs.categories], dtype=bool)
    if accepted.all() or not accepted.any():
        msg = f"Some codes must be acceptable and some not, got {sorted(acceptable)}"
        raise ValueError(msg)
    return Acceptance(
        pairs.reader, pairs.case, accepted[pairs.reference], accepted[pairs.test]
    )


def acceptable_difference(
    acceptance: Acceptance, variance: Variance = "crossed"
) -> ClusteredEstimate:
    """Proportion acceptable, test minus reference.

    Its interval is Tango's score interval on the effective number of pairs.

    Args:
        acceptance: The pairs.
        variance: What varies from study to study; see `from_influence`.
    """
    gained = acceptance.test.astype(np.int64) - acceptance.reference
    found = mean_of(gained, acceptance.reader, acceptance.case, variance=variance)
    if variance not in score.SCORED or not acceptance.n:
        return found
    moved = (acceptance.only_test, acceptance.only_reference, acceptance.n)

    def at(difference: float) -> score.Truth:
        spread = tango_variance(*moved, difference) / acceptance.n**2
        return score.Truth(difference, spread)

    truths = score.Truths(at, found.estimate, -1.0, 1.0)
    return score.with_score_interval(replace(found, bounds=(-1.0, 1.0)), truths)


ClusteredMethod = Literal["obuchowski", "durkalski", "yang", "eliasziw"]


@dataclass(frozen=True, eq=False)
class _PerPatient:
    """Counts `(K,)` of each patient: both acceptable, only one, neither."""

    both: FloatArray
    only_test: FloatArray
    only_reference: FloatArray
    neither: FloatArray

    @property
    def gain(self) -> FloatArray:
        return self.only_test - self.only_reference

    @property
    def n(self) -> FloatArray:
        return self.both + self.only_test + self.only_reference + self.neither


def clustered_mcnemar(
    acceptance: Acceptance, method: ClusteredMethod = "obuchowski"
) -> TestResult:
    """McNemar's test with patients as clusters.

    Args:
        acceptance: The pairs.
        method: `obuchowski` (variance under the null), `durkalski` (patients weigh the
            same whatever their number of pairs), `yang` (mean of the variances under
            the null and at the estimate) or `eliasziw` (McNemar's statistic over a
            factor from the correlation within patients).

    Returns:
        The test; without a disagreeing pair 0 and p = 1, with the reason.

    Raises:
        ValueError: If the method is unknown.

    References:
        Obuchowski NA. Stat Med 1998;17:1495.
        doi:10.1002/(SICI)1097-0258(19980715)17:13<1495::AID-SIM863>3.0.CO;2-I
        Durkalski VL et al. Stat Med 2003;22:2417. doi:10.1002/sim.1438
        Yang Z, Sun X, Hardin JW. Biom J 2010;52:638. doi:10.1002/bimj.201000035
        Eliasziw M, Donner A. Stat Med 1991;10:1981. doi:10.1002/sim.4780101211
    """
    if method not in _STATISTICS:
        msg = f"Method must be one of {', '.join(_STATISTICS)}, got {method!r}"
        raise ValueError(msg)
    patients = _per_patient(acceptance)
    if not acceptance.n:
        return TestResult(math.nan, math.nan, 1, "there are no pairs")
    if not acceptance.only_test + acceptance.only_reference:
        return TestResult(0.0, 1.0, 1, NO_DISAGREEMENT)
    statistic = _STATISTICS[method](patients)
    if not math.isfinite(statistic):
        reason = "too few patients have pairs that disagree to tell their correlation"
        if patients.gain.any():
            return TestResult(math.nan, math.nan, 1, reason)
        statistic = 0.0
    return TestResult(statistic, float(chdtrc(1, statistic)), 1)


def _per_patient(acceptance: Acceptance) -> _PerPatient:
    patients, place = np.unique(acceptance.case, return_inverse=True)
    kinds = 2 * (~acceptance.reference).astype(np.int64) + ~acceptance.test
    counts = np.zeros((len(patients), 4))
    np.add.at(counts, (place, kinds), 1)
    both, only_reference, only_test, neither = counts.T
    return _PerPatient(both, only_test, only_reference, neither)


def _obuchowski(patients: _PerPatient) -> float:
    d, k = patients.gain, len(patients.n)
    return _ratio((k - 1) / k * d.sum() ** 2, (d**2).sum())


def _durkalski(patients: _PerPatient) -> float:
    share = patients.gain / patients.n
    return _ratio(share.sum() ** 2, (share**2).sum())


def _yang(patients: _PerPatient) -> float:
    d, n, k = patients.gain, patients.n, len(patients.n)
    centred = d - n * d.sum() / n.sum()
    return _ratio((k - 1) / k * d.sum() ** 2, (d**2 + centred**2).sum() / 2)


def _eliasziw(patients: _PerPatient) -> float:
    discordant = patients.only_test + patients.only_reference
    mcnemar = patients.gain.sum() ** 2 / discordant.sum()
    with_any = discordant[discordant > 0]
    if with_any.max() == 1:  # one per patient at most: nothing to correct for
        return float(mcnemar)
    if len(with_any) == 1:
        return math.nan
    correlation = _correlation_of_disagreement(patients)
    size = _typical_size(with_any)
    together = size + len(with_any) * (with_any.mean() - size)
    return _ratio(mcnemar, 1 + (together - 1) * correlation)


def _correlation_of_disagreement(patients: _PerPatient) -> float:
    """Correlation within patients, given that pairs disagree, from all four kinds."""
    n = patients.n[:, None]
    kinds = np.stack(
        [
            patients.both,
            patients.only_test,
            patients.only_reference,
            patients.neither,
        ],
        axis=1,
    )
    shares = kinds.sum(axis=0) / n.sum()
    between = ((kinds - n * shares) ** 2 / n).sum() / len(n)
    within = (kinds * (n - kinds) / n).sum() / (len(n) * (n.mean() - 1))
    size = _typical_size(patients.n)
    of_all = (between - within) / (between + (size - 1) * within)
    disagree = shares[1] + shares[2]
    return float(of_all / (of_all + disagree * (1 - of_all)))


def _typical_size(sizes: FloatArray) -> float:
    """Mean size of clusters, less what their variation takes off."""
    k, mean = len(sizes), sizes.mean()
    return float(mean - ((sizes - mean) ** 2).sum() / (k * (k - 1) * mean))


def _ratio(numerator: float, denominator: float) -> float:
    return float(numerator / denominator) if denominator > 0 else math.nan


_STATISTICS: dict[str, Callable[[_PerPatient], float]] = {
    "obuchowski": _obuchowski,
    "durkalski": _durkalski,
    "yang": _yang,
    "eliasziw": _eliasziw,
}
