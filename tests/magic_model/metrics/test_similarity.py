import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.metrics import structural_similarity

from magic_model.metrics import bounding_box, ssim, ssim_map, uqi, uqi_map

SHAPE = (40, 33)


def image(seed, low=0, high=60):
    return np.random.default_rng(seed).uniform(low, high, SHAPE)


def brain():
    rows, columns = np.indices(SHAPE)
    return np.hypot((rows - 19) / 15, (columns - 16) / 11) < 1


images = hnp.arrays(np.int64, (17, 15), elements=st.integers(0, 255))


def by_skimage(x, y, data_range, *, full=False):
    """Wang's settings, as the manual of scikit-image gives them."""
    return structural_similarity(
        x,
        y,
        data_range=data_range,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=full,
    )


@pytest.mark.parametrize("data_range", [1.0, 60.0, 255.0])
def test_ssim_agrees_with_scikit_image(data_range):
    x = image(1)
    for y in (x + image(2, -5, 5), image(3), np.zeros(SHAPE), 60 - x, x):
        expected = by_skimage(x, y, data_range)
        assert ssim(x, y, data_range) == pytest.approx(expected, abs=1e-9)


def test_masked_ssim_is_the_mean_of_the_map_over_the_mask():
    x, y, mask = image(1), image(1) + image(2, -9, 9), brain()
    _, quality = by_skimage(x, y, 60, full=True)
    valid = np.zeros(SHAPE, dtype=bool)
    valid[5:-5, 5:-5] = mask[5:-5, 5:-5]
    assert ssim(x, y, 60, mask) == pytest.approx(quality[valid].mean(), abs=1e-9)
    assert ssim_map(x, y, 60) == pytest.approx(quality[5:-5, 5:-5], abs=1e-9)


def slow_uqi(x, y, side=8):
    """Wang and Bovik 2002, Eq. 1 in every window, by numpy's own moments."""
    rows, columns = x.shape
    quality = np.empty((rows - side + 1, columns - side + 1))
    for i, j in np.ndindex(quality.shape):
        a = x[i : i + side, j : j + side].ravel()
        b = y[i : i + side, j : j + side].ravel()
        (va, cov), (_, vb) = np.cov(a, b)
        squares = a.mean() ** 2 + b.mean() ** 2
        structure = 2 * cov / (va + vb) if va + vb > 0 else 1
        luminance = 2 * a.mean() * b.mean() / squares if squares else 1
        quality[i, j] = structure * luminance
    return quality


def half_empty(seed):
    x = image(seed)
    x[:, :14] = 0
    x[25:, 14:] = 30
    return x


def test_uqi_agrees_with_a_direct_implementation():
    x, mask = half_empty(4), brain()
    others = (half_empty(5), x + image(6, 0, 5), image(7), np.zeros(SHAPE), 0 * x + 30)
    for y in others:
        expected = slow_uqi(x, y)
        assert uqi_map(x, y) == pytest.approx(expected, abs=1e-9)
        assert uqi(x, y) == pytest.approx(expected.mean(), abs=1e-9)
        inside = expected[mask[4:-3, 4:-3]].mean()
        assert uqi(x, y, mask) == pytest.approx(inside, abs=1e-9)


def test_flat_windows_of_uqi_are_judged_by_luminance():
    black, grey = np.zeros((8, 8)), np.full((8, 8), 0.1)
    assert uqi(black, black) == 1
    assert uqi(grey, 3 * grey) == pytest.approx(0.6)
    assert uqi(black, grey) == 0
    assert uqi(grey, image(1)[:8, :8]) == pytest.approx(0, abs=1e-12)


def test_a_box_sees_what_its_own_windows_see():
    x, y = image(1), image(1) + image(2, -9, 9)
    rows, columns = bounding_box(brain())
    part = ssim_map(x, y, 60)[
        rows.start : rows.stop - 10, columns.start : columns.stop - 10
    ]
    assert ssim(x[rows, columns], y[rows, columns], 60) == pytest.approx(part.mean())


def test_the_box_holds_the_mask_and_no_more():
    mask = brain()
    rows, columns = bounding_box(mask)
    assert mask[rows, columns].sum() == mask.sum()
    for edge in (
        mask[rows.start, :],
        mask[rows.stop - 1, :],
        mask[:, columns.start],
        mask[:, columns.stop - 1],
    ):
        assert edge.any()
    with pytest.raises(ValueError, match="at least one pixel, got none"):
        bounding_box(np.zeros((3, 3)))


@settings(max_examples=50, deadline=None)
@given(images, images)
def test_similarity_is_symmetric_and_at_most_1(x, y):
    for measure in (lambda a, b: ssim(a, b, 255), uqi):
        assert measure(x, y) == pytest.approx(measure(y, x), abs=1e-9)
        assert measure(x, y) <= 1 + 1e-9
        assert measure(x, x) == pytest.approx(1, abs=1e-6)


@settings(max_examples=50, deadline=None)
@given(images, images, st.floats(0.01, 100))
def test_similarity_does_not_depend_on_the_unit(x, y, factor):
    scaled = ssim(x * factor, y * factor, 255 * factor)
    assert scaled == pytest.approx(ssim(x, y, 255), abs=1e-6)
    assert uqi(x * factor, y * factor) == pytest.approx(uqi(x, y), abs=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: ssim(x, x, 0), "data range must be above 0, got 0"),
        (lambda x: ssim(x, x, float("nan")), "data range must be above 0, got nan"),
        (lambda x: ssim(x, x[1:], 1), r"alike, got \(40, 33\) and \(39, 33\)"),
        (lambda x: uqi(x[None], x[None]), "two-dimensional and alike"),
        (lambda x: ssim(x[:10], x[:10], 1), "11 x 11 pixels or larger"),
        (lambda x: uqi(x[:7], x[:7]), "8 x 8 pixels or larger"),
        (lambda x: uqi(x, x * np.inf), "must be finite"),
        (lambda x: uqi(x, x, np.ones((3, 3))), "shape of the images"),
        (lambda x: uqi(x, x, 0 * x), "at least one window, got none"),
    ],
)
def test_what_cannot_be_compared_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(image(1, 1, 2))
