"""The record of an imported patient: its checks and lesion, and import.json."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from magic_model.data import checks as data_checks
from magic_model.data.cohort import Patient
from magic_model.data.dicom.table import SeriesRow, as_row
from magic_model.data.grid import map_support, resample
from magic_model.data.lesion import Lesion, find_lesion, lesion_from_masks
from magic_model.data.lesion import masks as data_masks
from magic_model.data.ncct_values import require_hounsfield
from magic_model.data.registration import register_rigid
from magic_model.data.skull_strip import MorphologicalSkullStripper
from magic_model.data.split import Split
from magic_model.data.straight import straighten
from magic_model.data.unmeasured import measured_only
from magic_model.data.volume import Kind, Volume
from magic_model.errors import DataError, SeverityUnknownError
from magic_model.maps import PerfusionMap
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
        series: The DICOM series among which the images were chosen, and why.
    """

    patient_id: str
    images: Sequence[Kind]
    severity: Severity | None
    core_ml: float
    penumbra_ml: float
    mismatch_ratio: float
    checks: data_checks.PatientChecks
    notes: Sequence[str]
    fingerprint: str
    series: Sequence[SeriesRow] = ()

    def as_patient(self, split: Split) -> Patient:
        """Return the row of cohort.csv."""
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
            checks=data_checks.PatientChecks(
                data_checks.CentralVolume(
                    _number(central["scale"]),
                    _number(central["correlation"]),
                    int(central["n_voxels"]),
                ),
                _number(checks["overlap"]),
                list(checks["findings"]),
                _number(checks.get("offset_mm")),
            ),
            notes=list(raw["notes"]),
            fingerprint=raw["fingerprint"],
            series=[as_row(row) for row in raw.get("series", ())],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        msg = f"{path}: not a readable import record ({error})"
        raise DataError(msg) from error


_MAPS = tuple(Kind(name.value) for name in PerfusionMap)


def describe(
    patient_id: str,
    images: Mapping[Kind, Volume],
    *,
    mark: str = "",
    notes: tuple[str, ...] = (),
    register: bool = False,
) -> tuple[PatientRecord, dict[Kind, Volume]]:
    """Check a patient's images and measure the lesion.

    Args:
        patient_id: Study-local name.
        images: Images as read.
        mark: Fingerprint of the source.
        notes: What is known already.
        register: Whether to move the NCCT onto the maps first.

    Returns:
        The record, and the images with all maps on one grid.

    Raises:
        DataError: If an image cannot be used.
    """
    found = list(notes)
    images = {kind: straighten(volume) for kind, volume in images.items()}
    aligned = _measured_on_one_grid(images, found)
    aligned |= _masks_on_grid(aligned)
    if Kind.NCCT in aligned:
        require_hounsfield(aligned[Kind.NCCT])
    doubts: list[str] = []
    if register:
        aligned = _registered(aligned, found, doubts)
    brain = _brain_on_map_grid(aligned, found)
    checks = data_checks.check_patient(aligned, brain)
    _require_common_place(aligned, brain, checks.overlap)
    lesion = _lesion(aligned, brain, found, doubts)
    record = PatientRecord(
        patient_id=patient_id,
        images=[kind for kind in Kind if kind in aligned],
        severity=lesion.severity if lesion else None,
        core_ml=lesion.core_ml if lesion else math.nan,
        penumbra_ml=lesion.penumbra_ml if lesion else math.nan,
        mismatch_ratio=lesion.mismatch_ratio if lesion else math.nan,
        checks=replace(checks, findings=[*doubts, *checks.findings]),
        notes=found,
        fingerprint=mark,
    )
    return record, aligned


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


def _measured_on_one_grid(
    images: Mapping[Kind, Volume], notes: list[str]
) -> dict[Kind, Volume]:
    """Leave out what is not finite, and note all that was changed since reading.

    Maps come onto one grid before, so that such voxels do not enter an average.
    """
    counted = {kind: measured_only(volume) for kind, volume in images.items()}
    notes += [f"{kind}: {note}" for kind, v in counted.items() for note in v.notes]
    aligned = _on_one_grid(images, notes)
    return {
        kind: counted[kind] if volume is images[kind] else volume
        for kind, volume in aligned.items()
    }


def _on_one_grid(images: Mapping[Kind, Volume], notes: list[str]) -> dict[Kind, Volume]:
    """Bring all maps to the grid of the first one; the NCCT keeps its own."""
    aligned = dict(images)
    present = [kind for kind in _MAPS if kind in images]
    for kind in present[1:]:
        first, other = images[present[0]], images[kind]
        if _same_grid(first, other):
            continue
        aligned[kind] = resample(other, first.affine, first.shape)
        notes.append(f"{kind} was resampled to the grid of {present[0]}")
    return aligned


