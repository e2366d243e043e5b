"""Variance of a mean over pairs that share readers and cases, and its resampling.

All functions take values of many estimates at once, `(..., n)`, each row with mean 0.

Readers and cases both as samples: a pair's value is taken as effect of its case +
effect of its reader + residual. If each of m readers has read each of K cases, the
variance of the mean is then (MS_case + MS_reader - MS_residual) / (K m), from the
analysis of variance; it takes two readers and two cases at least.

A resample is how often each reader and each case was drawn; a pair of theirs counts as
often as the two together. Tables of all resamples are then one product of matrices.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple, get_args

import numpy as np

from analysis.arrays import FloatArray, IntArray
from analysis.errors import as_whole


class Spread(NamedTuple):
    """Variance of a mean and the degrees of freedom it rests on, each `(...)`."""

    variance: FloatArray
    df: FloatArray


@dataclass(frozen=True, eq=False)
class Clusters:
    """Which pairs share a reader, and which a case.

    Attributes:
        reader: `(n,)` any whole numbers, one per reader.
        case: `(n,)` any whole numbers, one per case.
    """

    reader: IntArray
    case: IntArray

    @cached_property
    def of_reader(self) -> FloatArray:
        """`(n, readers)` 1 where the pair is the reader's."""
        return _indicators(self.reader)

    @cached_property
    def of_case(self) -> FloatArray:
        """`(n, cases)` 1 where the pair is the case's."""
        return _indicators(self.case)

    @cached_property
    def per_reader(self) -> FloatArray:
        """`(readers,)` number of pairs of each reader."""
        return np.asarray(self.of_reader.sum(axis=0))

    @cached_property
    def per_case(self) -> FloatArray:
        """`(cases,)` number of pairs of each case."""
        return np.asarray(self.of_case.sum(axis=0))

    @property
    def n(self) -> int:
        """Number of pairs."""
        return len(self.reader)

    @property
    def n_readers(self) -> int:
        """Number of readers that have a pair."""
        return len(self.per_reader)

    @property
    def n_cases(self) -> int:
        """Number of cases that have a pair."""
        return len(self.per_case)


def independent_spread(clusters: Clusters, values: FloatArray) -> Spread:
    """Take each pair as independent of all others, with z."""
    variance = np.asarray((values**2).sum(axis=-1) / clusters.n**2)
    return Spread(variance, np.full_like(variance, np.inf))


def patient_spread(clusters: Clusters, values: FloatArray) -> Spread:
    """Take cases as a sample and readers as they are, with t of K - 1.

    References:
        Yang Z, Zhou M. Comput Stat Data Anal 2015;82:1.
    """
    sums = values @ clusters.of_case
    scale = clusters.n_cases / (clusters.n_cases - 1) / clusters.n**2
    variance = np.asarray(scale * (sums**2).sum(axis=-1))
    return Spread(variance, np.full_like(variance, clusters.n_cases - 1))


def jackknife_spread(without_each: FloatArray) -> Spread:
    """Variance of an estimate from its values `(..., K)` without each case in turn."""
    cases = without_each.shape[-1]
    centred = without_each - without_each.mean(axis=-1, keepdims=True)
    variance = np.asarray((cases - 1) / cases * (centred**2).sum(axis=-1))
    return Spread(variance, np.full_like(variance, cases - 1))


def _indicators(positions: IntArray) -> FloatArray:
    """`(n, clusters)` of those clusters that have a member."""
    found, place = np.unique(positions, return_inverse=True)
    return np.eye(len(found))[place]


Limits = Literal["percentile", "bca"]
_CHUNK = 2_000


@dataclass(frozen=True)
class Bootstrap:
    """How to resample.

    Attributes:
        n_resamples: 100 or more.
        seed: The same seed gives the same resamples.
        limits: `percentile`, or `bca`: bias-corrected and accelerated (Efron B. J Am
            Stat Assoc 1987;82:171. doi:10.1080/01621459.1987.10478410).
    """

    n_resamples: int = 2_000
    seed: int = 0
    limits: Limits = "percentile"

    def __post_init__(self) -> None:
        if as_whole("Resamples", self.n_resamples) < 100:
            msg = f"Resamples must be 100 or more, got {self.n_resamples}"
            raise ValueError(msg)
        as_whole("Seed", self.seed)
        if self.limits not in get_args(Limits):
            msg = f"Limits must be percentile or bca, got {self.limits!r}"
            raise ValueError(msg)


