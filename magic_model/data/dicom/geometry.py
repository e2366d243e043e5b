"""The place of a stack of slices in space, or why they do not make a stack."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from magic_model.data.volume import Affine
from magic_model.errors import DataError

Vector = NDArray[np.float64]

LPS_TO_RAS: Affine = np.diag([-1.0, -1.0, 1.0, 1.0])
"""DICOM counts towards left and posterior, NIfTI towards right and anterior."""

_SAME_PLACE = 0.01  # mm
_SAME_DIRECTION = 1e-3  # cosine, as `Volume.is_orthogonal`
_ROUNDING = 0.1  # mm, since some scanners write positions to one decimal
_UNEVEN = 0.05  # share of the spacing


@dataclass(frozen=True)
class Plane:
    """Where one slice lies, in DICOM's terms.

    Attributes:
        name: File and, where it holds several, frame; for messages.
        shape: Rows and columns.
        position: Centre of the first pixel, `(3,)`, mm LPS.
        orientation: Direction along a row, then down a column, `(6,)`.
        spacing: Distance between rows, then between columns, in mm.
        thickness: Of the slice in mm; counts only where a slice stands alone.
    """

    name: str
    shape: tuple[int, int]
    position: Vector
    orientation: Vector
    spacing: tuple[float, float]
    thickness: float | None = None


def stack_planes(
    planes: Sequence[Plane], *, keep_direction: bool = False
) -> tuple[list[int], Affine]:
    """Put slices in order and find the affine of the volume `(column, row, slice)`.

    Args:
        planes: At least one.
        keep_direction: Let the volume run against the normal where the slices are given
            in that order; otherwise it runs along it whatever their order.

    Returns:
        Indices of the slices in order, and the affine to mm RAS+.

    Raises:
        DataError: If they differ in size, spacing or orientation, lie twice at the same
            place, are sheared (gantry tilt) or are not evenly spaced (slices missing).
    """
    _require_alike(planes)
    normal = np.cross(planes[0].orientation[:3], planes[0].orientation[3:])
    positions = np.array([plane.position for plane in planes])
    heights = positions @ normal
    order = np.argsort(heights, kind="stable")
    _require_apart([planes[i] for i in order], heights[order])
    _require_straight([planes[i] for i in order], normal)
    _require_even([planes[i] for i in order], heights[order])
    if keep_direction and heights[0] > heights[-1]:
        order = order[::-1]
    if len(planes) == 1:
        step = normal * _thickness(planes[0])
    else:
        step = (positions[order[-1]] - positions[order[0]]) / (len(planes) - 1)
    return order.tolist(), _affine(planes[order[0]], step)


def _require_alike(planes: Sequence[Plane]) -> None:
    first = planes[0]
    row, column = first.orientation[:3], first.orientation[3:]
    lengths = np.linalg.norm([row, column], axis=1)
    if abs(row @ column) > _SAME_DIRECTION or np.any(abs(lengths - 1) > 1e-3):
        msg = f"{first.name}: rows and columns must be unit vectors at right angles"
        raise DataError(msg)
    for plane in planes[1:]:
        difference = _difference(plane, first)
        if difference:
            msg = f"{plane.name}: {difference}, unlike {first.name}"
            raise DataError(msg)


def _difference(plane: Plane, other: Plane) -> str:
    if plane.shape != other.shape:
        return f"{plane.shape[0]} x {plane.shape[1]} pixels"
    if not np.allclose(plane.orientation, other.orientation, atol=_SAME_DIRECTION):
        return "another orientation"
    if not np.allclose(plane.spacing, other.spacing, rtol=_SAME_DIRECTION):
        return f"pixels of {plane.spacing[0]:g} x {plane.spacing[1]:g} mm"
    return ""


def _require_apart(planes: Sequence[Plane], heights: Vector) -> None:
    for i in np.flatnonzero(np.diff(heights) < _SAME_PLACE).tolist():
        msg = (
            f"{planes[i + 1].name}: duplicate, {planes[i].name} lies at the same "
            f"position ({heights[i]:.2f} mm along the normal)"
        )
        raise DataError(msg)


def _require_straight(planes: Sequence[Plane], normal: Vector) -> None:
    for plane in planes[1:]:
        way = plane.position - planes[0].position
        forward = float(way @ normal)
        aside = float(np.linalg.norm(way - forward * normal))
        if aside > _ROUNDING + _SAME_DIRECTION * forward:
            angle = math.degrees(math.atan2(aside, forward))
            msg = (
                f"{plane.name}: slices must be stacked at right angles, got a shift of "
                f"{aside:.1f} mm over {forward:.1f} mm ({angle:.1f} degrees: gantry "
                "tilt?); reformat the series first"
            )
            raise DataError(msg)


def _require_even(planes: Sequence[Plane], heights: Vector) -> None:
    steps = np.diff(heights)
    if len(steps) == 0:
        return
    # The lower median: of a few slices with one missing, the smaller step is right.
    usual = float(np.sort(steps)[(len(steps) - 1) // 2])
    uneven = abs(steps - usual) > max(_ROUNDING, _UNEVEN * usual)
    for i in np.flatnonzero(uneven).tolist():
        what = "slices are missing" if steps[i] > usual else "spacing changes"
        msg = (
            f"{planes[i].name}: {what} after position {heights[i]:.2f} mm, the next is "
            f"{steps[i]:.2f} mm on ({planes[i + 1].name}), usual are {usual:.2f} mm"
        )
        raise DataError(msg)


def _thickness(plane: Plane) -> float:
    if not plane.thickness:
        msg = f"{plane.name}: a single slice must tell its thickness"
        raise DataError(msg)
    return plane.thickness


def _affine(first: Plane, step: Vector) -> Affine:
    lps = np.eye(4)
    lps[:3, 0] = first.orientation[:3] * first.spacing[1]
    lps[:3, 1] = first.orientation[3:] * first.spacing[0]
    lps[:3, 2] = step
    lps[:3, 3] = first.position
    affine: Affine = LPS_TO_RAS @ lps
    return affine
