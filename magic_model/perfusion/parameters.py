"""CBF, CBV, MTT, TTP and Tmax of each voxel, from its curve and residue function."""

import numpy as np

from magic_model.maps import PerfusionMap
from magic_model.perfusion.bayes import Estimate
from magic_model.perfusion.deconvolution import Solver
from magic_model.perfusion.denoising import Array, Denoised

DENSITY_G_PER_ML = 1.05
"""Of brain tissue."""
HAEMATOCRIT_FACTOR = (1 - 0.45) / (1 - 0.25)
"""Plasma in large vessels over that in capillaries: contrast is in plasma only."""

_PER_100_G = 100 * HAEMATOCRIT_FACTOR / DENSITY_G_PER_ML
_AT_A_TIME = 20_000
_LEAST_CBF = 1e-3  # mL/100g/min; less is no flow


def parameters(
    denoised: Denoised, times: Array, solver: Solver
) -> dict[PerfusionMap, Array]:
    """Return a value of each map for each voxel, in the units of `MAP_SPECS`.

    - CBF: the maximum of `k`, times 6000 x haematocrit factor / density.
    - CBV: the area of `k`, times 100 x haematocrit factor / density. With the SVD
      methods it is the area of the curve over that of the artery, as is usual with
      them: the same where the series covers the whole passage, and too small where it
      ends before.
    - MTT: 60 CBV / CBF (central volume).
    - TTP: time of the curve's maximum after the first frame.
    - Tmax: time of the maximum of `k` after the artery, 0 where it is earlier.

    Maxima are found between frames by a parabola through three. Where nothing flows all
    maps but TTP are 0; no value is NaN.

    Args:
        denoised: Curves.
        times: Of the frames, in seconds.
        solver: Deconvolution with the artery.
    """
    parts = [
        _some(denoised.curves(start, start + _AT_A_TIME), times, solver)
        for start in range(0, len(denoised.scores), _AT_A_TIME)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def parameters_of(found: Estimate) -> dict[PerfusionMap, Array]:
    """Return a value of each map for each voxel, as means over tissues.

    Units and what is where nothing flows are as in `parameters`; Tmax is the delay.
    """
    return _as_maps(found.flow, found.volume, found.delay, found.peak)


def _some(curves: Array, times: Array, solver: Solver) -> dict[PerfusionMap, Array]:
    k = solver.solve(curves)
    late = _peak_time(solver.lags, k)
    ttp = _peak_time(times, curves) - times[0]
    return _as_maps(k.max(axis=1), curves @ solver.area, late, ttp)


def _as_maps(
    flow: Array, volume: Array, delay: Array, ttp: Array
) -> dict[PerfusionMap, Array]:
    cbf = np.maximum(60 * _PER_100_G * flow, 0.0)
    cbv = np.maximum(_PER_100_G * volume, 0.0)
    flows = (cbf > _LEAST_CBF) & (cbv > 0)
    tmax = np.maximum(delay, 0.0)
    cbf, cbv, tmax = (np.where(flows, values, 0.0) for values in (cbf, cbv, tmax))
    return {
        PerfusionMap.CBF: cbf,
        PerfusionMap.CBV: cbv,
        PerfusionMap.MTT: np.divide(60 * cbv, cbf, out=np.zeros_like(cbf), where=flows),
        PerfusionMap.TTP: ttp,
        PerfusionMap.TMAX: tmax,
    }


def _peak_time(times: Array, curves: Array) -> Array:
    """Return the time of each maximum, by the parabola through three points."""
    rows = np.arange(len(curves))
    at = np.clip(curves.argmax(axis=1), 1, len(times) - 2)
    t0, t1, t2 = times[at - 1], times[at], times[at + 1]
    y0, y1, y2 = curves[rows, at - 1], curves[rows, at], curves[rows, at + 1]
    before, after = (y1 - y0) / (t1 - t0), (y2 - y1) / (t2 - t1)
    bend = (after - before) / (t2 - t0)
    top = (t0 + t1) / 2 - before / np.where(bend < 0, 2 * bend, np.inf)
    found = np.where(bend < 0, top, times[curves.argmax(axis=1)])
    return np.asarray(np.clip(found, t0, t2))
