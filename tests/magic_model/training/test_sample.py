from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from magic_model.training import pictures
from magic_model.training.pictures import RunPictures, curve_figure, sample_figure

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


def rows_of(figure):
    """Pictures of each row of panels: NCCT, then a map in each column."""
    panels = figure.axes[:-4]
    shown = [
        np.asarray(ax.images[0].get_array()) if ax.images else None for ax in panels
    ]
    return [shown[first : first + 5] for first in range(0, len(shown), 5)]


def test_measured_and_generated_maps_stand_one_above_the_other(cache):
    rows = rows_of(sample_figure(Guess(), cache, 3))
    assert len(rows) == 2 * 3
    for measured, generated in zip(rows[::2], rows[1::2], strict=True):
        assert measured[0].any()
        assert generated[0] is None
        for name in range(1, 5):
            assert not np.array_equal(measured[name], generated[name])
            # Cut to the brain, which leaves the corners.
            assert not generated[name][0, 0].any()
            # All generated values are half of the range: one colour.
            inside = generated[name][SIDE // 2 - 5 : SIDE // 2 + 5, SIDE // 2]
            assert len(np.unique(inside, axis=0)) == 1


def test_samples_say_whose_they_are_and_in_which_unit(cache):
    figure = sample_figure(Guess(), cache, 3)
    assert "After epoch 3: patients of the validation split" in figure.get_suptitle()
    titles = [ax.get_title() for ax in figure.axes[:5]]
    assert titles == ["NCCT, 0 to 80 HU", "CBF", "CBV", "MTT", "TTP"]
    bars = [ax.get_xlabel() for ax in figure.axes[-4:]]
    assert bars == ["CBF [mL/100g/min]", "CBV [mL/100g]", "MTT [s]", "TTP [s]"]
    # First, middle and last of the four slices of the validation patient.
    said = [ax.texts[0].get_text() for ax in figure.axes[:-4:5]]
    assert said[:3] == [
        "P3\n0 mm\nmeasured",
        "P3\n0 mm\ngenerated",
        "P3\n5 mm\nmeasured",
    ]
    assert said[5] == "P3\n15 mm\ngenerated"


def test_equal_maps_look_equal(cache):
    """First, middle and last of the four slices of the validation patient."""
    known = torch.from_numpy(cache.map_values[[12, 13, 15]].astype(np.float32))
    rows = rows_of(sample_figure(Guess(known), cache, 1))
    for measured, generated in zip(rows[::2], rows[1::2], strict=True):
        assert np.array_equal(measured[1:], generated[1:])


@pytest.mark.parametrize("splits", [("train",), ("train", "test")])
def test_without_patients_for_validation_others_are_shown(cache_maker, splits):
    figure = sample_figure(Guess(), cache_maker(*splits), 12)
    assert len(rows_of(figure)) == 6
    assert "of the training split" in figure.get_suptitle()


def test_a_curve_shows_means_of_epochs_and_errors_by_the_first():
    lines = [
        {"epoch": 1, "step": 1, "total": 40.0, "l1": 0.4, "learning_rate": 0.1},
        {"epoch": 1, "step": 2, "total": 20.0, "l1": 0.2, "learning_rate": 0.1},
        {"epoch": 1, "validation/cbf": 8.0, "seconds": 1.0},
        {"epoch": 2, "step": 1, "total": 10.0, "l1": 0.1, "learning_rate": 0.05},
        {"epoch": 2, "validation/cbf": 6.0, "seconds": 1.0},
    ]
    losses, rate, errors = curve_figure(lines).axes
    curves = {line.get_label(): line.get_ydata() for line in losses.lines}
    assert {name: list(y) for name, y in curves.items()} == {
        "total": [30, 10],
        "l1": [pytest.approx(0.3), 0.1],
    }
    assert list(rate.lines[0].get_ydata()) == [0.1, 0.05]
    assert list(errors.lines[0].get_ydata()) == [1, 0.75]
    assert errors.lines[0].get_label() == "CBF, now 6 mL/100g/min"
    # Without patients to validate on there is nothing to say of errors.
    assert not curve_figure([lines[0], {"epoch": 1, "seconds": 1.0}]).axes[2].lines


def test_drawing_takes_a_twentieth_of_the_time_at_most(monkeypatch, tmp_path):
    """Each drawing takes 2 s and each epoch 15 s, so every third one is drawn."""
    clock, drawn = [100.0], []

    def draw(generator, cache, folder, epoch):
        drawn.append(epoch)
        clock[0] += 2

    monkeypatch.setattr(pictures.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(pictures, "draw_samples", draw)
    monkeypatch.setattr(pictures, "draw_curve", lambda *_: None)
    after_epoch = RunPictures(None, tmp_path, tmp_path / "metrics.jsonl", 8)
    for epoch in range(1, 9):
        clock[0] += 15
        after_epoch(epoch, SimpleNamespace(generator=None))
    assert drawn == [1, 4, 7, 8]
