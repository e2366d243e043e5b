"""What tissue of known transit time and delay looks like behind a given artery."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy import interpolate

from magic_model.perfusion.denoising import Array, Basis

_TRANSITS_S = np.geomspace(1.2, 30.0, 43)
_EARLIEST_S = -6.0  # an artery may be seen later than tissue
_LATEST_S = 20.0
_STEP_S = 0.5
_FINE_S = 0.1
_PLATEAUS = (0.0, 0.25, 0.5, 0.75)  # of the transit time


@dataclass(frozen=True, eq=False)
class Tissues:
    """Curves of tissue of unit flow (1 per second).

    All contrast stays for a share of the transit time (0, 1/4, 1/2 or 3/4: the plateau)
    and then leaves exponentially; the larger the share, the more the residue is like a
    box.

    Attributes:
        curves: `(shapes, delays, transits, frames)` in HU.
        delays: Seconds after the artery, evenly spaced.
        transits: Mean transit times in seconds, evenly spaced in their logarithm.
        peaks: `(shapes, delays, transits)`; when each curve is highest, in seconds
            after the first frame.
    """

    curves: Array
    delays: Array
    transits: Array
    peaks: Array

    @classmethod
    def behind(cls, times: Array, aif: Array) -> Self:
        """Return tissue behind an artery, at the times of the frames.

        Args:
            times: Of the frames, in seconds.
            aif: Enhancement of the artery.
        """
        span = times[-1] - times[0]
        fine = np.arange(_EARLIEST_S, span + _FINE_S / 2, _FINE_S)
        delays = np.arange(_EARLIEST_S, min(_LATEST_S, span / 2), _STEP_S)
        after = np.arange(0, span - _EARLIEST_S, _FINE_S)
        plateaus = np.array(_PLATEAUS)[:, None, None]
        late = np.maximum(after / _TRANSITS_S[:, None] - plateaus, 0)
        residues = np.exp(-late / (1 - plateaus)) * _FINE_S
        residues[..., 0] /= 2  # trapezium
        size = len(fine) + len(after)
        inflow = _between(times, aif, times[0] + fine)
        spectra = np.fft.rfft(residues, size) * np.fft.rfft(inflow, size)
        whole = np.fft.irfft(spectra, size)[..., : len(fine)]
        at = (times - times[0])[None, :] - delays[:, None]
        curves = [
            [np.interp(at, fine, row, left=0.0) for row in rows] for rows in whole
        ]
        highest = fine[whole.argmax(axis=-1)][:, None]
        peaks = np.clip(highest + delays[:, None], 0.0, span)
        return cls(np.array(curves).swapaxes(1, 2), delays, _TRANSITS_S, peaks)

    def basis(self, baseline: int, components: int = 8) -> Basis:
        """Return the few curves that all tissues are made of, for whitened scores.

        The mean of the baseline was taken off, so that noise has a share that all
        frames have in common; scores are such that noise is alike and independent.

        Args:
            baseline: Frames of the baseline.
            components: How many curves. With eight the steepest tissues are smoothed a
                little, which only matters where curves are not compared with `curves`.
        """
        frames = self.curves.shape[-1]
        rows = self.curves.reshape(-1, frames)
        length = np.linalg.norm(rows, axis=1)
        rows = rows[length > 0] / length[length > 0, None]
        vectors = np.linalg.eigh(rows.T @ rows)[1][:, ::-1][:, :components]
        less = np.eye(frames)
        less[:, :baseline] -= 1 / baseline
        spread = vectors.T @ less
        lower = np.linalg.cholesky(spread @ spread.T)
        return Basis(np.linalg.solve(lower, vectors.T), vectors @ lower)


def _between(times: Array, aif: Array, at: Array) -> Array:
    """Return the artery between frames by a cubic spline: lines would widen the bolus.

    Nothing before the first frame.
    """
    spline = interpolate.CubicSpline(times, aif)
    return np.where(at < times[0], 0.0, spline(np.minimum(at, times[-1])))
