"""An NCCT as it comes from the scanner, cut into slices for a network."""

import math
from collections.abc import Iterator

import numpy as np

from magic_model.data.grid import reorient_ras
from magic_model.data.slices import SliceGeometry, SliceStack, prepare_slices
from magic_model.data.volume import Volume
from magic_model.errors import DataError

OFFSET_MM = 4.0
"""Distance of the neighbours that a network sees below and above a slice (2.1.2)."""

_EVERY = 10_000  # slices; more than any volume has
_UNEVEN = 1.5
_TILTED = 15.0  # degrees


def prepare_ncct(
    name: str,
    ncct: Volume,
    *,
    size: int,
    spacing_mm: float | None = None,
    brain: Volume | None = None,
) -> SliceStack:
    """Cut every slice of an NCCT that shows brain, skull and all taken off.

    Args:
        name: Study-local name, which errors begin with.
        ncct: In HU, in any orientation.
        size: Pixels along each side of a slice.
        spacing_mm: Distance of slices; those of the NCCT if left out.
        brain: Brain mask on any grid; found in the NCCT if left out.

    Raises:
        DataError: If no brain is found, or the volume is too thin for neighbours.
    """
    head = reorient_ras(ncct.require_finite())
    _require_depth(name, head)
    if spacing_mm is not None:
        head = _respaced(name, head, spacing_mm)
    geometry = SliceGeometry(
        size=size, n_slices=_EVERY, slice_mm=0.0, offset_mm=OFFSET_MM, enough=0.0
    )
    return prepare_slices(name, head, {}, brain, geometry=geometry)


def preparation_notes(ncct: Volume) -> Iterator[str]:
    """Say what about an NCCT the network was not made for, and what was done."""
    head = reorient_ras(ncct)
    x, y, z = head.spacing
    if z > OFFSET_MM:
        yield (
            f"slices are {z:g} mm apart: the neighbours at {OFFSET_MM:g} mm were "
            "interpolated between them"
        )
    if max(x, y) > _UNEVEN * z and max(x, y) > OFFSET_MM / 2:
        yield (
            f"voxels are {x:.3g} x {y:.3g} x {z:.3g} mm, coarser in the axial plane "
            "than across it: axial slices were interpolated from another plane"
        )
    tilt = math.degrees(math.acos(min(1.0, head.affine[2, 2] / z)))
    if tilt > _TILTED:
        yield f"slices are tilted by {tilt:.0f} degrees from the axial plane"


def _require_depth(name: str, head: Volume) -> None:
    depth = head.shape[2] * head.spacing[2]
    if depth < 2 * OFFSET_MM or head.shape[2] == 1:
        msg = (
            f"{name}: an NCCT must reach {2 * OFFSET_MM:g} mm from bottom to top, so "
            f"that slices have neighbours; got {head.shape[2]} slices of "
            f"{head.spacing[2]:g} mm"
        )
        raise DataError(msg)


def _respaced(name: str, head: Volume, spacing_mm: float) -> Volume:
    """Sample the slices at another distance; the first stays where it is."""
    if not 0 < spacing_mm < math.inf:
        msg = f"{name}: spacing must be a positive number of mm, got {spacing_mm}"
        raise DataError(msg)
    step = spacing_mm / head.spacing[2]
    places = np.arange(0, head.shape[2] - 1 + 1e-6, step)
    below = np.minimum(places.astype(int), head.shape[2] - 1)
    above = np.minimum(below + 1, head.shape[2] - 1)
    share = (places - below).astype(np.float32)
    array = head.array[:, :, below] * (1 - share) + head.array[:, :, above] * share
    affine = head.affine.copy()
    affine[:3, 2] *= step
    return Volume(array, affine, head.kind)