def multiplicities(
    clusters: Clusters, bootstrap: Bootstrap, *, readers_too: bool
) -> tuple[IntArray, IntArray]:
    """Draw how often each reader and each case occurs, `(resamples, .)` each."""
    rng = np.random.default_rng(bootstrap.seed)
    cases = _drawn(rng, clusters.n_cases, bootstrap.n_resamples)
    if readers_too:
        return _drawn(rng, clusters.n_readers, bootstrap.n_resamples), cases
    once = np.ones((bootstrap.n_resamples, clusters.n_readers), dtype=np.int64)
    return once, cases


def resampled_sums(
    clusters: Clusters,
    values: FloatArray,
    bootstrap: Bootstrap,
    *,
    readers_too: bool,
) -> FloatArray:
    """Sum the values of the pairs in each resample.

    Args:
        clusters: Who read what.
        values: `(n, v)` of each pair, such as the cell of the table that it is in.
        bootstrap: How to resample.
        readers_too: Draw readers as well as cases (the pigeonhole bootstrap of Owen
            AB. Ann Appl Stat 2007;1:386. doi:10.1214/07-AOAS122).

    Returns:
        `(resamples, v)`.
    """
    readers, cases = multiplicities(clusters, bootstrap, readers_too=readers_too)
    by_both = np.einsum(
        "nk,nm,nv->kmv", clusters.of_case, clusters.of_reader, values, optimize=True
    )
    n_cases, n_readers, v = by_both.shape
    flat = by_both.reshape(n_cases, -1)
    sums = [
        np.einsum("bm,bmv->bv", r, (c @ flat).reshape(-1, n_readers, v))
        for r, c in zip(_chunks(readers), _chunks(cases), strict=True)
    ]
    return np.concatenate(sums)


def acceleration(
    clusters: Clusters, influence: FloatArray, *, readers_too: bool
) -> float:
    """Skewness of what a case, and a reader, contributes, over 6 (Efron 1987)."""
    parts = [influence @ clusters.of_case]
    if readers_too:
        parts.append(influence @ clusters.of_reader)
    contributions = np.concatenate(parts)
    spread = float((contributions**2).sum())
    return float((contributions**3).sum()) / (6 * spread**1.5) if spread else 0.0


def _drawn(rng: np.random.Generator, size: int, n_resamples: int) -> IntArray:
    return rng.multinomial(size, np.full(size, 1 / size), n_resamples)


def _chunks(rows: IntArray) -> list[FloatArray]:
    """Some resamples at a time, so that memory stays small."""
    as_float = rows.astype(np.float64)
    return [as_float[i : i + _CHUNK] for i in range(0, len(rows), _CHUNK)]


class Components(NamedTuple):
    """Variance of one pair's value by its source, each `(...)`; may be negative."""

    case: FloatArray
    reader: FloatArray
    residual: FloatArray


def variance_components(clusters: Clusters, values: FloatArray) -> Components:
    """Split the variance of a pair into case, reader and residual.

    Henderson's method 1, unbiased with pairs missing; of a complete design it is the
    analysis of variance. What the design cannot tell apart, as the case from the
    residual where each case has one reader, is shared among the sources.

    References:
        Searle SR, Casella G, McCulloch CE. Variance Components. Wiley 1992, ch. 5.3.
    """
    squares = np.stack(
        [
            ((values @ clusters.of_case) ** 2 / clusters.per_case).sum(axis=-1),
            ((values @ clusters.of_reader) ** 2 / clusters.per_reader).sum(axis=-1),
            (values**2).sum(axis=-1),
        ],
        axis=-1,
    )
    components = squares @ _from_squares(clusters).T
    return Components(*np.moveaxis(components, -1, 0))


