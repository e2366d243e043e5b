import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from magic_model.training.validation import draw_samples

SIDE = 32


class Guess(nn.Module):
    """A generator that gives the measured maps of the slices it knows, or zeros."""

    def __init__(self, known=None):
        super().__init__()
        self.known = known
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, ncct):
        if self.known is None:
            return torch.zeros(len(ncct), 4, SIDE, SIDE)
        return self.known[: len(ncct)]


def drawn(folder, epoch):
    image = Image.open(folder / "samples" / f"epoch-{epoch:04}.png")
    return np.asarray(image)


def rows_of(picture):
    """Rows of `(columns, h, w, 3)`: NCCT, then a map in each column."""
    rows = picture.reshape(-1, SIDE, 5, SIDE, 3)
    return rows.transpose(0, 2, 1, 3, 4)


def test_measured_and_generated_maps_stand_one_above_the_other(cache, tmp_path):
    draw_samples(Guess(), cache, tmp_path, 3)
    rows = rows_of(drawn(tmp_path, 3))
    assert len(rows) == 2 * 3
    for measured, generated in zip(rows[::2], rows[1::2], strict=True):
        assert measured[0].any()
        assert not generated[0].any()
        for name in range(1, 5):
            assert not np.array_equal(measured[name], generated[name])
            # Cut to the brain, which leaves the corners.
            assert not generated[name][0, 0].any()
            # All generated values are half of the range: one colour.
            inside = generated[name][SIDE // 2 - 5 : SIDE // 2 + 5, SIDE // 2]
            assert len(np.unique(inside, axis=0)) == 1


def test_equal_maps_look_equal(cache, tmp_path):
    """First, middle and last of the four slices of the validation patient."""
    known = torch.from_numpy(cache.map_values[[12, 13, 15]].astype(np.float32))
    draw_samples(Guess(known), cache, tmp_path, 1)
    rows = rows_of(drawn(tmp_path, 1))
    assert np.array_equal(rows[::2, 1:], rows[1::2, 1:])


@pytest.mark.parametrize("splits", [("train",), ("train", "test")])
def test_without_patients_for_validation_others_are_shown(
    cache_maker, tmp_path, splits
):
    draw_samples(Guess(), cache_maker(*splits), tmp_path, 12)
    assert drawn(tmp_path, 12).shape == (6 * SIDE, 5 * SIDE, 3)
