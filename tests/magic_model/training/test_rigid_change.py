import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from magic_model.training.augmentation import RigidChange
from tests.magic_model.training.rigid import apply

changes = st.builds(
    RigidChange,
    st.booleans(),
    st.floats(-10, 10),
    st.floats(-30, 30),
    st.floats(-30, 30),
)


def disc(centre, size=96, radius=9):
    rows, columns = np.indices((size, size))
    away = np.hypot(rows - centre[0], columns - centre[1])
    return (away <= radius).astype(np.float32)


def centroid(image):
    return np.array(ndimage.center_of_mass(image))


@given(changes, st.sampled_from([0, 1]))
def test_a_point_goes_where_geometry_says(change, order):
    start = np.array([44.0, 52.0])
    moved = apply(change, disc(start), order=order)
    row, column = start - 47.5
    if change.flip:
        column = -column
    # Counterclockwise as displayed: rows count downwards.
    angle = np.radians(change.degrees)
    expected = np.array(
        [
            row * np.cos(angle) - column * np.sin(angle) + change.down,
            row * np.sin(angle) + column * np.cos(angle) + change.right,
        ]
    )
    assert centroid(moved) == pytest.approx(expected + 47.5, abs=0.6 - order / 2)


def test_no_change_changes_nothing(rng_image):
    for order in (0, 1):
        assert np.array_equal(apply(RigidChange(), rng_image, order=order), rng_image)


def test_a_flip_is_a_mirror(rng_image):
    flipped = apply(RigidChange(flip=True), rng_image)
    assert np.allclose(flipped, rng_image[:, ::-1], atol=1e-6)


def test_whole_pixels_are_shifted_exactly(rng_image):
    moved = apply(RigidChange(down=3, right=-2), rng_image, outside=-9)
    assert np.array_equal(moved[3:, :-2], rng_image[:-3, 2:])
    assert (moved[:3] == -9).all()
    assert (moved[:, -2:] == -9).all()


def test_a_quarter_turn_is_counterclockwise(rng_image):
    turned = apply(RigidChange(degrees=90), rng_image)
    assert np.allclose(turned[1:-1, 1:-1], np.rot90(rng_image)[1:-1, 1:-1], atol=1e-5)


def test_parameters_are_drawn_evenly_from_the_ranges_of_the_paper():
    rng = np.random.default_rng(0)
    drawn = [RigidChange.drawn(rng) for _ in range(4000)]
    assert np.mean([c.flip for c in drawn]) == pytest.approx(0.5, abs=0.03)
    for values, limit in (
        ([c.degrees for c in drawn], 10),
        ([c.down for c in drawn], 30),
        ([c.right for c in drawn], 30),
    ):
        assert np.abs(values).max() <= limit
        assert np.abs(values).max() > 0.99 * limit
        assert np.std(values) == pytest.approx(2 * limit / np.sqrt(12), rel=0.03)


def test_a_share_is_turned_and_the_others_stay_on_whole_pixels():
    rng = np.random.default_rng(0)
    drawn = [RigidChange.drawn(rng, 0.25) for _ in range(4000)]
    whole = [c for c in drawn if not c.degrees]
    assert len(whole) / len(drawn) == pytest.approx(0.75, abs=0.03)
    assert all(c.down.is_integer() and c.right.is_integer() for c in whole)
    assert np.mean([c.flip for c in whole]) == pytest.approx(0.5, abs=0.03)
    assert np.std([c.down for c in whole]) == pytest.approx(60 / np.sqrt(12), rel=0.03)


def test_what_is_not_turned_keeps_the_values_of_its_pixels(rng_image):
    """Turning averages pixels, and with them the noise."""
    rng = np.random.default_rng(1)
    for _ in range(20):
        moved = apply(RigidChange.drawn(rng, 0.0), rng_image, outside=-9)
        inside = moved[moved > -9]
        nearest = np.abs(inside[:, None] - rng_image.ravel()).min(axis=1)
        assert nearest.max(initial=0) < 1e-4


@pytest.fixture
def rng_image():
    return np.random.default_rng(0).random((40, 40)).astype(np.float32)
