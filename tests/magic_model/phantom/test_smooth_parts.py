"""Fields, sampling, deformation, territories: the parts without a patient."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.interpolate import BSpline, RegularGridInterpolator
from scipy.ndimage import map_coordinates

from magic_model.phantom.anatomy import Posture, sample, template_coordinates
from magic_model.phantom.grid import Grid, interpolate, random_field, spline_field
from magic_model.phantom.lesion import Side, Territory, territory_share


def float32(*values):
    return np.array(values, dtype=np.float32)


def test_interpolation_is_that_of_scipy():
    rng = np.random.default_rng(0)
    nodes = rng.random((4, 5, 3), dtype=np.float32)
    positions = [float32(0, 0.3, 2.9, 3), float32(1.5, 4), float32(0.1, 1, 1.99)]
    reference = RegularGridInterpolator([np.arange(n) for n in nodes.shape], nodes)
    points = np.stack(np.meshgrid(*positions, indexing="ij"), axis=-1)
    assert_allclose(interpolate(nodes, positions), reference(points), atol=1e-6)


def test_sampling_is_that_of_scipy():
    rng = np.random.default_rng(0)
    images = [rng.random((9, 8, 7), dtype=np.float32) for _ in range(2)]
    at = rng.uniform(-2, 10, (3, 5, 6, 4)).astype(np.float32)
    for image, sampled in zip(images, sample(images, at), strict=True):
        reference = map_coordinates(image, at, order=1, mode="nearest")
        assert_allclose(sampled, reference, atol=1e-6)


def test_spline_field_is_a_product_of_b_splines():
    rng = np.random.default_rng(0)
    coefficients = rng.random((6, 6, 6), dtype=np.float32)
    axes = [float32(0, 7, 24.5)] * 3
    knots = np.arange(-3, 7)
    basis = BSpline.design_matrix(axes[0] / 10.0, knots, 3).toarray()
    expected = np.einsum("ai,bj,ck,ijk->abc", basis, basis, basis, coefficients)
    assert_allclose(spline_field(coefficients, 10.0, axes), expected, rtol=1e-5)


def test_a_random_field_has_mean_0_and_deviation_1():
    axes = [np.arange(0, 400, 4, dtype=np.float32)] * 3
    field = random_field(axes, 12.0, np.random.default_rng(0))
    assert abs(field.mean()) < 0.05
    assert field.std() == pytest.approx(1, abs=0.05)


def head(seed):
    grid, rng = Grid.of("slab"), np.random.default_rng(seed)
    return grid, template_coordinates(grid, Posture.draw(rng), rng)


@settings(max_examples=15)
@given(st.integers(0, 10_000))
def test_a_deformation_never_folds(seed):
    grid, mni = head(seed)
    step = [float(axis[1] - axis[0]) for axis in grid.node_axes_mm]
    jacobian = np.stack([np.stack(np.gradient(part, *step)) for part in mni])
    volume_change = np.linalg.det(np.moveaxis(jacobian, (0, 1), (-2, -1)))
    assert volume_change.min() > 0.2
    assert volume_change.max() < 3


def test_a_deformation_is_not_symmetric():
    _, mni = head(1)
    mirrored = mni[:, ::-1] * float32(-1, 1, 1)[:, None, None, None]
    assert np.abs(mni - mirrored).max() > 3  # mm


POINTS = {
    (50, -20, 20): Territory.MCA,  # lateral convexity
    (40, 0, 5): Territory.MCA,  # insula
    (25, 5, 5): Territory.MCA,  # putamen
    (5, 50, 15): Territory.ACA,  # medial frontal pole
    (6, -10, 62): Territory.ACA,  # paracentral lobule
    (12, -90, 0): Territory.PCA,  # occipital pole
    (12, -20, 8): Territory.PCA,  # thalamus
    (28, -35, -15): Territory.PCA,  # parahippocampal gyrus
}


@pytest.mark.parametrize(("point", "territory"), POINTS.items())
@pytest.mark.parametrize("side", Side)
def test_well_known_places_lie_in_their_territory(point, territory, side):
    place = float32(side.sign * point[0], *point[1:])
    assert territory_share(place, territory, side) > 0.5
    other = Side.LEFT if side is Side.RIGHT else Side.RIGHT
    assert territory_share(place, territory, other) < 0.01


@given(st.tuples(*[st.floats(-80, 80, width=32)] * 3))
def test_territories_do_not_overlap(point):
    shares = [territory_share(float32(*point), t, s) for t in Territory for s in Side]
    assert min(shares) >= 0
    assert sum(shares) <= 1 + 1e-5


def test_no_cerebral_artery_supplies_the_cerebellum():
    place = float32(20, -65, -40)
    assert max(territory_share(place, t, Side.RIGHT) for t in Territory) < 0.05
