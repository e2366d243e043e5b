"""Predictors that know nothing of perfusion, for every figure to be compared with."""

from collections.abc import Mapping, Sequence

import numpy as np

from magic_model.data.cohort import Cohort, Patient
from magic_model.data.grid import HALF, common_grid, map_support, resample
from magic_model.data.normalise import scale_hounsfield, unscale_map
from magic_model.data.slices import SliceStack
from magic_model.data.volume import FloatArray, Kind
from magic_model.maps import PerfusionMap

BLACK = "black"
CONSTANT = "constant in mask"
NCCT_COPY = "NCCT copy"
BASELINES = (BLACK, CONSTANT, NCCT_COPY)
BOOSTING = "boosting"
"""Boosted trees on smoothed and mirrored CT numbers; knows no more than these."""
MEASURED = "measured"

Images = Mapping[PerfusionMap, FloatArray]


def trivial_predictions(
    reference: SliceStack, constants: Mapping[PerfusionMap, float]
) -> dict[str, dict[PerfusionMap, FloatArray]]:
    """Return the maps of each trivial predictor, `(n, rows, columns)`, 0 off the mask.

    `NCCT copy` is the slice itself, its window of 0-80 HU stretched over the range of
    the map.

    Args:
        reference: Slices of a patient.
        constants: Value of each map in the mask, in its unit.
    """
    mask = reference.mask
    scan = scale_hounsfield(reference.ncct[:, 1])
    return {
        BLACK: {name: np.zeros(mask.shape, np.float32) for name in constants},
        CONSTANT: {
            name: np.where(mask, np.float32(value), np.float32(0))
            for name, value in constants.items()
        },
        NCCT_COPY: {
            name: np.where(mask, unscale_map(scan, name), np.float32(0))
            for name in constants
        },
    }


def mean_values(
    cohort: Cohort,
    patients: Sequence[Patient],
    maps: Sequence[PerfusionMap],
    *,
    jobs: int = 1,
) -> dict[PerfusionMap, float]:
    """Average each map over the brain of each patient, then over the patients.

    Args:
        cohort: Where the maps are.
        patients: One or more, each of whom has every map.
        maps: Which maps.
        jobs: Patients read at the same time.

    Raises:
        DataError: If an image cannot be read.
    """
    from joblib import Parallel, delayed

    work = Parallel(n_jobs=jobs)
    means = np.array(work(delayed(_means)(cohort, p, maps) for p in patients))
    return dict(zip(maps, means.mean(axis=0).tolist(), strict=True))


def _means(
    cohort: Cohort, patient: Patient, maps: Sequence[PerfusionMap]
) -> list[float]:
    gridded = common_grid({name: cohort.load(patient, Kind(name)) for name in maps})
    inside = map_support(gridded)
    if Kind.BRAIN_MASK in patient.images:
        grid = next(iter(gridded.values()))
        brain = resample(cohort.load(patient, Kind.BRAIN_MASK), grid.affine, grid.shape)
        inside &= brain.array > HALF
    return [
        float(np.nanmean(gridded[name].array[inside], dtype=np.float64))
        if inside.any()
        else 0.0
        for name in maps
    ]
