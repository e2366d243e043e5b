from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from magic_model.data.sampling import Sampling
from magic_model.data.volume import Kind, Volume
from magic_model.errors import DataError
from magic_model.inference.prepare import preparation_notes, prepare_ncct
from tests.magic_model.data.conftest import make_head
from tests.magic_model.inference.tiny import SIZE

IN_PLANE = (3.5, 3.5)


def turned(volume, order, flips):
    """The same image with its axes stored in another order and direction."""
    array = volume.array.transpose(order)
    affine = volume.affine[:, [*order, 3]]
    for axis in flips:
        affine[:, 3] += affine[:, axis] * (array.shape[axis] - 1)
        affine[:, axis] *= -1
        array = np.flip(array, axis)
    return Volume(array, affine, volume.kind)


def ramp(slice_mm, n, *, bottom=-20.0):
    """HU that are -40 at height 0 and rise by 0.5 per mm, and brain everywhere."""
    affine = np.diag([4.0, 4.0, slice_mm, 1.0])
    affine[2, 3] = bottom
    heights = bottom + slice_mm * np.arange(n)
    array = np.broadcast_to(heights / 2 - 40, (12, 16, n))
    everywhere = np.ones(array.shape)
    return Volume(array, affine, "ncct"), Volume(everywhere, affine, "brain_mask")


@given(
    st.floats(0.5, 8),
    st.integers(12, 30),
    st.none() | st.floats(0.5, 8),
    st.floats(-30, 0),
)
@example(1.0, 12, 4.00390625, 0.0)  # 4 mm is one slice but for 0.001 of it
@example(1.0, 12, 4.0003, 0.0)
def test_a_linear_ramp_is_sampled_exactly(slice_mm, n, spacing_mm, bottom):
    """Slices at multiples of the spacing, and each sees its height and 4 mm around."""
    ncct, brain = ramp(slice_mm, n, bottom=bottom)
    if n * slice_mm < 8:
        return
    stack = prepare_ncct("P1", ncct, size=16, spacing_mm=spacing_mm, brain=brain)
    step = spacing_mm or slice_mm
    top = slice_mm * (n - 1)
    assert len(stack.heights) == np.floor(top / step + 1e-6) + 1
    np.testing.assert_allclose(
        stack.heights, bottom + step * np.arange(len(stack.heights)), atol=1e-4
    )
    middle = stack.ncct[:, :, 8, 8]
    for channel, offset in enumerate((-4, 0, 4)):
        places = stack.heights + offset
        held = (places >= bottom) & (places <= stack.heights[-1])
        np.testing.assert_allclose(
            middle[held, channel], places[held] / 2 - 40, atol=1e-3
        )


@pytest.mark.parametrize("spacing_mm", [None, 1.0, 2.0, 3.0, 5.0, 8.0, 10.0])
@pytest.mark.parametrize("pixel_mm", [None, 4.0])
def test_neighbours_are_those_of_the_scan_at_any_spacing(spacing_mm, pixel_mm):
    """Planes of random HU, linear between them; a ramp cannot tell the difference."""
    rng = np.random.default_rng(3)
    planes = rng.uniform(0, 80, 61)
    affine = np.diag([4.0, 4.0, 1.0, 1.0])
    affine[2, 3] = -20.0
    shape = 16, 16, 61
    ncct = Volume(np.broadcast_to(planes, shape), affine, "ncct")
    brain = Volume(np.ones(shape), affine, "brain_mask")
    sampling = pixel_mm and Sampling(pixel_mm=pixel_mm, offset_mm=4.0, slice_mm=1.0)
    options = {"size": 16, "brain": brain, "sampling": sampling}
    stack = prepare_ncct("P1", ncct, spacing_mm=spacing_mm, **options)
    given = affine[2, 3] + np.arange(61)
    # From the first slice on, at the spacing.
    np.testing.assert_allclose(
        stack.heights, np.arange(-20, 40.01, spacing_mm or 1.0), atol=1e-6
    )
    for channel, offset in enumerate((-4, 0, 4)):
        at = stack.heights + offset
        held = (at >= given[0]) & (at <= given[-1])
        right = np.interp(at[held], given, planes)
        np.testing.assert_allclose(stack.ncct[held, channel, 8, 8], right, atol=1e-4)
    fine = prepare_ncct("P1", ncct, spacing_mm=1.0, **options)
    assert np.array_equal(stack.affine[:2], fine.affine[:2])
    assert stack.affine[2, 3] == fine.affine[2, 3] == -20.0


