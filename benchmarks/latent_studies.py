"""Studies of 7 readers and 20 cases whose true kappa is known exactly."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import multivariate_normal

from analysis.arrays import FloatArray, IntArray
from analysis.multireader import Coefficient

N_CASES, N_READERS, N_CATEGORIES = 20, 7, 4
CUTS = np.array([-0.5, 0.3, 1.0])
KAPPA = Coefficient.kappa()


@dataclass(frozen=True)
class Scenario:
    """Shares of the variance of a latent severity; the rest is the reading's own.

    Attributes:
        name: What goes on.
        case: Common to all readings of a case.
        pair: Common to a reader's two readings of a case.
        reader: Common to all readings of a reader.
        case_by_method: Of a case under one method: the method shows it differently.
        reader_by_method: Of a reader under one method: the reader reads it differently.
    """

    name: str
    case: float = 0.0
    pair: float = 0.0
    reader: float = 0.0
    case_by_method: float = 0.0
    reader_by_method: float = 0.0

    @property
    def kappa(self) -> float:
        """True kappa: latent severities are normal, so the cells are exact."""
        shared = self.case + self.pair + self.reader
        edges = np.concatenate([[-9.0], CUTS, [9.0]])
        corners = np.stack(np.meshgrid(edges, edges, indexing="ij"), axis=-1)
        below = multivariate_normal.cdf(corners, cov=[[1, shared], [shared, 1]])
        return float(KAPPA.of_tables(np.diff(np.diff(below, axis=0), axis=1)))

    def draw(self, rng: np.random.Generator, n: int) -> IntArray:
        """Draw `(2, n, cases x readers)` answers, 0 to 3, of n studies."""

        def effect(share: float, *shape: int) -> FloatArray:
            return np.sqrt(share) * rng.standard_normal((n, *shape))

        both = N_CASES, N_READERS
        shared = effect(self.case, N_CASES, 1) + effect(self.pair, *both)
        shared = shared + effect(self.reader, 1, N_READERS)
        own = 1 - self.case - self.pair - self.reader
        own -= self.case_by_method + self.reader_by_method
        methods = [
            shared
            + effect(self.case_by_method, N_CASES, 1)
            + effect(self.reader_by_method, 1, N_READERS)
            + effect(own, *both)
            for _ in range(2)
        ]
        return np.searchsorted(CUTS, np.stack(methods)).reshape(2, n, -1)


SCENARIOS = {
    "A": Scenario("methods differ by patient", case=0.63, case_by_method=0.24),
    "B": Scenario(
        "A and a reader effect",
        case=0.60,
        reader=0.03,
        case_by_method=0.22,
        reader_by_method=0.05,
    ),
    "C": Scenario("independent pairs", pair=0.70),
    "D": Scenario("strong clustering", case=0.56, case_by_method=0.38),
    "E": Scenario(
        "readers dominate",
        case=0.35,
        pair=0.20,
        reader=0.05,
        case_by_method=0.03,
        reader_by_method=0.30,
    ),
}
