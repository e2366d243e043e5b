"""Resampling of cases, or of readers and cases, by multiplicities only.

A resample is how often each reader and each case was drawn; a pair of theirs counts as
often as the two together. Tables of all resamples are then one product of matrices.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from analysis.arrays import FloatArray, IntArray
from analysis.multireader.clusters import Clusters

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
        if self.n_resamples < 100:
            msg = f"Resamples must be 100 or more, got {self.n_resamples}"
            raise ValueError(msg)
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
