"""How often one test of several methods finds what is not there, and what is.

    python -m benchmarks.overall
    python -m benchmarks.overall --family --studies 2000

Answers on a scale of five, or their upper half as yes and no, of readers (0.5 standard
deviations) and cases (0.8), of cases that suit a method (0.5 or 0.3), and of readers
who like one (0.3 or none), with noise of 1. Nothing is planted, or each method is 0.25
higher than the one before. Beside the crossed test stands the customary one: Cochran's
Q, or Friedman's. `--family` prints how often a report claims that any two of three
methods differ, where none does.
"""

import argparse

import numpy as np
from scipy.stats import f as f_distribution
from scipy.stats import friedmanchisquare
from statsmodels.stats.contingency_tables import cochrans_q

from analysis.arrays import FloatArray, IntArray
from analysis.multireader.clusters import Clusters
from analysis.questions.overall import Kind, MethodsTested, compare_methods, crossed_f

STUDIES, SEED = 1_000, 7
SIZES = ((4, 20), (6, 40), (10, 30))
_CUTS = (-1.2, -0.3, 0.4, 1.2)
_HALF = 1.5
_LEVEL = 0.05


def drawn(
    size: tuple[int, int],
    k: int,
    rng: np.random.Generator,
    *,
    apart: float = 0.0,
    liking: float = 0.0,
) -> tuple[FloatArray, IntArray, IntArray]:
    """Draw steps `(n, k)` of k methods, and the reader and case of each row.

    Args:
        size: Readers and cases.
        k: Methods.
        rng: Source of chance.
        apart: How much higher each method is than the one before.
        liking: Standard deviation of what a reader adds to a method.
    """
    readers, cases = size
    suits = 0.5 if liking else 0.3
    seen = (
        0.5 * rng.standard_normal((readers, 1, 1))
        + 0.8 * rng.standard_normal((1, cases, 1))
        + liking * rng.standard_normal((readers, 1, k))
        + suits * rng.standard_normal((1, cases, k))
        + rng.standard_normal((readers, cases, k))
        + apart * np.arange(k)
    )
    reader, case = np.divmod(np.arange(readers * cases), cases)
    return np.digitize(seen, _CUTS).reshape(-1, k).astype(float), reader, case


def claimed(
    values: FloatArray, clusters: Clusters, *, shares: bool
) -> tuple[bool, bool]:
    """Return whether the customary and the crossed test claim a difference."""
    if shares:
        values = (values > _HALF) * 1.0
        customary = cochrans_q(values).pvalue
    else:
        customary = friedmanchisquare(*values.T).pvalue
    statistic, df = crossed_f(values, clusters)
    crossed = f_distribution.sf(statistic, *df)
    return bool(customary < _LEVEL), bool(crossed < _LEVEL)


def told_apart(
    size: tuple[int, int], rng: np.random.Generator, *, shares: bool, liking: float
) -> bool:
    """Draw three methods that are alike; return whether any two are claimed to differ.

    No two are where all together are not: their p-value is never below that of all.
    """
    values, *who = drawn(size, 3, rng, liking=liking)
    values = (values > _HALF) * 1.0 if shares else values
    statistic, df = crossed_f(values, Clusters(*who))
    if f_distribution.sf(statistic, *df) >= _LEVEL:
        return False
    kind: Kind = "share" if shares else "steps"
    found = compare_methods(values, *who, ("a", "b", "c"), kind)
    if not isinstance(found, MethodsTested):
        raise TypeError(found)
    return any(p < _LEVEL for p in found.adjusted)


def family(studies: int) -> None:
    """Print how often any two of three methods that are alike are claimed to differ."""
    print("| answers | liking | readers x cases | any two, false % |")
    print("|---|---|---|---|")
    for shares, liking, size in (
        (shares, liking, size)
        for shares in (True, False)
        for liking in (0.0, 0.3)
        for size in SIZES
    ):
        rng = np.random.default_rng(SEED)
        found = [
            told_apart(size, rng, shares=shares, liking=liking) for _ in range(studies)
        ]
        name = "yes and no" if shares else "five steps"
        rate = 100 * np.mean(found)
        row = f"| {name} | {liking:g} | {size[0]} x {size[1]} | {rate:.1f} |"
        print(row, flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=STUDIES)
    parser.add_argument("--family", action="store_true")
    given = parser.parse_args()
    if given.family:
        family(given.studies)
        return
    print("| answers | liking | methods | readers x cases | customary, false % | "
          "crossed, false % | crossed, found % |")  # fmt: skip
    print("|---|---|---|---|---|---|---|")
    for shares, liking, k, size in (
        (shares, liking, k, size)
        for shares in (True, False)
        for liking in (0.0, 0.3)
        for k in (3, 4)
        for size in SIZES
    ):
        rates = []
        for apart in (0.0, 0.25):
            rng, found = np.random.default_rng(SEED), []
            for _ in range(given.studies):
                values, *who = drawn(size, k, rng, apart=apart, liking=liking)
                found.append(claimed(values, Clusters(*who), shares=shares))
            rates.append(100 * np.mean(found, axis=0))
        (customary, false), (_, power) = rates
        name = "yes and no" if shares else "five steps"
        print(
            f"| {name} | {liking:g} | {k} | {size[0]} x {size[1]} | {customary:.1f} | "
            f"{false:.1f} | {power:.1f} |"
        )


if __name__ == "__main__":
    main()
