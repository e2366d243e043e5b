"""Paired answers of readers x cases that repeat, with any table of pairs.

Each pair of answers is, with one chance, the patient's own pair, with another chance
the reader's own, and else a pair of its own; all come from one table. Two pairs of one
patient then have the square of the first chance in common, in whatever is estimated.
"""

import math
from dataclasses import dataclass

import numpy as np

from analysis.agreement.maximum import maximum_kappa_of_margins
from analysis.arrays import FloatArray, IntArray
from analysis.power.design import DesignAssumptions, DesignSize
from analysis.power.normal import UnattainableKappaError
from analysis.power.variances import table_with_kappa


@dataclass(frozen=True, eq=False)
class ExchangeableFamily:
    """One such family.

    Attributes:
        pairs: `(k, k)` shares of pairs of answers.
        patient: Correlation of two readers' pairs of one patient.
        reader: Correlation of one reader's pairs of two patients.

    Raises:
        ValueError: If both correlations together leave nothing to the single reading.
    """

    pairs: FloatArray
    patient: float
    reader: float

    def __post_init__(self) -> None:
        if math.sqrt(self.patient) + math.sqrt(self.reader) > 1:
            msg = (
                "The square roots of patient and reader correlation must sum to 1 or "
                f"less, got {self.patient:g} and {self.reader:g}"
            )
            raise ValueError(msg)

    @property
    def k(self) -> int:
        """Number of answers."""
        return len(self.pairs)

    def table(self) -> FloatArray:
        """Give the `(k, k)` shares of pairs of answers."""
        return self.pairs

    def correlations(self, _: FloatArray) -> tuple[float, float]:
        """Correlate any value of two pairs of a patient, and of two of a reader."""
        return self.patient, self.reader

    def draw(
        self, size: DesignSize, studies: int, rng: np.random.Generator
    ) -> IntArray:
        """Draw studies; each pair of answers as reference x k + test.

        Returns:
            `(studies, readers * cases)`, reader by reader.
        """
        shape = (studies, size.readers, size.cases)
        below = np.cumsum(self.pairs)[:-1]
        own = np.searchsorted(below, rng.random(shape))
        of_patient = np.searchsorted(below, rng.random((studies, 1, size.cases)))
        of_reader = np.searchsorted(below, rng.random((studies, size.readers, 1)))
        source = rng.random(shape)
        by_patient = math.sqrt(self.patient)
        by_either = by_patient + math.sqrt(self.reader)
        cells = np.where(source < by_either, of_reader, own)
        cells = np.where(source < by_patient, of_patient, cells)
        return np.asarray(cells.reshape(studies, -1))


def exchangeable_family(assumptions: DesignAssumptions) -> ExchangeableFamily:
    """Take the table nearest to independence with the shares and the kappa assumed.

    Raises:
        UnattainableKappaError: If the shares do not allow the kappa.
    """
    rows, columns = assumptions.rows, assumptions.columns
    highest = maximum_kappa_of_margins(rows, columns)
    if assumptions.kappa > highest:
        raise UnattainableKappaError(assumptions.kappa, highest)
    pairs = table_with_kappa(rows, columns, assumptions.kappa)
    return ExchangeableFamily(
        pairs / pairs.sum(),
        assumptions.patient_correlation,
        assumptions.reader_correlation,
    )
