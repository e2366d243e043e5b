"""Which patients a phantom cohort holds: severities in the paper's proportions."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from magic_model.data.split import Split, assign_splits
from magic_model.phantom.grid import Size
from magic_model.phantom.patient import PhantomSpec
from magic_model.severity import Severity

PROPORTIONS = {
    Severity.NONE: 0.62,
    Severity.MILD_MODERATE: 0.17,
    Severity.SEVERE: 0.21,
}
"""Shares of the classes in the paper, section 2.1.3."""


@dataclass(frozen=True)
class PlannedPatient:
    """A patient to be made.

    Attributes:
        patient_id: Such as "phantom-001".
        spec: What is asked of the patient.
        split: What the patient is for.
        seed: Seed of the cohort.
        index: Number of the patient's own stream of chance.
    """

    patient_id: str
    spec: PhantomSpec
    split: Split
    seed: int
    index: int

    def rng(self) -> np.random.Generator:
        """Give the patient's stream; it depends on seed and index alone."""
        return _stream(self.seed, self.index)


def plan_cohort(
    wanted: int | Mapping[Severity, int], seed: int, *, size: Size = "slab"
) -> list[PlannedPatient]:
    """Plan a cohort; the same numbers give the same plan.

    Args:
        wanted: How many patients, in the paper's proportions; or of each class.
        seed: Seed of the cohort.
        size: Slab or whole head.

    Raises:
        ValueError: If there is no patient, or a number is negative.
    """
    counts = class_counts(wanted) if isinstance(wanted, int) else wanted
    n_patients = sum(counts.values())
    if min(counts.values()) < 0 or n_patients < 1:
        msg = f"There must be one patient or more, got {n_patients}"
        raise ValueError(msg)
    if seed < 0:
        msg = f"The seed must be 0 or more, got {seed}"
        raise ValueError(msg)
    rng = _stream(seed, 0)
    ordered = [severity for severity, n in counts.items() for _ in range(n)]
    severities = [ordered[i] for i in rng.permutation(n_patients)]
    splits = assign_splits(severities, rng=rng)
    return [
        PlannedPatient(
            f"phantom-{number:03d}", PhantomSpec(severity, size), split, seed, number
        )
        for number, (severity, split) in enumerate(
            zip(severities, splits, strict=True), start=1
        )
    ]


def class_counts(n_patients: int) -> dict[Severity, int]:
    """Share patients among the classes by largest remainder.

    From three patients on each class has at least one, taken from the largest.
    """
    wanted = {s: share * n_patients for s, share in PROPORTIONS.items()}
    counts = {s: int(x) for s, x in wanted.items()}
    by_remainder = sorted(counts, key=lambda s: counts[s] - wanted[s])
    for severity in by_remainder[: n_patients - sum(counts.values())]:
        counts[severity] += 1
    if n_patients >= len(counts):
        for severity in counts:
            if not counts[severity]:
                counts[max(counts, key=lambda s: counts[s])] -= 1
                counts[severity] = 1
    return counts


def _stream(seed: int, index: int) -> np.random.Generator:
    """Give the stream of a child, as `SeedSequence(seed).spawn` makes them."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(index,)))
