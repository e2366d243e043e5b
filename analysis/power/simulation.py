"""Power and precision of designs of readers x cases, by formula and by simulation.

By formula: the influence of a pair on an estimate has a share of variance that pairs of
one patient have in common, and one that pairs of one reader have. With R readers x C
cases its variance is v / (R C) x (1 + (R - 1) of_patient + (C - 1) of_reader). The
interval is the crossed one, with the mean squares that such a study would have.

By simulation: many studies of one design at once, in blocks, each study analysed as a
real one would be. Each block has a random stream of its own, which depends on the seed,
the design and the block only, so the result does not depend on how many workers share
the work. The workers are joblib's: within `joblib.parallel_config(backend=...)` a Dask
or Ray cluster takes them.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed
from scipy.special import chdtri, ndtr, stdtrit

from analysis.agreement.batch import cohen_kappas
from analysis.arrays import FloatArray, IntArray
from analysis.errors import as_whole, instance_of, listed
from analysis.multireader.clusters import Clusters, crossed_spread
from analysis.power import design
from analysis.power.families import DesignFamily, design_family
from analysis.showing import Shown

_MOST_CASES = 100_000
_LEVELS = (np.arange(16) + 0.5) / 16
_TAILS = np.stack([axis.ravel() for axis in np.meshgrid(*[_LEVELS] * 3)])
"""Upper tails of three independent mean squares, on a grid `(3, 4096)`."""


@dataclass(frozen=True)
class MeasureModel:
    """What is estimated, and how alike the pairs are in it.

    Attributes:
        measure: Which of the three.
        true: True value.
        null: Value that the lower confidence limit is to exceed.
        pair_variance: Variance of a pair's influence.
        patient: Correlation of two readers' pairs of one patient.
        reader: Correlation of one reader's pairs of two patients.
        alpha: Type I error, shared by both tails.
    """

    measure: design.Measure
    true: float
    null: float
    pair_variance: float
    patient: float
    reader: float
    alpha: float

    def design_effect(self, size: design.DesignSize) -> float:
        """Factor by which sharing patients and readers inflates the variance."""
        patient, reader = (
            (size.readers - 1) * self.patient,
            (size.cases - 1) * self.reader,
        )
        return 1 + patient + reader

    def standard_error(self, size: design.DesignSize) -> float:
        """Standard error of the estimate."""
        n = size.readers * size.cases
        return math.sqrt(self.pair_variance * self.design_effect(size) / n)

    def width(self, size: design.DesignSize) -> float:
        """Width of the confidence interval to be expected."""
        return 2 * float(self._margins(size).mean())

    def power(self, size: design.DesignSize) -> float:
        """Chance that the lower confidence limit exceeds the null value."""
        beyond = self.true - self.null - self._margins(size)
        return float(ndtr(beyond / self.standard_error(size)).mean())

    def cases_needed(self, readers: int, wanted: float) -> int | None:
        """Smallest number of cases with the power; None if no number has it."""
        low, high = 1, 2
        while self.power(design.DesignSize(readers, high)) < wanted:
            low, high = high, high * 2
            if high > _MOST_CASES:
                return None
        while high - low > 1:
            middle = (low + high) // 2
            enough = self.power(design.DesignSize(readers, middle)) >= wanted
            low, high = (low, middle) if enough else (middle, high)
        return high

    def _margins(self, size: design.DesignSize) -> FloatArray:
        """Half the width of the interval, over what the mean squares may come out as.

        They are independent of one another and of the estimate, each a multiple of
        chi-square; components that come out negative count as 0.
        """
        readers, cases = size.readers, size.cases
        noise = 1 - self.patient - self.reader
        degrees = (cases - 1, readers - 1, (cases - 1) * (readers - 1))
        expected = (noise + readers * self.patient, noise + cases * self.reader, noise)
        of_case, of_reader, residual = (
            square * chdtri(df, _TAILS[place]) / df
            for place, (df, square) in enumerate(zip(degrees, expected, strict=True))
        )
        above_case = np.maximum(of_case - residual, 0.0) + residual
        above_reader = np.maximum(of_reader - residual, 0.0) + residual
        total = above_case + above_reader - residual
        below = above_case**2 / degrees[0] + above_reader**2 / degrees[1]
        df = total**2 / (below + residual**2 / degrees[2])
        error = np.sqrt(self.pair_variance * total / (readers * cases))
        return np.asarray(stdtrit(df, 1 - self.alpha / 2) * error)


def measure_models(
    assumptions: design.DesignAssumptions, family: DesignFamily
) -> dict[design.Measure, MeasureModel]:
    """Return the model of each measure."""
    table = family.table()
    true, null = (
        design.true_values(table, assumptions),
        design.null_values(table, assumptions),
    )
    influences = design.influence_of(table, assumptions.acceptable)
    return {
        measure: MeasureModel(
            measure,
            true[measure],
            null[measure],
            float((table * influences[measure] ** 2).sum()),
            *family.correlations(influences[measure]),
            assumptions.alpha,
        )
        for measure in design.MEASURES
    }


_NO_ERROR = 1e-12  # what rounding leaves of a standard error of 0


@dataclass(frozen=True)
class Tally:
    """What came out of simulated studies.

    Attributes:
        studies: Number of studies.
        shown: In how many the lower limit exceeded the null value.
        covered: In how many the interval held the true value.
        undefined: In how many there was no interval, as with a constant method; they
            count as neither shown nor covered.
        width: Sum of the widths of all intervals.
        estimate: Sum of all estimates that have an interval.
    """

    studies: int = 0
    shown: int = 0
    covered: int = 0
    undefined: int = 0
    width: float = 0.0
    estimate: float = 0.0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.studies + other.studies,
            self.shown + other.shown,
            self.covered + other.covered,
            self.undefined + other.undefined,
            self.width + other.width,
            self.estimate + other.estimate,
        )


def analyse_cells(
    cells: IntArray,
    family: DesignFamily,
    size: design.DesignSize,
    assumptions: design.DesignAssumptions,
) -> dict[design.Measure, Tally]:
    """Compute the crossed intervals of each study and count what they show.

    Args:
        cells: `(studies, readers * cases)` as the family draws them.
        family: Where they come from.
        size: The design.
        assumptions: What is true, and what is to be shown.
    """
    k, table = family.k, family.table()
    true, null = (
        design.true_values(table, assumptions),
        design.null_values(table, assumptions),
    )
    tables = _tables(cells, k)
    influences = design.influence_of(tables, assumptions.acceptable)
    estimates = _estimates(tables, assumptions.acceptable)
    reader, case = (axis.ravel() for axis in np.indices((size.readers, size.cases)))
    clusters = Clusters(reader, case)
    tallies = {}
    for measure in design.MEASURES:
        of_cell = influences[measure].reshape(len(cells), k * k)
        spread = crossed_spread(clusters, np.take_along_axis(of_cell, cells, axis=1))
        margin = _margin(spread.variance, spread.df, assumptions.alpha)
        tallies[measure] = _tally(
            estimates[measure], margin, true[measure], null[measure]
        )
    return tallies


def _tables(cells: IntArray, k: int) -> FloatArray:
    """Shares of pairs of each study, `(studies, k, k)`."""
    studies, n = cells.shape
    numbered = cells + np.arange(studies)[:, None] * (k * k)
    counts = np.bincount(numbered.ravel(), minlength=studies * k * k)
    return np.asarray(counts.reshape(studies, k, k) / n)


def _estimates(tables: FloatArray, acceptable: int) -> dict[design.Measure, FloatArray]:
    of_test = tables[:, :, :acceptable].sum(axis=(1, 2))
    of_reference = tables[:, :acceptable].sum(axis=(1, 2))
    return {
        "kappa": cohen_kappas(tables).estimate,
        "agreement": np.trace(tables, axis1=1, axis2=2),
        "non_inferiority": of_test - of_reference,
    }


def _margin(variance: FloatArray, df: FloatArray, alpha: float) -> FloatArray:
    """Half the width of each interval; NaN where there is none."""
    error = np.sqrt(variance)
    known = np.isfinite(error) & (error > _NO_ERROR)
    quantile = stdtrit(np.where(known, df, 1.0), 1 - alpha / 2)
    return np.asarray(np.where(known, quantile * error, np.nan))


def _tally(estimate: FloatArray, margin: FloatArray, true: float, null: float) -> Tally:
    low, high = estimate - margin, estimate + margin
    known = np.isfinite(low)
    return Tally(
        studies=len(estimate),
        shown=int((low > null).sum()),
        covered=int(((low <= true) & (true <= high)).sum()),
        undefined=int((~known).sum()),
        width=float(2 * margin[known].sum()),
        estimate=float(estimate[known].sum()),
    )


_PAIRS_OF_A_BLOCK = 100_000
_STUDIES_OF_A_BLOCK = 250


@dataclass(frozen=True)
class DesignPower(Shown):
    """Power and precision of one design in one measure.

    Attributes:
        size: Readers and cases.
        measure: Which of the three.
        formula_power: Power by formula.
        formula_width: Width of the interval by formula.
        tally: What came out of the simulated studies.
    """

    size: design.DesignSize
    measure: design.Measure
    formula_power: float
    formula_width: float
    tally: Tally

    def _rows(self) -> list[dict[str, object]]:
        return [
            {
                "measure": self.measure,
                "readers": self.size.readers,
                "cases": self.size.cases,
                "power_formula": self.formula_power,
                "power_simulated": self.power,
                "power_simulation_error": self.power_error,
                "width_formula": self.formula_width,
                "width_simulated": self.width,
                "coverage_simulated": self.coverage,
                "studies": self.tally.studies,
                "studies_without_interval": self.tally.undefined,
            }
        ]

    @property
    def power(self) -> float:
        """Share of the simulated studies that show it."""
        return self.tally.shown / self.tally.studies

    @property
    def power_error(self) -> float:
        """Standard error of that share, from the number of studies."""
        return math.sqrt(self.power * (1 - self.power) / self.tally.studies)

    @property
    def coverage(self) -> float:
        """Share of the intervals that hold the true value; NaN without any."""
        return _ratio(self.tally.covered, self.tally.studies - self.tally.undefined)

    @property
    def width(self) -> float:
        """Mean width of the intervals; NaN without any."""
        return _ratio(self.tally.width, self.tally.studies - self.tally.undefined)


@dataclass(frozen=True, eq=False)
class DesignGrid(Shown):
    """Power of all designs.

    Attributes:
        assumptions: What was supposed.
        family: Where the answers come from.
        models: How each measure varies.
        results: One entry for each design and measure.
    """

    assumptions: design.DesignAssumptions
    family: DesignFamily
    models: dict[design.Measure, MeasureModel]
    results: tuple[DesignPower, ...]

    def _rows(self) -> list[dict[str, object]]:
        return [row for result in self.results for row in result._rows()]

    def __repr__(self) -> str:
        """Return how many designs there are, in one line."""
        sizes = {(one.size.readers, one.size.cases) for one in self.results}
        return f"DesignGrid({len(sizes)} designs, measures {', '.join(self.models)})"

    def of(
        self, measure: design.Measure, readers: int | None = None
    ) -> list[DesignPower]:
        """Return the results in one measure, of all designs or of some readers."""
        return [
            result
            for result in self.results
            if result.measure == measure and readers in (None, result.size.readers)
        ]

    def cases_needed(
        self, measure: design.Measure, readers: int, wanted: float
    ) -> int | None:
        """Fewest cases of the grid with the power, simulated, also with all more."""
        enough = None
        for result in sorted(
            self.of(measure, readers), key=lambda one: -one.size.cases
        ):
            if result.power < wanted:
                break
            enough = result.size.cases
        return enough


def design_grid(
    assumptions: design.DesignAssumptions,
    sizes: Sequence[design.DesignSize],
    *,
    repetitions: int,
    seed: int,
    jobs: int | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> DesignGrid:
    """Compute power and precision of each design.

    Args:
        assumptions: What is supposed of the study.
        sizes: The designs.
        repetitions: Studies to simulate of each.
        seed: Start of all random streams.
        jobs: Workers; None for what `joblib.parallel_config` says.
        progress: Told of each design that is done.

    Raises:
        UnattainableKappaError: If the shares do not allow the kappa.
        ValueError: If the correlations cannot be had together, or there is nothing to
            repeat.
    """
    instance_of("Assumptions", assumptions, design.DesignAssumptions)
    for size in listed("Designs", sizes):
        instance_of("A design", size, design.DesignSize)
    as_whole("Repetitions", repetitions)
    as_whole("Seed", seed)
    if repetitions < 1 or seed < 0:
        msg = (
            "Repetitions must be 1 or more and the seed 0 or more, "
            f"got {repetitions} and {seed}"
        )
        raise ValueError(msg)
    family = design_family(assumptions)
    models = measure_models(assumptions, family)
    results: list[DesignPower] = []
    with Parallel(n_jobs=jobs) as parallel:
        for size in sizes:
            blocks = parallel(
                delayed(_block)(family, size, assumptions, studies, stream)
                for studies, stream in _blocks(size, repetitions, seed)
            )
            results += [
                DesignPower(
                    size,
                    measure,
                    model.power(size),
                    model.width(size),
                    sum((block[measure] for block in blocks), Tally()),
                )
                for measure, model in models.items()
            ]
            progress(f"{size.readers} readers x {size.cases} cases")
    return DesignGrid(assumptions, family, models, tuple(results))


def _blocks(
    size: design.DesignSize, repetitions: int, seed: int
) -> list[tuple[int, np.random.SeedSequence]]:
    pairs = size.readers * size.cases
    most = max(1, min(_STUDIES_OF_A_BLOCK, _PAIRS_OF_A_BLOCK // pairs))
    whole, rest = divmod(repetitions, most)
    studies = [most] * whole + [rest] * (rest > 0)
    root = np.random.SeedSequence(seed, spawn_key=(size.readers, size.cases))
    return list(zip(studies, root.spawn(len(studies)), strict=True))


def _block(
    family: DesignFamily,
    size: design.DesignSize,
    assumptions: design.DesignAssumptions,
    studies: int,
    stream: np.random.SeedSequence,
) -> dict[design.Measure, Tally]:
    rng = np.random.default_rng(stream)
    cells = family.draw(size, studies, rng)
    return analyse_cells(cells, family, size, assumptions)


def _ratio(total: float, n: int) -> float:
    return total / n if n else math.nan
