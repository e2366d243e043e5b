import numpy as np
import pytest

from magic_model.data.volume import Kind
from magic_model.phantom.ceiling import brain_voxels, ceiling


def rows(n=40_000):
    rng = np.random.default_rng(0)
    hu = rng.uniform(20, 40, n).astype(np.float32)
    return hu, rng.normal(0, 1, n).astype(np.float32)


def test_what_ct_numbers_determine_can_be_told():
    hu, _ = rows()
    found = ceiling(hu, np.sqrt(hu))
    assert found.mae < 0.02 * found.mae_of_mean
    assert found.n_voxels == hu.size


def test_what_is_independent_of_them_cannot():
    hu, noise = rows()
    found = ceiling(hu, noise)
    # The mean absolute deviation of a normal variable is sqrt(2 / pi) of its SD.
    assert found.mae_of_mean == pytest.approx(np.sqrt(2 / np.pi), rel=0.02)
    assert found.mae == pytest.approx(found.mae_of_mean, rel=0.02)


def test_the_error_left_is_that_of_the_part_independent_of_them():
    hu, noise = rows()
    found = ceiling(hu, 2 * hu + 3 * noise)
    assert found.mae == pytest.approx(3 * np.sqrt(2 / np.pi), rel=0.03)


@pytest.mark.slow
def test_ct_numbers_tell_something_of_flow_and_noise_takes_most_of_it(severe):
    clean = ceiling(*brain_voxels(severe, Kind.CBF))
    noisy = ceiling(*brain_voxels(severe, Kind.CBF, noise_free=False))
    assert 0 < clean.mae < noisy.mae < clean.mae_of_mean
    assert clean.mae_of_mean == pytest.approx(noisy.mae_of_mean)


def test_rows_must_fit_and_be_long_enough():
    hu, values = rows()
    for one, other in ((hu[:-1], values), (hu[:100], values[:100])):
        with pytest.raises(ValueError, match="two rows of 1600 values or more, got"):
            ceiling(one, other)
