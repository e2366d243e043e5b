import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from magic_model.data.lesion import find_lesion, lesion_from_masks
from magic_model.data.volume import Kind, Volume
from magic_model.errors import DataError, SeverityUnknownError
from magic_model.maps import PerfusionMap
from magic_model.severity import Severity

CBF, CBV, MTT, TTP, TMAX = (
    PerfusionMap.CBF,
    PerfusionMap.CBV,
    PerfusionMap.MTT,
    PerfusionMap.TTP,
    PerfusionMap.TMAX,
)


@pytest.fixture(scope="module")
def truth(head, maps_maker):
    return maps_maker(head)


def only(truth, *names):
    return {name: truth.maps[name] for name in names}


def changed(volume, where, value):
    return volume.with_array(np.where(where, value, volume.array))


def without_corners(found, truth):
    """Flow is averaged over 3 mm within tissue at risk, which takes corners off."""
    found = found > 0
    return not (found & ~truth).any() and found.sum() >= 0.95 * truth.sum()


def test_core_and_tissue_at_risk_are_found_by_tmax(head, truth):
    lesion = find_lesion(only(truth, CBF, TMAX), head.brain)
    assert without_corners(lesion.core.array, truth.core)
    assert np.array_equal(lesion.at_risk.array > 0, truth.at_risk)
    assert lesion.core.kind is Kind.CORE_MASK
    assert lesion.at_risk.kind is Kind.PENUMBRA_MASK
    assert lesion.surrogate is None
    assert lesion.reference_cbf == 50
    voxel_ml = 3.5 * 3.5 * 8 / 1000
    assert lesion.core_ml == pytest.approx(lesion.core.array.sum() * voxel_ml)
    assert lesion.penumbra_ml == pytest.approx(truth.at_risk.sum() * voxel_ml)
    ratio = lesion.core.array.sum() / truth.at_risk.sum()
    assert lesion.mismatch_ratio == pytest.approx(ratio)
    assert lesion.severity is Severity.MILD_MODERATE


def test_ttp_stands_in_for_tmax_and_says_so(head, truth):
    lesion = find_lesion(only(truth, CBF, TTP), head.brain)
    assert np.array_equal(lesion.at_risk.array > 0, truth.at_risk)
    assert without_corners(lesion.core.array, truth.core)
    assert lesion.surrogate == (
        "TTP more than 4.5 s after the healthier side (11.0 s), in place of Tmax > 6 s"
    )


def test_a_whole_hemisphere_does_not_hide_itself_from_ttp(head, truth):
    left = (head.mm[0] < 0) & (head.brain.array > 0)
    maps = {
        CBF: changed(truth.maps[CBF], left, 10),
        TTP: changed(truth.maps[TTP], left, 20),
    }
    lesion = find_lesion(maps, head.brain)
    assert np.array_equal(lesion.at_risk.array > 0, left)
    assert np.array_equal(lesion.core.array > 0, left)


def test_limits_are_exclusive(head, truth):
    maps = only(truth, CBF, TMAX)
    at_limit = {
        CBF: changed(maps[CBF], truth.core, 15),  # 30 % of 50
        TMAX: changed(maps[TMAX], truth.at_risk & ~truth.core, 6),
    }
    lesion = find_lesion(at_limit, head.brain)
    assert np.array_equal(lesion.at_risk.array > 0, truth.core)
    assert lesion.core_ml == 0
    assert lesion.severity is Severity.NONE


def test_a_core_is_somewhere_clearly_below_the_limit(head, truth):
    maps = only(truth, CBF, TMAX)
    shallow = changed(maps[CBF], truth.core, 12.5)  # 25 % of 50
    assert find_lesion({**maps, CBF: shallow}, head.brain).core_ml == 0
    middle = truth.core & (np.abs(head.mm[2]) < 10) & (np.abs(head.mm[1]) < 12)
    deep = {**maps, CBF: changed(shallow, middle, 6)}
    found = find_lesion(deep, head.brain).core.array > 0
    assert not (middle & ~found).any()
    assert found.sum() > 1.5 * middle.sum()


def test_low_flow_without_delay_is_no_core(head, truth):
    maps = only(truth, CBF, TMAX)
    on_time = {**maps, TMAX: changed(maps[TMAX], truth.at_risk, 2)}
    lesion = find_lesion(on_time, head.brain)
    assert (lesion.core_ml, lesion.penumbra_ml) == (0, 0)
    assert lesion.severity is Severity.NONE


