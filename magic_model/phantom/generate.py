"""A phantom cohort: which patients, drawn from a seed, and their images on disk."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from magic_model.data.cohort import Cohort, Patient, write_cohort
from magic_model.data.nifti import write_nifti
from magic_model.data.split import Split, assign_splits
from magic_model.data.volume import Kind, Volume
from magic_model.errors import DataError
from magic_model.output import require_writable
from magic_model.phantom.grid import Size
from magic_model.phantom.patient import Phantom, PhantomSpec, simulate
from magic_model.severity import Severity, mismatch_ratio

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
        """Return the patient's stream; it depends on seed and index alone."""
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


FILE = "phantom.json"
"""Written last into a patient's folder: what was asked for and what came."""

REVISION = 1
"""Raised whenever the same seed gives other bytes, so that old patients are remade."""

Progress = Callable[[int, int], None]


def make_cohort(
    folder: Path,
    n_patients: int | Mapping[Severity, int],
    seed: int,
    *,
    full: bool = False,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Cohort:
    """Make a cohort of phantom patients; the same seed gives the same bytes.

    Patients that the folder holds already, complete and made in the same way, are kept.

    Args:
        folder: Where `cohort.csv` and a folder per patient are written.
        n_patients: How many, in the paper's proportions; or how many of each class.
        seed: Seed; each patient has its own stream, whatever the number of patients.
        full: Whole heads at 1 mm instead of slabs.
        jobs: Processes that work at the same time.
        progress: Called with the number of patients done and of all.

    Raises:
        DataError: If a number makes no sense or a file cannot be written.
    """
    from joblib import Parallel, delayed

    require_writable(folder)
    try:
        plan = plan_cohort(n_patients, seed, size="full" if full else "slab")
    except ValueError as error:
        raise DataError(str(error)) from error
    work = Parallel(n_jobs=jobs, return_as="generator")
    patients = []
    for patient in work(delayed(make_on_disk)(folder, planned) for planned in plan):
        patients.append(patient)
        if progress is not None:
            progress(len(patients), len(plan))
    write_cohort(folder, patients)
    return Cohort(folder, patients)


def make_on_disk(folder: Path, planned: PlannedPatient) -> Patient:
    """Make one patient's folder unless it is there, complete and made in the same way.

    Raises:
        DataError: If a file cannot be written.
    """
    place = folder / planned.patient_id
    made_by = {
        "revision": REVISION,
        "seed": planned.seed,
        "index": planned.index,
        **asdict(planned.spec),
    }
    truth = _kept(place, made_by) or _make(place, planned, made_by)
    core_ml, penumbra_ml = truth["core_ml"], truth["penumbra_ml"]
    return Patient(
        patient_id=planned.patient_id,
        split=planned.split,
        severity=planned.spec.severity,
        core_ml=core_ml,
        penumbra_ml=penumbra_ml,
        mismatch_ratio=mismatch_ratio(core_ml, penumbra_ml),
        images={kind: _image(Path(planned.patient_id), kind) for kind in Kind},
    )


def _stream(seed: int, index: int) -> np.random.Generator:
    """Return the stream of a child, as `SeedSequence(seed).spawn` makes them."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(index,)))


def _kept(place: Path, made_by: dict[str, Any]) -> dict[str, Any] | None:
    """What a complete folder made in the same way says of its patient."""
    try:
        record = json.loads((place / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    whole = all(_image(place, kind).is_file() for kind in Kind)
    if not whole or not isinstance(record, dict) or record.get("made_by") != made_by:
        return None
    truth: dict[str, Any] = record["truth"]
    return truth


def _make(
    place: Path, planned: PlannedPatient, made_by: dict[str, Any]
) -> dict[str, Any]:
    phantom = simulate(planned.spec, planned.rng())
    truth = _truth(phantom)
    record = json.dumps({"made_by": made_by, "truth": truth}, indent=2) + "\n"
    try:
        place.mkdir(parents=True, exist_ok=True)
        (place / FILE).unlink(missing_ok=True)  # not complete while images change
        for kind, volume in phantom.images.items():
            write_nifti(volume, _image(place, kind))
        staged = place / f".{FILE}"
        staged.write_text(record, encoding="utf-8")
        staged.replace(place / FILE)
    except OSError as error:
        msg = f"{place}: cannot be written ({error.strerror or error})"
        raise DataError(msg) from error
    return truth


def _truth(phantom: Phantom) -> dict[str, Any]:
    truth: dict[str, Any] = {
        "core_ml": _volume_ml(phantom.images[Kind.CORE_MASK]),
        "penumbra_ml": _volume_ml(phantom.images[Kind.PENUMBRA_MASK]),
    }
    if phantom.lesion is not None:
        truth["territory"] = phantom.lesion.site.territory
        truth["side"] = phantom.lesion.site.side
        truth["hypodensity"] = asdict(phantom.hypodensity)
    return truth


def _volume_ml(mask: Volume) -> float:
    return float((mask.array > 0).sum()) * mask.voxel_ml


def _image(place: Path, kind: Kind) -> Path:
    return place / f"{kind}.nii.gz"
