from types import SimpleNamespace

import numpy as np
import pytest

from magic_model.data.slices import SliceStack
from magic_model.maps import MAP_SPECS
from magic_model.montage.picture import MONTAGE_MAPS, MontageLayout

SIDE, SLICES, ROWS = 96, 3, 4


@pytest.fixture
def patient():
    """Three slices for a layout of four rows; the mask is a square in the middle."""
    rng = np.random.default_rng(8)
    mask = np.zeros((SLICES, SIDE, SIDE), dtype=bool)
    mask[:, 20:80, 30:70] = True
    stack = SliceStack(
        patient_id="P1",
        ncct=rng.uniform(-20, 100, (SLICES, 3, SIDE, SIDE)).astype(np.float32),
        maps={
            name: rng.uniform(0, MAP_SPECS[name].value_range[1], mask.shape).astype(
                np.float32
            )
            for name in MONTAGE_MAPS
        },
        mask=mask,
        affine=np.eye(4),
        positions=np.arange(SLICES),
    )
    return SimpleNamespace(
        stack=stack, mask=mask, layout=MontageLayout(rows=ROWS, panel=SIDE)
    )
