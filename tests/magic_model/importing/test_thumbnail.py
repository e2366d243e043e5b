import io

import matplotlib.image
import numpy as np

from magic_model.data.volume import Kind, Volume
from magic_model.importing.report import _slice_at, thumbnail


def test_the_patients_right_is_on_the_left_and_the_front_above():
    array = np.zeros((20, 30, 4))
    array[2:18, 2:28] = 1
    array[17, 27] = 5  # right (x large) and front (y large) in RAS
    picture = _slice_at(Volume(array, np.eye(4), Kind.CBF), 2.0)
    row, column = np.argwhere(np.nan_to_num(picture) == 5)[0]
    assert row < picture.shape[0] / 2
    assert column < picture.shape[1] / 2


def test_the_slice_nearest_to_the_height_is_shown():
    array = np.ones((8, 8, 5)) * np.arange(1, 6)
    volume = Volume(array, np.diag([1, 1, 10, 1]), Kind.CBF)
    assert np.nanmax(_slice_at(volume, 29)) == 4


def test_a_picture_has_a_panel_per_image():
    array = np.ones((12, 12, 3))
    images = {kind: Volume(array, np.eye(4), kind) for kind in (Kind.NCCT, Kind.CBF)}
    one = matplotlib.image.imread(io.BytesIO(thumbnail({Kind.NCCT: images[Kind.NCCT]})))
    two = matplotlib.image.imread(io.BytesIO(thumbnail(images)))
    assert two.shape[1] == 2 * one.shape[1]


def test_an_empty_image_can_be_shown():
    empty = Volume(np.zeros((12, 12, 3)), np.eye(4), Kind.CBF)
    assert thumbnail({Kind.CBF: empty})
    assert thumbnail({})
