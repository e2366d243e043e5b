"""Contrast agent seen in the pixels of a head CT: vessels in the soft tissue.

In a plain head nothing but calcifications lies between brain and bone, and those are in
few slices. After contrast every slice crosses vessels of 120 to 600 HU. The one rule of
this, for series of a DICOM study and for any NCCT that is imported or generated from.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from magic_model.data.grid import reorient_ras
from magic_model.data.volume import FloatArray, Volume

VESSEL_HU = 120.0
"""CT numbers of an enhanced vessel begin here; clotted blood ends at 90."""

SHARE = 0.0015
"""Of the soft tissue in a slice that vessels must take up to count."""

SLICES = 0.35
"""Of the slices with soft tissue that must show vessels."""

LOOKED_AT = 16
"""Slices from bottom to top that are looked at."""

_SOFT = (0.0, 100.0)  # HU of brain, muscle and blood
_AIR_HU = -1000.0
_METAL_HU = 700.0  # no vessel; cortical bone, teeth, clips
_LARGEST_MM2 = 1000.0  # several that touch; the ring of a skull is larger
_SMALLEST_MM2 = 1.5
_SURROUNDED = 0.9  # share of soft tissue around a vessel
_AROUND_MM = 2.0
_FEWEST_MM2 = 3000.0  # of soft tissue, that a slice counts
_WORKING_MM = 0.8  # finer pixels are left out
_SMOOTH_MM = 0.6


def spread(n_slices: int) -> list[int]:
    """Return which of a number of slices are looked at."""
    places = np.linspace(0, n_slices - 1, min(LOOKED_AT, n_slices))
    indices: list[int] = places.round().astype(int).tolist()
    return indices


def volume_shows_contrast(ncct: Volume) -> bool:
    """Tell from the axial slices of a volume in HU whether contrast was given."""
    head = reorient_ras(ncct)
    pixel_mm = head.spacing[0], head.spacing[1]
    images = (head.array[:, :, k] for k in spread(head.shape[2]))
    return shows_contrast(
        [vessel_share(np.nan_to_num(image, nan=_AIR_HU), pixel_mm) for image in images]
    )


def shows_contrast(shares: Sequence[float]) -> bool:
    """Tell from the vessels in a number of slices whether contrast was given.

    Args:
        shares: What `vessel_share` gives for each slice; NaN does not count.
    """
    known = [share for share in shares if not np.isnan(share)]
    return sum(share >= SHARE for share in known) > SLICES * max(1, len(known))


def vessel_share(hounsfield: FloatArray, pixel_mm: tuple[float, float]) -> float:
    """Share of the soft tissue in a slice that enhanced vessels take up.

    A vessel is a small piece of 120 HU or more with soft tissue all around. What
    touches bone, is as large as bone or as dense as metal is none.

    Args:
        hounsfield: `(rows, columns)`.
        pixel_mm: Distance between rows, and between columns.

    Returns:
        The share; NaN where the slice has too little soft tissue to tell.
    """
    image, spacing = _thinned(hounsfield, pixel_mm)
    pixel_mm2 = spacing[0] * spacing[1]
    soft = (image > _SOFT[0]) & (image < _SOFT[1])
    area = float(soft.sum()) * pixel_mm2
    if area < _FEWEST_MM2:
        return float("nan")
    vessels = sum(_vessels(image, soft, spacing))
    return vessels * pixel_mm2 / area


def _thinned(
    image: FloatArray, pixel_mm: tuple[float, float]
) -> tuple[FloatArray, tuple[float, float]]:
    """Leave pixels out; first smooth away the noise of thin and sharp images."""
    down, across = (max(1, round(_WORKING_MM / mm)) for mm in pixel_mm)
    image = ndimage.gaussian_filter(image, [_SMOOTH_MM / mm for mm in pixel_mm])
    return image[::down, ::across], (pixel_mm[0] * down, pixel_mm[1] * across)


def _vessels(
    image: FloatArray, soft: NDArray[np.bool_], spacing: tuple[float, float]
) -> Iterator[int]:
    """Pixels of each vessel."""
    pieces, _ = ndimage.label(image >= VESSEL_HU, np.ones((3, 3)))
    pixel_mm2 = spacing[0] * spacing[1]
    margin = max(1, round(_AROUND_MM / min(spacing)))
    for label, box in enumerate(ndimage.find_objects(pieces), 1):
        wide = tuple(slice(max(0, s.start - margin), s.stop + margin) for s in box)
        piece = pieces[wide] == label
        size = int(piece.sum())
        if not _SMALLEST_MM2 <= size * pixel_mm2 <= _LARGEST_MM2:
            continue
        if image[wide][piece].max() > _METAL_HU:
            continue
        # The rim itself is a mixture of vessel and brain: 100 to 120 HU.
        rim = ndimage.binary_dilation(piece, iterations=1)
        around = ndimage.binary_dilation(rim, iterations=margin) & ~rim
        if soft[wide][around].mean() >= _SURROUNDED:
            yield size
