"""Find the brain in a non-contrast head CT."""

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError

from magic_model.data.grid import reorient_ras, resample
from magic_model.data.volume import Affine, FloatArray, Kind, Volume
from magic_model.errors import DataError

BoolArray = NDArray[np.bool_]

_BY_FACES = ndimage.generate_binary_structure(3, 1)


class SkullStripper(Protocol):
    """Whatever tells brain from the rest of the head."""

    def __call__(self, ncct: Volume) -> Volume:
        """Return a brain mask (0 or 1) on the grid of the NCCT.

        Raises:
            DataError: If no brain is found.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class MorphologicalSkullStripper:
    """Brain as the largest piece of soft tissue inside the skull.

    A ball that cannot pass the openings of the skull is rolled around it from the
    sides; what it does not reach is the inside. Soft tissue in there is eroded until
    orbits and muscles fall off, the largest piece is grown back, and holes (calcified
    or liquid) are filled. All lengths are in mm, whatever the spacing.

    A scan that ends within the head and was then turned or straightened shows brain
    without bone above it. Where nothing is found, the vault is closed by a lid over its
    rim before the ball is rolled once more.
    """

    bone_hu: float = 300.0
    """CT numbers from here on are bone."""

    soft_hu: tuple[float, float] = (0.0, 100.0)
    """CT numbers of brain, liquor and blood."""

    opening_mm: float = 18.0
    """Radius of the ball; above that of the foramen magnum."""

    erosion_mm: float = 4.0
    """What is thinner than twice this is no brain."""

    working_mm: float = 2.0
    """Finer grids are sampled at this distance."""

    min_ml: float = 50.0
    """A smaller piece is no brain."""

    def __call__(self, ncct: Volume) -> Volume:
        """Return a brain mask (0 or 1) on the grid of the NCCT.

        Raises:
            DataError: If there is no skull, or too little soft tissue inside.
        """
        head = _coarse(reorient_ras(ncct.require_finite()), self.working_mm)
        brain = self._brain(head, self._inside_skull(head))
        if brain.sum() * head.voxel_ml < self.min_ml:
            brain = self._brain(head, self._inside_skull(head, closed=True))
        found_ml = brain.sum() * head.voxel_ml
        if found_ml < self.min_ml:
            msg = (
                f"A brain must have {self.min_ml:g} mL or more, the largest piece of "
                f"soft tissue inside the skull has {found_ml:.1f}; give a brain mask"
            )
            raise DataError(msg)
        deep = ~_within(2 * self.working_mm, ~brain, head.spacing)
        depth = head.with_array(brain.astype(np.float32) + deep)
        return _refined(depth, ncct, self.soft_hu[1])

    def _inside_skull(self, head: Volume, *, closed: bool = False) -> BoolArray:
        bone = head.array >= self.bone_hu
        if not bone.any():
            msg = (
                f"A head CT must show bone ({self.bone_hu:g} HU or more), its largest "
                f"value is {head.array.max():g}; give a brain mask if the skull is "
                "already removed"
            )
            raise DataError(msg)
        margin = [int(np.ceil(2 * self.opening_mm / s)) + 1 for s in head.spacing]
        skull = _largest(_with_margin(bone, margin))
        barrier = skull | _lid(skull) if closed else skull
        free = ~_within(self.opening_mm, barrier, head.spacing)
        pieces, _ = ndimage.label(free)
        outer = free & (pieces == pieces[0, 0, 0])
        reached = _within(self.opening_mm, outer, head.spacing)
        image = tuple(slice(m, m + n) for m, n in zip(margin, head.shape, strict=True))
        inside: BoolArray = ~(reached | skull)[image]
        return inside

    def _brain(self, head: Volume, inside: BoolArray) -> BoolArray:
        smooth = ndimage.median_filter(head.array, (3, 3, 1))
        low, high = self.soft_hu
        soft = inside & (smooth >= low) & (smooth <= high)
        deep = ~_within(self.erosion_mm, ~soft, head.spacing)
        core = _largest(deep)
        grown = soft & _within(1.5 * self.erosion_mm, core, head.spacing)
        brain: BoolArray = inside & ndimage.binary_fill_holes(grown)
        return brain


def _coarse(volume: Volume, spacing_mm: float) -> Volume:
    """Sample at a distance of at least `spacing_mm` along each axis, same centre."""
    step = np.maximum(spacing_mm / np.array(volume.spacing), 1.0)
    count = np.ceil(np.array(volume.shape) / step).astype(int)
    affine: Affine = volume.affine.copy()
    affine[:3, :3] *= step
    middle = volume.affine @ [*(np.array(volume.shape) - 1) / 2, 1]
    affine[:, 3] = middle - affine @ [*(count - 1) / 2, 0]
    x, y, z = count.tolist()
    return resample(volume, affine, (x, y, z), outside=-1000.0)


def _refined(depth: Volume, ncct: Volume, softest: float) -> Volume:
    """Bring a brain from the coarse grid onto that of the NCCT, slice by slice.

    The coarse surface cuts into bone here and there; near it, bone is taken out.

    Args:
        depth: On the grid of `_coarse`: 1 in the brain, 2 deep in it. Where the deep
            part ends, all around is brain, so both are interpolated in one go.
        ncct: In HU.
        softest: What is above counts only deep in the brain.
    """
    mask = ncct.with_array(np.zeros_like(ncct.array), Kind.BRAIN_MASK)
    upright = reorient_ras(ncct)
    inside = reorient_ras(mask).array  # a view: what is written there is in the mask
    x, y, z = (_Neighbours.along(axis, upright, depth) for axis in range(3))
    for k in np.flatnonzero(z.reach(np.any(depth.array > 0, axis=(0, 1)))).tolist():
        plane = z.between(np.moveaxis(depth.array, 2, 0), slice(k, k + 1))[0]
        held = plane > 0
        rows, columns = (
            _span(at.reach(np.any(held, axis=axis))) for at, axis in ((x, 1), (y, 0))
        )
        fine = y.between(x.between(plane, rows).T, columns).T
        soft = upright.array[rows, columns, k] <= softest
        inside[rows, columns, k] = (fine >= 1.5) | ((fine >= 0.5) & soft)
    return mask


@dataclass(frozen=True)
class _Neighbours:
    """Where the voxels of an axis lie among those that `_coarse` left of it.

    Attributes:
        before: `(n,)` coarse index before each.
        after: `(n,)` coarse index after it, the same at the ends.
        share: `(n,)` of the way from one to the other.
    """

    before: NDArray[np.intp]
    after: NDArray[np.intp]
    share: FloatArray

    @classmethod
    def along(cls, axis: int, fine: Volume, coarse: Volume) -> Self:
        n, last = fine.shape[axis], coarse.shape[axis] - 1
        step = coarse.spacing[axis] / fine.spacing[axis]
        at = np.clip((np.arange(n) - (n - 1) / 2) / step + last / 2, 0, last)
        before = at.astype(np.intp)
        after = np.minimum(before + 1, last)
        return cls(before, after, (at - before).astype(np.float32))

    def reach(self, held: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which fine voxels have something held beside them."""
        found: NDArray[np.bool_] = held[self.before] | (
            held[self.after] & (self.share > 0)
        )
        return found

    def between(self, values: FloatArray, some: slice) -> FloatArray:
        """Interpolate along the first axis, for some of the fine voxels."""
        share = self.share[some].reshape(-1, *[1] * (values.ndim - 1))
        before, after = values[self.before[some]], values[self.after[some]]
        found: FloatArray = before * (1 - share) + after * share
        return found


