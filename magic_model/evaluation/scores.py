"""The figures of every patient: lesions, similarity and errors of each method."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from magic_model.data.cohort import Cohort, Patient
from magic_model.data.grid import BoolArray, resample
from magic_model.data.lesion import Lesion, find_lesion, lesion_from_masks
from magic_model.data.slices import SliceStack, to_display
from magic_model.data.split import Split
from magic_model.data.volume import FloatArray, Kind
from magic_model.errors import SeverityUnknownError, pluralize
from magic_model.evaluation import predictors
from magic_model.evaluation import selection as evaluation_selection
from magic_model.evaluation.metric import Metric
from magic_model.maps import MAP_SPECS, PerfusionMap
from magic_model.metrics import pixelwise, similarity

if TYPE_CHECKING:
    from magic_model.evaluation.boosting import Boosting

_Box = tuple[slice, slice]
_Array = NDArray[np.float64]

_SIMILARITIES = (
    Metric.SSIM_IN_BRAIN,
    Metric.SSIM_BOX,
    Metric.SSIM_PAPER,
    Metric.UQI_IN_BRAIN,
    Metric.UQI_BOX,
    Metric.UQI_PAPER,
)


def map_scores(
    measured: FloatArray,
    generated: FloatArray,
    mask: BoolArray,
    value_range: tuple[float, float],
) -> dict[Metric, float]:
    """Compare one map of one patient.

    SSIM and UQI are taken slice by slice, of the maps as they are shown (cut to their
    range), and averaged over the slices. Errors and correlation are taken over all
    voxels of the brain at once, of the maps as they are; PSNR and an error more of them
    as shown, since what lies above its range a network cannot make.

    Args:
        measured: `(n, rows, columns)` in its unit, 0 off the mask.
        generated: The same shape, 0 off the mask.
        mask: `(n, rows, columns)`; no slice of it may be empty.
        value_range: Of the map; its span is the data range of SSIM.

    Raises:
        ValueError: If shapes differ or a slice of the mask is empty.
    """
    span = value_range[1] - value_range[0]
    one, other = (np.clip(images, *value_range) for images in (measured, generated))
    slices = [
        _slice_scores(x, y, inside, span)
        for x, y, inside in zip(one, other, mask, strict=True)
    ]
    return {
        **{
            metric: _mean(np.array([s[metric] for s in slices]))
            for metric in _SIMILARITIES
        },
        Metric.MAE: pixelwise.mean_absolute_error(measured, generated, mask),
        Metric.RMSE: pixelwise.root_mean_square_error(measured, generated, mask),
        Metric.CORRELATION: pixelwise.correlation(measured, generated, mask),
        Metric.PSNR: _psnr(one, other, mask, span),
        Metric.MAE_SHOWN: pixelwise.mean_absolute_error(one, other, mask),
    }


def _psnr(x: FloatArray, y: FloatArray, mask: BoolArray, span: float) -> float:
    """PSNR in the brain; NaN where the maps are equal."""
    found = pixelwise.peak_signal_to_noise(x, y, span, mask)
    return found if math.isfinite(found) else math.nan


def _slice_scores(
    measured: FloatArray, generated: FloatArray, mask: BoolArray, span: float
) -> dict[Metric, float]:
    box = pixelwise.bounding_box(mask)
    crop = _grown(box, mask.shape)
    x, y, inside = measured[crop], generated[crop], mask[crop]
    box = _within(box, crop)
    gaussian, block = similarity.gaussian_means(x, y), similarity.block_means(x, y)
    structure, index = (
        similarity.structure_of(gaussian, span),
        similarity.index_of(block),
    )
    rough = similarity.structure_of(gaussian, float(y.max()))
    return {
        Metric.SSIM_IN_BRAIN: _masked_pair(
            structure, inside, similarity.GAUSSIAN_RADIUS
        ),
        Metric.SSIM_BOX: _mean(
            _windows_in(box, structure, 2 * similarity.GAUSSIAN_RADIUS)
        ),
        Metric.SSIM_PAPER: _over_frame(
            rough, mask.shape, 2 * similarity.GAUSSIAN_RADIUS
        ),
        Metric.UQI_IN_BRAIN: _masked_pair(index, inside, similarity.BLOCK // 2),
        Metric.UQI_BOX: _mean(_windows_in(box, index, similarity.BLOCK - 1)),
        Metric.UQI_PAPER: _over_frame(
            similarity.paper_index_of(block), mask.shape, similarity.BLOCK
        ),
    }


def _grown(box: _Box, frame: tuple[int, ...]) -> _Box:
    """Grow a box until every window off it sees nothing but background."""
    margin = 2 * similarity.GAUSSIAN_RADIUS
    rows, columns = (
        slice(max(0, side.start - margin), min(length, side.stop + margin))
        for side, length in zip(box, frame, strict=True)
    )
    return rows, columns


def _within(box: _Box, crop: _Box) -> _Box:
    rows, columns = (
        slice(side.start - whole.start, side.stop - whole.start)
        for side, whole in zip(box, crop, strict=True)
    )
    return rows, columns


def _windows_in(box: _Box, quality: _Array, extent: int) -> _Array:
    """Return the windows that lie wholly in a box; a window has extent + 1 pixels."""
    rows, columns = (
        slice(side.start, max(side.start, side.stop - extent)) for side in box
    )
    return quality[rows, columns]


def _masked_pair(quality: _Array, inside: BoolArray, before: int) -> float:
    rows, columns = quality.shape
    middles = inside[before : before + rows, before : before + columns]
    return _mean(quality[middles])


def _over_frame(quality: _Array, frame: tuple[int, ...], lost: int) -> float:
    """Average over all windows of the frame, those off the crop being equal (1)."""
    count = math.prod(length - lost for length in frame)
    return 1 - float((1 - quality).sum()) / count


def _mean(values: _Array) -> float:
    """Mean of the values that are defined; NaN without any."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else math.nan


