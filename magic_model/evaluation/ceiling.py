"""The ceiling of a cohort: what its NCCT holds, per map and per lesion."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from magic_model.data.cohort import Cohort, Patient, read_cohort
from magic_model.data.grid import BoolArray
from magic_model.data.normalise import NCCT_WINDOW
from magic_model.data.slices import SliceStack, to_display
from magic_model.data.split import Split
from magic_model.data.volume import FloatArray, Kind
from magic_model.errors import DataError, pluralize
from magic_model.evaluation import boosting
from magic_model.evaluation.predictors import mean_values
from magic_model.evaluation.scores import measured_lesion
from magic_model.maps import MAP_SPECS, PerfusionMap
from magic_model.phantom.ceiling import ceiling

VISIBLE = 2.0
"""Standard deviations of the anatomy by which a core must be darker to show."""

_BLOCK = 8  # pixels; longer than the grain of the noise


@dataclass(frozen=True)
class MapCeiling:
    """Mean absolute errors of one map, over the patients, in its unit.

    Attributes:
        map: Which.
        constant: Of the mean of the training patients.
        voxel: Of the best prediction from the CT number of the same voxel.
        boosting: Of boosted trees on the CT numbers around and opposite.
    """

    map: PerfusionMap
    constant: float
    voxel: float
    boosting: float


@dataclass(frozen=True)
class LesionContrast:
    """How far the core of a patient stands out from the other side.

    Attributes:
        patient_id: Study-local name.
        core_ml: Volume on the slices.
        hu: Mean CT number of the core less that of what lies opposite.
        noise_hu: Standard deviation of that difference by noise alone.
        anatomy_hu: Standard deviation of such differences in the healthy brain, over
            areas as large as the core.
    """

    patient_id: str
    core_ml: float
    hu: float
    noise_hu: float
    anatomy_hu: float

    @property
    def is_visible(self) -> bool:
        """Whether the core is darker than anatomy explains."""
        return self.hu < -VISIBLE * self.anatomy_hu


@dataclass(frozen=True)
class CohortCeiling:
    """What the NCCT of a cohort holds.

    Attributes:
        n_patients: Number of patients behind the errors.
        maps: Per map.
        lesions: Per patient with a core.
    """

    n_patients: int
    maps: Sequence[MapCeiling]
    lesions: Sequence[LesionContrast]

    def describe(self) -> str:
        """Write it as two tables."""
        lines = [
            f"Mean absolute error over {pluralize(self.n_patients, 'patient')}",
            f"{'':22}{'constant':>10}{'one voxel':>11}{'boosting':>10}",
        ]
        for row in self.maps:
            spec = MAP_SPECS[row.map]
            numbers = f"{row.constant:10.3g}{row.voxel:11.3g}{row.boosting:10.3g}"
            lines.append(f"{f'{spec.title} [{spec.unit}]':22}{numbers}")
        if not self.lesions:
            return "\n".join([*lines, "No patient has a core."])
        lines.append(
            f"{'core':22}{'mL':>8}{'HU':>8}{'by noise':>10}{'by anatomy':>12}  shows"
        )
        for core in self.lesions:
            shows = "yes" if core.is_visible else "no"
            lines.append(
                f"{core.patient_id:22}{core.core_ml:8.1f}{core.hu:8.2f}"
                f"{core.noise_hu:10.3f}{core.anatomy_hu:12.2f}  {shows}"
            )
        seen = sum(core.is_visible for core in self.lesions)
        lines.append(
            f"{seen} of {pluralize(len(self.lesions), 'core')} show: darker than the "
            f"other side by more than {VISIBLE:g} SD of the anatomy"
        )
        return "\n".join(lines)


def cohort_ceiling(
    folder: Path, *, split: Split = Split.TEST, seed: int = 0, jobs: int = 1
) -> CohortCeiling:
    """Measure what the NCCT of a cohort holds, in the patients of a split.

    Trees are fitted to the training split.

    Args:
        folder: With cohort.csv, a training split and masks or maps of the lesions.
        split: Whose patients are measured.
        seed: Of the pixels that the trees are fitted to.
        jobs: Patients read at the same time.

    Raises:
        DataError: If the split or the training split has no patient with NCCT and maps,
            or an image cannot be read.
    """
    from joblib import Parallel, delayed

    cohort = read_cohort(folder)
    maps = _common_maps(cohort)
    patients = [patient for patient in cohort.patients if patient.split is split]
    if not patients:
        msg = f"{folder}: at least one patient must be in split {split}, got none"
        raise DataError(msg)
    trees = boosting.fit_boosting(cohort, maps, seed=seed, jobs=jobs)
    trained = [p for p in cohort.patients if p.split is Split.TRAIN]
    constants = mean_values(cohort, trained, maps, jobs=jobs)
    stacks = Parallel(n_jobs=jobs)(
        delayed(boosting.load_slices)(cohort, patient, maps) for patient in patients
    )
    made = [trees.predict_slices(stack) for stack in stacks]
    flat = {
        name: [np.full(stack.mask.shape, constants[name]) for stack in stacks]
        for name in maps
    }
    found = [
        MapCeiling(
            name,
            _error(flat[name], stacks, name),
            _voxel_error(stacks, name),
            _error([images[name] for images in made], stacks, name),
        )
        for name in maps
    ]
    contrasts = [
        lesion_contrast(cohort, patient, stack)
        for patient, stack in zip(patients, stacks, strict=True)
    ]
    return CohortCeiling(
        len(patients), found, [contrast for contrast in contrasts if contrast]
    )


def _common_maps(cohort: Cohort) -> list[PerfusionMap]:
    """Return the maps that all patients have.

    Raises:
        DataError: If there is none.
    """
    maps = [
        name
        for name in PerfusionMap
        if all(Kind(name) in patient.images for patient in cohort.patients)
    ]
    if not maps:
        msg = f"{cohort.folder}: patients must have a map in common, got none"
        raise DataError(msg)
    return maps


def _error(
    made: Sequence[FloatArray], stacks: Sequence[SliceStack], name: PerfusionMap
) -> float:
    """Mean over the patients of the mean absolute error in the brain."""
    errors = [
        np.abs(image - stack.maps[name])[stack.mask].mean(dtype=np.float64)
        for image, stack in zip(made, stacks, strict=True)
    ]
    return float(np.mean(errors))


def _voxel_error(stacks: Sequence[SliceStack], name: PerfusionMap) -> float:
    hu = np.concatenate([stack.ncct[:, 1][stack.mask] for stack in stacks])
    values = np.concatenate([stack.maps[name][stack.mask] for stack in stacks])
    return ceiling(np.clip(hu, *NCCT_WINDOW), values).mae


def lesion_contrast(
    cohort: Cohort, patient: Patient, stack: SliceStack
) -> LesionContrast | None:
    """Compare the core with what lies opposite; None without a core."""
    lesion, _ = measured_lesion(cohort, patient, stack)
    if lesion is None:
        return None
    core, at_risk = (
        to_display(mask.array > 0)[stack.positions] & stack.mask
        for mask in (lesion.core, lesion.at_risk)
    )
    if not core.any():
        return None
    middle = stack.ncct[:, 1] * stack.mask
    mirrored = boosting.mirrored(stack, {0: middle, 1: at_risk.astype(np.float32)})
    difference = np.where(stack.mask, middle - mirrored[0], 0)
    healthy = stack.mask & ~at_risk & (mirrored[1] < 0.5)
    n = int(core.sum())
    return LesionContrast(
        patient_id=patient.patient_id,
        core_ml=lesion.core_ml,
        hu=float(difference[core].mean()),
        noise_hu=_block_noise(stack) * math.sqrt(2 * _BLOCK**2 / n),
        anatomy_hu=_spread(difference, healthy, core),
    )


def _block_noise(stack: SliceStack) -> float:
    """Spread by noise of the mean of a block of pixels of a slice.

    From the slices below and above, which differ by noise, and by anatomy, which blocks
    of little difference hold least of.
    """
    below, above = (stack.ncct[:, plane] for plane in (0, 2))
    over = (1, _BLOCK, _BLOCK)
    share = ndimage.uniform_filter(stack.mask.astype(np.float32), over)
    mean = ndimage.uniform_filter(np.where(stack.mask, above - below, 0), over)
    blocks = mean[:, ::_BLOCK, ::_BLOCK][share[:, ::_BLOCK, ::_BLOCK] > 0.999]
    if not blocks.size:
        return math.nan
    middle = np.median(blocks)
    return float(np.median(np.abs(blocks - middle)) * 1.4826 / math.sqrt(2))


def _spread(difference: FloatArray, healthy: BoolArray, core: BoolArray) -> float:
    """SD of the difference between the sides, over areas as large as the core."""
    area = core.sum(axis=(1, 2)).max()
    sigma = math.sqrt(float(area) / math.pi) / 2
    blurred = boosting.smoothed(
        np.where(healthy, difference, 0), healthy.astype(np.float32), sigma
    )
    return float(blurred[healthy].std()) if healthy.any() else math.nan
