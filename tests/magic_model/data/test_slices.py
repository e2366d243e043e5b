from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from magic_model.data.slices import (
    SliceGeometry,
    central_slices,
    from_display,
    prepare_slices,
    to_display,
)
from magic_model.data.volume import Kind, Volume
from magic_model.errors import DataError
from magic_model.maps import PerfusionMap

SIZE = 64
SMALL = SliceGeometry(size=SIZE, n_slices=6, slice_mm=8.0)
CBF = PerfusionMap.CBF


@pytest.fixture(scope="module")
def maps(head, maps_maker):
    return maps_maker(head, z_from=3, z_to=17).maps


@pytest.fixture(scope="module")
def stack(head, maps):
    return prepare_slices("P1", head.ncct, maps, head.brain, geometry=SMALL)


def full(*areas):
    """Slices of 10 x 10 in which so many voxels are valid."""
    return np.stack([np.arange(100).reshape(10, 10) < a for a in areas], axis=2)


@pytest.mark.parametrize(
    ("areas", "n", "step", "expected"),
    [
        ([100] * 16, 10, 1, list(range(3, 13))),
        ([100] * 15, 10, 1, list(range(2, 12))),
        ([100] * 4, 10, 1, [0, 1, 2, 3]),
        ([0, 9, 100, 100, 10, 0], 10, 1, [2, 3, 4]),
        ([100, 100, 0, 100, 100, 100], 3, 1, [1, 3, 4]),
        ([100] * 100, 10, 10, list(range(4, 95, 10))),
        ([100] * 25, 10, 10, [2, 12, 22]),
        ([100] * 9, 1, 1, [4]),
    ],
)
def test_central_slices(areas, n, step, expected):
    assert central_slices(full(*areas), n, step) == expected


