"""Measure every patient of a selection."""

from collections.abc import Callable, Mapping

import numpy as np

from magic_model.data.split import Split
from magic_model.data.volume import Kind
from magic_model.evaluation.patient_scores import score_patient
from magic_model.evaluation.predictors import mean_values
from magic_model.evaluation.score_table import Key, ScoreTable
from magic_model.evaluation.selection import Selection, load_pairs
from magic_model.maps import PerfusionMap

Progress = Callable[[int, int], None]


def score(selection: Selection, progress: Progress | None = None) -> ScoreTable:
    """Measure every patient, in every method and trivial predictor.

    Args:
        selection: What can be compared.
        progress: Called with the number of patients done and of all.

    Raises:
        DataError: If an image cannot be read or does not overlap.
    """
    constants, whose = _constants(selection)
    rows: list[dict[Key, float]] = []
    notes = {whose: None}  # in order, each once
    for pair in load_pairs(selection):
        row, sources = score_patient(selection, pair, constants)
        rows.append(row)
        notes |= dict.fromkeys(sources)
        if progress is not None:
            progress(len(rows), len(selection.patients))
    keys = list(rows[0])
    values = np.array([[row[key] for key in keys] for row in rows])
    return ScoreTable(selection.patients, keys, values, list(notes))


def _constants(selection: Selection) -> tuple[Mapping[PerfusionMap, float], str]:
    """Mean of each map in the training split, and in words whose mean it is."""
    needed = {Kind(name) for name in selection.maps}
    training = [
        patient
        for patient in selection.measured.patients
        if patient.split is Split.TRAIN and needed <= set(patient.images)
    ]
    patients = training or selection.patients
    constants = mean_values(selection.measured, patients, selection.maps)
    if training:
        whose = f"the mean of {len(training)} patients of the training split"
    else:
        whose = (
            "the mean of the evaluated patients themselves, which flatters it; the "
            "cohort has no training split"
        )
    return constants, f"The constant in the mask is {whose}"
