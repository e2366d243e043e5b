"""How often each interval of a clustered kappa covers the true one.

    python -m benchmarks.coverage
    python -m benchmarks.coverage --repetitions 200   (no picture, no page)

Draws studies of 7 readers and 20 cases from a latent normal model whose kappa is known
exactly, in five scenarios; prints coverage and median width of nominal 95 % intervals.
With 1,000 repetitions or more it also writes docs/images/coverage.svg and .png, and the
table in docs/method/multireader.md.
"""

import argparse
import time
from pathlib import Path
from textwrap import fill
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from scipy.special import ndtr, stdtrit

from analysis.arrays import FloatArray, IntArray
from analysis.charts.style import AGREEMENT, GUIDE, LINES, PARTIAL, RC_PARAMS
from analysis.multireader import Bootstrap, Pairs, clustered_kappa
from analysis.multireader.clusters import (
    Clusters,
    Spread,
    crossed_spread,
    independent_spread,
    jackknife_spread,
    patient_spread,
    unbiased_spread,
)
from benchmarks.latent_studies import (
    KAPPA,
    N_CASES,
    N_CATEGORIES,
    N_READERS,
    SCENARIOS,
    Scenario,
)

REPETITIONS, RESAMPLES, SEED = 2_000, 400, 8
WANTED = (0.93, 0.97)
DOCS = Path(__file__).parents[1] / "docs"
BEGIN, END = "<!-- coverage: begin -->", "<!-- coverage: end -->"


class Performance(NamedTuple):
    """Of nominal 95 % intervals."""

    coverage: float
    width: float


def performance_of(scenario: Scenario, n: int, seed: int) -> dict[str, Performance]:
    """Draw n studies and see how often each interval covers."""
    rng = np.random.default_rng(seed)
    reference, test = scenario.draw(rng, n)
    case, reader = np.divmod(np.arange(N_CASES * N_READERS), N_READERS)
    cells = reference * N_CATEGORIES + test
    estimates, influence = KAPPA.influence(tables_of(cells))
    clusters = Clusters(reader, case)
    values = np.take_along_axis(influence.reshape(n, -1), cells, axis=1)
    limits = {
        name: interval(estimates, spread)
        for name, spread in spreads(clusters, values, cells).items()
    }
    names = tuple(map(str, range(N_READERS))), tuple(map(str, range(N_CASES)))
    studies = [
        Pairs(reader, case, a, b, *names, N_CATEGORIES)
        for a, b in zip(reference, test, strict=True)
    ]
    limits["patient bootstrap"] = bootstrapped(studies, "patient_bootstrap")
    limits["pigeonhole bootstrap"] = bootstrapped(studies, "pigeonhole")
    return {name: measured(given, scenario.kappa) for name, given in limits.items()}


def tables_of(cells: IntArray) -> FloatArray:
    """Count `(..., n)` cells as tables `(..., k, k)`."""
    one_hot = np.eye(N_CATEGORIES**2)[cells]
    counts = one_hot.sum(axis=-2)
    return counts.reshape(*cells.shape[:-1], N_CATEGORIES, N_CATEGORIES)


def spreads(
    clusters: Clusters, values: FloatArray, cells: IntArray
) -> dict[str, Spread]:
    """Give every variance that has a formula, for all studies at once."""
    of_case = tables_of(cells.reshape(-1, N_CASES, N_READERS))
    left = of_case.sum(axis=1, keepdims=True) - of_case
    patient = patient_spread(clusters, values)
    as_normal = Spread(patient.variance, np.full_like(patient.df, np.inf))
    return {
        "independent": independent_spread(clusters, values),
        "patient, z": as_normal,
        "patient": patient,
        "jackknife": jackknife_spread(KAPPA.of_tables(left)),
        "crossed": crossed_spread(clusters, values),
        "crossed, conservative": crossed_spread(clusters, values, conservative=True),
        "crossed, unbiased": unbiased_spread(clusters, values),
    }


def interval(estimates: FloatArray, spread: Spread) -> FloatArray:
    """Limits `(2, n)`; NaN, which covers nothing, where the variance is 0 or less."""
    usable = np.where(spread.variance > 0, spread.variance, np.nan)
    df = np.minimum(spread.df, 1e6)
    margin = stdtrit(df, float(ndtr(1.959963984540054))) * np.sqrt(usable)
    return np.stack([estimates - margin, estimates + margin])