def crossed_spread(
    clusters: Clusters, values: FloatArray, *, conservative: bool = False
) -> Spread:
    """Take readers and cases as samples, with Satterthwaite's t.

    A component that comes out negative counts as 0: two sources cannot vary less than
    one of them. Where few cases or readers make up a mean square, it is less certain
    than normal values would make it, and counts fewer degrees of freedom.

    Args:
        clusters: Who read what.
        values: `(..., n)`.
        conservative: Do not take off the residual that the mean squares of cases and of
            readers both contain.

    References:
        Satterthwaite FE. Biometrics 1946;2:110. doi:10.2307/3002019
    """
    components = variance_components(clusters, values)
    at_least_0 = Components(*(np.maximum(part, 0.0) for part in components))
    return _spread_of(
        clusters,
        at_least_0,
        (
            _freedom(values @ clusters.of_case / clusters.per_case),
            _freedom(values @ clusters.of_reader / clusters.per_reader),
        ),
        conservative=conservative,
    )


def unbiased_spread(clusters: Clusters, values: FloatArray) -> Spread:
    """Take readers and cases as samples, negative components as they come.

    The variance may be negative too. Of a proportion in a complete design it is the
    U-statistic of Gallas (package iMRMC).

    References:
        Gallas BD. Acad Radiol 2006;13:353. doi:10.1016/j.acra.2005.11.030
    """
    return _spread_of(clusters, variance_components(clusters, values))


def _freedom(means: FloatArray) -> FloatArray:
    """Degrees of freedom of the mean square of values `(..., clusters)`.

    2 n / (kurtosis - 1), which is n for the normal distribution; n - 1 at most.

    References:
        O'Neill B. Am Stat 2014;68:282. doi:10.1080/00031305.2014.966589
    """
    n = means.shape[-1]
    squares = (means - means.mean(axis=-1, keepdims=True)) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        kurtosis = (squares**2).mean(axis=-1) / squares.mean(axis=-1) ** 2
        found = 2 * n / np.maximum(kurtosis - 1, 1e-12)
    return np.asarray(np.fmin(n - 1, found))


def _spread_of(
    clusters: Clusters,
    components: Components,
    freedom: tuple[FloatArray, FloatArray] | None = None,
    *,
    conservative: bool = False,
) -> Spread:
    n, n_cases, n_readers = clusters.n, clusters.n_cases, clusters.n_readers
    case, reader, residual = components
    of_case = case * _load(clusters.per_case)
    of_reader = reader * _load(clusters.per_reader)
    total = of_case + of_reader + residual
    of_cases, of_readers = freedom or (n_cases - 1, n_readers - 1)
    uncertainty = (of_case + residual) ** 2 / of_cases
    uncertainty += (of_reader + residual) ** 2 / of_readers
    free = n - n_cases - n_readers + 1
    if free > 0:
        uncertainty += residual**2 / free
    with np.errstate(divide="ignore", invalid="ignore"):
        df = np.asarray(total**2 / uncertainty)
    # The same quantile with more variance, so that it is never the narrower one.
    extra = residual if conservative else 0.0
    return Spread(np.asarray((total + extra) / n), df)


def _load(per_cluster: FloatArray) -> float:
    """Mean number of pairs in the cluster of a pair; m for the cases of K x m."""
    return float((per_cluster**2).sum() / per_cluster.sum())


def _from_squares(clusters: Clusters) -> FloatArray:
    """`(3, 3)` from sums of squares (case, reader, total) to the components.

    Expectations of the sums, about the mean; their pseudo-inverse leaves 0 what the
    design says nothing about.
    """
    n, n_cases, n_readers = clusters.n, clusters.n_cases, clusters.n_readers
    of_case, of_reader = _load(clusters.per_case), _load(clusters.per_reader)
    expectations = [
        [n - of_case, n_cases - of_reader, n_cases - 1],
        [n_readers - of_case, n - of_reader, n_readers - 1],
        [n - of_case, n - of_reader, n - 1],
    ]
    return np.asarray(np.linalg.pinv(np.array(expectations, dtype=float), rcond=1e-10))
