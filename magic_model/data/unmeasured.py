"""Voxels without a number: background where they surround the head, holes within it."""

import numpy as np
from scipy import ndimage

from magic_model.data.grid import BoolArray
from magic_model.data.straight import background
from magic_model.data.volume import Kind, Volume
from magic_model.errors import DataError


def measured_only(volume: Volume) -> Volume:
    """Give voxels that are NaN or infinite the value of the background.

    That is 0 for maps and masks, which counts as not measured, and air for an NCCT. A
    voxel is background if such voxels lead from it to the edge of its axial slice;
    what is enclosed by numbers is named.

    Returns:
        The volume itself where all is finite; else one whose notes count the voxels.

    Raises:
        DataError: If nothing is finite, or an NCCT is not within the head.
    """
    finite = np.isfinite(volume.array)
    n_bad = int(finite.size - np.count_nonzero(finite))
    if not n_bad:
        return volume
    if n_bad == finite.size:
        msg = f"{volume.kind} must hold finite values, all are NaN or infinite"
        raise DataError(msg)
    n_within = _count_enclosed(~finite, volume)
    if n_within and volume.kind is Kind.NCCT:
        msg = (
            f"ncct must be finite within the head, {n_within} voxels there are NaN or "
            "infinite: export the scan again"
        )
        raise DataError(msg)
    array = np.where(finite, volume.array, np.float32(background(volume)))
    note = f"{n_bad} voxels are NaN or infinite and count as not measured"
    if n_within:
        inside_ml = n_within * volume.voxel_ml
        note += f", {n_within} of them ({inside_ml:.3g} mL) within the brain"
    return Volume(array, volume.affine, volume.kind, (*volume.notes, note))


def _count_enclosed(bad: BoolArray, volume: Volume) -> int:
    upwards = int(np.argmax(np.abs(volume.affine[2, :3]) / volume.spacing))
    return sum(_enclosed(one) for one in np.moveaxis(bad, upwards, 0) if one.any())


def _enclosed(bad: BoolArray) -> int:
    """Count pixels of a slice that do not reach its edge."""
    labels, n = ndimage.label(bad, structure=np.ones((3, 3)))
    edges = (labels[0], labels[-1], labels[:, 0], labels[:, -1])
    sizes = np.bincount(labels.ravel(), minlength=n + 1)
    sizes[np.unique(np.concatenate(edges))] = 0
    sizes[0] = 0
    return int(sizes.sum())
