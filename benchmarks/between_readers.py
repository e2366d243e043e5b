"""How often intervals of agreement between readers cover the truth, under one method.

    python -m benchmarks.between_readers
    python -m benchmarks.between_readers --repetitions 100
    python -m benchmarks.between_readers --claims

Draws studies of readers and cases in two ways that share nothing but the shares of the
answers, and prints the coverage of nominal 95 % intervals of percent agreement and of
Fleiss' kappa: with readers and patients random, and for these readers. The truth is
that of one study of 300 readers and 3,000 cases, whose own error is below 0.01.
`--claims` prints how often a plan's claim about one method is made where its bound is
the truth, so that it is false: 2.5 % by its level.
"""

import argparse
import itertools
import math
from collections.abc import Callable

import numpy as np
from scipy.special import ndtri

from analysis.arrays import FloatArray
from analysis.multireader import ClusteredEstimate, proportion_of
from analysis.questions.arms import agreement_between_readers

REPETITIONS, SEED = 400, 5
MARGINS = {
    "25/25/25/25": (0.25,) * 4,
    "60/40": (0.6, 0.4),
    "85/9/6": (0.85, 0.09, 0.06),
    "90/10": (0.9, 0.1),
}
SIZES = ((7, 20), (3, 50), (10, 15))
NAMES = ("percent_agreement", "fleiss_kappa")
VARIANCES = ("crossed_conservative", "jackknife")

Draw = Callable[[np.random.Generator, tuple[int, int], tuple[float, ...]], FloatArray]
"""Answers `(cases, readers)` of a study of readers and cases with these shares."""


def from_sources(
    rng: np.random.Generator, size: tuple[int, int], shares: tuple[float, ...]
) -> FloatArray:
    """Each answer is the case's (67 %), the reader's habit (14 %) or of its own."""
    readers, cases = size

    def drawn(*shape: int) -> FloatArray:
        found = rng.choice(len(shares), shape, p=shares).astype(float)
        return np.broadcast_to(found, (cases, readers))

    source = rng.random((cases, readers))
    own = np.where(source < 0.81, drawn(1, readers), drawn(cases, readers))
    return np.where(source < 0.67, drawn(cases, 1), own)


def from_thresholds(
    rng: np.random.Generator, size: tuple[int, int], shares: tuple[float, ...]
) -> FloatArray:
    """A severity (55 %), seen with an error (31 %) by own thresholds (14 %)."""
    readers, cases = size
    latent = (
        math.sqrt(0.55) * rng.standard_normal((cases, 1))
        + math.sqrt(0.14) * rng.standard_normal((1, readers))
        + math.sqrt(0.31) * rng.standard_normal((cases, readers))
    )
    return np.searchsorted(ndtri(np.cumsum(shares)[:-1]), latent).astype(float)


def truth(draw: Draw, shares: tuple[float, ...]) -> dict[str, float]:
    """Agreement and Fleiss' kappa of two readers from the population."""
    answers = draw(np.random.default_rng(SEED), (300, 3_000), shares)
    counts = (answers[..., None] == np.arange(len(shares))).sum(axis=1)
    readers = answers.shape[1]
    alike = (counts * (counts - 1)).sum() / (readers * (readers - 1) * len(counts))
    expected = ((counts.mean(axis=0) / readers) ** 2).sum()
    kappa = (alike - expected) / (1 - expected)
    return {"percent_agreement": float(alike), "fleiss_kappa": float(kappa)}


def coverage(
    draw: Draw, size: tuple[int, int], shares: tuple[float, ...], n: int
) -> dict[tuple[str, str], float]:
    """Share of intervals that hold the truth, of those that there are."""
    wanted, rng = truth(draw, shares), np.random.default_rng(SEED + 1)
    held: dict[tuple[str, str], list[bool]] = {}
    for _ in range(n):
        answers = draw(rng, size, shares)
        for name in NAMES:
            for variance in VARIANCES:
                found = agreement_between_readers(answers, len(shares), name, variance)
                if found.undefined_reason is None:
                    holds = _holds(found, wanted[name])
                    held.setdefault((name, variance), []).append(holds)
    return {key: float(np.mean(values)) for key, values in held.items()}


def _holds(estimate: ClusteredEstimate, value: float) -> bool:
    interval = estimate.confidence_interval()
    return interval.low <= value <= interval.high


def false_claims(
    draw: Draw, size: tuple[int, int], shares: tuple[float, ...], n: int
) -> dict[str, float]:
    """Return how often a value is claimed to be above what it is, of all studies.

    The claims are those of a plan: `between = "readers"`, of agreement and of Fleiss'
    kappa, and `share_acceptable`, of which the first answer is acceptable.
    """
    wanted = truth(draw, shares) | {"share_acceptable": shares[0]}
    rng, found = np.random.default_rng(SEED + 2), dict.fromkeys(wanted, 0)
    reader, case = (axis.ravel() for axis in np.indices(size))
    for _ in range(n):
        answers = draw(rng, size, shares)
        estimates = {
            name: agreement_between_readers(
                answers, len(shares), name, "crossed_conservative"
            )
            for name in NAMES
        }
        taken = (answers.T.ravel() == 0).astype(float)
        share = proportion_of(taken, reader, case, "crossed")
        for name, estimate in (estimates | {"share_acceptable": share}).items():
            if estimate.undefined_reason is None:
                low = estimate.confidence_interval().low
                found[name] += low > wanted[name]
    return {name: count / n for name, count in found.items()}


def print_claims(n: int) -> None:
    """Print the table of false claims of docs/method/decisions.md."""
    print(f"{n} studies a cell; from sources / from thresholds\n")
    print(
        "| answers | readers x cases | agreement | Fleiss' kappa | share acceptable |"
    )
    print("|---|---|---|---|---|")
    for (margins, shares), size in itertools.product(MARGINS.items(), SIZES):
        both = [
            false_claims(draw, size, shares, n)
            for draw in (from_sources, from_thresholds)
        ]
        cells = [
            " / ".join(f"{100 * of[name]:.1f}" for of in both)
            for name in (*NAMES, "share_acceptable")
        ]
        print("|", " | ".join([margins, f"{size[0]} x {size[1]}", *cells]), "|",
              flush=True)  # fmt: skip


def main() -> None:
    """Print the table of docs/method/reader-questions.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    parser.add_argument("--claims", action="store_true")
    given = parser.parse_args()
    n = given.repetitions
    if given.claims:
        print_claims(n)
        return
    print(f"{n} studies a cell; from sources / from thresholds\n")
    print("| answers | readers x cases | agreement | Fleiss' kappa | agreement, these "
          "readers | Fleiss' kappa, these readers |")  # fmt: skip
    print("|---|---|---|---|---|---|")
    for margins, shares in MARGINS.items():
        for place, size in enumerate(SIZES):
            both = [
                coverage(d, size, shares, n) for d in (from_sources, from_thresholds)
            ]
            cells = [
                " / ".join(f"{of[name, variance]:.3f}"[1:] for of in both)
                for variance in VARIANCES
                for name in NAMES
            ]
            cells = [cell.replace(".000", "1.00") for cell in cells]
            named = margins if not place else ""
            print("|", " | ".join([named, f"{size[0]} x {size[1]}", *cells]), "|",
                  flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
