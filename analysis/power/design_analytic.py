"""Power and precision of a design by formula.

The influence of a pair on an estimate has a share of variance that pairs of one patient
have in common, and one that pairs of one reader have. With R readers x C cases its
variance is v / (R C) x (1 + (R - 1) of_patient + (C - 1) of_reader). The interval is
the crossed one, with the mean squares that such a study would come out with.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtri, ndtr, stdtrit

from analysis.arrays import FloatArray
from analysis.power.design import MEASURES, DesignAssumptions, DesignSize, Measure
from analysis.power.design_family import DesignFamily
from analysis.power.design_measures import influence_of, null_values, true_values

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

    measure: Measure
    true: float
    null: float
    pair_variance: float
    patient: float
    reader: float
    alpha: float

    def design_effect(self, size: DesignSize) -> float:
        """Factor by which sharing patients and readers inflates the variance."""
        patient, reader = (
            (size.readers - 1) * self.patient,
            (size.cases - 1) * self.reader,
        )
        return 1 + patient + reader

    def standard_error(self, size: DesignSize) -> float:
        """Standard error of the estimate."""
        n = size.readers * size.cases
        return math.sqrt(self.pair_variance * self.design_effect(size) / n)

    def width(self, size: DesignSize) -> float:
        """Width of the confidence interval to be expected."""
        return 2 * float(self._margins(size).mean())

    def power(self, size: DesignSize) -> float:
        """Chance that the lower confidence limit exceeds the null value."""
        beyond = self.true - self.null - self._margins(size)
        return float(ndtr(beyond / self.standard_error(size)).mean())

    def cases_needed(self, readers: int, wanted: float) -> int | None:
        """Smallest number of cases with the power; None if no number has it."""
        low, high = 1, 2
        while self.power(DesignSize(readers, high)) < wanted:
            low, high = high, high * 2
            if high > _MOST_CASES:
                return None
        while high - low > 1:
            middle = (low + high) // 2
            enough = self.power(DesignSize(readers, middle)) >= wanted
            low, high = (low, middle) if enough else (middle, high)
        return high

    def _margins(self, size: DesignSize) -> FloatArray:
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
    assumptions: DesignAssumptions, family: DesignFamily
) -> dict[Measure, MeasureModel]:
    """Give the model of each measure."""
    table = family.table()
    true, null = true_values(table, assumptions), null_values(table, assumptions)
    influences = influence_of(table, assumptions.acceptable)
    return {
        measure: MeasureModel(
            measure,
            true[measure],
            null[measure],
            float((table * influences[measure] ** 2).sum()),
            *family.correlations(influences[measure]),
            assumptions.alpha,
        )
        for measure in MEASURES
    }
