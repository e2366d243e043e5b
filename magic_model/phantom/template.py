"""The MNI152 anatomy that nilearn ships, loaded once per process."""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter

from magic_model.data.volume import FloatArray
from magic_model.phantom.vessels import vessel_fraction

if TYPE_CHECKING:
    from nibabel import Nifti1Image

_CLOSING_MM = 8.0  # furrows narrower than twice this lie within the skull
_COARSE = 2  # the distance changes slowly: every other voxel tells enough


@dataclass(frozen=True, eq=False)
class Template:
    """Anatomy on a grid of 1 mm; it is symmetric, patients are not.

    Attributes:
        origin_mm: MNI coordinates of the first voxel.
        grey: Share of grey matter.
        white: Share of white matter.
        brain: 1 in the brain, ventricles included.
        vessels: Share of blood within large vessels.
        outside_mm: Signed distance to the hull of the brain, positive outside, on a
            grid of 2 mm.
    """

    origin_mm: FloatArray
    grey: FloatArray
    white: FloatArray
    brain: FloatArray
    vessels: FloatArray
    outside_mm: FloatArray

    def indices(self, points_mm: FloatArray) -> FloatArray:
        """Give voxel indices of `(3, ...)` MNI coordinates."""
        origin = self.origin_mm.reshape(3, *[1] * (points_mm.ndim - 1))
        return points_mm - origin

    def coarse_indices(self, points_mm: FloatArray) -> FloatArray:
        """Give indices into `outside_mm` of `(3, ...)` MNI coordinates."""
        return self.indices(points_mm) / np.float32(_COARSE)


@lru_cache(maxsize=1)
def load_template() -> Template:
    """Read the ICBM 2009a symmetric template (doi:10.1016/j.neuroimage.2010.07.033).

    nilearn carries the files; nothing is downloaded.
    """
    from nilearn.datasets import (
        load_mni152_gm_template,
        load_mni152_template,
        load_mni152_wm_template,
    )

    t1 = load_mni152_template(resolution=1)
    origin = np.asarray(t1.affine[:3, 3], dtype=np.float32)
    brain = _values(t1) > 0
    return Template(
        origin_mm=origin,
        grey=_values(load_mni152_gm_template(resolution=1)),
        white=_values(load_mni152_wm_template(resolution=1)),
        brain=brain.astype(np.float32),
        vessels=vessel_fraction(brain.shape, origin),
        outside_mm=_distance_to_hull(brain[::_COARSE, ::_COARSE, ::_COARSE]),
    )


def _values(image: "Nifti1Image") -> FloatArray:
    """Values of a NIfTI image in the order in which they are sampled fast."""
    return np.ascontiguousarray(image.dataobj, dtype=np.float32)


def _distance_to_hull(brain: NDArray[np.bool_]) -> FloatArray:
    """Signed distance in mm to the brain with its furrows closed."""
    wide = distance_transform_edt(~brain, sampling=_COARSE) <= _CLOSING_MM
    hull = distance_transform_edt(wide, sampling=_COARSE) > _CLOSING_MM
    outside = distance_transform_edt(~hull, sampling=_COARSE)
    inside = distance_transform_edt(hull, sampling=_COARSE)
    signed = (outside - inside).astype(np.float32)
    smooth: FloatArray = gaussian_filter(signed, 1.0)
    return smooth
