"""What the figures of the paper's public code say of images that show nothing."""

import numpy as np
import pytest
from scipy.ndimage import uniform_filter
from skimage.metrics import structural_similarity

from magic_model.metrics import ssim, ssim_paper, uqi, uqi_paper

RNG = np.random.default_rng(7)
NOISE = RNG.uniform(100, 200, (2, 256, 256))


def by_uniform_filter(x, y):
    """The same arithmetic on grey values, by the filter that gave rise to it."""
    mean = {
        name: uniform_filter(image, 8)[4:-4, 4:-4]
        for name, image in {
            "x": x,
            "y": y,
            "xx": x * x,
            "yy": y * y,
            "xy": x * y,
        }.items()
    }
    product, squares = mean["x"] * mean["y"], mean["x"] ** 2 + mean["y"] ** 2
    spread = 64 * (mean["xx"] + mean["yy"]) - squares
    with np.errstate(invalid="ignore"):
        quality = 4 * (64 * mean["xy"] - product) * product / (spread * squares)
    return np.where(squares == 0, 1, quality).mean()


# Two independent uniform(100, 200) images: sewar 0.4.10 gives 0.963, the index itself
# -0.002. Perfectly anti-correlated: 0.927 and -0.999.
def test_independent_noise_looks_alike_to_the_paper_compatible_index_only():
    assert uqi_paper(*NOISE) == pytest.approx(0.963, abs=1e-3)
    assert uqi(*NOISE) == pytest.approx(0, abs=5e-3)


def test_opposite_images_look_alike_to_the_paper_compatible_index_only():
    x = NOISE[0]
    assert uqi_paper(x, 300 - x) == pytest.approx(0.927, abs=1e-3)
    assert uqi(x, 300 - x) == pytest.approx(-0.999, abs=1e-3)


def test_the_arithmetic_is_that_of_means_taken_for_sums():
    x, y = np.rint(NOISE[:, :64, :48])
    x[:20], y[:20] = 0, 0
    assert uqi_paper(x, y) == pytest.approx(by_uniform_filter(x, y), abs=1e-9)
    with pytest.raises(ValueError, match="9 x 9 pixels or larger"):
        uqi_paper(x[:8], y[:8])


def test_paper_compatible_ssim_takes_its_range_from_the_generated_image():
    x, y = NOISE[0] - 100, NOISE[1] - 100
    expected = structural_similarity(
        x,
        y,
        data_range=y.max(),
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert ssim_paper(x, y) == pytest.approx(expected, abs=1e-9)


def test_a_black_image_scores_the_share_of_background():
    measured = np.zeros((256, 256))
    measured[70:190, 80:180] = NOISE[0, 70:190, 80:180] - 80
    black = np.zeros((256, 256))
    background = 1 - (120 + 10) * (100 + 10) / 246**2
    assert ssim_paper(measured, black) == pytest.approx(background)
    assert ssim(measured, black, 1e-3) == pytest.approx(background)
    assert uqi_paper(measured, black) > 0.7
    inside = measured > 0
    assert abs(ssim(measured, black, 120, inside)) < 0.01
    assert uqi(measured, black, inside) == 0


# On the public test slices a black image has SSIM 0.70 and UQI 0.72 in that code, a
# constant in the mask 0.68-0.70 and 0.85-0.88; inside the brain both show nothing.
def test_trivial_predictors_look_good_to_the_paper_compatible_figures_only():
    rows, columns = np.indices((256, 256))
    brain = np.hypot((rows - 128) / 85, (columns - 128) / 65) < 1
    cbf = np.where(brain, RNG.gamma(4, 8, brain.shape).clip(0, 60), 0)
    interior = np.hypot((rows - 128) / 77, (columns - 128) / 57) < 1
    for predicted, index in (
        (np.zeros(brain.shape), 0.65),
        (np.where(brain, cbf[brain].mean(), 0), 0.85),
    ):
        assert 0.6 < ssim_paper(cbf, predicted) < 0.8
        assert uqi_paper(cbf, predicted) > index
        assert abs(ssim(cbf, predicted, 60, interior)) < 0.05
        assert abs(uqi(cbf, predicted, interior)) < 0.01
