"""What texture is added to the maps of a patient."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from scipy import ndimage

from magic_model.data.grid import BoolArray
from magic_model.data.slices import SliceStack
from magic_model.data.volume import FloatArray
from magic_model.errors import DataError
from magic_model.maps import MAP_SPECS, PerfusionMap
from magic_model.texture.bands import (
    GUARD,
    GUARDED,
    SCALES,
    Array,
    fill,
    high_band,
    low_band,
)
from magic_model.texture.noise import PatientNoise

SAMPLED = "sampled texture"
"""What it is called wherever it is told of."""

NOTICE = "for reader studies, not for reading"

LEVELS = 6
"""Of a map, at which its texture may be of another strength."""

_ARRAYS = ("detail", "spectrum", "levels", "gains", "patchy", "mixes")


@dataclass(frozen=True)
class TextureModel:
    """What texture is added, learnt from measured maps.

    Attributes:
        maps: In the order of the arrays.
        pixel_mm: Side of a pixel, to which the bands refer.
        detail: `(maps,)` what the network's own detail is multiplied by, 1 or more.
        spectrum: `(maps, bands)` power of white noise in each band, in shares of the
            range squared.
        levels: `(maps, levels)`, of the smoothed map as a share of its range.
        gains: `(maps, levels)` of the noise of that spectrum, about 1.
        patchy: `(maps,)` standard deviation of the logarithm of its strength.
        mixes: `(maps, maps)` lower triangle: how noise of one map is mixed into that of
            the next, as measured maps share their detail.
    """

    maps: tuple[PerfusionMap, ...]
    pixel_mm: float
    detail: Array = field(repr=False)
    spectrum: Array = field(repr=False)
    levels: Array = field(repr=False)
    gains: Array = field(repr=False)
    patchy: Array = field(repr=False)
    mixes: Array = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "maps": [str(name) for name in self.maps],
            "pixel_mm": self.pixel_mm,
            **{name: _rounded(getattr(self, name)) for name in _ARRAYS},
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """Build it from plain values.

        Raises:
            DataError: If shapes do not fit together.
        """
        maps = tuple(PerfusionMap(name) for name in plain["maps"])
        arrays = [np.array(plain[name], np.float64) for name in _ARRAYS]
        n, bands = len(maps), len(SCALES)
        wanted = (n,), (n, bands), (n, LEVELS), (n, LEVELS), (n,), (n, n)
        found = tuple(array.shape for array in arrays)
        if found != wanted:
            msg = f"{', '.join(_ARRAYS)} of a texture must be {wanted}, got {found}"
            raise DataError(msg)
        return cls(maps, float(plain["pixel_mm"]), *arrays)

    def add(
        self,
        stack: SliceStack,
        images: Mapping[PerfusionMap, FloatArray],
        seed: int,
    ) -> dict[PerfusionMap, FloatArray]:
        """Add texture to the maps of a patient.

        Args:
            stack: Slices that the maps are of.
            images: `(n, size, size)` each, in its unit, 0 off the mask.
            seed: Of the texture; with the patient's name it decides all of it.

        Returns:
            The same shapes, 0 or more, 0 off the mask.
        """
        drawn = {
            name: np.zeros(stack.mask.shape, np.float32) if name in self.maps else image
            for name, image in images.items()
        }
        noise = PatientNoise(
            f"{seed}/{stack.patient_id}",
            [str(name) for name in self.maps],
            pixel_mm=self.pixel_mm,
            spectrum=self.spectrum,
            patchy=self.patchy,
            mixes=self.mixes,
        )
        for number, inside in enumerate(stack.mask):
            if not inside.any():
                continue
            rough = noise.at(*_places(stack, number))
            for channel, name in enumerate(self.maps):
                low, high = MAP_SPECS[name].value_range
                share = (images[name][number] - low) / (high - low)
                level = low_band(share, inside)[inside]
                gain = np.interp(level, self.levels[channel], self.gains[channel])
                own = _detail(share, inside)[inside]
                added = (self.detail[channel] - 1) * own + gain * rough[channel]
                changed = np.maximum(share[inside] + added, 0)
                drawn[name][number][inside] = changed * (high - low) + low
        return drawn


def texture_of(
    wanted: bool, plain: Mapping[str, Any] | None, whose: str | Path
) -> TextureModel | None:
    """Return the texture of a network from what it says of itself; None if it has none.

    Raises:
        DataError: If its recipe asks for one and it was not learnt yet, or by an
            earlier version.
    """
    if not wanted:
        return None
    if plain is None:
        msg = (
            f"{whose}: the recipe asks for texture, which is learnt when all epochs "
            "are done; train it to its end"
        )
        raise DataError(msg)
    if not is_current(plain):
        msg = (
            f"{whose}: its texture was learnt by an earlier version; the same `train` "
            "command on the finished run learns it anew"
        )
        raise DataError(msg)
    return TextureModel.from_dict(plain)


def is_current(plain: Mapping[str, Any]) -> bool:
    """Return whether a network says of its texture what this version draws from."""
    return set(_ARRAYS) <= set(plain)


def _rounded(array: Array) -> Any:  # noqa: ANN401 - nested lists
    """Return six digits of each value, whatever its size."""
    return np.vectorize(lambda x: float(f"{x:.6g}"))(array).tolist()


def _detail(share: FloatArray, inside: BoolArray) -> Array:
    """What the network itself shows above the low band, whatever the field of view."""
    within = ndimage.find_objects(inside.astype(np.uint8))[0]
    beyond = math.ceil(4 * GUARD * GUARDED)
    wide = fill(
        np.pad(share[within], beyond).astype(np.float64), np.pad(inside[within], beyond)
    )
    found = np.zeros(share.shape)
    found[within] = high_band(wide, GUARDED)[beyond:-beyond, beyond:-beyond]
    return found


def _places(stack: SliceStack, number: int) -> tuple[Array, Array, Array]:
    """Where the brain's pixels of a slice are, in mm of the patient (RAS)."""
    rows, columns = np.nonzero(stack.mask[number])
    height, width = stack.mask.shape[1:]
    # Display turns both axes of the slab round (`data.slices.to_display`).
    across, down = width - 1.0 - columns, height - 1.0 - rows
    level = np.full_like(across, float(stack.positions[number]))
    voxels = np.stack([across, down, level, np.ones_like(across)])
    x, y, z = stack.affine[:3] @ voxels
    return x, y, z
