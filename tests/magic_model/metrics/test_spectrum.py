import numpy as np
import pytest
from scipy import ndimage

from magic_model.metrics.spectrum import (
    BANDS,
    histogram_distance,
    power_by_band,
    power_ratios,
)

SHAPE = (2, 128, 128)


@pytest.mark.parametrize("band", range(len(BANDS)))
def test_a_wave_has_its_power_in_its_own_band(band):
    low, high = BANDS[band]
    cycles = round((low + high) / 2 * 128)
    wave = np.sin(2 * np.pi * cycles * np.arange(128) / 128)
    images = np.broadcast_to(wave, SHAPE) + 7  # whose mean does not count
    power = power_by_band(images, np.ones(SHAPE, bool))
    # |FFT|^2 of a sine of n pixels along one axis: twice (n^2 / 2)^2.
    assert power[band] == pytest.approx(2 * (128**2 / 2) ** 2)
    assert np.delete(power, band) == pytest.approx(0, abs=1e-6)


def test_blurring_takes_the_power_of_fine_bands_and_turning_no_histogram():
    rng = np.random.default_rng(0)
    image = ndimage.gaussian_filter(rng.normal(size=SHAPE), (0, 1, 1))
    mask = np.hypot(*np.ogrid[-64:64, -64:64]) < 55
    mask = np.broadcast_to(mask, SHAPE)
    blurred = ndimage.gaussian_filter(image, (0, 3, 3))
    ratios = power_ratios(blurred, image, mask)
    assert ratios[0] > 0.4
    assert (np.diff(ratios) < 0).all()
    assert ratios[3] < 0.01
    same = power_ratios(image, image, mask)
    assert same == pytest.approx(1)
    turned = image[:, ::-1]
    assert histogram_distance(turned, image, mask[:, ::-1] & mask, (0, 1)) < 0.02
    assert histogram_distance(blurred, image, mask, (-1, 1)) > 0.05


def test_slices_with_little_brain_do_not_count():
    rng = np.random.default_rng(1)
    images = rng.normal(size=SHAPE)
    mask = np.ones(SHAPE, bool)
    mask[1] = False
    mask[1, :60, :60] = True  # 3,600 pixels
    assert power_by_band(images, mask) == pytest.approx(
        power_by_band(images[:1], mask[:1])
    )
    assert np.isnan(power_by_band(images[1:], mask[1:])).all()
    assert np.isnan(histogram_distance(images, images, mask & False, (0, 1)))
    assert np.isnan(power_ratios(images, images * 0, mask)).all()
    with pytest.raises(ValueError, match="must have one shape"):
        power_by_band(images[:1], mask)