def test_a_good_head_has_its_brain_at_the_spacing_of_the_paper():
    """Found in the scan, not in planes 10 mm apart, which hold too little of it."""
    head = make_head((64, 64, 32), (*IN_PLANE, 5.0)).ncct
    stack = prepare_ncct("P1", head, size=64, spacing_mm=10.0)
    fine = prepare_ncct("P1", head, size=64)
    assert np.diff(stack.heights) == pytest.approx(10.0)
    alike = np.flatnonzero(np.isin(np.round(fine.heights, 3), stack.heights.round(3)))
    assert len(alike) == len(stack.heights) > 9
    assert np.array_equal(stack.mask, fine.mask[alike])
    np.testing.assert_allclose(stack.ncct, fine.ncct[alike], atol=1e-4)


def moved_edges(volume, before, after, value):
    """The same head with slices of another size: voxels added, or cut off (below 0)."""
    array = volume.array
    for axis, (low, high) in enumerate(zip(before, after, strict=True)):
        width = [(0, 0)] * 3
        width[axis] = (max(low, 0), max(high, 0))
        array = np.pad(array, width, constant_values=value)
        cut = slice(max(-low, 0), array.shape[axis] - max(-high, 0))
        array = array[(slice(None),) * axis + (cut,)]
    affine = volume.affine.copy()
    affine[:3, 3] -= affine[:3, :2] @ before
    return Volume(array, affine, volume.kind)


@pytest.mark.parametrize(
    ("before", "after", "done"),
    [
        ((0, 0), (0, 0), []),
        ((30, 30), (30, 30), ["434 x 434 mm was cropped to the network's 224 x 224"]),
        ((3, 41), (22, 0), ["312 x 368 mm was cropped"]),  # off the centre
        ((-3, -2), (-2, -5), ["206 x 200 mm was padded with air to the network's"]),
        ((10, -3), (9, -2), ["290 x 206 mm was cropped and padded with air"]),
    ],
)
def test_the_field_of_a_scan_changes_no_slice(head, before, after, done):
    trained = Sampling(pixel_mm=3.5, offset_mm=4.0, slice_mm=8.0)
    options = {"size": 64, "sampling": trained}
    plain = prepare_ncct("P1", head.ncct, brain=head.brain, **options)
    scan = moved_edges(head.ncct, before, after, -1000)
    brain = moved_edges(head.brain, before, after, 0)
    other = prepare_ncct("P1", scan, brain=brain, **options)
    np.testing.assert_allclose(other.affine, plain.affine, atol=1e-9)
    np.testing.assert_allclose(other.ncct, plain.ncct, atol=1e-3)
    assert np.array_equal(other.mask, plain.mask)
    assert len(other.notes) == len(done)
    assert all(part in note for part, note in zip(done, other.notes, strict=True))


def test_a_network_sees_slabs_as_thick_as_it_was_trained_with(head):
    noisy = make_head(noise=4.0)
    trained = Sampling(pixel_mm=3.5, offset_mm=8.0, slice_mm=8.0)
    slabs = replace(trained, slab_mm=24.0)
    single, mean = (
        prepare_ncct("P1", noisy.ncct, size=64, brain=noisy.brain, sampling=how).ncct
        for how in (trained, slabs)
    )
    # Planes 8 mm apart, as are below and above: a slab is the mean of the three.
    inside = (single > 0).all(axis=1)
    inside[[0, -1]] = False
    expected = single.mean(axis=1)
    np.testing.assert_allclose(mean[:, 1][inside], expected[inside], atol=1e-3)


