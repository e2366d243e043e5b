import numpy as np

from magic_model.metrics.embedding import (
    frechet_distance,
    kernel_distance,
    standardise,
)


def test_a_feature_that_the_reference_does_not_touch_does_not_make_the_distance():
    """One picture of forty that touches it is one picture, not a distance of 1e20."""
    rng = np.random.default_rng(0)
    reference, other = rng.normal(size=(2, 40, 16))
    reference[:, 3] = 1e-9 * rng.normal(size=40)
    other[:, 3] = 0
    other[7, 3] = 0.1
    one, two = (standardise(x, reference) for x in (reference, other))
    assert abs(kernel_distance(one, two)) < 1
    assert frechet_distance(one, two) < 100


def test_features_that_vary_have_the_mean_and_deviation_of_the_reference():
    rng = np.random.default_rng(1)
    reference = rng.normal(3, [0.5, 1, 2], (200, 3))
    scaled = standardise(reference, reference)
    assert np.allclose(scaled.mean(axis=0), 0)
    assert np.allclose(scaled.std(axis=0), 1)
