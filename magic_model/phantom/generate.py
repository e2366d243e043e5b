"""A phantom cohort: which patients, drawn from a seed, and their images on disk."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from magic_model.data.cohort import Cohort, Patient, write_cohort
from magic_model.data.lesion import find_lesion
from magic_model.data.nifti import write_nifti
from magic_model.data.split import Split, assign_splits
from magic_model.data.volume import Kind, Volume
from magic_model.errors import DataError, SeverityUnknownError
from magic_model.maps import PerfusionMap
from magic_model.output import require_writable
from magic_model.perfusion import compute
from magic_model.perfusion.series import Series
from magic_model.phantom.grid import Size
from magic_model.phantom.patient import (
    Contents,
    Phantom,
    PhantomSpec,
    measure,
    scan_patient,
    simulate,
)
from magic_model.phantom.scan import Scan, brain_of_series, write_series
from magic_model.severity import Severity, mismatch_ratio, severity_class

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

SERIES, FRAME_TIMES, SERIES_BRAIN = "ctp.nii.gz", "frame_times.txt", "ctp_brain.nii.gz"
"""The series in a patient's folder where it is asked for, and its mask of the brain."""

REVISION = 2
"""Raised whenever the same seed gives other bytes, so that old patients are remade."""

_MEASURED_BY = {"measured_revision": compute.REVISION}

Progress = Callable[[int, int], None]


def make_cohort(
    folder: Path,
    n_patients: int | Mapping[Severity, int],
    seed: int,
    *,
    contents: Contents | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Cohort:
    """Make a cohort of phantom patients; the same seed gives the same bytes.

    Patients that the folder holds already, complete and made in the same way, are kept.

    Args:
        folder: Where `cohort.csv` and a folder per patient are written.
        n_patients: How many, in the paper's proportions; or how many of each class.
        seed: Seed; each patient has its own stream, whatever the number of patients.
        contents: What is made of each; slabs with measured maps if left out.
        jobs: Processes that work at the same time.
        progress: Called with the number of patients done and of all.

    Raises:
        DataError: If a number makes no sense or a file cannot be written.
    """
    from joblib import Parallel, delayed

    contents = contents or Contents()
    require_writable(folder)
    try:
        plan = plan_cohort(n_patients, seed, size=contents.size)
    except ValueError as error:
        raise DataError(str(error)) from error
    work = Parallel(n_jobs=jobs, return_as="generator")
    patients = []
    for patient in work(delayed(make_on_disk)(folder, p, contents) for p in plan):
        patients.append(patient)
        if progress is not None:
            progress(len(patients), len(plan))
    write_cohort(folder, patients)
    return Cohort(folder, patients)


def make_on_disk(folder: Path, planned: PlannedPatient, contents: Contents) -> Patient:
    """Make one patient's folder unless it is there, complete and made in the same way.

    Core, tissue at risk and class of a patient with exact maps are the planted ones.
    With measured maps they are what the rule for patients finds in these maps, and
    unknown where it finds that it cannot tell.

    Raises:
        DataError: If a file cannot be written.
    """
    place = folder / planned.patient_id
    scan = Scan()
    made_by = {
        "revision": REVISION,
        "seed": planned.seed,
        "index": planned.index,
        **asdict(planned.spec),
        "maps": "exact" if contents.exact else "measured",
        **({} if contents.exact else {"scan": asdict(scan), **_MEASURED_BY}),
    }
    files = [SERIES, FRAME_TIMES, SERIES_BRAIN] if contents.series else []
    record = _kept(place, made_by, files)
    if record is None:
        record = _make(place, planned, made_by, contents)
    volumes = record["truth" if contents.exact else "measured"]
    core_ml, penumbra_ml = (
        math.nan if volumes[name] is None else volumes[name]
        for name in ("core_ml", "penumbra_ml")
    )
    ratio = (
        math.nan if volumes["core_ml"] is None else mismatch_ratio(core_ml, penumbra_ml)
    )
    return Patient(
        patient_id=planned.patient_id,
        split=planned.split,
        severity=None if math.isnan(ratio) else severity_class(ratio),
        core_ml=core_ml,
        penumbra_ml=penumbra_ml,
        mismatch_ratio=ratio,
        images={kind: _image(Path(planned.patient_id), kind) for kind in Kind},
    )


def planted_severity(folder: Path) -> Severity | None:
    """Return the class that was planted in the patient of a folder.

    None if it is no phantom's, or cannot be read.
    """
    record = _read(folder)
    try:
        return Severity(record["made_by"]["severity"])
    except (KeyError, TypeError, ValueError):
        return None


def _stream(seed: int, index: int) -> np.random.Generator:
    """Return the stream of a child, as `SeedSequence(seed).spawn` makes them."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(index,)))


def _read(place: Path) -> dict[str, Any]:
    try:
        record = json.loads((place / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _kept(
    place: Path, made_by: dict[str, Any], files: list[str]
) -> dict[str, Any] | None:
    """Return the record of a complete folder that was made in the same way."""
    record = _read(place)
    wanted = [*(_image(place, kind) for kind in Kind), *(place / f for f in files)]
    whole = all(path.is_file() for path in wanted)
    return record if whole and record.get("made_by") == made_by else None


def _make(
    place: Path, planned: PlannedPatient, made_by: dict[str, Any], contents: Contents
) -> dict[str, Any]:
    rng = planned.rng()
    phantom = simulate(planned.spec, rng)
    record = {"made_by": made_by, "truth": _truth(phantom)}
    series = None
    if not contents.exact:
        series = scan_patient(phantom, rng.spawn(1)[0])
        phantom = measure(phantom, series)
        record["measured"] = _found(phantom)
    try:
        _write(place, phantom, series if contents.series else None, record)
    except OSError as error:
        msg = f"{place}: cannot be written ({error.strerror or error})"
        raise DataError(msg) from error
    return record


def _write(
    place: Path, phantom: Phantom, series: Series | None, record: dict[str, Any]
) -> None:
    place.mkdir(parents=True, exist_ok=True)
    (place / FILE).unlink(missing_ok=True)  # not complete while images change
    for kind, volume in phantom.images.items():
        write_nifti(volume, _image(place, kind))
    if series is not None:
        write_series(series, place / SERIES, place / FRAME_TIMES)
        brain = brain_of_series(phantom.images[Kind.BRAIN_MASK])
        write_nifti(brain, place / SERIES_BRAIN)
    staged = place / f".{FILE}"
    staged.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    staged.replace(place / FILE)


def _found(phantom: Phantom) -> dict[str, float | None]:
    """Return the volumes that the rule for patients finds in the maps."""
    maps = {name: phantom.images[Kind(name.value)] for name in PerfusionMap}
    try:
        lesion = find_lesion(maps, phantom.images[Kind.BRAIN_MASK])
    except SeverityUnknownError:
        return {"core_ml": None, "penumbra_ml": None}
    return {"core_ml": lesion.core_ml, "penumbra_ml": lesion.penumbra_ml}


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