_MASKS = (Kind.CORE_MASK, Kind.PENUMBRA_MASK)


def measured_lesion(
    cohort: Cohort, patient: Patient, reference: SliceStack
) -> tuple[Lesion | None, str]:
    """Return the measured lesion on the slices, and in words where it comes from.

    Masks of the cohort are taken where it has them, else those found in its maps; None
    where these do not tell.

    Raises:
        DataError: If a mask cannot be read.
    """
    if not set(_MASKS) <= set(patient.images):
        return _lesion_in(reference, reference.maps), "found in the measured maps"
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


@dataclass(frozen=True)
class Key:
    """Method, map and metric of a figure; map is None for one of all maps together."""

    method: str
    map: PerfusionMap | None
    metric: Metric


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """Figures per patient, never per slice.

    Attributes:
        patients: Rows.
        keys: Columns.
        values: `(patients, keys)`, NaN where undefined.
        notes: Where constants and lesions come from.
    """

    patients: Sequence[Patient]
    keys: Sequence[Key]
    values: NDArray[np.float64]
    notes: Sequence[str]

    @property
    def baselines(self) -> list[str]:
        """Predictors to compare with that were measured."""
        known = (*predictors.BASELINES, predictors.BOOSTING)
        found = {key.method for key in self.keys}
        return [name for name in known if name in found]

    def column(self, key: Key) -> NDArray[np.float64]:
        """`(patients,)` values of a key."""
        values: NDArray[np.float64] = self.values[:, self.keys.index(key)]
        return values


_Figures = dict[Key, float]


Progress = Callable[[int, int], None]


def score(
    selection: evaluation_selection.Selection,
    progress: Progress | None = None,
    *,
    jobs: int = 1,
    trees: "Boosting | None" = None,
) -> ScoreTable:
    """Measure every patient, in every method and predictor to compare with.

    Args:
        selection: What can be compared.
        progress: Called with the number of patients done and of all.
        jobs: Patients measured at the same time, each by a process.
        trees: Boosted trees to compare with too.

    Raises:
        DataError: If an image cannot be read or does not overlap.
    """
    from joblib import Parallel, delayed

    constants, whose = _constants(selection, jobs)
    rows: list[_Figures] = []
    notes = dict.fromkeys([whose, *(trees.notes if trees else ())])  # each once
    work = Parallel(n_jobs=jobs, return_as="generator")
    for row, sources in work(
        delayed(_scored)(selection, patient, constants, trees)
        for patient in selection.patients
    ):
        rows.append(row)
        notes |= dict.fromkeys(sources)
        if progress is not None:
            progress(len(rows), len(selection.patients))
    keys = list(rows[0])
    values = np.array([[row[key] for key in keys] for row in rows])
    return ScoreTable(selection.patients, keys, values, list(notes))