def test_normal_flow_is_that_of_the_mirrored_region(head, truth):
    maps = only(truth, CBF, TMAX)
    front = (head.mm[1] > 40) & ~truth.at_risk & (head.brain.array > 0)
    lesion = find_lesion({**maps, CBF: changed(maps[CBF], front, 500)}, head.brain)
    assert lesion.reference_cbf == 50


def test_where_both_sides_are_ill_the_rest_is_normal(head, truth):
    maps = only(truth, CBF, TMAX)
    both = truth.at_risk | truth.at_risk[::-1]
    lesion = find_lesion(
        {
            CBF: changed(maps[CBF], both, 5),
            TMAX: changed(maps[TMAX], both, 9),
        },
        head.brain,
    )
    assert lesion.reference_cbf == 50
    assert np.array_equal(lesion.core.array > 0, both)


def test_extreme_values_do_not_move_the_reference(head, truth):
    maps = only(truth, CBF, TMAX)
    vessels = np.zeros(head.brain.shape, dtype=bool)
    vessels[::5, ::5] = True
    cbf = changed(maps[CBF], vessels & (maps[CBF].array == 50), 900)
    lesion = find_lesion({CBF: cbf, TMAX: maps[TMAX]}, head.brain)
    assert lesion.reference_cbf == 50


def test_small_islands_are_removed(head, truth):
    maps = only(truth, CBF, TMAX)
    voxel_ml = maps[CBF].voxel_ml
    tmax, cbf = maps[TMAX].array.copy(), maps[CBF].array.copy()
    small, large = int(0.9 / voxel_ml), int(np.ceil(1.1 / voxel_ml))
    tmax[34 : 34 + small, 30, 10] = 20
    tmax[34 : 34 + large, 45, 10] = 20
    found = find_lesion(
        {CBF: maps[CBF].with_array(cbf), TMAX: maps[TMAX].with_array(tmax)}, head.brain
    ).at_risk.array
    assert not found[34:, 30, 10].any()
    assert found[34 : 34 + large, 45, 10].all()


def test_what_lies_outside_the_brain_or_is_not_measured_does_not_count(head, truth):
    maps = only(truth, CBF, TMAX)
    outside = head.brain.array == 0
    gap = np.zeros_like(outside)
    gap[:, :, 12:] = True
    lesion = find_lesion(
        {
            CBF: changed(changed(maps[CBF], outside, 5), gap, np.nan),
            TMAX: changed(changed(maps[TMAX], outside, 12), gap, np.nan),
        },
        head.brain,
    )
    assert np.array_equal(lesion.at_risk.array > 0, truth.at_risk & ~gap)
    assert without_corners(lesion.core.array, truth.core & ~gap)


def test_orientation_on_disk_does_not_matter(head, truth):
    flip = np.diag([-1.0, 1, 1, 1])
    flip[0, 3] = head.brain.shape[0] - 1
    maps = {
        name: Volume(volume.array[::-1], volume.affine @ flip, volume.kind)
        for name, volume in only(truth, CBF, TMAX).items()
    }
    lesion = find_lesion(maps, head.brain)
    assert without_corners(lesion.core.array, truth.core)


@settings(max_examples=15)
@given(st.floats(0.05, 20))
def test_the_unit_of_flow_does_not_matter(head, truth, scale):
    maps = only(truth, CBF, TMAX)
    scaled = {**maps, CBF: maps[CBF].with_array(maps[CBF].array * scale)}
    assert np.array_equal(
        find_lesion(scaled, head.brain).core.array,
        find_lesion(maps, head.brain).core.array,
    )


def test_no_lesion_is_no_lesion(head):
    brain = head.brain.array
    maps = {
        CBF: Volume(brain * 50, head.affine, Kind.CBF),
        TTP: Volume(brain * 11, head.affine, Kind.TTP),
    }
    lesion = find_lesion(maps, head.brain)
    assert (lesion.core_ml, lesion.penumbra_ml, lesion.mismatch_ratio) == (0, 0, 0)
    assert lesion.severity is Severity.NONE
    assert lesion.reference_cbf == 50


