"""Sampled texture: detail that no NCCT tells, drawn so that maps look as measured ones.

An error-first network leaves out what it cannot know, so its maps are smoother than any
measured map. For reader studies the detail that it shows too faintly is strengthened,
and what it leaves out is drawn at random: as rough as that of the measured maps it was
learnt from, as strong as theirs at that level of the map, and as patchy. It is sampled,
not inferred: for reader studies, not for reading.

Texture lives above the band of a Gaussian of `GUARD` pixels, and its amplitude changes
slowly, so what the network said of any larger region stands (`low_band`).

Noise is a function of seed, patient and place in the patient's coordinates, so it is
the same at every spacing, field of view, batch, order and process.
"""

from magic_model.texture.bands import GUARD, low_band
from magic_model.texture.fit import TextureFit
from magic_model.texture.model import (
    NOTICE,
    SAMPLED,
    TextureModel,
    is_current,
    texture_of,
)

__all__ = [
    "GUARD",
    "NOTICE",
    "SAMPLED",
    "TextureFit",
    "TextureModel",
    "is_current",
    "low_band",
    "texture_of",
]
