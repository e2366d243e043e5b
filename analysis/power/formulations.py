"""Four ways to compute the power of a test of kappa, with one face."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from analysis.agreement.maximum import maximum_kappa_of_margins
from analysis.arrays import FloatArray
from analysis.power.goodness_of_fit import gof_power, gof_sample_size
from analysis.power.normal import (
    PowerTest,
    VarianceModel,
    normal_power,
    normal_sample_size,
)
from analysis.power.variances import actual_margins, cantor, flack


@dataclass(frozen=True)
class Formulation:
    """A way to compute power.

    Attributes:
        name: What it is called.
        power: From the test and n pairs to the power.
        sample_size: From the test and the power wanted to the pairs needed, unrounded.
        highest_kappa: Largest kappa its own margins allow.
    """

    name: str
    power: Callable[[PowerTest, float], float]
    sample_size: Callable[[PowerTest, float], float]
    highest_kappa: float = 1.0


def formulations(rows: FloatArray, columns: FloatArray) -> list[Formulation]:
    """Give all four for the shares `(k,)` of both methods.

    Goodness of fit and Flack assume that both methods share their margins, so they get
    the mean of the two; Cantor takes a 2 x 2 table, so with more categories it gets the
    first against the rest.
    """
    mean = (rows + columns) / 2
    first = "" if len(rows) == 2 else " (first answer against the rest)"
    halves = rows[:1].tolist() + columns[:1].tolist()
    return [
        Formulation(
            "Donner-Eliasziw goodness of fit",
            partial(gof_power, mean),
            partial(gof_sample_size, mean),
        ),
        _normal(
            f"Cantor{first}",
            cantor(*halves),
            maximum_kappa_of_margins(_two(rows), _two(columns)),
        ),
        _normal("Flack", flack(mean), 1.0),
        _normal(
            "Actual margins",
            actual_margins(rows, columns),
            maximum_kappa_of_margins(rows, columns),
        ),
    ]


def _normal(name: str, model: VarianceModel, highest: float) -> Formulation:
    return Formulation(
        name,
        partial(normal_power, model),
        partial(normal_sample_size, model),
        highest,
    )


def _two(shares: FloatArray) -> FloatArray:
    """First category against all others."""
    two = shares[:2].copy()
    two[1] = 1 - two[0]
    return two
