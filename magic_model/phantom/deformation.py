"""From a patient's head to the template: size, posture, form and ventricles."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from magic_model.data.volume import FloatArray
from magic_model.phantom.fields import random_coefficients, spline_field
from magic_model.phantom.grid import Grid

_PIVOT_MNI_MM = (0.0, -17.0, 15.0)  # middle of the brain
_PIVOT_MM = (0.0, 0.0, 15.0)  # where it comes to lie, before the shift
_VENTRICLE_MM = (13.0, -8.0, 17.0)  # middle of the right lateral ventricle
_VENTRICLE_REACH_MM = (15.0, 34.0, 17.0)

_LEVELS = ((60.0, 0.2), (30.0, 0.2))
"""Spacing of B-spline coefficients in mm, and their bound as a share of it.

A cubic B-spline displacement folds nowhere as long as no coefficient exceeds 0.403 of
the spacing (Choi and Lee 2000, doi:10.1006/gmod.2000.0531). Shares add up over levels.
"""


@dataclass(frozen=True)
class Posture:
    """What is drawn for a head as a whole.

    Attributes:
        scale: Size relative to the template, along each axis.
        angles: Turns about x, y and z in radians.
        shift_mm: Place in the frame.
        ventricles: How much the right and the left ventricle are widened: 0 not at
            all, negative narrowed.
    """

    scale: tuple[float, float, float]
    angles: tuple[float, float, float]
    shift_mm: tuple[float, float, float]
    ventricles: tuple[float, float]

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """Draw a head; left and right ventricles differ a little."""
        size = rng.uniform(0.95, 1.04)
        scale = size * rng.uniform(0.97, 1.03, 3)
        angles = np.deg2rad(rng.normal(0, (2.5, 1.5, 2.5)).clip(-5, 5))
        shift = rng.normal(0, (2, 3, 2)).clip(-6, 6)
        wider, difference = rng.uniform(-0.1, 0.45), rng.normal(0, 0.06)
        return cls(
            tuple(scale.tolist()),
            tuple(angles.tolist()),
            tuple(shift.tolist()),
            (wider + difference, wider - difference),
        )


def template_coordinates(
    grid: Grid, posture: Posture, rng: np.random.Generator
) -> FloatArray:
    """Give, for each node of the grid, the place of the template that is seen there.

    Returns:
        `(3, x, y, z)` MNI coordinates in mm.
    """
    at = grid.node_coordinates()
    centred = [
        a - np.float32(p + s)
        for a, p, s in zip(at, _PIVOT_MM, posture.shift_mm, strict=True)
    ]
    turn = _rotation(posture.angles) / np.array(posture.scale)[:, None]
    mapped = [
        sum(np.float32(turn[i, j]) * centred[j] for j in range(3))
        + np.float32(_PIVOT_MNI_MM[i])
        for i in range(3)
    ]
    points = np.stack(np.broadcast_arrays(*mapped)).astype(np.float32)
    points += _random_displacement(grid, rng)
    return _widen_ventricles(points, posture.ventricles)


def _rotation(angles: tuple[float, float, float]) -> NDArray[np.float64]:
    matrix = np.eye(3)
    for axis, angle in enumerate(angles):
        i, j = [k for k in range(3) if k != axis]
        turn = np.eye(3)
        turn[i, i] = turn[j, j] = math.cos(angle)
        turn[i, j], turn[j, i] = -math.sin(angle), math.sin(angle)
        matrix = matrix @ turn
    return matrix


def _random_displacement(grid: Grid, rng: np.random.Generator) -> FloatArray:
    axes = grid.node_axes_mm
    extent = [float(axis[-1]) for axis in axes]
    components = []
    for _ in range(3):
        levels = [
            spline_field(random_coefficients(extent, spacing, rng), spacing, axes)
            * np.float32(spacing * share)
            for spacing, share in _LEVELS
        ]
        components.append(levels[0] + levels[1])
    return np.stack(components)


def _widen_ventricles(points: FloatArray, amounts: tuple[float, float]) -> FloatArray:
    """Pull the sampled places towards each ventricle, which so appears wider."""
    pulled = points.copy()
    for side, amount in zip((1, -1), amounts, strict=True):
        centre = (side * _VENTRICLE_MM[0], *_VENTRICLE_MM[1:])
        apart = [points[i] - np.float32(centre[i]) for i in range(3)]
        squared = sum(
            (a / np.float32(reach)) ** 2
            for a, reach in zip(apart, _VENTRICLE_REACH_MM, strict=True)
        )
        pull = np.float32(amount) * np.exp(-squared / 2)
        pulled[0] -= pull * apart[0]
        pulled[2] -= pull * apart[2]
    return pulled