def _span(found: NDArray[np.bool_]) -> slice:
    """From the first to the last."""
    places = np.flatnonzero(found)
    return slice(int(places[0]), int(places[-1]) + 1)


def _with_margin(bone: BoolArray, margin: list[int]) -> BoolArray:
    """Add air beside the head, and its last slices again above and below.

    An image may end within the head; a brain that it cuts must stay enclosed.
    """
    x, y, z = ((m, m) for m in margin)
    return np.pad(np.pad(bone, ((0, 0), (0, 0), z), "edge"), (x, y, (0, 0)))


def _lid(skull: BoolArray) -> BoolArray:
    """Close what is open above the widest slice, by the hull of the bone of each.

    The ball must not pass from the side, nor from above where a hull is wider than the
    next. Below, the skull is open by nature, and hulls would take in the face.
    """
    filled = np.zeros_like(skull)
    for z in np.flatnonzero(skull.any(axis=(0, 1))):
        filled[..., z] = _filled_hull(skull[..., z])
    below = int(filled.sum(axis=(0, 1)).argmax())
    above = np.zeros_like(filled)
    above[..., :-1] = filled[..., 1:]
    rim = np.stack(
        [~ndimage.binary_erosion(layer) for layer in np.moveaxis(filled, 2, 0)], axis=2
    )
    lid: BoolArray = filled & (rim | ~above)
    lid[..., :below] = False
    return lid