def test_masks_of_other_software_are_counted_as_they_are(head, truth):
    core = Volume(truth.core, head.affine, Kind.CORE_MASK)
    fine = np.diag([1.0, 1, 1, 1])
    at_risk = Volume(np.ones((10, 10, 10)), fine, Kind.PENUMBRA_MASK)
    lesion = lesion_from_masks(core, at_risk)
    assert lesion.penumbra_ml == pytest.approx(1)
    assert lesion.core_ml == pytest.approx(truth.core.sum() * 0.098)
    assert lesion.mismatch_ratio == pytest.approx(lesion.core_ml)
    assert lesion.severity is Severity.SEVERE
    assert np.isnan(lesion.reference_cbf)


def test_masks_of_0_and_255_become_binary():
    mask = Volume([[[0.0, 0.0, 255.0, 255.0]]], np.eye(4), Kind.CORE_MASK)
    lesion = lesion_from_masks(mask, mask)
    assert lesion.core.array.tolist() == [[[0, 0, 1, 1]]]
    assert lesion.severity is Severity.SEVERE


@pytest.mark.parametrize(
    ("values", "listed"),
    [
        ([0, 1, 2, 0], "0, 1, 2"),
        ([0, 0.4, 1, 1], "0, 0.4, 1"),
        ([0, 1, 255, 0], "0, 1, 255"),
        ([0, 2, 2, 0], "0, 2"),
        ([-1, 0, 1, 0], "-1, 0, 1"),
    ],
)
def test_what_is_no_mask_is_not_counted(values, listed):
    drawn = Volume([[values]], np.eye(4), Kind.CORE_MASK)
    full = drawn.with_array(np.ones((1, 1, 4)), Kind.PENUMBRA_MASK)
    with pytest.raises(DataError, match=f"core_mask must hold 0 and 1 .* {listed}: "):
        lesion_from_masks(drawn, full)


def test_masks_must_be_finite():
    mask = Volume([[[np.nan]]], np.eye(4), Kind.CORE_MASK)
    with pytest.raises(DataError, match="core_mask must be finite"):
        lesion_from_masks(mask, mask)


def later(maps, name, seconds):
    times = maps[name]
    return {
        **maps,
        name: times.with_array(np.where(times.array, times.array + seconds, 0)),
    }


@pytest.mark.parametrize("seconds", [3.5, 4, 5, 8, 11])
@pytest.mark.parametrize("evidence", [MTT, CBV])
def test_a_bolus_that_is_late_everywhere_is_no_lesion_and_hides_none(
    head, truth, seconds, evidence
):
    maps = only(truth, CBF, MTT, TMAX)
    cbv = maps[CBF].array * maps[MTT].array / 60
    maps[CBV] = maps[CBF].with_array(cbv, Kind.CBV)
    maps = {name: maps[name] for name in (CBF, TMAX, evidence)}
    lesion = find_lesion(later(maps, TMAX, seconds), head.brain)
    assert lesion.severity is Severity.MILD_MODERATE
    assert np.array_equal(lesion.at_risk.array > 0, truth.at_risk)
    assert without_corners(lesion.core.array, truth.core)
    assert f"Tmax less {seconds - 2:.1f} s, in place of Tmax" in lesion.surrogate


@pytest.mark.parametrize("seconds", [1, 2, 2.9])
def test_tissue_that_is_a_little_late_everywhere_is_still_normal(head, truth, seconds):
    maps = later(only(truth, CBF, TMAX), TMAX, seconds)
    lesion = find_lesion(maps, head.brain)
    assert lesion.severity is Severity.MILD_MODERATE
    assert lesion.surrogate is None


@pytest.mark.parametrize("name", [TMAX, TTP])
@pytest.mark.parametrize("factor", [1000, 100, 60, 1 / 60, 1 / 1000])
def test_times_in_another_unit_tell_no_severity(head, truth, name, factor):
    maps = only(truth, CBF, MTT, name)
    maps[name] = maps[name].with_array(maps[name].array * factor)
    with pytest.raises(SeverityUnknownError, match=r"is it in s\?"):
        find_lesion(maps, head.brain)


