import numpy as np
import pytest

from magic_model.data.slices import SliceStack
from magic_model.inference.prepare import prepare_ncct
from tests.magic_model.data.conftest import make_head
from tests.magic_model.inference.tiny import SIZE, small_recipe, write_checkpoint


@pytest.fixture(scope="session")
def head():
    """64 x 64 x 20 voxels of 3.5 x 3.5 x 8 mm, skull and all."""
    return make_head()


@pytest.fixture(scope="session")
def stack(head):
    """Its slices with brain."""
    return prepare_ncct("P1", head.ncct, size=SIZE, brain=head.brain)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """One of four maps, of the paper's family."""
    return write_checkpoint(tmp_path_factory.mktemp("run"), small_recipe())


class Ramps:
    """A backend whose maps are the NCCT's middle channel times a ratio, and -1."""

    def __init__(self, maps, ranges, size=SIZE):
        self.maps, self.ranges, self.size = maps, ranges, size
        self.texture = None
        self.seen = []

    def predict(self, ncct, ratio=1.0):
        self.seen.append((len(ncct), ratio))
        first = ncct[:, 1] * ratio
        return np.stack([first, np.full_like(first, -1)], 1)


@pytest.fixture
def ramps():
    return Ramps


@pytest.fixture
def square():
    """Five slices whose mask is a square; slice k has k * 10 HU everywhere."""
    mask = np.zeros((5, SIZE, SIZE), bool)
    mask[:, 8:24, 10:20] = True
    ncct = np.broadcast_to(
        np.arange(5.0)[:, None, None, None] * 10, (5, 3, SIZE, SIZE)
    ).astype(np.float32)
    places = np.array([0, 1, 2, 4, 5])
    return SliceStack("P1", ncct, {}, mask, np.diag([2.0, 2.0, 5.0, 1.0]), places)