def _filled_hull(bone: BoolArray) -> BoolArray:
    """Return the convex hull of a slice; the slice itself where that has no area."""
    try:
        sides = ConvexHull(np.argwhere(bone)).equations
    except (QhullError, ValueError):  # fewer than three points, or all on a line
        return bone
    x, y = np.indices(bone.shape)
    hull: BoolArray = np.all(
        [a * x + b * y + c <= 1e-9 for a, b, c in sides.tolist()], axis=0
    )
    return hull


def _within(
    mm: float, target: BoolArray, spacing: tuple[float, float, float]
) -> BoolArray:
    """Return which voxels lie within a distance of the nearest voxel of a mask.

    The same as comparing a Euclidean distance transform with `mm`, at a tenth of its
    cost: a ball is a bundle of lines along z, and eight voxels share a byte.
    """
    across, along = (np.arange(-(mm // s) - 1, mm // s + 2) for s in spacing[:2])
    up = np.arange(mm // spacing[2] + 2)
    squares = [(a * s) ** 2 for a, s in zip((across, along, up), spacing, strict=True)]
    flat = squares[0][:, None] + squares[1]
    length = (np.sqrt(flat[..., None] + squares[2]) <= mm).sum(axis=-1) - 1
    lines = target.copy()
    found = np.packbits(np.zeros_like(target), axis=-1)
    for half in range(length.max() + 1):
        if half:
            lines[..., half:] |= target[..., :-half]
            lines[..., :-half] |= target[..., half:]
        packed = np.packbits(lines, axis=-1)
        for i, j in np.argwhere(length == half).tolist():
            to, of = _overlap(target.shape[:2], int(across[i]), int(along[j]))
            found[to] |= packed[of]
    near: BoolArray = np.unpackbits(found, axis=-1, count=target.shape[2]).view(
        np.bool_
    )
    return near


def _overlap(
    shape: tuple[int, ...], *shift: int
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Slices of a shifted image, and of the image, that lie on each other."""
    to = tuple(
        slice(max(0, s), max(0, n + min(0, s)))
        for n, s in zip(shape, shift, strict=True)
    )
    of = tuple(
        slice(max(0, -s), max(0, n - max(0, s)))
        for n, s in zip(shape, shift, strict=True)
    )
    return to, of


def _largest(mask: BoolArray) -> BoolArray:
    """Keep the largest connected piece of a mask (by faces)."""
    pieces, n_pieces = ndimage.label(mask, _BY_FACES)
    if n_pieces == 0:
        return mask
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    largest: BoolArray = pieces == sizes.argmax()
    return largest
