"""The figures of one patient, in every method and trivial predictor."""

from collections.abc import Mapping

import numpy as np

from magic_model.data.grid import BoolArray
from magic_model.data.volume import FloatArray
from magic_model.evaluation.lesions import (
    lesion_in,
    lesion_overlap,
    lesion_volumes,
    measured_lesion,
)
from magic_model.evaluation.metric import Metric
from magic_model.evaluation.predictors import MEASURED, Images, trivial_predictions
from magic_model.evaluation.score_table import Key
from magic_model.evaluation.selection import (
    PatientMaps,
    Selection,
    can_find_lesion,
    has_central_volume,
)
from magic_model.evaluation.similarity import map_scores
from magic_model.maps import MAP_SPECS, PerfusionMap
from magic_model.metrics.pixelwise import central_volume_residual

Figures = dict[Key, float]


def score_patient(
    selection: Selection, pair: PatientMaps, constants: Mapping[PerfusionMap, float]
) -> tuple[Figures, list[str]]:
    """Measure a patient; all maps are cut to the same mask first.

    Args:
        selection: The maps, and the cohort with the measured masks.
        pair: What was measured and generated.
        constants: Value of each map for the constant predictor.

    Returns:
        The figures, and where the measured lesion comes from.

    Raises:
        DataError: If a mask cannot be read.
    """
    mask = pair.reference.mask
    measured = _masked(pair.reference.maps, mask)
    predictions: dict[str, Images] = {
        **{name: _masked(images, mask) for name, images in pair.generated.items()},
        **trivial_predictions(pair.reference, constants),
    }
    figures = {
        Key(method, name, metric): value
        for method, images in predictions.items()
        for name in selection.maps
        for metric, value in map_scores(
            measured[name], images[name], mask, MAP_SPECS[name].value_range
        ).items()
    }
    if has_central_volume(selection.maps):
        figures |= _residuals({MEASURED: measured, **predictions}, mask)
    if not can_find_lesion(selection.maps):
        return figures, []
    lesions, notes = _lesions(selection, pair, predictions)
    return figures | lesions, notes


def _masked(images: Images, mask: BoolArray) -> dict[PerfusionMap, FloatArray]:
    nothing = np.float32(0)
    return {name: np.where(mask, image, nothing) for name, image in images.items()}


def _residuals(methods: Mapping[str, Images], mask: BoolArray) -> Figures:
    return {
        Key(method, None, Metric.CENTRAL_RESIDUAL): central_volume_residual(
            images[PerfusionMap.CBF],
            images[PerfusionMap.CBV],
            images[PerfusionMap.MTT],
            mask,
        )
        for method, images in methods.items()
    }


def _lesions(
    selection: Selection, pair: PatientMaps, predictions: Mapping[str, Images]
) -> tuple[Figures, list[str]]:
    reference = pair.reference
    truth, source = measured_lesion(selection.measured, pair.patient, reference)
    figures = {}
    for method, images in {MEASURED: reference.maps, **predictions}.items():
        found = lesion_in(reference, images)
        volumes = lesion_volumes(truth if method == MEASURED else found)
        for metric, value in {**volumes, **lesion_overlap(truth, found)}.items():
            figures[Key(method, None, metric)] = value
    notes = [
        f"Measured lesions are {source}; the Dice of the measured maps is that of what "
        "the rules find in them"
    ]
    if PerfusionMap.TMAX not in selection.maps:
        notes.append("Without Tmax, generated tissue at risk is found by late TTP")
    return figures, notes
