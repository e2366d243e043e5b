"""Search for the rigid motion with the most mutual information, coarse to fine."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from magic_model.data.volume import Affine, Volume
from magic_model.errors import DataError

# SimpleITK counts millimetres to the left and back, the project to the right and front.
_LPS: Affine = np.diag([-1.0, -1.0, 1.0, 1.0])

_BINS = 32
_FINEST_MM = 2.0
_AROUND_MM = 12.0  # of the brain, so that its edge counts
_STEPS = 100


@dataclass(frozen=True)
class Resolution:
    """How coarse a search looks.

    Attributes:
        spacing_mm: Of the fixed image; axes with thicker voxels stay as they are.
        blur_mm: Standard deviation of the blur of both images.
    """

    spacing_mm: float
    blur_mm: float


COARSE, MEDIUM, FINE = Resolution(6, 5), Resolution(4, 3), Resolution(2.5, 1.5)


@dataclass(frozen=True)
class Found:
    """Where a search ended.

    Attributes:
        matrix: `(4, 4)` motion of the moving image in mm of RAS+.
        information: Mattes mutual information there, of the last resolution.
        steps: Steps of the optimiser at that resolution.
    """

    matrix: Affine
    information: float
    steps: int


class RigidSearch:
    """Gradient ascent of the mutual information of two brains, 0 around both.

    The fixed image is looked at in its own slices, however thick: nothing is filled in
    between. All its voxels count, in one order and by one thread, so that the same
    input gives the same result.
    """

    def __init__(self, moving: Volume, fixed: Volume) -> None:
        """Prepare both images.

        Args:
            moving: Brain, 0 around it.
            fixed: Brain, 0 around it.

        Raises:
            DataError: If SimpleITK is missing.
        """
        self._sitk = simpleitk()
        fixed = _cropped(fixed)
        self._fixed, self._moving = (_thinned(v, _FINEST_MM) for v in (fixed, moving))
        self._centre = (_LPS @ _middle(fixed))[:3].tolist()
        self._images: dict[Resolution, tuple[Any, Any]] = {}

    def climb(self, start: Affine, resolutions: Sequence[Resolution]) -> Found:
        """Follow the gradient from a place, through resolutions.

        Raises:
            DataError: If the images cannot be compared there.
        """
        with _one_thread(self._sitk):
            found = Found(start, np.nan, 0)
            for resolution in resolutions:
                found = self._climb(found.matrix, resolution)
        return found

    def _climb(self, start: Affine, resolution: Resolution) -> Found:
        transform = self._transform(start)
        method = self._sitk.ImageRegistrationMethod()
        method.SetMetricAsMattesMutualInformation(_BINS)
        method.SetMetricSamplingStrategy(method.NONE)
        method.SetInterpolator(self._sitk.sitkLinear)
        # The filter blurs by the thickest voxel: thick slices would be 2 mm off.
        method.SetMetricUseMovingImageGradientFilter(False)
        method.SetOptimizerAsRegularStepGradientDescent(
            learningRate=2.0, minStep=3e-3, numberOfIterations=_STEPS,
            relaxationFactor=0.6,
        )  # fmt: skip
        method.SetOptimizerScalesFromPhysicalShift()
        method.SetInitialTransform(transform, True)
        try:
            method.Execute(*self._at(resolution))
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1]
            msg = (
                f"{self._moving.kind} cannot be registered to {self._fixed.kind} "
                f"({reason})"
            )
            raise DataError(msg) from error
        return Found(
            matrix=_LPS @ np.linalg.inv(_matrix(transform)) @ _LPS,
            information=-float(method.GetMetricValue()),
            steps=int(method.GetOptimizerIteration()),
        )

    def _at(self, resolution: Resolution) -> tuple[Any, Any]:
        if resolution not in self._images:
            fixed, moving = (
                _image(self._sitk, _thinned(_blurred(volume, resolution), spacing))
                for volume, spacing in (
                    (self._fixed, resolution.spacing_mm),
                    (self._moving, resolution.blur_mm),
                )
            )
            self._images[resolution] = fixed, moving
        return self._images[resolution]

    def _transform(self, place: Affine) -> Any:  # noqa: ANN401
        """Transform from fixed to moving image, about the middle of the fixed one."""
        transform = self._sitk.Euler3DTransform(self._centre)
        back = _LPS @ np.linalg.inv(place) @ _LPS
        transform.SetMatrix(back[:3, :3].ravel().tolist(), 1e-6)
        moved = back @ [*self._centre, 1.0]
        transform.SetTranslation((moved[:3] - self._centre).tolist())
        return transform


def simpleitk() -> Any:  # noqa: ANN401
    """Import SimpleITK.

    Raises:
        DataError: If it is missing.
    """
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


def _cropped(volume: Volume) -> Volume:
    """Cut out the brain and what is near it."""
    held = ndimage.find_objects((volume.array != 0).astype(np.uint8))
    if not held:
        return volume
    box = []
    for span, spacing, size in zip(held[0], volume.spacing, volume.shape, strict=True):
        around = round(_AROUND_MM / spacing)
        box.append(slice(max(0, span.start - around), min(size, span.stop + around)))
    affine = volume.affine.copy()
    affine[:, 3] = affine @ [*(span.start for span in box), 1]
    return Volume(volume.array[tuple(box)], affine, volume.kind)


def _thinned(volume: Volume, spacing_mm: float) -> Volume:
    """Average neighbours until voxels are about this large; larger ones stay."""
    array, affine = volume.array, volume.affine.copy()
    for axis, spacing in enumerate(volume.spacing):
        size = min(max(1, round(spacing_mm / spacing)), array.shape[axis])
        whole = array.shape[axis] // size
        groups = np.moveaxis(array, axis, 0)[: whole * size]
        groups = groups.reshape(whole, size, *groups.shape[1:])
        array = np.moveaxis(groups.mean(axis=1), 0, axis) if size > 1 else array
        affine[:, 3] += affine[:, axis] * (size - 1) / 2
        affine[:, axis] *= size
    return Volume(array, affine, volume.kind)


def _blurred(volume: Volume, resolution: Resolution) -> Volume:
    sigma = [
        resolution.blur_mm / spacing if spacing <= resolution.spacing_mm else 0
        for spacing in volume.spacing
    ]
    return volume.with_array(ndimage.gaussian_filter(volume.array, sigma))


def _middle(volume: Volume) -> Affine:
    """Centre of a brain, 0 around it; of the image if it is empty."""
    held = np.argwhere(volume.array != 0)
    index = held.mean(axis=0) if len(held) else (np.array(volume.shape) - 1) / 2
    middle: Affine = volume.affine @ [*index, 1.0]
    return middle


def _image(sitk: Any, volume: Volume) -> Any:  # noqa: ANN401
    image = sitk.GetImageFromArray(
        np.ascontiguousarray(volume.array.transpose(2, 1, 0))
    )
    affine = _LPS @ volume.affine
    image.SetOrigin(affine[:3, 3].tolist())
    image.SetSpacing(volume.spacing)
    image.SetDirection((affine[:3, :3] / volume.spacing).ravel().tolist())
    return image


def _matrix(transform: Any) -> Affine:  # noqa: ANN401
    """Matrix of an Euler transform: rotation about its centre, then a shift."""
    matrix = np.eye(4)
    rotation = np.array(transform.GetMatrix()).reshape(3, 3)
    centre = np.array(transform.GetCenter())
    matrix[:3, :3] = rotation
    matrix[:3, 3] = centre + transform.GetTranslation() - rotation @ centre
    return matrix
