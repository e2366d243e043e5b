"""What a rigid change does to an image, as scipy computes it: the reference."""

import numpy as np
from scipy import ndimage


def apply(change, image, *, order=1, outside=0.0):
    """Change one image `(h, w)`; order 0 takes the nearest pixel, 1 interpolates."""
    centre = (np.array(image.shape) - 1) / 2
    angle = np.radians(change.degrees)
    turn = [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
    # From where a pixel goes to where it comes from.
    matrix = np.diag([1.0, -1.0 if change.flip else 1.0]) @ turn
    offset = centre - matrix @ (centre + np.array([change.down, change.right]))
    return ndimage.affine_transform(
        image, matrix, offset, order=order, cval=outside, prefilter=False
    )
