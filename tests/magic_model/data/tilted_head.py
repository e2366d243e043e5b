"""A head in formulas, to be sampled wherever a scanner's planes lie."""

import numpy as np

from magic_model.data.dicom.frames import Plane

TILT = 18.5  # degrees
PIXEL = 2.0
SHAPE = (116, 92)  # rows, columns

# Two parts, as a base of skull and a vertex are scanned; no step is even.
TWO_PARTS = np.array([4.0 * k for k in range(12)] + [46.0 + 7 * k for k in range(12)])
EVEN = 5.0 * np.arange(24)

BLOBS = {  # centre in mm RAS, width, HU above the brain
    "calcification": ((-20.0, 25.0, 10.0), 6.0, 300.0),
    "bleeding": ((35.0, -30.0, 30.0), 9.0, 45.0),
    "ventricle": ((8.0, 5.0, 18.0), 12.0, -25.0),
}


def hounsfield(mm):
    """HU at places `(..., 3)` in mm RAS; edges are soft, as a scanner's are."""
    mm = np.asarray(mm, dtype=np.float64)
    inner = _depth(mm, (66.0, 82.0, 62.0))
    outer = _depth(mm, (74.0, 90.0, 70.0))
    brain = 32 + sum(
        height * np.exp(-((mm - centre) ** 2).sum(axis=-1) / (2 * width**2))
        for centre, width, height in BLOBS.values()
    )
    within = _soft(inner) * brain + (1 - _soft(inner)) * 1000
    return (_soft(outer) * within + (1 - _soft(outer)) * -1000).astype(np.float32)


def depth_in_brain(mm):
    """Mm from the inside of the skull, negative beyond."""
    return _depth(np.asarray(mm, dtype=np.float64), (66.0, 82.0, 62.0))


def _depth(mm, axes):
    return (1 - np.linalg.norm(mm / np.array(axes), axis=-1)) * min(axes)


def _soft(depth):
    return 1 / (1 + np.exp(-np.clip(depth / 1.2, -50, 50)))


def tilted_planes(heights, tilt=TILT):
    """Planes of a tilted gantry at heights along their normal; the table moves up."""
    angle = np.radians(tilt)
    row, column = np.array([1.0, 0, 0]), np.array([0, np.cos(angle), -np.sin(angle)])
    normal = np.cross(row, column)
    rows, columns = SHAPE
    low = np.array([-PIXEL * (columns - 1) / 2, -PIXEL * (rows - 1) / 2 - 4, -58.0])
    table = np.array([0, 0, 1.0]) / normal[2]  # straight up, 1 mm along the normal
    return [
        Plane(
            name=f"{k}.dcm",
            shape=SHAPE,
            position=low + height * table,
            orientation=np.concatenate([row, column]),
            spacing=(PIXEL, PIXEL),
            thickness=4.0,
        )
        for k, height in enumerate(heights)
    ]


def scanned(plane):
    """What a scanner sees in a plane, `(rows, columns)` HU."""
    i, j = np.indices(plane.shape, dtype=np.float64)
    lps = (
        plane.position
        + j[..., None] * plane.orientation[:3] * plane.spacing[1]
        + i[..., None] * plane.orientation[3:] * plane.spacing[0]
    )
    return hounsfield(lps * [-1, -1, 1])
