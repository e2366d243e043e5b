"""Donner and Eliasziw's goodness-of-fit test of kappa of two ratings."""

import numpy as np
from scipy.optimize import brentq
from scipy.special import chdtri, chndtr

from analysis.arrays import FloatArray
from analysis.power.normal import PowerTest, check_power


def noncentrality_per_pair(shares: FloatArray, kappa: float, null: float) -> float:
    """Noncentrality that one pair adds to the chi-square with 1 degree of freedom.

    Both ratings share the margins `shares`, `(k,)`. The cells are agreement in each
    category, and disagreement of any kind. For two categories and null = 0 it is
    kappa^2 whatever the margins.
    """
    expected = _cells(shares, null)
    difference = _cells(shares, kappa) - expected
    used = expected > 0
    return float((difference[used] ** 2 / expected[used]).sum())


def gof_power(shares: FloatArray, test: PowerTest, n: float) -> float:
    """Power at n pairs; the test is two-sided.

    References:
        Donner A, Eliasziw M. Stat Med 1992;11:1511. doi:10.1002/sim.4780111109. Several
        categories: Donner A. Stat Med 1999;18:1 (as in R's kappaSize, `Power3Cats`)
    """
    step = noncentrality_per_pair(shares, test.kappa, test.null)
    return 1 - float(chndtr(chdtri(1, test.alpha), 1, n * step))


def gof_sample_size(shares: FloatArray, test: PowerTest, power: float = 0.8) -> float:
    """Pairs needed for the power, unrounded; round up to use it."""
    check_power(power)
    critical = chdtri(1, test.alpha)

    def excess(noncentrality: float) -> float:
        return 1 - float(chndtr(critical, 1, noncentrality)) - power

    needed = float(brentq(excess, 1e-9, 1e4, xtol=1e-12))
    return needed / noncentrality_per_pair(shares, test.kappa, test.null)


def _cells(shares: FloatArray, kappa: float) -> FloatArray:
    agree = shares**2 + kappa * shares * (1 - shares)
    return np.append(agree, max(0.0, 1 - float(agree.sum())))