def test_a_scan_is_brought_to_the_pixels_of_the_network_and_it_is_said(head):
    fine = Sampling(pixel_mm=2.0, offset_mm=3.0, slice_mm=2.0)
    stack = prepare_ncct("P1", head.ncct, size=64, brain=head.brain, sampling=fine)
    assert np.linalg.norm(stack.affine[:3, :2], axis=0) == pytest.approx(2.0)
    assert stack.notes == (
        "pixels of 3.5 x 3.5 mm were resampled to the 2 mm that the network was "
        "trained with",
        "the field of 224 x 224 mm was cropped to the network's 128 x 128 mm around "
        "the brain",
        "the brain reaches beyond the network's 128 mm and is cut there",
    )
    notes = list(preparation_notes(head.ncct, fine))
    trained = "slices are 8 mm apart, those that the network was trained with 2 mm"
    assert notes[0] == trained


def test_neighbours_beyond_the_last_slice_are_empty():
    ncct, brain = ramp(5.0, 8)
    stack = prepare_ncct("P1", ncct, size=16, brain=brain)
    assert not stack.ncct[0, 0].any()
    assert not stack.ncct[-1, 2].any()
    assert stack.ncct[:, 1, :, 2:14].all()


@pytest.mark.parametrize("spacing_mm", [0.0, -1.0, float("nan"), float("inf")])
def test_a_spacing_that_is_no_length_is_refused(spacing_mm):
    ncct, brain = ramp(5.0, 8)
    message = "P1: spacing must be a positive number of mm, got"
    with pytest.raises(DataError, match=message):
        prepare_ncct("P1", ncct, size=16, spacing_mm=spacing_mm, brain=brain)


@pytest.mark.parametrize(
    ("order", "flips"),
    [
        ((2, 0, 1), ()),  # coronal planes on the last axis
        ((1, 2, 0), (0, 2)),  # sagittal ones
        ((0, 1, 2), (0,)),
        ((0, 1, 2), (1, 2)),
    ],
)
def test_how_an_image_is_stored_changes_nothing(head, stack, order, flips):
    stored = turned(head.ncct, order, flips)
    same = prepare_ncct("P1", stored, size=SIZE, brain=head.brain)
    assert np.array_equal(same.ncct, stack.ncct)
    assert np.array_equal(same.mask, stack.mask)
    assert np.array_equal(same.positions, stack.positions)
    np.testing.assert_allclose(same.affine, stack.affine, atol=1e-9)


@pytest.mark.parametrize("slice_mm", [2.5, 5.0, 8.0])
def test_skull_is_taken_off_slices_of_any_thickness(slice_mm):
    """Every slice that shows brain, and nothing but brain within the window."""
    head = make_head((64, 64, round(160 / slice_mm)), (*IN_PLANE, slice_mm))
    stack = prepare_ncct("P1", head.ncct, size=64)
    assert np.diff(stack.heights) == pytest.approx(slice_mm)
    brain = head.brain.array.sum((0, 1)) * head.brain.voxel_ml
    found = stack.mask.sum((1, 2)) * head.brain.voxel_ml
    assert found.sum() == pytest.approx(brain.sum(), rel=0.1)
    assert len(found) == pytest.approx((brain > 0).sum(), abs=2)
    # Neighbours between two slices may mix brain with the bone above it.
    assert stack.ncct[:, 1].max() < 100
    assert not stack.ncct[:, 1][~stack.mask].any()


