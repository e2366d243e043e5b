"""Families of paired answers of readers x cases, from which studies are drawn.

Exchangeable: each pair of answers is, with one chance, the patient's own pair, with
another chance the reader's own, and else a pair of its own; all come from one table.
Two pairs of one patient then have the square of the first chance in common, in whatever
is estimated.

Latent: each pair of answers comes from two standard normal variables, cut at the
methods' shares, with one correlation that gives kappa. A share t of both is the
patient's (how the patient looks, and how differently under the two methods), a share u
the reader's, the rest is of the single reading. So two readers' pairs of one patient
are linked by t alone, and one reader's pairs of two patients by u alone. How alike
pairs then are in kappa follows: less than t and u.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri, owens_t

from analysis.agreement.batch import cohen_kappas
from analysis.agreement.chance_corrected import maximum_kappa_of_margins
from analysis.arrays import FloatArray, IntArray
from analysis.power.design import DesignAssumptions, DesignSize
from analysis.power.normal import UnattainableKappaError, table_with_kappa


@dataclass(frozen=True, eq=False)
class _ExchangeableFamily:
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
        """Return the `(k, k)` shares of pairs of answers."""
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


def _exchangeable_family(assumptions: DesignAssumptions) -> _ExchangeableFamily:
    """Take the table nearest to independence with the shares and the kappa assumed.

    Raises:
        UnattainableKappaError: If the shares do not allow the kappa.
    """
    rows, columns = assumptions.rows, assumptions.columns
    highest = maximum_kappa_of_margins(rows, columns)
    if assumptions.kappa > highest:
        raise UnattainableKappaError(assumptions.kappa, highest)
    pairs = table_with_kappa(rows, columns, assumptions.kappa)
    return _ExchangeableFamily(
        pairs / pairs.sum(),
        assumptions.patient_correlation,
        assumptions.reader_correlation,
    )


_NODES = 40  # of the quadrature in each direction
_STRONGEST = 0.9999  # correlation of the methods
_ALMOST_ZERO = 1e-300


@dataclass(frozen=True, eq=False)
class _LatentFamily:
    """One such family.

    Attributes:
        reference_cuts: `(k - 1,)` where the reference method's variable is cut.
        test_cuts: `(k - 1,)` where the test method's is.
        methods: Correlation of the two methods' variables.
        patient: Share t of the patient.
        reader: Share u of the reader.
    """

    reference_cuts: FloatArray
    test_cuts: FloatArray
    methods: float
    patient: float = 0.0
    reader: float = 0.0

    @property
    def k(self) -> int:
        """Number of answers."""
        return len(self.reference_cuts) + 1

    def table(self) -> FloatArray:
        """Return the `(k, k)` shares of pairs of answers."""
        return np.asarray(self._tables(np.zeros((1, 2)), 1.0)[0])

    def correlations(self, influence: FloatArray) -> tuple[float, float]:
        """Correlate a value of two pairs of a patient, and of two pairs of a reader.

        Args:
            influence: `(k, k)` the value of each pair of answers.
        """
        patient, reader = (
            self._correlation(influence, shared)
            for shared in (self.patient, self.reader)
        )
        return patient, reader

    def draw(
        self, size: DesignSize, studies: int, rng: np.random.Generator
    ) -> IntArray:
        """Draw studies; each pair of answers as reference x k + test.

        Returns:
            `(studies, readers * cases)`, reader by reader.
        """
        single = 1 - self.patient - self.reader
        shape = (studies, size.readers, size.cases, 2)
        drawn = np.sqrt(single) * rng.standard_normal(shape)
        of_patient, of_reader = (studies, 1, size.cases, 2), (*shape[:2], 1, 2)
        drawn += np.sqrt(self.patient) * rng.standard_normal(of_patient)
        drawn += np.sqrt(self.reader) * rng.standard_normal(of_reader)
        first, second = drawn[..., 0], drawn[..., 1]
        tilted = self.methods * first + np.sqrt(1 - self.methods**2) * second
        reference = np.searchsorted(self.reference_cuts, first)
        test = np.searchsorted(self.test_cuts, tilted)
        return np.asarray((reference * self.k + test).reshape(studies, -1))

    def _correlation(self, influence: FloatArray, shared: float) -> float:
        """Correlate a value of two pairs that share this much of both variables."""
        nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
        first, second = (axis.ravel() for axis in np.meshgrid(nodes, nodes))
        weight = np.outer(weights, weights).ravel() / weights.sum() ** 2
        tilted = self.methods * first + np.sqrt(1 - self.methods**2) * second
        places = np.sqrt(shared) * np.column_stack([first, tilted])
        given = (self._tables(places, 1 - shared) * influence).sum(axis=(1, 2))
        table = self.table()
        mean = float((table * influence).sum())
        total = float((table * (influence - mean) ** 2).sum())
        return float((weight * (given - weight @ given) ** 2).sum() / total)

    def _tables(self, places: FloatArray, variance: float) -> FloatArray:
        """Return tables `(m, k, k)` around the means `(m, 2)`, with less variance."""
        spread = np.sqrt(variance)
        rows = _edges((self.reference_cuts - places[:, :1]) / spread)
        columns = _edges((self.test_cuts - places[:, 1:]) / spread)
        below = normal_below(rows[:, :, None], columns[:, None, :], self.methods)
        cells = np.diff(np.diff(below, axis=1), axis=2)
        return np.asarray(np.maximum(cells, 0.0))


def _latent_family(assumptions: DesignAssumptions) -> _LatentFamily:
    """Find the correlation of the methods that gives the kappa assumed.

    Raises:
        UnattainableKappaError: If the shares do not allow the kappa.
    """
    rows, columns = (
        np.asarray(ndtri(np.cumsum(shares)[:-1]))
        for shares in (assumptions.rows, assumptions.columns)
    )

    def kappa(methods: float) -> float:
        table = _LatentFamily(rows, columns, methods).table()
        return float(cohen_kappas(table).estimate)

    highest = kappa(_STRONGEST)
    if assumptions.kappa >= highest:
        raise UnattainableKappaError(assumptions.kappa, highest)
    methods = brentq(lambda r: kappa(r) - assumptions.kappa, -_STRONGEST, _STRONGEST)
    return _LatentFamily(
        rows,
        columns,
        float(methods),
        assumptions.patient_correlation,
        assumptions.reader_correlation,
    )


def normal_below(x: FloatArray, y: FloatArray, correlation: float) -> FloatArray:
    """Chance that two standard normal variables both lie below x and y.

    References:
        Owen DB. Ann Math Stat 1956;27:1075. doi:10.1214/aoms/1177728074
    """
    x, y = (np.where(z == 0, _ALMOST_ZERO, z) for z in (x, y))
    root = np.sqrt(1 - correlation**2)
    of_x = owens_t(x, (y / x - correlation) / root)
    of_y = owens_t(y, (x / y - correlation) / root)
    return np.asarray((ndtr(x) + ndtr(y) - (x * y < 0)) / 2 - of_x - of_y)


def _edges(cuts: FloatArray) -> FloatArray:
    """Put an edge far out on both sides, `(m, k + 1)`."""
    far = np.full((len(cuts), 1), 40.0)
    return np.hstack([-far, cuts, far])


class DesignFamily(Protocol):
    """Draws paired answers of readers x cases."""

    @property
    def k(self) -> int:
        """Number of answers."""
        ...

    def table(self) -> FloatArray:
        """Return the `(k, k)` shares of pairs of answers."""
        ...

    def correlations(self, influence: FloatArray, /) -> tuple[float, float]:
        """Correlate a value of two pairs of a patient, and of two of a reader."""
        ...

    def draw(
        self, size: DesignSize, studies: int, rng: np.random.Generator
    ) -> IntArray:
        """Draw studies, `(studies, readers * cases)`."""
        ...


def design_family(assumptions: DesignAssumptions) -> DesignFamily:
    """Return the family that the assumptions name.

    Raises:
        UnattainableKappaError: If the shares do not allow the kappa.
        ValueError: If the correlations cannot be had together.
    """
    if assumptions.family == "latent":
        return _latent_family(assumptions)
    return _exchangeable_family(assumptions)
