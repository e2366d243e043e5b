"""The bolus over time: in the artery, in tissue, in the vein.

Tissue is `c(t) = k integral of aif(t - s) r(s) ds`, with `r` the residue function,
shifted by the delay and smeared by dispersion; `k` is the flow per gram.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from magic_model.data.volume import FloatArray
from magic_model.perfusion.parameters import DENSITY_G_PER_ML, HAEMATOCRIT_FACTOR

Array = NDArray[np.float64]

_ARRIVAL_S = 4.0
_RISE_S = 5.0  # from arrival to peak
_SHAPE = 3.0
_PEAK_HU = 300.0
_TAIL = 0.12  # of the peak: blood that comes round again
_TAIL_S = 10.0

_PLATEAU = 0.25
_DISPERSION = 0.2
_LEAST_WIDTH_S = 0.2

_VEIN_MTT_S, _VEIN_DELAY_S = 4.2, 3.0

HU_PER_FLOW = DENSITY_G_PER_ML / HAEMATOCRIT_FACTOR / 6000
"""From CBF in mL/100g/min to `k` per second, by the constants of the maps."""

_STEP_S = 0.05
_LONGEST_S = 90.0
_MTTS = np.geomspace(0.5, 40.0, 72)
_DELAYS = np.arange(0.0, 16.01, 0.5)


def arterial(time_s: Array) -> Array:
    """Enhancement of arterial blood in HU: a gamma variate, and what comes round again.

    The first frame is at 0; contrast arrives 4 s later and peaks at 300 HU 5 s after.
    """
    t = np.maximum(time_s - _ARRIVAL_S, 0) / _RISE_S
    first = t**_SHAPE * np.exp(_SHAPE * (1 - t))
    again = np.maximum(time_s - _ARRIVAL_S - _RISE_S, 0)
    return np.asarray(_PEAK_HU * (first + _TAIL * (1 - np.exp(-again / _TAIL_S))))


def residue(time_s: Array, mtt_s: float) -> Array:
    """Share of an instant bolus still in the tissue.

    All of it for a quarter of the transit time, then exponentially less; the area is
    the transit time.
    """
    plateau, tail = _PLATEAU * mtt_s, (1 - _PLATEAU) * mtt_s
    late = np.maximum(time_s - plateau, 0) / tail
    return np.where(time_s < 0, 0.0, np.exp(-np.minimum(late, 700)))


def dispersion(time_s: Array, delay_s: float) -> Array:
    """How blood that comes later than the artery's is spread: a bell, of area 1.

    It begins after the delay and lasts a fifth of it (.2 s or more), as paths that are
    longer differ more.
    """
    width = max(_DISPERSION * delay_s, _LEAST_WIDTH_S)
    t = (time_s - delay_s) / width
    bell = np.where((t > 0) & (t < 1), 1 - np.cos(2 * np.pi * t), 0.0)
    return np.asarray(bell / width)


def time_to_maximum(delay_s: FloatArray) -> FloatArray:
    """Tmax in s: when delay and dispersion are over.

    From then the residue function is at its maximum, for as long as its plateau is
    longer than the dispersion.
    """
    tmax: FloatArray = delay_s * np.float32(1 + _DISPERSION)
    return tmax


def time_to_peak(mtt_s: FloatArray, delay_s: FloatArray) -> FloatArray:
    """Time from the first frame to the peak of the tissue curve, in s.

    Args:
        mtt_s: Mean transit time, up to 40 s.
        delay_s: How much later the bolus comes than in the artery, up to 16 s.
    """
    peaks = (_fine_curves().argmax(axis=-1) * _STEP_S).astype(np.float32)
    found = _interpolated(peaks[..., None], mtt_s, delay_s)
    return np.asarray(found[:, 0].reshape(mtt_s.shape), np.float32)


def tissue_curves(times: Array, mtt_s: FloatArray, delay_s: FloatArray) -> FloatArray:
    """Enhancement of tissue of unit `k`, `(voxels, frames)` in HU.

    Args:
        times: Of the frames, after the first.
        mtt_s: Mean transit time of each voxel.
        delay_s: Delay of each voxel.
    """
    fine = _fine_curves()
    seconds = np.arange(fine.shape[-1]) * _STEP_S
    frames = np.clip(np.rint(times / _STEP_S), 0, len(seconds) - 1).astype(np.intp)
    return _interpolated(fine[..., frames], mtt_s, delay_s)


def late_arterial(times: Array, delay_s: FloatArray) -> FloatArray:
    """Enhancement of blood in arteries behind a delay, `(voxels, frames)` in HU."""
    kinds = np.rint(np.asarray(delay_s) / 0.25).astype(np.intp)
    fine = _seconds()
    curves = []
    for kind in range(int(kinds.max(initial=0)) + 1):
        delay = 0.25 * kind
        seen = arterial(fine)
        if delay:
            seen = _convolved(seen, dispersion(fine, delay)) * _STEP_S
        curves.append(np.interp(times, fine, seen))
    seen_by_voxels: FloatArray = np.asarray(curves, np.float32)[kinds]
    return seen_by_voxels


def venous(times: Array) -> Array:
    """Enhancement of venous blood in HU: what has passed the brain, as much in area."""
    fine = _seconds()
    passage = residue(fine, _VEIN_MTT_S) / _VEIN_MTT_S
    spread = _convolved(passage, dispersion(fine, _VEIN_DELAY_S)) * _STEP_S
    seen = _convolved(arterial(fine), spread / spread.sum())
    return np.asarray(np.interp(times, fine, seen))


def _seconds() -> Array:
    return np.arange(0, _LONGEST_S, _STEP_S)


@lru_cache(maxsize=1)
def _fine_curves() -> NDArray[np.float32]:
    """Tissue of unit `k` for each transit time and delay, every .05 s."""
    fine = _seconds()
    size = 2 * len(fine)
    artery = np.fft.rfft(arterial(fine), size)
    residues = np.stack([np.fft.rfft(residue(fine, mtt), size) for mtt in _MTTS])
    curves = np.empty((len(_MTTS), len(_DELAYS), len(fine)), np.float32)
    for column, delay in enumerate(_DELAYS):
        spread = np.fft.rfft(dispersion(fine, delay), size) if delay else 1 / _STEP_S
        whole = np.fft.irfft(artery * spread * residues, size)[:, : len(fine)]
        curves[:, column] = whole * _STEP_S**2
    return curves


def _convolved(one: Array, other: Array) -> Array:
    size = 2 * len(one)
    product = np.fft.rfft(one, size) * np.fft.rfft(other, size)
    return np.asarray(np.fft.irfft(product, size)[: len(one)])


def _interpolated(
    table: FloatArray, mtt_s: FloatArray, delay_s: FloatArray
) -> FloatArray:
    """Interpolate a table `(mtt, delay, values)` for voxels."""
    ratio = np.log(_MTTS[1] / _MTTS[0])
    where = np.log(np.maximum(mtt_s.ravel(), _MTTS[0]) / _MTTS[0]) / ratio
    at = (where, delay_s.ravel() / (_DELAYS[1] - _DELAYS[0]))
    steps, shares = [], []
    for position, size in zip(at, table.shape[:2], strict=True):
        inside = np.clip(position, 0, size - 1)
        low = np.minimum(inside.astype(np.intp), size - 2)
        steps.append(low)
        shares.append((inside - low).astype(np.float32)[:, None])
    (i, j), (s, t) = steps, shares
    near = (1 - t) * table[i, j] + t * table[i, j + 1]
    far = (1 - t) * table[i + 1, j] + t * table[i + 1, j + 1]
    return np.asarray((1 - s) * near + s * far)
