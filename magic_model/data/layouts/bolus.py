"""When the contrast arrives, judged from a curve of mean CT numbers."""

import numpy as np
from numpy.typing import ArrayLike

from magic_model.errors import DataError

_START_FRAMES = 3
_ARRIVED_AT = 0.1  # share of the rise, a common mark of bolus arrival
_SMALLEST_RISE = 1.0  # HU in the mean of the head; noise of that mean is far smaller


def pre_contrast_frames(curve: ArrayLike) -> int:
    """Count the frames before the bolus arrives.

    The bolus has arrived in the first frame that lies above the start by a tenth of the
    rise; the start is the median of the first three frames, the rise that of the
    highest frame above it.

    Args:
        curve: `(frames,)` mean CT number over the head in HU, in order of time.

    Returns:
        Number of frames from the first that show no contrast, 1 or more.

    Raises:
        DataError: If the curve does not rise, or from the first frame on.

    Examples:
        >>> pre_contrast_frames([30.0, 30.1, 29.9, 30.0, 34.0, 40.0, 33.0])
        4
    """
    values = np.asarray(curve, dtype=np.float64)
    start = float(np.median(values[:_START_FRAMES]))
    rise = float(values.max()) - start
    if rise < _SMALLEST_RISE:
        msg = f"the mean CT number must rise by {_SMALLEST_RISE} HU, got {rise:.2f}"
        raise DataError(msg)
    arrival = int(np.argmax(values > start + _ARRIVED_AT * rise))
    if arrival == 0:
        msg = f"the first of {len(values)} frames must be free of contrast"
        raise DataError(msg)
    return arrival