def _masks_on_grid(images: Mapping[Kind, Volume]) -> dict[Kind, Volume]:
    """Return core and tissue at risk, which must have the voxels of the maps."""
    drawn = {kind: images[kind] for kind in data_masks.LABELS if kind in images}
    for kind in (*_MAPS, *drawn):
        if kind in images:
            return data_masks.on_grid(drawn, images[kind])
    return {}


def _registered(
    images: dict[Kind, Volume], notes: list[str], doubts: list[str]
) -> dict[Kind, Volume]:
    """Move the NCCT, and a brain mask drawn on it, onto the first map.

    A result that is not trusted moves nothing.
    """
    grid = next((images[kind] for kind in _MAPS if kind in images), None)
    if grid is None or Kind.NCCT not in images:
        return images
    ncct, mask = images[Kind.NCCT], images.get(Kind.BRAIN_MASK)
    if mask is not None and not _same_grid(mask, ncct):
        mask = None
    found = register_rigid(ncct, grid, brain=mask)
    if not found.trusted:
        doubts.append(
            f"registration not trusted, the NCCT stays in place: {found.doubts[0]}"
        )
        return images
    notes.append(
        f"NCCT was registered to {grid.kind}: moved by {found.moved_mm:.1f} mm, mutual "
        f"information {found.mutual_information_before:.3f} before, "
        f"{found.mutual_information:.3f} after"
    )
    moved = images | {Kind.NCCT: found.apply(ncct)}
    if mask is not None:
        moved[Kind.BRAIN_MASK] = found.apply(mask)
    return moved


def _brain_on_map_grid(
    images: Mapping[Kind, Volume], notes: list[str]
) -> Volume | None:
    """Brain mask on the grid of the maps: given, stripped from the NCCT, or support."""
    grid = next((images[kind] for kind in _MAPS if kind in images), None)
    if grid is None:
        return None
    mask = images.get(Kind.BRAIN_MASK)
    if mask is None and Kind.NCCT in images:
        try:
            mask = MorphologicalSkullStripper()(images[Kind.NCCT])
        except DataError as error:
            notes.append(f"brain taken from the support of the maps ({error})")
    if mask is None:
        maps = {kind: images[kind] for kind in _MAPS if kind in images}
        return grid.with_array(
            np.asarray(map_support(maps), dtype=np.float32), Kind.BRAIN_MASK
        )
    if _same_grid(mask, grid):
        return mask
    return resample(mask, grid.affine, grid.shape, order=0)


def _require_common_place(
    images: Mapping[Kind, Volume], brain: Volume | None, overlap: float
) -> None:
    """Refuse maps that lie beside the NCCT: nothing can be trained or compared."""
    if Kind.NCCT not in images or brain is None or overlap != 0:
        return
    ncct = images[Kind.NCCT]
    middles = [v.affine @ [*(np.array(v.shape) - 1) / 2, 1] for v in (ncct, brain)]
    away = float(np.linalg.norm(middles[0] - middles[1]))
    msg = (
        "NCCT and maps must lie in one place, they have no voxel of brain in common "
        f"and their middles are {away:.0f} mm apart: mend the affines, or import with "
        "--register"
    )
    raise DataError(msg)


def _lesion(
    images: Mapping[Kind, Volume],
    brain: Volume | None,
    notes: list[str],
    doubts: list[str],
) -> Lesion | None:
    """Lesion from given masks, else from the maps where they allow it."""
    if Kind.CORE_MASK in images and Kind.PENUMBRA_MASK in images:
        return lesion_from_masks(images[Kind.CORE_MASK], images[Kind.PENUMBRA_MASK])
    maps = {name: images[Kind(name)] for name in PerfusionMap if Kind(name) in images}
    if brain is None or PerfusionMap.CBF not in maps:
        return None
    try:
        lesion = find_lesion(maps, brain)
    except SeverityUnknownError as error:
        doubts.append(f"severity is not known ({error})")
        return None
    except DataError as error:
        notes.append(f"severity is not known ({error})")
        return None
    if lesion.surrogate:
        notes.append(lesion.surrogate)
    return lesion


def _same_grid(one: Volume, other: Volume) -> bool:
    same_place = np.allclose(one.affine, other.affine, atol=1e-4)
    return one.shape == other.shape and bool(same_place)
