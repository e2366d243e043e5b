"""Measure every patient of a selection."""

from collections.abc import Callable, Mapping

import numpy as np

from magic_model.data.cohort import Patient
from magic_model.data.split import Split
from magic_model.data.volume import Kind
from magic_model.errors import counted
from magic_model.evaluation.patient_scores import Figures, score_patient
from magic_model.evaluation.predictors import mean_values
from magic_model.evaluation.score_table import ScoreTable
from magic_model.evaluation.selection import Selection, load_pairs
from magic_model.maps import PerfusionMap

Progress = Callable[[int, int], None]


def score(
    selection: Selection, progress: Progress | None = None, *, jobs: int = 1
) -> ScoreTable:
    """Measure every patient, in every method and trivial predictor.

    Args:
        selection: What can be compared.
        progress: Called with the number of patients done and of all.
        jobs: Patients measured at the same time, each by a process.

    Raises:
        DataError: If an image cannot be read or does not overlap.
    """
    from joblib import Parallel, delayed

    constants, whose = _constants(selection, jobs)
    rows: list[Figures] = []
    notes = {whose: None}  # in order, each once
    work = Parallel(n_jobs=jobs, return_as="generator")
    for row, sources in work(
        delayed(_scored)(selection, patient, constants)
        for patient in selection.patients
    ):
        rows.append(row)
        notes |= dict.fromkeys(sources)
        if progress is not None:
            progress(len(rows), len(selection.patients))
    keys = list(rows[0])
    values = np.array([[row[key] for key in keys] for row in rows])
    return ScoreTable(selection.patients, keys, values, list(notes))


def _scored(
    selection: Selection, patient: Patient, constants: Mapping[PerfusionMap, float]
) -> tuple[Figures, list[str]]:
    (pair,) = load_pairs(selection, [patient])
    return score_patient(selection, pair, constants)


def _constants(
    selection: Selection, jobs: int
) -> tuple[Mapping[PerfusionMap, float], str]:
    """Mean of each map in the training split, and in words whose mean it is."""
    needed = {Kind(name) for name in selection.maps}
    training = [
        patient
        for patient in selection.measured.patients
        if patient.split is Split.TRAIN and needed <= set(patient.images)
    ]
    patients = training or selection.patients
    constants = mean_values(selection.measured, patients, selection.maps, jobs=jobs)
    if training:
        whose = f"the mean of {counted(len(training), 'patient')} of the training split"
    else:
        whose = (
            "the mean of the evaluated patients themselves, which flatters it; the "
            "cohort has no training split"
        )
    return constants, f"The constant in the mask is {whose}"
