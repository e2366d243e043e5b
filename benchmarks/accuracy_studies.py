"""Reader studies with a known accuracy: the model of Roe and Metz, with criteria.

A rating is a normal variable with effects of the case, of case by modality, of reader
by case and of the reading, which have variance 1 together, and of the reader and of
reader by modality, apart for diseased and other cases; a reader's criterion moves both
alike. It may be cut into five steps. Shares no code with the estimators. Source: Roe
and Metz 1997, Acad Radiol 4:298-303.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

FloatArray = NDArray[np.float64]

_CUTS = np.array([-1.0, -1 / 3, 1 / 3, 1.0])  # around the middle of both means
CALLED_FROM = 3
"""The step from which a rating is a call of disease, of 1 to 5."""
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(40)


@dataclass(frozen=True)
class Structure:
    """Variances of the effects, as Roe and Metz name them.

    Attributes:
        case: Of cases, alike for all readers and modalities.
        case_modality: Of a case under one modality.
        case_reader: Of a case as one reader sees it.
        reader: Of readers, and again of readers under one modality.
        criterion: Of readers' criteria, and again under one modality.
    """

    case: float
    case_modality: float
    case_reader: float
    reader: float
    criterion: float = 0.04

    @property
    def reading(self) -> float:
        """Variance of what is left."""
        return 1 - self.case - self.case_modality - self.case_reader


STRUCTURES = {
    "alike": Structure(0.3, 0.3, 0.2, 0.011),
    "unlike": Structure(0.1, 0.1, 0.2, 0.03),
}
"""Readings of a case that are alike and readers too, or both unlike: HL and LH."""


@dataclass(frozen=True)
class Population:
    """Where studies come from.

    Attributes:
        structure: Variances.
        auc: True AUC of each modality.
        steps: Ratings are 1 to 5, not continuous.
    """

    structure: Structure
    auc: tuple[float, ...]
    steps: bool

    @cached_property
    def _spread(self) -> float:
        """Standard deviation of a rating around its class, criteria apart."""
        return float(np.sqrt(1 + 2 * self.structure.reader))

    @cached_property
    def means(self) -> FloatArray:
        """Means of the diseased under each modality; of the others it is 0.

        They are those of the continuous ratings; steps lower the AUC a little.
        """
        return np.sqrt(2) * self._spread * ndtri(np.array(self.auc))

    @cached_property
    def _cuts(self) -> FloatArray:
        """`(4,)`: the same for all modalities."""
        return self.means[0] / 2 + _CUTS

    @property
    def call(self) -> float:
        """The rating from which disease is called."""
        return CALLED_FROM if self.steps else float(self._cuts[CALLED_FROM - 2])

    def truth(self, metric: str) -> FloatArray:
        """Return the true value of each modality: over all readers and cases."""
        if metric == "auc":
            return self._true_auc()
        spread = np.hypot(self._spread, np.sqrt(2 * self.structure.criterion))
        cut = self._cuts[CALLED_FROM - 2]
        if metric == "sensitivity":
            return np.asarray(ndtr((self.means - cut) / spread))
        return np.full(len(self.auc), float(ndtr(cut / spread)))

    def _true_auc(self) -> FloatArray:
        if not self.steps:
            return np.array(self.auc)
        shift = np.sqrt(2 * self.structure.criterion) * _NODES
        return np.array([self._auc_of_steps(mean, shift) for mean in self.means])

    def _auc_of_steps(self, mean: float, shift: FloatArray) -> float:
        """Integrate over the criterion, given which both classes are independent."""
        edges = np.concatenate([[-np.inf], self._cuts, [np.inf]])[:, None] - shift
        of_other = np.diff(ndtr(edges / self._spread), axis=0)
        of_diseased = np.diff(ndtr((edges - mean) / self._spread), axis=0)
        above = of_diseased[::-1].cumsum(axis=0)[::-1] - of_diseased / 2
        return float((of_other * above).sum(axis=0) @ _WEIGHTS / _WEIGHTS.sum())

    def draw(
        self, rng: np.random.Generator, readers: int, diseased: int, others: int
    ) -> FloatArray:
        """Draw a study.

        Returns:
            `(modalities, readers, cases)` ratings, the diseased first.
        """
        of, t = self.structure, len(self.auc)
        cases = diseased + others

        def effect(variance: float, *shape: int) -> FloatArray:
            return np.sqrt(variance) * rng.standard_normal(shape)

        ratings = effect(of.reading, t, readers, cases)
        ratings += effect(of.case, 1, 1, cases)
        ratings += effect(of.case_modality, t, 1, cases)
        ratings += effect(of.case_reader, 1, readers, cases)
        ratings += effect(of.criterion, 1, readers, 1)
        ratings += effect(of.criterion, t, readers, 1)
        for side in (slice(0, diseased), slice(diseased, cases)):
            ratings[..., side] += effect(of.reader, 1, readers, 1)
            ratings[..., side] += effect(of.reader, t, readers, 1)
        ratings[..., :diseased] += self.means[:, None, None]
        if self.steps:
            return 1.0 + np.searchsorted(self._cuts, ratings, side="right")
        return ratings

    def without_difference(self) -> "Population":
        """Return the population in which all modalities are like the first."""
        return replace(self, auc=(self.auc[0],) * len(self.auc))