def _lesion_in(reference: SliceStack, images: predictors.Images) -> Lesion | None:
    """Find the lesion in maps on the slices of a patient; none in black maps.

    None is returned where the maps do not tell.

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
    try:
        return find_lesion(maps, brain)
    except SeverityUnknownError:
        return None


def _lesion_volumes(lesion: Lesion | None) -> dict[Metric, float]:
    """Volumes in mL, NaN where unknown."""
    if lesion is None:
        return {Metric.CORE_ML: math.nan, Metric.AT_RISK_ML: math.nan}
    return {Metric.CORE_ML: lesion.core_ml, Metric.AT_RISK_ML: lesion.penumbra_ml}


def _lesion_overlap(
    measured: Lesion | None, found: Lesion | None
) -> dict[Metric, float]:
    """Dice with the measured lesion; NaN where that is empty, whatever was found.

    It is NaN too where one of them is unknown.

    Patients without a lesion are judged by volumes, so that every method has its
    overlap measured in the same patients.
    """
    if measured is None or found is None:
        return {Metric.CORE_DICE: math.nan, Metric.AT_RISK_DICE: math.nan}
    return {
        metric: pixelwise.dice(truth.array, other.array)
        if truth.array.any()
        else math.nan
        for metric, truth, other in (
            (Metric.CORE_DICE, measured.core, found.core),
            (Metric.AT_RISK_DICE, measured.at_risk, found.at_risk),
        )
    }


def _lesion_aucs(
    measured: Lesion | None, reference: SliceStack, images: predictors.Images
) -> dict[Metric, float]:
    """How well the maps tell the measured lesion, whatever the limits of the rules.

    Low CBF tells the core, late Tmax (else TTP) the tissue at risk; NaN where the
    measured one is empty or unknown.
    """
    if measured is None:
        return {Metric.CORE_AUC: math.nan, Metric.AT_RISK_AUC: math.nan}
    delay = PerfusionMap.TMAX if PerfusionMap.TMAX in images else PerfusionMap.TTP
    told = {}
    for metric, truth, values in (
        (Metric.CORE_AUC, measured.core, -images[PerfusionMap.CBF]),
        (Metric.AT_RISK_AUC, measured.at_risk, images[delay]),
    ):
        inside = to_display(truth.array > 0)[reference.positions]
        told[metric] = pixelwise.roc_auc(values[reference.mask], inside[reference.mask])
    return told


def _score_patient(
    selection: evaluation_selection.Selection,
    pair: evaluation_selection.PatientMaps,
    others: Mapping[str, predictors.Images],
) -> tuple[_Figures, list[str]]:
    """Measure a patient; all maps are cut to the same mask first.

    Args:
        selection: The maps, and the cohort with the measured masks.
        pair: What was measured and generated.
        others: Maps of each predictor to compare with.

    Returns:
        The figures, and where the measured lesion comes from.

    Raises:
        DataError: If a mask cannot be read.
    """
    mask = pair.reference.mask
    measured = _masked(pair.reference.maps, mask)
    predictions: dict[str, predictors.Images] = {
        **{name: _masked(images, mask) for name, images in pair.generated.items()},
        **others,
    }
    figures = {
        Key(method, name, metric): value
        for method, images in predictions.items()
        for name in selection.maps
        for metric, value in map_scores(
            measured[name], images[name], mask, MAP_SPECS[name].value_range
        ).items()
    }
    if evaluation_selection.has_central_volume(selection.maps):
        figures |= _residuals({predictors.MEASURED: measured, **predictions}, mask)
    if not evaluation_selection.can_find_lesion(selection.maps):
        return figures, []
    lesions, notes = _lesions(selection, pair, predictions)
    return figures | lesions, notes


def _masked(
    images: predictors.Images, mask: BoolArray
) -> dict[PerfusionMap, FloatArray]:
    nothing = np.float32(0)
    return {name: np.where(mask, image, nothing) for name, image in images.items()}


def _residuals(methods: Mapping[str, predictors.Images], mask: BoolArray) -> _Figures:
    return {
        Key(method, None, Metric.CENTRAL_RESIDUAL): pixelwise.central_volume_residual(
            images[PerfusionMap.CBF],
            images[PerfusionMap.CBV],
            images[PerfusionMap.MTT],
            mask,
        )
        for method, images in methods.items()
    }


def _lesions(
    selection: evaluation_selection.Selection,
    pair: evaluation_selection.PatientMaps,
    predictions: Mapping[str, predictors.Images],
) -> tuple[_Figures, list[str]]:
    reference = pair.reference
    truth, source = measured_lesion(selection.measured, pair.patient, reference)
    figures = {}
    for method, images in {predictors.MEASURED: reference.maps, **predictions}.items():
        found = _lesion_in(reference, images)
        volumes = _lesion_volumes(truth if method == predictors.MEASURED else found)
        told = _lesion_aucs(truth, reference, images)
        overlap = _lesion_overlap(truth, found)
        for metric, value in {**volumes, **overlap, **told}.items():
            figures[Key(method, None, metric)] = value
    notes = [
        f"Measured lesions are {source}; the Dice of the measured maps is that of what "
        "the rules find in them"
    ]
    if PerfusionMap.TMAX not in selection.maps:
        notes.append("Without Tmax, generated tissue at risk is found by late TTP")
    return figures, notes


def _scored(
    selection: evaluation_selection.Selection,
    patient: Patient,
    constants: Mapping[PerfusionMap, float],
    trees: "Boosting | None",
) -> tuple[_Figures, list[str]]:
    (pair,) = evaluation_selection.load_pairs(selection, [patient])
    others = predictors.trivial_predictions(pair.reference, constants)
    if trees is not None:
        images = trees.predict(selection.measured, patient)
        others[predictors.BOOSTING] = _masked(images, pair.reference.mask)
    return _score_patient(selection, pair, others)


def _constants(
    selection: evaluation_selection.Selection, jobs: int
) -> tuple[Mapping[PerfusionMap, float], str]:
    """Mean of each map in the training split, and in words whose mean it is."""
    needed = {Kind(name) for name in selection.maps}
    training = [
        patient
        for patient in selection.measured.patients
        if patient.split is Split.TRAIN and needed <= set(patient.images)
    ]
    patients = training or selection.patients
    constants = predictors.mean_values(
        selection.measured, patients, selection.maps, jobs=jobs
    )
    if training:
        whose = (
            f"the mean of {pluralize(len(training), 'patient')} of the training split"
        )
    else:
        whose = (
            "the mean of the evaluated patients themselves, which flatters it; the "
            "cohort has no training split"
        )
    return constants, f"The constant in the mask is {whose}"
