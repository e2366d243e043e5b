"""A machine's Turing test: can a forest tell generated from measured patches?

Readers see more than a machine and less; a machine is at hand while a network is
made. AUC .5 is "cannot tell", 1 "always tells". Patients whom the forest learnt
from are never those that it is asked about.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from magic_model.data.grid import BoolArray
from magic_model.data.volume import FloatArray
from magic_model.metrics.method_agreement import Interval
from magic_model.metrics.pixelwise import roc_auc

PATCH = 64
"""Pixels along each side of a patch."""

FEWEST_PATIENTS = 3
"""Of a test: some to learn from, some to ask about, and more than one of these."""

_INSIDE = 0.8  # share of a patch that is brain
_MOST = 40  # patches of a patient
_FOLDS = 5
_TREES = 100
_DRAWS = 500
_QUANTILES = np.array([1, 5, 25, 50, 75, 95, 99]) / 100
_RINGS = np.array([0.0, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4, 0.51])
_AROUND = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))
_KEPT = 16  # pixels along each side when patches are compared


@dataclass(frozen=True)
class MachineAuc:
    """How well a forest tells two kinds of pictures apart.

    Attributes:
        auc: Over all patches; NaN where there are too few patients.
        interval: 95 %, by a bootstrap over patients.
        n_patients: Of whom there are patches.
        n_patches: Of both kinds together.
    """

    auc: float
    interval: Interval
    n_patients: int
    n_patches: int


def cut_patches(images: FloatArray, mask: BoolArray) -> FloatArray:
    """Cut patches of `PATCH` pixels that are mostly brain, evenly spread.

    Args:
        images: `(n, maps, rows, columns)` of a patient.
        mask: `(n, rows, columns)`.

    Returns:
        `(patches, maps, PATCH, PATCH)`, 40 at most.
    """
    step = PATCH // 2
    rows, columns = (range(0, length - PATCH + 1, step) for length in mask.shape[1:])
    places = [
        (number, slice(row, row + PATCH), slice(column, column + PATCH))
        for number in range(len(mask))
        for row in rows
        for column in columns
        if mask[number, row : row + PATCH, column : column + PATCH].mean() >= _INSIDE
    ]
    kept = places[:: max(1, math.ceil(len(places) / _MOST))]
    cut = [images[n, :, y, x] for n, y, x in kept]
    shape = (0, images.shape[1], PATCH, PATCH)
    return np.stack(cut) if cut else np.zeros(shape, np.float32)


def patch_features(patches: FloatArray) -> NDArray[np.float64]:
    """Describe patches `(n, maps, PATCH, PATCH)` by `(n, features)`.

    Of each map: quantiles; power by ring of spatial frequency; spread and tails of the
    Laplacian at three scales; local binary patterns at two; spread of differences along
    rows and columns.
    """
    found = [
        _of_map(patches[:, channel].astype(np.float64))
        for channel in range(patches.shape[1])
    ]
    return np.concatenate(found, axis=1)


def turing_test(
    one: Sequence[NDArray[np.float64]],
    other: Sequence[NDArray[np.float64]],
    *,
    seed: int = 0,
) -> MachineAuc:
    """Let a forest tell two kinds of patches, each patient's by the other patients'.

    Args:
        one: Features of the patches of each patient, `(n, features)`.
        other: The same patients' of the other kind.
        seed: Of forest, and bootstrap.
    """
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import GroupKFold

    sizes = [(len(a), len(b)) for a, b in zip(one, other, strict=True)]
    whose = np.repeat(np.arange(len(sizes)), [sum(pair) for pair in sizes])
    n_patients = len(np.unique(whose))
    nothing = MachineAuc(math.nan, Interval(math.nan, math.nan), n_patients, len(whose))
    if n_patients < FEWEST_PATIENTS:
        return nothing
    rows = np.concatenate(
        [part for pair in zip(one, other, strict=True) for part in pair]
    )
    kind = np.concatenate([np.repeat([False, True], pair) for pair in sizes])
    told = np.zeros(len(rows))
    for learnt, asked in GroupKFold(min(_FOLDS, n_patients)).split(rows, kind, whose):
        forest = RandomForestClassifier(
            _TREES, min_samples_leaf=2, random_state=seed, n_jobs=1
        ).fit(rows[learnt], kind[learnt])
        told[asked] = forest.predict_proba(rows[asked])[:, 1]
    rng = np.random.default_rng(seed)
    of_patient = [np.flatnonzero(whose == patient) for patient in np.unique(whose)]
    drawn = []
    for _ in range(_DRAWS):
        patients = rng.integers(n_patients, size=n_patients)
        chosen = np.concatenate([of_patient[patient] for patient in patients])
        drawn.append(roc_auc(told[chosen], kind[chosen]))
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    interval = Interval(float(low), float(high))
    return MachineAuc(roc_auc(told, kind), interval, n_patients, len(rows))


def halves(
    features: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Part patches in two kinds that do not differ, every other one."""
    return features[::2], features[1::2]


