"""Territories of the cerebral arteries in MNI space, with smooth borders.

Borders follow the maps of Tatu et al. (1998, doi:10.1212/WNL.50.6.1699) in outline:
planes and ellipsoids, no more.
"""

from enum import StrEnum

import numpy as np

from magic_model.data.volume import FloatArray

_BORDER_MM = 4.0


class Territory(StrEnum):
    """Supply area of a cerebral artery."""

    ACA = "aca"
    MCA = "mca"
    PCA = "pca"


class Side(StrEnum):
    """Side of the patient."""

    LEFT = "left"
    RIGHT = "right"

    @property
    def sign(self) -> int:
        """Sign of its x coordinates in RAS+."""
        return 1 if self is Side.RIGHT else -1


def territory_share(
    points_mm: FloatArray, territory: Territory, side: Side
) -> FloatArray:
    """Tell how far places belong to a territory.

    Args:
        points_mm: `(3, ...)` MNI coordinates in mm.
        territory: Which artery.
        side: Which side.

    Returns:
        Share from 0 to 1; the three territories of both sides and what no one of them
        supplies (cerebellum, brain stem) add up to 1.
    """
    x, y, z = points_mm
    x = np.abs(x)
    depth = {  # mm within the border to what lies around; the MCA takes what is left
        Territory.ACA: _aca(x, y, z),
        Territory.MCA: np.zeros_like(x),
        Territory.PCA: _pca(x, y, z),
        None: _infratentorial(x, y, z),
    }
    weight = {t: np.exp(np.clip(d / _BORDER_MM, -30, 30)) for t, d in depth.items()}
    share = weight[territory] / sum(weight.values())
    own_side: FloatArray = 1 / (1 + np.exp(-side.sign * np.clip(points_mm[0], -30, 30)))
    result: FloatArray = (share * own_side).astype(np.float32)
    return result


def _aca(x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
    """Medial frontal and parietal lobe, wider towards the pole and the vertex."""
    width = 13 + 0.2 * np.maximum(y - 25, 0) + 0.22 * np.maximum(z - 25, 0)
    behind = -45 - 0.2 * np.maximum(z - 20, 0)
    above = np.where(y > 15, -25, 22 + 0.0 * y)
    depth: FloatArray = np.minimum(np.minimum(width - x, y - behind), (z - above) / 1.5)
    return depth


def _pca(x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
    """Occipital lobe, lower medial temporal lobe and thalamus."""
    occipital = np.minimum(-52 - 0.55 * x - y, 45 - z)
    temporal = np.minimum(np.minimum(-12 - y, -6 - 0.1 * x - z), 46 - x)
    thalamus = 10 * (
        1 - np.sqrt(((x - 11) / 10) ** 2 + ((y + 19) / 15) ** 2 + ((z - 6) / 11) ** 2)
    )
    depth: FloatArray = np.maximum(np.maximum(occipital, temporal), thalamus)
    return depth


def _infratentorial(x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
    """Cerebellum below the sloping tentorium, and brain stem."""
    cerebellum = np.minimum(-36 - y, -2 - 0.5 * x - 0.12 * np.maximum(-60 - y, 0) - z)
    stem = np.minimum(np.minimum(20 - x, -8 - y), -6 - z)
    depth: FloatArray = 3 * np.maximum(cerebellum, stem)
    return depth
