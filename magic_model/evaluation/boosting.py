"""Boosted trees on smoothed and mirrored CT numbers: a predictor without a network.

What they reach says what an NCCT holds at the least; a network that falls short of them
has not learnt it, whatever the NCCT shows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from magic_model.data.cohort import Cohort, Patient
from magic_model.data.lesion.hemispheres import find_mid_plane
from magic_model.data.slices import (
    SliceGeometry,
    SliceStack,
    prepare_slices,
    to_display,
)
from magic_model.data.split import Split
from magic_model.data.volume import FloatArray, Kind
from magic_model.errors import DataError, pluralize
from magic_model.maps import PerfusionMap

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingRegressor

GEOMETRY = SliceGeometry(slab_mm=5.0)
"""The slices of an evaluation, each NCCT slice averaged as thickly as maps are."""

_SIGMAS = (1, 2, 4, 8, 14)  # pixels
_MIRRORED = (2, 4, 8, 14)
_FEWEST_WEIGHT = 0.05  # of a Gaussian inside the brain
_TIMES = (PerfusionMap.MTT, PerfusionMap.TTP, PerfusionMap.TMAX)
_PIXELS = 6000  # drawn from each patient
_PATIENTS = 60  # more teach trees of this size nothing
_ROUNDS = 200


@dataclass(frozen=True, eq=False)
class Boosting:
    """Trees of each map, fitted to the training split of a cohort.

    Attributes:
        trees: By map.
        notes: What they were fitted to.
    """

    trees: "Mapping[PerfusionMap, HistGradientBoostingRegressor]"
    notes: tuple[str, ...]

    def predict(
        self, cohort: Cohort, patient: Patient
    ) -> dict[PerfusionMap, FloatArray]:
        """Predict the maps of a patient on the slices of an evaluation.

        Returns:
            `(n, rows, columns)` each, 0 off the mask.

        Raises:
            DataError: If an image cannot be read.
        """
        return self.predict_slices(load_slices(cohort, patient, list(self.trees)))

    def predict_slices(self, stack: SliceStack) -> dict[PerfusionMap, FloatArray]:
        """Predict the maps on slices that are cut already by `GEOMETRY`."""
        rows = features(stack)[stack.mask]
        made = {}
        for name, tree in self.trees.items():
            made[name] = np.zeros(stack.mask.shape, np.float32)
            made[name][stack.mask] = tree.predict(rows)
        return made


def fit_boosting(
    cohort: Cohort, maps: Sequence[PerfusionMap], *, seed: int = 0, jobs: int = 1
) -> Boosting:
    """Fit trees to pixels of the training split.

    The median of CBF, CBV is fitted, the mean of the times, since the median of a
    lesion of doubtful sight is healthy.

    Args:
        cohort: With NCCT and these maps.
        maps: Which maps.
        seed: Of the pixels that are drawn.
        jobs: Patients read at the same time.

    Raises:
        DataError: If nobody is in the training split, or an image cannot be read.
    """
    from joblib import Parallel, delayed
    from sklearn.ensemble import HistGradientBoostingRegressor

    needed = {Kind.NCCT, *map(Kind, maps)}
    trained = [
        patient
        for patient in cohort.patients
        if patient.split is Split.TRAIN and needed <= set(patient.images)
    ]
    if not trained:
        msg = (
            f"{cohort.folder}: boosting is fitted to the training split, which must "
            "hold a patient with NCCT and the maps, got none"
        )
        raise DataError(msg)
    chosen = trained[:: -(-len(trained) // _PATIENTS)]
    drawn = Parallel(n_jobs=jobs)(
        delayed(_drawn)(cohort, patient, maps, [seed, number])
        for number, patient in enumerate(chosen)
    )
    rows, values = (np.concatenate(parts) for parts in zip(*drawn, strict=True))
    trees = {}
    for channel, name in enumerate(maps):
        loss = "squared_error" if name in _TIMES else "absolute_error"
        tree = HistGradientBoostingRegressor(
            loss=loss, max_iter=_ROUNDS, early_stopping=False, random_state=seed
        )
        trees[name] = tree.fit(rows, values[:, channel])
    note = (
        f"Boosting was fitted to {len(rows)} pixels of "
        f"{pluralize(len(chosen), 'patient')} of the training split"
    )
    return Boosting(trees, (note,))


def load_slices(
    cohort: Cohort,
    patient: Patient,
    maps: Sequence[PerfusionMap],
    geometry: SliceGeometry = GEOMETRY,
) -> SliceStack:
    """Cut the slices of a patient of a cohort.

    Raises:
        DataError: If an image cannot be read.
    """
    brain = Kind.BRAIN_MASK in patient.images
    return prepare_slices(
        patient.patient_id,
        cohort.load(patient, Kind.NCCT),
        {name: cohort.load(patient, Kind(name)) for name in maps},
        cohort.load(patient, Kind.BRAIN_MASK) if brain else None,
        geometry=geometry,
    )


def features(stack: SliceStack) -> FloatArray:
    """Return sixteen figures of each pixel, `(n, rows, columns, 16)`.

    CT numbers of the three slices; Gaussian means of the middle one within the brain;
    their difference from what lies opposite; texture; place in the brain.
    """
    inside = stack.mask.astype(np.float32)
    ncct = stack.ncct * inside[:, np.newaxis]
    smooth = {sigma: smoothed(ncct[:, 1], inside, sigma) for sigma in _SIGMAS}
    spread = smoothed((ncct[:, 1] - smooth[2]) ** 2 * inside, inside, 4)
    opposite = mirrored(stack, smooth)
    channels = [
        *(ncct[:, plane] for plane in range(3)),
        *smooth.values(),
        *(smooth[sigma] - opposite[sigma] for sigma in _MIRRORED),
        np.sqrt(spread),
        *_places(stack.mask),
    ]
    stacked: FloatArray = np.stack(channels, axis=-1).astype(np.float32)
    return stacked


def mirrored(
    stack: SliceStack, images: Mapping[int, FloatArray]
) -> dict[int, FloatArray]:
    """Return what lies opposite in each image; the image itself where nothing does."""
    brain = stack.to_volume(stack.mask.astype(np.float32), Kind.BRAIN_MASK)
    plane = find_mid_plane(brain.array > 0, brain.spacing)
    share = to_display(plane.mirror(brain.array))[stack.positions]
    return {
        key: np.where(
            share > 0.5,
            to_display(
                plane.mirror(stack.to_volume(image * stack.mask, Kind.NCCT).array)
            )[stack.positions]
            / np.maximum(share, 0.5),
            image,
        )
        for key, image in images.items()
    }


def _drawn(
    cohort: Cohort, patient: Patient, maps: Sequence[PerfusionMap], key: list[int]
) -> tuple[FloatArray, FloatArray]:
    """Draw pixels of a patient: figures `(n, 16)` and values `(n, maps)`."""
    stack = load_slices(cohort, patient, maps)
    inside = np.flatnonzero(stack.mask)
    rng = np.random.default_rng(key)
    chosen = rng.choice(inside, min(_PIXELS, len(inside)), replace=False)
    rows = features(stack)
    values = np.stack([stack.maps[name].ravel()[chosen] for name in maps], axis=1)
    return rows.reshape(-1, rows.shape[-1])[chosen], values


def smoothed(image: FloatArray, inside: FloatArray, sigma: float) -> FloatArray:
    """Gaussian mean within the brain of each slice; 0 outside."""
    blur: Any = ndimage.gaussian_filter
    over = (0, sigma, sigma)
    weight = np.maximum(blur(inside, over), _FEWEST_WEIGHT)
    mean: FloatArray = blur(image * inside, over) / weight * inside
    return mean


def _places(mask: np.ndarray) -> list[FloatArray]:
    """From front to back, from the middle to a side, and depth below the surface."""
    rows, columns = np.arange(mask.shape[1])[:, None], np.arange(mask.shape[2])
    _, top, left = (int(along.min()) for along in np.nonzero(mask))
    _, bottom, right = (int(along.max()) for along in np.nonzero(mask))
    height, half = max(1, bottom - top), max(1, right - left) / 2
    depth = np.stack([ndimage.distance_transform_edt(image) for image in mask])
    shape = mask.shape
    return [
        np.broadcast_to((rows - top) / height, shape),
        np.broadcast_to(np.abs(columns - (left + right) / 2) / half, shape),
        depth / half,
    ]
