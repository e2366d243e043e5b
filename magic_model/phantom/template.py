"""The MNI152 anatomy that nilearn ships, with the courses of large vessels."""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter

from magic_model.data.volume import FloatArray

if TYPE_CHECKING:
    from nibabel import Nifti1Image


_Courses = list[tuple[float, list[tuple[float, float, float]]]]

_PAIRED: _Courses = [
    # radius in mm, course on the right side (x, y, z in mm)
    (2.0, [(14, 4, -40), (13, 2, -28), (13, 5, -18), (12, 1, -13)]),  # carotid
    (1.5, [(12, 1, -13), (22, 4, -16), (33, 3, -13), (38, 0, -8)]),  # M1
    (1.2, [(38, 0, -8), (40, -6, 2), (40, -14, 10), (41, -26, 16)]),  # M2, insula
    (1.1, [(38, 0, -8), (39, 8, 2), (38, 14, 10), (44, 20, 18)]),  # M2, frontal
    (1.1, [(41, -26, 16), (50, -34, 20), (56, -44, 24)]),  # M3
    (1.2, [(12, 1, -13), (5, 10, -12), (2, 20, -8)]),  # A1
    (1.1, [(2, 20, -8), (2, 34, 2), (2, 36, 16), (2, 22, 32), (2, 0, 42)]),  # A2, A3
    (1.2, [(1, -19, -16), (12, -22, -13), (20, -32, -8), (20, -50, 0)]),  # P1, P2
    (1.0, [(20, -50, 0), (14, -70, 4), (9, -84, 6)]),  # P3
    (3.0, [(4, -98, -8), (28, -90, -22), (48, -70, -28), (54, -48, -32)]),  # transverse
    (1.2, [(3, -36, 6), (6, -22, 12), (5, -4, 17)]),  # internal cerebral vein
]
_PAIRED_VEINS = _PAIRED[-2:]
_MIDLINE: _Courses = [
    (1.7, [(0, -28, -46), (0, -21, -30), (0, -19, -16)]),  # basilar
    (2.2, [(0, -36, 6), (0, -44, 8), (0, -54, 2), (0, -78, -6), (0, -98, -8)]),
    (  # superior sagittal sinus
        3.0,
        [
            (0, 74, 10), (0, 70, 30), (0, 58, 48), (0, 38, 64), (0, 12, 76),
            (0, -20, 82), (0, -48, 78), (0, -74, 60), (0, -94, 36), (0, -104, 12),
            (0, -98, -8),
        ],
    ),
]  # fmt: skip
_MIDLINE_VEINS = _MIDLINE[1:]


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
        veins: Share of blood within large veins, a part of `vessels`.
        outside_mm: Signed distance to the hull of the brain, positive outside, on a
            grid of 2 mm.
    """

    origin_mm: FloatArray
    grey: FloatArray
    white: FloatArray
    brain: FloatArray
    vessels: FloatArray
    veins: FloatArray
    outside_mm: FloatArray

    def indices(self, points_mm: FloatArray) -> FloatArray:
        """Return voxel indices of `(3, ...)` MNI coordinates."""
        origin = self.origin_mm.reshape(3, *[1] * (points_mm.ndim - 1))
        return points_mm - origin

    def coarse_indices(self, points_mm: FloatArray) -> FloatArray:
        """Return indices into `outside_mm` of `(3, ...)` MNI coordinates."""
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
        vessels=_vessel_fraction(brain.shape, origin, _PAIRED, _MIDLINE),
        veins=_vessel_fraction(brain.shape, origin, _PAIRED_VEINS, _MIDLINE_VEINS),
        outside_mm=_distance_to_hull(brain[::_COARSE, ::_COARSE, ::_COARSE]),
    )


def _vessel_fraction(
    shape: tuple[int, ...], origin_mm: FloatArray, paired: _Courses, midline: _Courses
) -> FloatArray:
    """Draw vessels into a grid of 1 mm.

    Args:
        shape: Voxels along x, y and z.
        origin_mm: MNI coordinates of the first voxel.
        paired: Vessels of the right side, which the left has, too.
        midline: The others.

    Returns:
        Share of each voxel that is blood within a large vessel, 0 to 1.
    """
    mirrored = [
        (radius, [(sign * x, y, z) for x, y, z in course])
        for radius, course in paired
        for sign in (1, -1)
    ]
    fraction = np.zeros(shape, dtype=np.float32)
    for radius, course in (*mirrored, *midline):
        points = np.rint(_points(course) - origin_mm).astype(np.intp)
        low = np.maximum(points.min(axis=0) - 6, 0)
        high = np.minimum(points.max(axis=0) + 7, shape)
        points = points[((points >= low) & (points < high)).all(axis=1)] - low
        off_line = np.ones(high - low, dtype=bool)
        off_line[tuple(points.T)] = False
        part = np.clip(radius + 0.5 - distance_transform_edt(off_line), 0, 1)
        window = fraction[tuple(map(slice, low, high))]
        np.maximum(window, part, out=window)
    smooth: FloatArray = gaussian_filter(fraction, 0.5)
    return smooth


def _points(course: list[tuple[float, float, float]]) -> FloatArray:
    """Points along a course, closer together than a voxel."""
    corners = np.array(course, dtype=np.float32)
    lengths = np.linalg.norm(np.diff(corners, axis=0), axis=1)
    parts = [
        start + np.linspace(0, 1, int(2 * length) + 2, dtype=np.float32)[:, None] * step
        for start, step, length in zip(
            corners[:-1], np.diff(corners, axis=0), lengths, strict=True
        )
    ]
    return np.concatenate(parts)


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
