"""Masks that somebody drew: 0 and 1 (or 255), or labels of a stated table."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from magic_model.data.grid import BoolArray, reorient_ras, resample
from magic_model.data.volume import FloatArray, Kind, Volume
from magic_model.errors import DataError

MASKS = (Kind.BRAIN_MASK, Kind.CORE_MASK, Kind.PENUMBRA_MASK)

LABELS: Mapping[Kind, tuple[int, ...]] = {
    Kind.CORE_MASK: (1,),
    Kind.PENUMBRA_MASK: (1, 2),
}
"""Labels of each mask: 1 is core, 2 the rest of the tissue at risk, 0 neither."""

OUTSIDE_BOUND = 0.05
"""Share of a core that may lie outside the tissue at risk, as borders do."""

_EXACT = 1e-3
_OUTSIDE_ML = 1.0
_SHOWN = 6


def from_labels(image: Volume, kind: Kind) -> Volume:
    """Take core, or all tissue at risk, out of an image of labels.

    Args:
        image: Holds 0, 1 (core) and 2 (penumbra around it).
        kind: Core or tissue at risk.

    Raises:
        DataError: If it holds other values.
    """
    labels = _whole(image.array)
    if labels is None or not np.isin(labels, (0, *LABELS[Kind.PENUMBRA_MASK])).all():
        msg = f"labels must be 0, 1 (core) and 2 (penumbra), got {_values(image.array)}"
        raise DataError(msg)
    return image.with_array(np.isin(labels, LABELS[kind]), kind)


def to_binary(mask: Volume) -> Volume:
    """Return a mask as 0 and 1; one of 0 and 255 is understood.

    Raises:
        DataError: If it holds other values.
    """
    array = mask.require_finite().array
    whole = _whole(array)
    if whole is not None:
        inside = whole != 0
        for full in (1, 255):
            if (whole[inside] == full).all():
                return mask.with_array(inside)
    msg = (
        f"{mask.kind} must hold 0 and 1 (or 0 and 255), got {_values(array)}: "
        f"{_remedy(mask.kind)}"
    )
    raise DataError(msg)


def on_grid(masks: Mapping[Kind, Volume], grid: Volume) -> dict[Kind, Volume]:
    """Bring masks whose voxels are those of a grid into its orientation.

    Raises:
        DataError: If a mask has other voxels: volumes of a lesion are counted in them.
    """
    place = reorient_ras(grid)
    for kind, mask in masks.items():
        own = reorient_ras(mask)
        if own.shape != place.shape or not np.allclose(
            own.affine, place.affine, atol=1e-2
        ):
            msg = (
                f"{kind} must have the voxels of {grid.kind}, {_described(place)}, got "
                f"{_described(own)}: resample it, nearest neighbour"
            )
            raise DataError(msg)
    return {
        kind: resample(mask, grid.affine, grid.shape, order=0)
        for kind, mask in masks.items()
    }


def mask_findings(images: Mapping[Kind, Volume]) -> Iterator[str]:
    """Say so if a core lies outside the tissue at risk, which must contain it."""
    core, at_risk = (images.get(kind) for kind in LABELS)
    if core is None or at_risk is None or core.shape != at_risk.shape:
        return
    drawn = core.array > 0.5
    outside: BoolArray = drawn & ~(at_risk.array > 0.5)
    lost_ml = float(outside.sum()) * core.voxel_ml
    share = lost_ml / (float(drawn.sum()) * core.voxel_ml) if drawn.any() else 0.0
    if share > OUTSIDE_BOUND and lost_ml > _OUTSIDE_ML:
        yield (
            f"{lost_ml:.1f} mL of core_mask ({100 * share:.0f} %) lie outside "
            "penumbra_mask, which must hold all tissue at risk, the core included"
        )


def _whole(array: FloatArray) -> NDArray[np.int64] | None:
    """Return the values as whole numbers, None if they are none."""
    if not np.isfinite(array).all():
        return None
    whole = np.rint(array)
    if np.abs(array - whole).max() > _EXACT:
        return None
    return whole.astype(np.int64)


def _values(array: FloatArray) -> str:
    values = np.unique(array)
    listed = ", ".join(f"{value:g}" for value in values[:_SHOWN])
    return listed + (f" ... ({len(values)} values)" if len(values) > _SHOWN else "")


def _remedy(kind: Kind) -> str:
    if kind in LABELS:
        return "an image of labels (1 core, 2 penumbra) goes into the column labels"
    return "make a mask of it first"


def _described(volume: Volume) -> str:
    size = " x ".join(map(str, volume.shape))
    spacing = " x ".join(f"{step:.4g}" for step in volume.spacing)
    corner = ", ".join(f"{mm:.4g}" for mm in volume.affine[:3, 3])
    return f"{size} of {spacing} mm from ({corner})"