def test_tmax_in_tenths_of_a_second_is_not_without_lesion(head, truth):
    healthy = 3 + np.linspace(-0.5, 0.5, head.brain.array.size)
    seconds = np.where(truth.at_risk, 12, healthy.reshape(head.brain.shape))
    maps = only(truth, CBF, MTT)
    for factor in (0.1, 10):
        times = maps[CBF].with_array(seconds * factor * head.brain.array, Kind.TMAX)
        with pytest.raises(SeverityUnknownError, match=r"is it in s\?"):
            find_lesion({**maps, TMAX: times}, head.brain)


@pytest.mark.parametrize("name", [TMAX, TTP])
def test_where_all_of_both_sides_is_ill_severity_is_unknown(head, truth, name):
    maps = only(truth, CBF, MTT, name)
    brain = head.brain.array > 0
    ill = {
        CBF: changed(maps[CBF], brain, 12),
        MTT: changed(maps[MTT], brain, 11),
        name: changed(maps[name], brain, 10 if name is TMAX else 22),
    }
    with pytest.raises(SeverityUnknownError, match="both sides may be ill"):
        find_lesion(ill, head.brain)


def test_a_late_bolus_is_not_guessed(head, truth):
    maps = later(only(truth, CBF, TMAX), TMAX, 4)
    with pytest.raises(SeverityUnknownError, match=r"got 5\.0 s, and no MTT tells"):
        find_lesion(maps, head.brain)


def test_delay_that_is_spread_on_the_healthier_side_is_no_late_bolus(head, truth):
    maps = only(truth, CBF, MTT, TMAX)
    spread = np.indices(head.brain.shape).sum(axis=0) % 2 * 9 + 3
    times = maps[TMAX].with_array(spread * head.brain.array)
    with pytest.raises(SeverityUnknownError, match=r"quartiles of Tmax 9\.0 s apart"):
        find_lesion({**maps, TMAX: times}, head.brain)


def test_normal_tissue_must_have_flow(head, truth):
    maps = only(truth, CBF, TMAX)
    empty = changed(maps[CBF], ~truth.at_risk, 0)
    with pytest.raises(SeverityUnknownError, match="must have blood flow, got none"):
        find_lesion({**maps, CBF: empty}, head.brain)


def two_tissues(head, degrees, share):
    """Grey around white matter with 40 % of its flow, turned by an angle."""
    turn = np.deg2rad(degrees)
    x, y, z = head.mm
    x, y = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    brain = (x / 58) ** 2 + (y / 78) ** 2 + (z / 60) ** 2 < 1
    white = (x / 40) ** 2 + (y / 50) ** 2 + (z / 35) ** 2 < 1
    at_risk = brain & (((x + 35) / 25) ** 2 + (y / 40) ** 2 + (z / 35) ** 2 < 1)
    healthy = np.where(white, 20.0, 50.0)
    arrays = {
        CBF: healthy * np.where(at_risk, share, 1),
        TMAX: np.where(at_risk, 9, 1),
    }
    maps = {n: Volume(a * brain, head.affine, n.value) for n, a in arrays.items()}
    return maps, head.brain.with_array(brain), at_risk


@pytest.mark.parametrize("degrees", [0, 8, -8])
def test_white_matter_at_risk_is_no_core(head, degrees):
    maps, brain, at_risk = two_tissues(head, degrees, 0.4)
    lesion = find_lesion(maps, brain)
    assert np.array_equal(lesion.at_risk.array > 0, at_risk)
    assert lesion.severity is Severity.NONE


@pytest.mark.parametrize("degrees", [0, 8, -8])
def test_what_is_lost_is_core_in_either_tissue(head, degrees):
    maps, brain, _ = two_tissues(head, degrees, 0.2)
    lesion = find_lesion(maps, brain)
    assert lesion.core_ml > 0.9 * lesion.penumbra_ml


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((TMAX,), "CBF must be given to find the core, got tmax"),
        ((), "CBF must be given to find the core, got no map"),
        ((CBF, MTT), "Tmax or TTP must be given .* got cbf, mtt"),
    ],
)
def test_missing_maps_are_named(head, truth, names, message):
    with pytest.raises(DataError, match=message):
        find_lesion(only(truth, *names), head.brain)


def test_a_mask_without_values_is_refused(head, truth):
    empty = head.brain.with_array(np.zeros(head.brain.shape))
    with pytest.raises(DataError, match="must hold perfusion values, got none"):
        find_lesion(only(truth, CBF, TMAX), empty)