def test_five_slices_are_enough_if_they_reach_far():
    """5 x 5 mm has neighbours at 4 mm; 5 x 1 mm has none (issue: 5 slices only)."""
    thick = make_head((64, 64, 5), (*IN_PLANE, 5.0)).ncct
    assert len(prepare_ncct("P1", thick, size=SIZE).heights) == 5
    assert list(preparation_notes(thick)) == [
        "slices are 5 mm apart: the neighbours at 4 mm were interpolated between them"
    ]
    thin = make_head((64, 64, 5), (*IN_PLANE, 1.0)).ncct
    message = (
        "P1: an NCCT must reach 8 mm from bottom to top, so that slices have "
        "neighbours; got 5 slices of 1 mm"
    )
    with pytest.raises(DataError, match=message):
        prepare_ncct("P1", thin, size=SIZE)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda ct: np.full_like(ct, -1000), r"P1: A head CT must show bone .* -1000"),
        (lambda ct: np.where(ct > 300, 40, ct), "P1: A head CT must show bone"),
        (lambda ct: np.where(ct > 0, 500, ct), "P1: A brain must have 50 mL or more"),
        (
            lambda ct: np.where(ct == 60, np.nan, ct),
            "ncct must be finite within the head",
        ),
    ],
)
def test_an_ncct_without_a_brain_is_refused(head, change, message):
    ncct = head.ncct.with_array(change(head.ncct.array))
    with pytest.raises(DataError, match=message):
        prepare_ncct("P1", ncct, size=SIZE)


def test_a_background_of_nan_is_air(head):
    ncct = head.ncct.with_array(
        np.where(head.ncct.array == -1000, np.nan, head.ncct.array)
    )
    plain = prepare_ncct("P1", head.ncct, size=SIZE)
    assert np.array_equal(prepare_ncct("P1", ncct, size=SIZE).ncct, plain.ncct)
    *_, note = (note for note in preparation_notes(ncct) if "NaN" in note)
    assert note.endswith("voxels are NaN or infinite and count as not measured")


def test_a_sheared_scan_is_straightened_and_noted(head):
    leaning = head.affine.copy()
    leaning[1, 2] = 2.4
    leaning[1, 3] -= 2.4 * 9.5
    ncct = Volume(head.ncct.array, leaning, Kind.NCCT)
    stack = prepare_ncct("P1", ncct, size=SIZE)
    assert stack.to_volume(stack.mask, Kind.BRAIN_MASK).is_orthogonal
    assert next(preparation_notes(ncct)) == (
        "slices were tilted by 16.7 degrees (gantry tilt): resampled once, to 20 "
        "straight slices 8.00 mm apart, with 14 pixels more in plane so that nothing "
        "is cut off"
    )


def test_a_brain_mask_elsewhere_is_refused(head):
    elsewhere = head.affine.copy()
    elsewhere[0, 3] += 1000
    brain = Volume(head.brain.array, elsewhere, Kind.BRAIN_MASK)
    with pytest.raises(DataError, match="P1: The brain must overlap NCCT"):
        prepare_ncct("P1", head.ncct, size=SIZE, brain=brain)


def tilted(degrees):
    angle = np.radians(degrees)
    affine = np.eye(4)
    affine[1:3, 1:3] = [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
    return affine


@pytest.mark.parametrize(
    ("spacing", "turn", "note"),
    [
        ((1, 1, 1), 0, None),
        ((0.5, 0.5, 4), 10, None),
        ((2, 2, 1), 0, None),
        ((0.5, 0.5, 8), 0, "slices are 8 mm apart: the neighbours at 4 mm"),
        ((8, 0.5, 0.5), 0, r"8 x 0.5 x 0.5 mm, coarser in the axial plane"),
        ((1, 1, 1), 20, "slices are tilted by 20 degrees from the axial plane"),
    ],
)
def test_what_a_network_was_not_made_for_is_said(spacing, turn, note):
    affine = tilted(turn) @ np.diag([*spacing, 1.0])
    notes = list(preparation_notes(Volume(np.zeros((2, 2, 2)), affine, "ncct")))
    assert len(notes) == (note is not None)
    assert all(note in text for text in notes)