def likeness(patches: FloatArray, others: FloatArray) -> float:
    """Return how alike patches are to the most similar of others, the mean of it.

    Correlation of all maps at a quarter of the pixels, 1 for a copy; NaN without any.
    Generated patches that are more like training patches than measured ones of other
    patients are copied from these.
    """
    if not len(patches) or not len(others):
        return math.nan
    one, other = _small(patches), _small(others)
    return float((one @ other.T).max(axis=1).mean())


def _small(patches: FloatArray) -> NDArray[np.float64]:
    n, maps = patches.shape[:2]
    side = PATCH // _KEPT
    small = patches.reshape(n, maps, _KEPT, side, _KEPT, side).mean((3, 5))
    small = (small - small.mean((2, 3), keepdims=True)).reshape(n, maps, -1)
    length = np.linalg.norm(small, axis=2, keepdims=True)
    unit: NDArray[np.float64] = small / np.maximum(length, 1e-9) / math.sqrt(maps)
    return unit.reshape(n, -1)


def _of_map(patches: FloatArray) -> NDArray[np.float64]:
    columns: list[NDArray[np.float64]] = []
    n = len(patches)
    columns += list(np.quantile(patches.reshape(n, -1), _QUANTILES, axis=1))
    columns += list(_log_power(patches).T)
    for sigma in (0.0, 1.0, 2.0):
        smooth = ndimage.gaussian_filter(patches, (0, sigma, sigma))
        edges = ndimage.laplace(smooth, mode="nearest")[:, 2:-2, 2:-2].reshape(n, -1)
        spread = edges.std(axis=1) + 1e-9
        columns += [np.log(spread), (edges**4).mean(axis=1) / spread**4]
    for reach in (1, 3):
        columns += list(_binary_patterns(patches, reach).T)
    for axis in (1, 2):
        columns.append(np.log(np.diff(patches, axis=axis).std((1, 2)) + 1e-9))
    return np.stack(columns, axis=1)


def _log_power(patches: FloatArray) -> NDArray[np.float64]:
    window = np.outer(np.hanning(PATCH), np.hanning(PATCH))
    centred = patches - patches.mean((1, 2), keepdims=True)
    power = np.abs(np.fft.fft2(centred * window)) ** 2
    frequency = np.hypot(np.fft.fftfreq(PATCH)[:, None], np.fft.fftfreq(PATCH))
    rings = np.digitize(frequency, _RINGS)
    sums = [power[:, rings == ring].sum(1) for ring in range(1, len(_RINGS))]
    logs: NDArray[np.float64] = np.log(np.stack(sums, axis=1) + 1e-12)
    return logs


def _binary_patterns(patches: FloatArray, reach: int) -> NDArray[np.float64]:
    """Share of pixels by how many of eight neighbours are larger.

    Patterns that change more than twice around a pixel are one kind (Ojala 2002,
    doi:10.1109/TPAMI.2002.1017623).
    """
    inner = slice(reach, -reach)
    middle = patches[:, inner, inner]
    size = patches.shape[1] - 2 * reach
    larger = np.stack(
        [
            patches[
                :,
                reach * (1 + y) : reach * (1 + y) + size,
                reach * (1 + x) : reach * (1 + x) + size,
            ]
            > middle
            for y, x in _AROUND
        ]
    )
    changes = (larger != np.roll(larger, 1, axis=0)).sum(0)
    uniform = np.where(changes <= 2, larger.sum(0), len(_AROUND) + 1)
    n = len(patches)
    counts = [(uniform == value).reshape(n, -1).mean(1) for value in range(10)]
    return np.stack(counts, axis=1)
