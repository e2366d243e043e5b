"""Power of every design of a grid, by formula and by simulation in parallel.

Studies are simulated in blocks. Each block has a random stream of its own, which
depends on the seed, the design and the block only, so the result does not depend on how
many workers share the work. The workers are joblib's: within
`joblib.parallel_config(backend=...)` a Dask or Ray cluster takes them.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed

from analysis.power.design import DesignAssumptions, DesignSize, Measure
from analysis.power.design_analytic import MeasureModel, measure_models
from analysis.power.design_family import DesignFamily, design_family
from analysis.power.simulation import Tally, analyse_cells

_PAIRS_OF_A_BLOCK = 100_000
_STUDIES_OF_A_BLOCK = 250


@dataclass(frozen=True)
class DesignPower:
    """Power and precision of one design in one measure.

    Attributes:
        size: Readers and cases.
        measure: Which of the three.
        formula_power: Power by formula.
        formula_width: Width of the interval by formula.
        tally: What came out of the simulated studies.
    """

    size: DesignSize
    measure: Measure
    formula_power: float
    formula_width: float
    tally: Tally

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
class DesignGrid:
    """Power of all designs.

    Attributes:
        assumptions: What was supposed.
        family: Where the answers come from.
        models: How each measure varies.
        results: One entry for each design and measure.
    """

    assumptions: DesignAssumptions
    family: DesignFamily
    models: dict[Measure, MeasureModel]
    results: tuple[DesignPower, ...]

    def of(self, measure: Measure, readers: int | None = None) -> list[DesignPower]:
        """Give the results in one measure, of all designs or of some readers."""
        return [
            result
            for result in self.results
            if result.measure == measure and readers in (None, result.size.readers)
        ]

    def cases_needed(self, measure: Measure, readers: int, wanted: float) -> int | None:
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
    assumptions: DesignAssumptions,
    sizes: Sequence[DesignSize],
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
    size: DesignSize, repetitions: int, seed: int
) -> list[tuple[int, np.random.SeedSequence]]:
    pairs = size.readers * size.cases
    most = max(1, min(_STUDIES_OF_A_BLOCK, _PAIRS_OF_A_BLOCK // pairs))
    whole, rest = divmod(repetitions, most)
    studies = [most] * whole + [rest] * (rest > 0)
    root = np.random.SeedSequence(seed, spawn_key=(size.readers, size.cases))
    return list(zip(studies, root.spawn(len(studies)), strict=True))


def _block(
    family: DesignFamily,
    size: DesignSize,
    assumptions: DesignAssumptions,
    studies: int,
    stream: np.random.SeedSequence,
) -> dict[Measure, Tally]:
    rng = np.random.default_rng(stream)
    cells = family.draw(size, studies, rng)
    return analyse_cells(cells, family, size, assumptions)


def _ratio(total: float, n: int) -> float:
    return total / n if n else math.nan
