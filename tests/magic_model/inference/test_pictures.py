import numpy as np
import pytest
import torch
from PIL import Image

from magic_model.figures import pilo_figure as figures
from magic_model.inference.model import TorchBackend
from magic_model.inference.opened import as_volumes, generate_slices
from magic_model.inference.prepare import prepare_ncct
from magic_model.inference.write import RATIOS, draw_pictures
from tests.magic_model.inference.tiny import SIZE


@pytest.fixture
def backend(checkpoint):
    return TorchBackend(checkpoint, torch.device("cpu"))


def maps_of(stack, backend):
    return as_volumes(stack, generate_slices(stack, backend))


def test_the_ratio_is_shown_on_the_slice_with_most_brain(
    stack, backend, tmp_path, monkeypatch
):
    seen = []

    def drawn(*figure):
        seen.append(figure)
        return pilo_figure(*figure)

    pilo_figure = figures.pilo_figure
    monkeypatch.setattr(figures, "pilo_figure", drawn)
    maps = maps_of(stack, backend)
    (path,) = draw_pictures(stack, maps, backend, tmp_path / "P1")  # 8 mm: no more
    assert path == tmp_path / "P1" / "ratios.png"
    assert np.asarray(Image.open(path)).std() > 10
    ((ncct, by_ratio, name, mask),) = seen
    fullest = stack.mask.sum((1, 2)).argmax()
    assert np.array_equal(mask, stack.mask[fullest])
    assert np.array_equal(ncct, stack.ncct[fullest, 1])
    assert tuple(by_ratio) == RATIOS
    images = generate_slices(stack, backend)
    np.testing.assert_allclose(by_ratio[1.0] * mask, images[name][fullest], atol=1e-3)
    assert not np.allclose(by_ratio[4.0], by_ratio[0.25], atol=1)


@pytest.mark.slow
def test_thin_slices_are_shown_beside_thick_ones(head, backend, tmp_path):
    stack = prepare_ncct("P1", head.ncct, size=SIZE, spacing_mm=2.0, brain=head.brain)
    names = draw_pictures(stack, maps_of(stack, backend), backend, tmp_path)
    assert [path.name for path in names] == ["ratios.png", "resolution.png"]
    assert sorted(tmp_path.iterdir()) == names
    assert np.asarray(Image.open(names[1])).std() > 10
