"""Do readers agree equally well with themselves across methods?"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, fdtrc

from analysis.arrays import FloatArray
from analysis.multireader.by_reader import KAPPA, of_reader
from analysis.multireader.kappa import Coefficient, linearise
from analysis.multireader.pairs import Pairs

_NO_SPREAD = 1e-10  # of a direction, relative to the widest, that counts as none


@dataclass(frozen=True)
class HomogeneityTest:
    """Test that a coefficient is the same for all readers.

    Attributes:
        statistic: Hotelling's T^2, the Wald statistic with the covariance of the
            readers' coefficients over their shared cases.
        df: Number of differences tested.
        df_residual: Cases - df, the second degrees of freedom of F.
        p_value: From F, which allows for the covariance being estimated.
        p_value_wald: From chi-square, for many cases.
        coefficients: Of each reader tested.
        left_out: Why a reader takes no part, by name.
        undefined_reason: Why there is no test, None where there is one.
    """

    statistic: float
    df: int
    df_residual: int
    p_value: float
    p_value_wald: float
    coefficients: dict[str, float]
    left_out: dict[str, str]
    undefined_reason: str | None = None


def homogeneity(pairs: Pairs, coefficient: Coefficient = KAPPA) -> HomogeneityTest:
    """Test that a coefficient, such as kappa, is the same for all readers.

    Readers share cases, so their coefficients go together; the covariance comes from
    the sums over cases of the products of their influence values, times K / (K - 1).

    Args:
        pairs: All pairs.
        coefficient: Which coefficient.

    References:
        Vanbelle S. Biom J 2017;59:1016. doi:10.1002/bimj.201600093
        Hotelling H. Ann Math Stat 1931;2:360. doi:10.1214/aoms/1177732979
    """
    alone = [linearise(of_reader(pairs, name), coefficient) for name in pairs.readers]
    left_out, kept = {}, []
    for index, (name, own) in enumerate(zip(pairs.readers, alone, strict=True)):
        if own.undefined_reason is None:
            kept.append(index)
        else:
            left_out[name] = own.undefined_reason
    found = {pairs.readers[i]: alone[i].estimate for i in kept}
    if len(kept) < 2:
        return _no_test(found, left_out, "fewer than two readers can be compared")
    cases = len(pairs.cases)
    if cases < len(kept):
        reason = f"{cases} cases are too few to compare {len(kept)} readers"
        return _no_test(found, left_out, reason)
    shares = np.zeros((cases, len(kept)))
    for column, index in enumerate(kept):
        own = pairs.reader == index
        influence = alone[index].influence
        shares[pairs.case[own], column] = influence / len(influence)
    covariance = cases / (cases - 1) * shares.T @ shares
    statistic, df = _wald(np.array(list(found.values())), covariance)
    if df == 0:
        return _no_test(found, left_out, "the readers do not vary")
    as_f = statistic * (cases - df) / (df * (cases - 1))
    return HomogeneityTest(
        statistic=statistic,
        df=df,
        df_residual=cases - df,
        p_value=float(fdtrc(df, cases - df, as_f)),
        p_value_wald=float(chdtrc(df, statistic)),
        coefficients=found,
        left_out=left_out,
    )


def _wald(values: FloatArray, covariance: FloatArray) -> tuple[float, int]:
    """Squared distance of the values from their all being equal, and its rank."""
    contrasts = np.eye(len(values))[1:] - np.eye(len(values))[:-1]
    difference = contrasts @ values
    spread, directions = np.linalg.eigh(contrasts @ covariance @ contrasts.T)
    seen = spread > _NO_SPREAD * max(spread.max(), np.finfo(float).tiny)
    along = directions[:, seen].T @ difference
    return float((along**2 / spread[seen]).sum()), int(seen.sum())


def _no_test(
    found: dict[str, float], left_out: dict[str, str], reason: str
) -> HomogeneityTest:
    return HomogeneityTest(
        math.nan, 0, 0, math.nan, math.nan, found, left_out, undefined_reason=reason
    )
