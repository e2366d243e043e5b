"""What is kept of an imported patient beside the images."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from magic_model.data.checks import CentralVolume, PatientChecks
from magic_model.data.cohort import Patient
from magic_model.data.split import Split
from magic_model.data.volume import Kind
from magic_model.errors import DataError
from magic_model.severity import Severity

FILE = "import.json"


@dataclass(frozen=True)
class PatientRecord:
    """A patient as imported; holds nothing that a hospital gave.

    Attributes:
        patient_id: Study-local name.
        images: Image kinds in the patient's folder.
        severity: Class, None where it cannot be told.
        core_ml: Volume of the core, NaN where unknown.
        penumbra_ml: Volume of tissue at risk, NaN where unknown.
        mismatch_ratio: Core over tissue at risk, NaN where unknown.
        checks: What the checks found.
        notes: What was tolerated or assumed on the way.
        fingerprint: Hash of the source files' bytes, to know them again.
    """

    patient_id: str
    images: Sequence[Kind]
    severity: Severity | None
    core_ml: float
    penumbra_ml: float
    mismatch_ratio: float
    checks: PatientChecks
    notes: Sequence[str]
    fingerprint: str

    def as_patient(self, split: Split) -> Patient:
        """Give the row of cohort.csv."""
        return Patient(
            patient_id=self.patient_id,
            split=split,
            severity=self.severity,
            core_ml=self.core_ml,
            penumbra_ml=self.penumbra_ml,
            mismatch_ratio=self.mismatch_ratio,
            images={kind: image_path(self.patient_id, kind) for kind in self.images},
        )


def image_path(patient_id: str, kind: Kind) -> Path:
    """Where an image lies, relative to the cohort's folder."""
    return Path(patient_id) / f"{kind}.nii.gz"


def write_record(record: PatientRecord, folder: Path) -> None:
    """Write import.json into the patient's folder; the last file of a patient."""
    text = json.dumps(_nan_to_none(asdict(record)), indent=1, ensure_ascii=False)
    (folder / FILE).write_text(text + "\n", encoding="utf-8")


def read_record(folder: Path) -> PatientRecord:
    """Read import.json of a patient's folder.

    Raises:
        DataError: If it is missing or damaged.
    """
    path = folder / FILE
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        checks = raw["checks"]
        central = checks["central_volume"]
        return PatientRecord(
            patient_id=raw["patient_id"],
            images=[Kind(kind) for kind in raw["images"]],
            severity=Severity(raw["severity"]) if raw["severity"] else None,
            core_ml=_number(raw["core_ml"]),
            penumbra_ml=_number(raw["penumbra_ml"]),
            mismatch_ratio=_number(raw["mismatch_ratio"]),
            checks=PatientChecks(
                CentralVolume(
                    _number(central["scale"]),
                    _number(central["correlation"]),
                    int(central["n_voxels"]),
                ),
                _number(checks["overlap"]),
                list(checks["findings"]),
            ),
            notes=list(raw["notes"]),
            fingerprint=raw["fingerprint"],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        msg = f"{path}: not a readable import record ({error})"
        raise DataError(msg) from error


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _nan_to_none(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, Mapping):
        return {key: _nan_to_none(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_nan_to_none(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value
