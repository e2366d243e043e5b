"""Where simulated answers come from."""

from typing import Protocol

import numpy as np

from analysis.arrays import FloatArray, IntArray
from analysis.power.design import DesignAssumptions, DesignSize
from analysis.power.design_exchangeable import exchangeable_family
from analysis.power.design_latent import latent_family


class DesignFamily(Protocol):
    """Draws paired answers of readers x cases."""

    @property
    def k(self) -> int:
        """Number of answers."""
        ...

    def table(self) -> FloatArray:
        """Give the `(k, k)` shares of pairs of answers."""
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
    """Give the family that the assumptions name.

    Raises:
        UnattainableKappaError: If the shares do not allow the kappa.
        ValueError: If the correlations cannot be had together.
    """
    if assumptions.family == "latent":
        return latent_family(assumptions)
    return exchangeable_family(assumptions)
