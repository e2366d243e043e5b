"""Whose slices stand in the sample panels, chosen by rule and not by looks."""

import numpy as np

from magic_model.data.cohort import Patient
from magic_model.data.slices import SliceStack, to_display
from magic_model.evaluation.groups import ALL, patient_groups
from magic_model.evaluation.lesions import measured_lesion
from magic_model.evaluation.metric import Metric
from magic_model.evaluation.result import Evaluation
from magic_model.evaluation.score_table import Key
from magic_model.evaluation.selection import Selection, can_find_lesion
from magic_model.severity import Severity


def sample_patients(evaluation: Evaluation) -> dict[str, Patient]:
    """Choose the median patient of each class of severity, by the first method.

    Patients are ranked by in-brain SSIM, averaged over the maps; of an even number the
    lower of the middle two is taken.

    Returns:
        A patient by class; by `all` if no class is known.
    """
    scores = evaluation.scores
    columns = [
        scores.column(Key(evaluation.methods[0], name, Metric.SSIM_IN_BRAIN))
        for name in evaluation.maps
    ]
    quality = np.mean(columns, axis=0)
    groups = patient_groups(scores.patients)
    chosen = {}
    known = [str(group) for group in Severity if groups[group].any()]
    for group in known or [ALL]:
        members = np.flatnonzero(groups[group])
        ranked = members[np.argsort(quality[members], kind="stable")]
        chosen[group] = scores.patients[int(ranked[(len(ranked) - 1) // 2])]
    return chosen


def sample_slice(selection: Selection, patient: Patient, reference: SliceStack) -> int:
    """Choose the slice with most core, then most tissue at risk, else the middle one.

    Raises:
        DataError: If a mask cannot be read.
    """
    middle = len(reference.mask) // 2
    if not can_find_lesion(selection.maps):
        return middle
    lesion, _ = measured_lesion(selection.measured, patient, reference)
    for mask in (lesion.core, lesion.at_risk):
        area = to_display(mask.array)[reference.positions].sum(axis=(1, 2))
        if area.any():
            return int(area.argmax())
    return middle
