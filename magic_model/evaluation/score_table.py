"""The figures of every patient, as a table of patients by method, map and metric."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from magic_model.data.cohort import Patient
from magic_model.evaluation.metric import Metric
from magic_model.maps import PerfusionMap


@dataclass(frozen=True)
class Key:
    """What a figure is of; the map is None for a figure of all maps together."""

    method: str
    map: PerfusionMap | None
    metric: Metric


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """Figures per patient, never per slice.

    Attributes:
        patients: Rows.
        keys: Columns.
        values: `(patients, keys)`, NaN where undefined.
        notes: Where constants and lesions come from.
    """

    patients: Sequence[Patient]
    keys: Sequence[Key]
    values: NDArray[np.float64]
    notes: Sequence[str]

    def column(self, key: Key) -> NDArray[np.float64]:
        """`(patients,)` values of a key."""
        values: NDArray[np.float64] = self.values[:, self.keys.index(key)]
        return values
