"""Time to peak of tissue: an arterial input function through a box-exponential residue.

Arterial input function and residue are those of the digital brain perfusion phantom of
Riordan (2011) and Manhart (2013), in which the bolus peaks 19 s after the start of the
scan; here it comes `_EARLIER_S` sooner, so that times to peak fall into the range 0 to
25 s of the paper.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from magic_model.data.volume import FloatArray

_AIF_HU = (
    0, 0, 0, 0, 25, 105, 220, 350, 440, 485, 430, 300, 180, 110, 104, 108, 115, 125,
    115, 108, 98, 90, 98, 108, 112,
)  # fmt: skip
_AIF_START_S, _AIF_STEP_S = 1.0, 2.0
_EARLIER_S = 10.0
_STEP_S = 0.05
_LONGEST_MTT_S = 30.0


def time_to_peak(mtt_s: FloatArray, delay_s: FloatArray) -> FloatArray:
    """Time from the start of the scan to the peak of the tissue curve, in s.

    Args:
        mtt_s: Mean transit time in s, up to 30.
        delay_s: How much later the bolus comes than in the artery, in s.
    """
    mtts, peaks = _peak_times()
    ttp: FloatArray = (np.interp(mtt_s, mtts, peaks) + delay_s).astype(np.float32)
    return ttp


def time_to_maximum(mtt_s: FloatArray, delay_s: FloatArray) -> FloatArray:
    """Tmax in s: delay plus half of the mean transit time.

    Deconvolution that smooths puts the maximum into the middle of the box (Calamante et
    al., Stroke 2010;41:1169).
    """
    return delay_s + mtt_s / np.float32(2)


def residue(time_s: NDArray[np.float64], mtt_s: float) -> NDArray[np.float64]:
    """Share of the bolus still in the tissue: 1 for the transit time, then falling."""
    return np.where(time_s < mtt_s, 1.0, np.exp(np.minimum(mtt_s - time_s, 0)))


@lru_cache(maxsize=1)
def _peak_times() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Time to peak without delay for transit times from 0 to 30 s."""
    samples = _AIF_START_S + _AIF_STEP_S * np.arange(len(_AIF_HU))
    time = np.arange(0, samples[-1] + _STEP_S / 2, _STEP_S)
    arterial = np.interp(time, samples, _AIF_HU)
    mtts = np.arange(0.25, _LONGEST_MTT_S + 0.1, 0.25)
    peaks = [
        time[np.argmax(np.convolve(arterial, residue(time, mtt))[: len(time)])]
        for mtt in mtts
    ]
    return mtts, np.array(peaks) - _EARLIER_S