def bootstrapped(studies: list[Pairs], variance: str) -> FloatArray:
    """Percentile limits `(2, n)` of each study, each with resamples of its own."""
    found = [
        clustered_kappa(
            pairs, variance, bootstrap=Bootstrap(RESAMPLES, seed)
        ).confidence_interval()
        for seed, pairs in enumerate(studies)
    ]
    return np.array([(limits.low, limits.high) for limits in found]).T


def measured(limits: FloatArray, truth: float) -> Performance:
    """Give the share of intervals that cover and their median width."""
    low, high = limits
    covers = (low <= truth) & (truth <= high)
    return Performance(float(covers.mean()), float(np.nanmedian(high - low)))


Results = dict[str, dict[str, Performance]]


def as_markdown(results: Results) -> str:
    """Give coverage in %, and the median width in brackets."""
    heads = [f"{key}: {SCENARIOS[key].name}" for key in results]
    lines = [
        "| interval | " + " | ".join(heads) + " |",
        "|---|" + "---|" * len(heads),
        "| true kappa | "
        + " | ".join(f"{SCENARIOS[key].kappa:.3f}" for key in results)
        + " |",
    ]
    for name in next(iter(results.values())):
        found = [results[key][name] for key in results]
        shown = " | ".join(f"{100 * p.coverage:.1f} ({p.width:.2f})" for p in found)
        lines.append(f"| {name} | {shown} |")
    return "\n".join(lines)


def draw_coverage(results: Results, ax: Axes) -> None:
    """Draw for each scenario a point per interval; the headline is filled."""
    shown = ("independent", "patient", "jackknife", "crossed", "pigeonhole bootstrap")
    places = np.arange(len(results))
    ax.axhspan(*(100 * limit for limit in WANTED), color=PARTIAL[-1], zorder=0)
    ax.axhline(95, color=GUIDE, linewidth=0.7, zorder=1)
    for at, (name, marker) in enumerate(zip(shown, "ovDsP", strict=True)):
        headline = name == "crossed"
        color = AGREEMENT if headline else LINES[at + 1]
        ax.plot(
            places + 0.13 * (at - 2),
            [100 * results[key][name].coverage for key in results],
            marker,
            color=color,
            markerfacecolor=color if headline else "white",
            markersize=6,
            label=name,
            zorder=3,
        )
    names = [fill(SCENARIOS[key].name, 16) for key in results]
    ax.set_xticks(
        places, [f"{k}\n{name}" for k, name in zip(results, names, strict=True)]
    )
    ax.tick_params(axis="x", length=0)
    ax.set_ylim(60, 100.5)
    ax.set_ylabel("intervals that cover the true kappa, %")
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))


def write(results: Results, n: int) -> None:
    """Write the picture and the table of the page."""
    mpl.use("Agg")
    with mpl.rc_context(RC_PARAMS):
        figure, ax = plt.subplots(figsize=(6.6, 3.4), layout="constrained")
        draw_coverage(results, ax)
        for suffix in ("svg", "png"):
            metadata = {"Date": None} if suffix == "svg" else None
            path = DOCS / "images" / f"coverage.{suffix}"
            figure.savefig(path, metadata=metadata, dpi=200)
        plt.close(figure)
    page = DOCS / "method" / "multireader.md"
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    note = f"{n:,} studies per scenario, {RESAMPLES} resamples each where resampled."
    table = f"{BEGIN}\n{as_markdown(results)}\n\n{note}\n{END}"
    page.write_text(before + table + after, encoding="utf-8")


def main() -> None:
    """Simulate, print, and write what the docs show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    n = parser.parse_args().repetitions
    start = time.process_time()
    results = {
        key: performance_of(scenario, n, SEED + at)
        for at, (key, scenario) in enumerate(SCENARIOS.items())
    }
    print(as_markdown(results))
    low, high = WANTED
    clustered = [results[key]["crossed"].coverage for key in "ABDE"]
    error = 100 * np.sqrt(0.95 * 0.05 / n)
    print(f"\nMonte Carlo standard error of 95 %: {error:.1f} points")
    held = all(low <= coverage <= high for coverage in clustered)
    verdict = "holds" if held else "does not hold"
    print(f"crossed covers 93 to 97 % in A, B, D and E: {verdict}")
    print(f"{time.process_time() - start:.0f} s of CPU time")
    if n >= 1_000:
        write(results, n)


if __name__ == "__main__":
    main()
