"""Rigid registration of one image of a head to another by mutual information."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from magic_model.data.grid import resample
from magic_model.data.volume import Affine, FloatArray, Kind, Volume
from magic_model.errors import DataError

_BINS = 32
"""Of the histogram of each image."""

_MIN_OVERLAP = _BINS**2  # voxels; a histogram of fewer says nothing


def normalised_mutual_information(a: Volume, b: Volume) -> float:
    """(H(a) + H(b)) / H(a, b) where both images are, on the grid of b; NaN if nowhere.

    Studholme 1999, doi:10.1016/S0031-3203(98)00091-0.
    """
    sampled = resample(a, b.affine, b.shape, outside=np.nan).array
    both = np.isfinite(sampled) & np.isfinite(b.array)
    if both.sum() < _MIN_OVERLAP:
        return float("nan")
    counts, _, _ = np.histogram2d(sampled[both], b.array[both], _BINS)
    joint = counts / counts.sum()
    entropy = _entropy(joint)
    if entropy == 0:
        return float("nan")
    return (_entropy(joint.sum(axis=0)) + _entropy(joint.sum(axis=1))) / entropy


_SEED = 1
_WORKING_MM = 3.0  # a tenth of it is found; slices of 10 mm are filled in between
_TISSUE_HU = (-100.0, 200.0)  # so that the bins resolve tissue, not bone and air

# SimpleITK counts millimetres to the left and back, the project to the right and front.
_LPS: Affine = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True, eq=False)
class RigidRegistration:
    """Where an image must be moved to lie on another.

    Attributes:
        matrix: `(4, 4)` rotation and shift in mm of RAS+, from where the moving image
            is to where it belongs.
        mutual_information: Normalised, after the move: 1 = unrelated, 2 = one tells the
            other (`normalised_mutual_information`).
        mutual_information_before: The same before the move; NaN without overlap.
        iterations: Steps of the optimizer at the finest resolution.
    """

    matrix: Affine
    mutual_information: float
    mutual_information_before: float
    iterations: int

    def apply(self, volume: Volume) -> Volume:
        """Move a volume; only its affine changes."""
        return Volume(volume.array, self.matrix @ volume.affine, volume.kind)


def register_rigid(moving: Volume, fixed: Volume) -> RigidRegistration:
    """Find the rigid motion that lays one image of a head on another.

    Mattes mutual information (doi:10.1109/TMI.2003.809072), three resolutions, started
    from the better of the given place and equal centres, and kept only if better than
    that start. The same input gives the same
    result: sampling has a fixed seed and there is one thread.

    Args:
        moving: For instance the NCCT.
        fixed: For instance the first CT perfusion frame, or a perfusion map.

    Raises:
        DataError: If SimpleITK is missing, an image holds values that are not finite or
            has skewed axes, or the images cannot be brought to overlap.
    """
    sitk = _simpleitk()
    moving, fixed = _prepared(moving), _prepared(fixed)
    start = _start(moving, fixed)
    images = [_image(sitk, _isotropic(v)) for v in (fixed, _moved(moving, start))]
    centre = (_LPS @ _centre(fixed))[:3]
    transform = sitk.Euler3DTransform(centre.tolist())
    with _one_thread(sitk):
        method = _method(sitk)
        method.SetInitialTransform(transform, True)
        try:
            method.Execute(*images)
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1]
            msg = f"{moving.kind} cannot be registered to {fixed.kind} ({reason})"
            raise DataError(msg) from error
    found = _LPS @ np.linalg.inv(_matrix(transform)) @ _LPS @ start
    quality, at_start, before = (
        normalised_mutual_information(_moved(moving, place), fixed)
        for place in (found, start, np.eye(4))
    )
    improved = quality >= at_start
    return RigidRegistration(
        matrix=found if improved else start,
        mutual_information=quality if improved else at_start,
        mutual_information_before=before,
        iterations=int(method.GetOptimizerIteration()),
    )


def _entropy(shares: NDArray[np.float64]) -> float:
    held = shares[shares > 0]
    return float(-(held * np.log(held)).sum())


def _simpleitk() -> Any:  # noqa: ANN401
    try:
        import SimpleITK
    except ImportError as error:
        msg = "Registration needs SimpleITK: pip install 'magic-ctp[registration]'"
        raise DataError(msg) from error
    return SimpleITK


@contextmanager
def _one_thread(sitk: Any) -> Iterator[None]:  # noqa: ANN401
    """Sum in one order; the metric heeds the global number of threads only."""
    usual = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(usual)


def _prepared(volume: Volume) -> Volume:
    if not volume.require_finite().is_orthogonal:
        msg = f"{volume.kind} must have axes at right angles to be registered"
        raise DataError(msg)
    if volume.kind is Kind.NCCT:
        return volume.with_array(np.clip(volume.array, *_TISSUE_HU))
    return volume


def _start(moving: Volume, fixed: Volume) -> Affine:
    """Choose between the given place and equal centres."""
    centred = np.eye(4)
    centred[:3, 3] = (_centre(fixed) - _centre(moving))[:3]
    given, tried = (
        normalised_mutual_information(_moved(moving, place), fixed)
        for place in (np.eye(4), centred)
    )
    return centred if tried > given or np.isnan(given) else np.eye(4)


def _centre(volume: Volume) -> NDArray[np.float64]:
    middle = (np.array(volume.shape) - 1) / 2
    centre: NDArray[np.float64] = volume.affine @ [*middle, 1.0]
    return centre


def _moved(volume: Volume, matrix: Affine) -> Volume:
    return Volume(volume.array, matrix @ volume.affine, volume.kind)


def _isotropic(volume: Volume) -> Volume:
    """Sample alike along all axes, so that halving the resolution halves it in each."""
    step = _WORKING_MM / np.array(volume.spacing)
    x, y, z = np.maximum(np.rint(volume.shape / step), 1).astype(int).tolist()
    affine = volume.affine.copy()
    affine[:3, :3] *= step
    middle = np.array([x - 1, y - 1, z - 1, 0]) / 2
    affine[:, 3] = _centre(volume) - affine @ middle
    return resample(volume, affine, (x, y, z), outside=float(volume.array.min()))


def _image(sitk: Any, volume: Volume) -> Any:  # noqa: ANN401
    array: FloatArray = np.ascontiguousarray(volume.array.transpose(2, 1, 0))
    image = sitk.GetImageFromArray(array)
    affine = _LPS @ volume.affine
    image.SetOrigin(affine[:3, 3].tolist())
    image.SetSpacing(volume.spacing)
    image.SetDirection((affine[:3, :3] / volume.spacing).ravel().tolist())
    return image


def _method(sitk: Any) -> Any:  # noqa: ANN401
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(_BINS)
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentagePerLevel([1.0, 0.5, 0.25], _SEED)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetShrinkFactorsPerLevel([4, 2, 1])
    method.SetSmoothingSigmasPerLevel([6, 3, 0])
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=2.0, minStep=1e-3, numberOfIterations=200, relaxationFactor=0.8
    )
    method.SetOptimizerScalesFromPhysicalShift()
    return method


def _matrix(transform: Any) -> Affine:  # noqa: ANN401
    """Matrix of an Euler transform: rotation about its centre, then a shift."""
    matrix = np.eye(4)
    rotation = np.array(transform.GetMatrix()).reshape(3, 3)
    centre = np.array(transform.GetCenter())
    matrix[:3, :3] = rotation
    matrix[:3, 3] = centre + transform.GetTranslation() - rotation @ centre
    return matrix
