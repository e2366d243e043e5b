"""Core and tissue at risk in measured and in generated maps, at the same places."""

import math

import numpy as np

from magic_model.data.cohort import Cohort, Patient
from magic_model.data.grid import resample
from magic_model.data.lesion import Lesion, find_lesion, lesion_from_masks
from magic_model.data.slices import SliceStack
from magic_model.data.volume import Kind
from magic_model.evaluation.metric import Metric
from magic_model.evaluation.predictors import Images
from magic_model.metrics.pixelwise import dice

_MASKS = (Kind.CORE_MASK, Kind.PENUMBRA_MASK)


def measured_lesion(
    cohort: Cohort, patient: Patient, reference: SliceStack
) -> tuple[Lesion, str]:
    """Give the measured lesion on the slices, and in words where it comes from.

    Masks of the cohort are taken where it has them, else those found in its maps.

    Raises:
        DataError: If a mask cannot be read.
    """
    if not set(_MASKS) <= set(patient.images):
        return lesion_in(reference, reference.maps), "found in the measured maps"
    brain = reference.to_volume(reference.mask.astype(np.float32), Kind.BRAIN_MASK)
    core, at_risk = (
        resample(cohort.load(patient, kind), brain.affine, brain.shape, order=0)
        for kind in _MASKS
    )
    lesion = lesion_from_masks(
        core.with_array(core.array * brain.array),
        at_risk.with_array(at_risk.array * brain.array),
    )
    return lesion, "masks of the measured cohort"


def lesion_in(reference: SliceStack, images: Images) -> Lesion:
    """Find the lesion in maps on the slices of a patient; none in black maps.

    Args:
        reference: Place and mask of the slices.
        images: `(n, rows, columns)` each, 0 off the mask: CBF, and Tmax or TTP.

    Raises:
        DataError: If a map is missing.
    """
    brain = reference.to_volume(reference.mask.astype(np.float32), Kind.BRAIN_MASK)
    if not any(image.any() for image in images.values()):
        nothing = brain.with_array(np.zeros(brain.shape))
        return lesion_from_masks(nothing, nothing)
    maps = {
        name: reference.to_volume(image, Kind(name)) for name, image in images.items()
    }
    return find_lesion(maps, brain)


def lesion_volumes(lesion: Lesion) -> dict[Metric, float]:
    """Volumes in mL."""
    return {Metric.CORE_ML: lesion.core_ml, Metric.AT_RISK_ML: lesion.penumbra_ml}


def lesion_overlap(measured: Lesion, found: Lesion) -> dict[Metric, float]:
    """Dice with the measured lesion; NaN where that is empty, whatever was found.

    Patients without a lesion are judged by volumes, so that every method has its
    overlap measured in the same patients.
    """
    return {
        metric: dice(truth.array, other.array) if truth.array.any() else math.nan
        for metric, truth, other in (
            (Metric.CORE_DICE, measured.core, found.core),
            (Metric.AT_RISK_DICE, measured.at_risk, found.at_risk),
        )
    }
