"""Montages as they come: any PNG without transparency becomes 8-bit RGB pixels."""

from pathlib import Path

import numpy as np
from PIL import Image

from reader_study.build.png import Pixels
from reader_study.errors import StudyError

_MODES = {"1", "L", "LA", "P", "PA", "RGB", "RGBA"}  # 8 bits a channel or fewer


def read_montage(path: Path) -> Pixels:
    """Read a montage; colours are kept to the bit, everything else is left behind.

    Returns:
        `(height, width, 3)` RGB.

    Raises:
        StudyError: If it cannot be read, or is a PNG that cannot be shown as it is:
            moving, transparent or of more than 8 bits. The file is named.
    """
    try:
        with Image.open(path, formats=["PNG"]) as image:
            return _pixels(image, path)
    except StudyError:
        raise
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        why = error.strerror if isinstance(error, OSError) else None
        msg = f"{path}: must be a PNG that can be read ({why or error})"
        raise StudyError(msg) from error


def _pixels(image: Image.Image, path: Path) -> Pixels:
    frames = getattr(image, "n_frames", 1)
    if image.mode not in _MODES or frames != 1:
        what = f"mode {image.mode}" if frames == 1 else f"{frames} frames"
        msg = f"{path} must be one picture of at most 8 bits a channel, got {what}"
        raise StudyError(msg)
    if image.has_transparency_data:
        colours = np.asarray(image.convert("RGBA"))
        least = int(colours[..., 3].min())
        if least < 255:
            msg = f"{path} must not be transparent, got an opacity of {least} of 255"
            raise StudyError(msg)
        return np.ascontiguousarray(colours[..., :3])
    return np.asarray(image.convert("RGB"))