@given(
    st.lists(st.integers(0, 100), min_size=1, max_size=40).filter(any),
    st.integers(1, 12),
    st.integers(1, 5),
)
def test_chosen_slices_hold_enough_and_lie_in_the_middle(areas, n, step):
    chosen = central_slices(full(*areas), n, step)
    enough = [i for i, a in enumerate(areas) if a >= max(areas) / 10]
    places = [enough.index(i) for i in chosen]
    assert 1 <= len(chosen) <= n
    assert set(np.diff(places)) <= {step}
    assert len(chosen) == min(n, (len(enough) - 1) // step + 1)
    assert abs(places[0] - (len(enough) - 1 - places[-1])) <= 1


def test_nothing_has_no_central_slices():
    with pytest.raises(DataError, match="must hold something, all 3 are empty"):
        central_slices(np.zeros((4, 4, 3), dtype=bool))


def test_the_display_is_radiological(stack, head):
    # The dense ball lies in front on the patient's right: top left as displayed.
    ball = stack.ncct[:, 1] == 60
    _, rows, columns = np.nonzero(ball)
    assert len(rows) > 20
    assert rows.max() < SIZE / 2
    assert columns.max() < SIZE / 2
    # Where it is in mm: (35, 45).
    pixel = head.affine[0, 0]
    assert (SIZE - 1) / 2 - columns.mean() == pytest.approx(35 / pixel, abs=0.5)
    assert (SIZE - 1) / 2 - rows.mean() == pytest.approx(45 / pixel, abs=0.5)


def test_the_lesion_is_on_the_other_side(stack):
    _, rows, columns = np.nonzero(stack.maps[PerfusionMap.TMAX] > 6)
    assert columns.min() > SIZE / 2
    assert rows.mean() == pytest.approx((SIZE - 1) / 2, abs=0.5)


def test_shapes_and_types(stack):
    n = 6
    assert stack.patient_id == "P1"
    assert stack.ncct.shape == (n, 3, SIZE, SIZE)
    assert {image.shape for image in stack.maps.values()} == {(n, SIZE, SIZE)}
    assert stack.mask.shape == (n, SIZE, SIZE)
    assert stack.mask.dtype == bool
    assert stack.ncct.dtype == stack.maps[CBF].dtype == np.float32


def test_the_middle_slices_of_the_maps_are_taken(stack, maps, head):
    # Slices 3 to 16 hold maps, the brain fills 3 to 16 too: the middle six are 7 to 12.
    expected = head.affine[2, 3] + 8 * np.arange(7, 13)
    assert stack.heights == pytest.approx(expected)
    assert stack.positions.tolist() == list(range(6))
    for image, z in zip(stack.maps[CBF], range(7, 13), strict=True):
        assert np.array_equal(image, maps[CBF].array[::-1, ::-1, z].T)


def test_neighbours_lie_4_mm_below_and_above(head, maps):
    # CT numbers that tell their height: 40 HU + z/2.
    mm = head.mm[2]
    ramp = head.ncct.with_array(np.where(head.brain.array > 0, 40 + mm / 2, 1000))
    everywhere = head.brain.with_array(np.ones(head.brain.shape))
    stack = prepare_slices("P1", ramp, maps, everywhere, geometry=SMALL)
    inside = stack.mask & (np.abs(stack.ncct[:, 1] - 40) < 30)
    centre = stack.ncct[:, :, SIZE // 2, SIZE // 2]
    assert inside.any()
    expected = 40 + (stack.heights[:, None] + [-4, 0, 4]) / 2
    assert centre == pytest.approx(expected, abs=1e-3)


def test_a_slab_is_the_mean_of_the_planes_within_the_scan(head):
    """Planes 8 mm apart, each of its own CT number: three planes in 24 mm."""
    planes = np.random.default_rng(0).uniform(20, 60, head.ncct.shape[2])
    ncct = head.ncct.with_array(np.broadcast_to(planes, head.ncct.shape))
    brain = head.brain.with_array(np.ones(head.ncct.shape))
    every = replace(SMALL, n_slices=99, slice_mm=0, offset_mm=8.0, slab_mm=24.0)
    stack = prepare_slices("P1", ncct, {}, brain, geometry=every)
    assert len(stack.heights) == len(planes)
    expected = [planes[max(0, z - 1) : z + 2].mean() for z in range(len(planes))]
    middle = stack.ncct[:, :, SIZE // 2, SIZE // 2]
    np.testing.assert_allclose(middle[:, 1], expected, atol=1e-3)
    # Below and above: the same of the neighbours, where there are any.
    np.testing.assert_allclose(middle[1:, 0], expected[:-1], atol=1e-3)
    np.testing.assert_allclose(middle[:-1, 2], expected[1:], atol=1e-3)


def test_the_brain_fills_the_slices_by_one_box_and_keeps_its_place(head, maps, stack):
    tight = replace(SMALL, around_brain=True)
    found = prepare_slices("P1", head.ncct, maps, head.brain, geometry=tight)
    down, across = (np.flatnonzero(found.mask.any(axis=a)) for a in ((0, 2), (0, 1)))
    assert 0.85 * SIZE < down[-1] - down[0] + 1 <= 0.96 * SIZE
    for ends in (down, across):  # in the middle, and cut nowhere
        assert abs(ends[0] + ends[-1] - (SIZE - 1)) <= 2
        assert ends[0] > 0
    assert np.array_equal(found.heights, stack.heights)
    assert np.allclose(np.abs(found.affine[0, 0]), found.affine[1, 1])
    late = [_late(s) for s in (found, stack)]
    assert np.allclose(*late, atol=2)  # mm
    assert late[0][0] < -20  # on the patient's left


def _late(stack):
    """Return the middle in mm of where the maps show tissue at risk."""
    slab = stack.to_volume(stack.maps[PerfusionMap.TMAX], "tmax")
    return slab.affine @ [*np.argwhere(slab.array > 6).mean(axis=0), 1]


def test_only_the_brain_is_seen(stack, head):
    brain = head.brain.array[::-1, ::-1, 7:13].transpose(2, 1, 0) > 0
    assert np.array_equal(stack.mask, brain)
    assert (stack.ncct[:, 1][~brain] == 0).all()
    assert set(np.unique(stack.ncct[:, 1][brain])) == {8, 32, 60}


def test_the_brain_is_found_where_no_mask_is_given(head, maps, stack):
    found = prepare_slices("P1", head.ncct, maps, geometry=SMALL)
    both, either = found.mask & stack.mask, found.mask | stack.mask
    assert both.sum() / either.sum() > 0.9


def test_orientation_on_disk_does_not_matter(head, maps, stack):
    def stored_otherwise(volume):
        array = volume.array.transpose(2, 0, 1)[::-1, :, ::-1]
        affine = volume.affine[:, [2, 0, 1, 3]].copy()
        for axis in (0, 2):
            affine[:, 3] += affine[:, axis] * (array.shape[axis] - 1)
            affine[:, axis] *= -1
        return Volume(array, affine, volume.kind)

    turned = prepare_slices(
        "P1",
        stored_otherwise(head.ncct),
        {name: stored_otherwise(volume) for name, volume in maps.items()},
        stored_otherwise(head.brain),
        geometry=SMALL,
    )
    assert np.allclose(turned.ncct, stack.ncct, atol=1e-4)
    assert np.array_equal(turned.mask, stack.mask)
    assert np.array_equal(turned.maps[CBF], stack.maps[CBF])


def test_an_ncct_on_another_grid_is_matched_by_its_affine(
    head_maker, head, maps, stack
):
    fine = head_maker((112, 120, 80), (2.0, 2.0, 2.0))
    other = prepare_slices("P1", fine.ncct, maps, head.brain, geometry=SMALL)
    assert other.heights == pytest.approx(stack.heights)
    assert np.median(np.abs(other.ncct - stack.ncct)[:, 1][stack.mask]) < 0.5


def test_values_do_not_fade_at_the_edge_of_the_maps(head, maps):
    larger = SliceGeometry(size=100, n_slices=6, slice_mm=8.0)
    stack = prepare_slices("P1", head.ncct, maps, head.brain, geometry=larger)
    inside = stack.maps[CBF][stack.mask]
    assert inside.min() == pytest.approx(8)  # the core
    assert inside.max() == pytest.approx(50)


def test_thin_slices_are_taken_at_a_distance(head_maker, maps_maker):
    thin = head_maker((48, 56, 80), (4.5, 4.0, 2.0))
    maps = maps_maker(thin).maps
    geometry = SliceGeometry(size=32)
    stack = prepare_slices("P1", thin.ncct, maps, thin.brain, geometry=geometry)
    assert len(stack.ncct) == 10
    assert np.diff(stack.heights) == pytest.approx([10] * 9)


def test_slices_go_back_into_space(stack, maps, head):
    volume = stack.to_volume(stack.maps[CBF], Kind.CBF)
    assert volume.shape == (SIZE, SIZE, 6)
    origin = volume.affine @ [0, 0, 0, 1]
    assert origin == pytest.approx(head.affine @ [0, 0, 7, 1])
    assert np.array_equal(volume.array, maps[CBF].array[:, :, 7:13])


def test_a_gap_between_slices_stays_a_gap(head, maps_maker):
    maps = dict(maps_maker(head).maps)
    for name, volume in maps.items():
        array = volume.array.copy()
        array[:, :, 10] = 0
        maps[name] = volume.with_array(array)
    stack = prepare_slices("P1", head.ncct, maps, head.brain, geometry=SMALL)
    assert set(np.diff(stack.heights)) == {8.0, 16.0}
    volume = stack.to_volume(stack.maps[CBF], Kind.CBF)
    empty = 10 - round((stack.heights[0] - head.affine[2, 3]) / 8)
    assert not volume.array[:, :, empty].any()
    assert volume.array[:, :, empty + 1].any()


def test_a_patient_without_maps_gets_the_slices_of_the_ncct(head):
    stack = prepare_slices("P1", head.ncct, {}, head.brain, geometry=SMALL)
    assert dict(stack.maps) == {}
    assert len(stack.ncct) == 6
    assert stack.mask.any(axis=(1, 2)).all()


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4))
def test_display_and_back(x, y, z):
    array = np.arange(x * y * z).reshape(x, y, z)
    images = to_display(array)
    assert images.shape == (z, y, x)
    assert images[0, 0, 0] == array[-1, -1, 0]  # anterior, patient's right
    assert np.array_equal(from_display(images), array)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("far", "P1: NCCT and perfusion maps must overlap in space, got none"),
        ("empty", "P1: Perfusion maps must hold values other than 0, got none"),
        ("no brain", "P1: The brain must overlap NCCT and perfusion maps, got none"),
        ("nan", "P1: ncct must be finite within the head, 1 voxels"),
    ],
)
def test_what_cannot_be_paired_is_refused(head, maps, change, message):
    ncct, brain = head.ncct, head.brain
    if change == "far":
        affine = head.affine.copy()
        affine[2, 3] += 500
        ncct = Volume(ncct.array, affine, Kind.NCCT)
    if change == "empty":
        maps = {CBF: maps[CBF].with_array(np.zeros(maps[CBF].shape))}
    if change == "no brain":
        brain = brain.with_array(np.zeros(brain.shape))
    if change == "nan":
        array = ncct.array.copy()
        array[32, 32, 10] = np.nan
        ncct = ncct.with_array(array)
    with pytest.raises(DataError, match=message):
        prepare_slices("P1", ncct, maps, brain, geometry=SMALL)


@pytest.mark.parametrize("offset", [1000, 1024])
def test_an_offset_of_hu_is_named_as_such(head, maps, offset):
    """Training, evaluation and montages cut slices here, with a brain mask or not."""
    shifted = head.ncct.with_array(head.ncct.array + offset)
    for brain in (None, head.brain):
        with pytest.raises(DataError, match=r"p1: ncct must be in HU, .*HU \+ 1024"):
            prepare_slices("p1", shifted, maps, brain)
