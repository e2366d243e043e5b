"""Is one method accepted more often? McNemar's test for pairs that share a patient.

A patient has n pairs: b in which only the test method is acceptable, c in which only
the reference method is, d = b - c. Each test is a chi-square with one degree of
freedom. All take patients as independent and readers as they are.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import chdtrc

from analysis.acceptability.acceptance import Acceptance
from analysis.arrays import FloatArray
from analysis.symmetry import NO_DISAGREEMENT, TestResult

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
