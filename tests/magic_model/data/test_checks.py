import math

import numpy as np
import pytest
from scipy.ndimage import binary_dilation

from magic_model.data.checks import (
    CentralVolume,
    central_volume,
    check_patient,
    correlation,
    scale_differs,
)
from magic_model.data.volume import Kind, Volume

SHAPE = (40, 44, 6)


@pytest.fixture
def brain():
    """An ellipsoid that is not its own mirror image."""
    x, y, _ = np.indices(SHAPE)
    inside = ((x - 19.5) / 16) ** 2 + ((y - 21.5) / 19) ** 2 < 1
    inside &= ~((x > 30) & (y > 24))
    return Volume(inside, np.diag([4, 4, 10, 1]), Kind.BRAIN_MASK)


@pytest.fixture
def images(brain, rng):
    """Maps that obey the central volume principle."""
    inside = brain.array > 0
    skull = binary_dilation(inside, iterations=2) & ~inside
    cbf = np.where(inside, rng.uniform(15, 55, SHAPE), 0)
    mtt = np.where(inside, rng.uniform(3, 5, SHAPE), 0)
    arrays = {
        Kind.NCCT: np.where(inside, 35.0, np.where(skull, 1000, -1000)),
        Kind.CBF: cbf,
        Kind.CBV: cbf * mtt / 60,
        Kind.MTT: mtt,
        Kind.TTP: np.where(inside, rng.uniform(11.5, 12, SHAPE), 0),
    }
    return {kind: brain.with_array(array, kind) for kind, array in arrays.items()}


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def changed(images, kind, array):
    return images | {kind: images[kind].with_array(array)}


def findings(images, brain):
    return check_patient(images, brain).findings


def test_consistent_maps_have_scale_one_and_no_findings(images, brain):
    checks = check_patient(images, brain)
    assert checks.central_volume.scale == pytest.approx(1, abs=1e-6)
    assert checks.central_volume.correlation == pytest.approx(1, abs=1e-6)
    assert checks.central_volume.n_voxels == int(brain.array.sum())
    assert checks.overlap == 1
    assert checks.findings == []


@pytest.mark.parametrize(
    ("kind", "factor", "scale", "words"),
    [
        (Kind.CBF, 1 / 60, 60, "CBF in mL/100g/s"),
        (Kind.MTT, 1000, 0.001, "MTT in ms"),
        (Kind.CBV, 1.5, 1.5, "gives s = 1.5, not 1"),
    ],
)
def test_a_wrong_unit_shows_as_its_factor(images, brain, kind, factor, scale, words):
    wrong = changed(images, kind, images[kind].array * factor)
    checks = check_patient(wrong, brain)
    assert checks.central_volume.scale == pytest.approx(scale, rel=1e-5)
    assert any(words in finding for finding in checks.findings)


def test_swapped_maps_are_named(images, brain):
    swapped = images | {
        Kind.CBV: images[Kind.CBF].with_array(images[Kind.CBF].array, Kind.CBV),
        Kind.CBF: images[Kind.CBV].with_array(images[Kind.CBV].array, Kind.CBF),
    }
    assert any("CBF is really CBV" in finding for finding in findings(swapped, brain))
    exchanged = images | {
        Kind.MTT: images[Kind.CBF].with_array(images[Kind.CBF].array, Kind.MTT),
        Kind.CBF: images[Kind.MTT].with_array(images[Kind.MTT].array, Kind.CBF),
    }
    assert any("the two may be swapped" in f for f in findings(exchanged, brain))


def test_a_shifted_map_lowers_the_correlation(images, brain):
    shifted = changed(images, Kind.MTT, np.roll(images[Kind.MTT].array, 3, axis=0))
    checks = check_patient(shifted, brain)
    assert checks.central_volume.correlation < 0.98
    assert any("correlate with r" in finding for finding in checks.findings)


def test_values_out_of_range_are_named(images, brain):
    negative = changed(images, Kind.TTP, images[Kind.TTP].array - 13)
    assert any("TTP is negative in 100.0 %" in f for f in findings(negative, brain))
    high = changed(images, Kind.TTP, images[Kind.TTP].array * 3)
    assert any("TTP is above 25 s in 100 %" in f for f in findings(high, brain))
    tiny = changed(images, Kind.TTP, images[Kind.TTP].array / 1000)
    assert any("TTP never exceeds 0.012 s" in f for f in findings(tiny, brain))
    holes = images[Kind.TTP].array.copy()
    holes[20, 20, 3] = math.nan
    found = findings(changed(images, Kind.TTP, holes), brain)
    assert any("TTP is NaN or infinite in 1 voxels" in f for f in found)


def test_empty_slices_and_missing_images_are_named(images, brain):
    emptied = dict(images)
    for kind in (Kind.CBF, Kind.CBV, Kind.MTT, Kind.TTP):
        array = images[kind].array.copy()
        array[..., 2] = 0
        emptied[kind] = images[kind].with_array(array)
    del emptied[Kind.NCCT]
    found = findings(emptied, brain)
    assert "1 empty slices between slices with values" in found
    assert "NCCT is missing" in found
    del emptied[Kind.TTP]
    assert "missing maps: TTP" in findings(emptied, brain)
    nothing = {k: v.with_array(v.array * 0) for k, v in images.items()}
    assert "the maps are empty" in findings(nothing, brain)


def test_maps_that_do_not_cover_the_brain_are_named(images, brain):
    moved = {k: v.with_array(np.roll(v.array, 12, axis=1)) for k, v in images.items()}
    assert any("overlap with a Dice of 0." in f for f in findings(moved, brain))


def test_a_left_right_flip_is_found(images, brain):
    flipped = {k: v.with_array(v.array[::-1]) for k, v in images.items()}
    assert any("left and right may be swapped" in f for f in findings(flipped, brain))


def test_a_patient_without_maps_or_mask_can_be_checked(images):
    only_ncct = {Kind.NCCT: images[Kind.NCCT]}
    checks = check_patient(only_ncct, None)
    assert math.isnan(checks.central_volume.scale)
    assert math.isnan(checks.overlap)
    assert checks.findings == ["missing maps: CBF, CBV, MTT, TTP"]
    assert check_patient(images, None).central_volume.scale == pytest.approx(1)


def test_too_few_voxels_are_not_fitted():
    few = {kind: np.ones((3, 3, 3)) for kind in (Kind.CBF, Kind.CBV, Kind.MTT)}
    found = central_volume(few, None)
    assert math.isnan(found.scale)
    assert found.n_voxels == 27
    assert isinstance(found, CentralVolume)


def test_a_constant_does_not_correlate():
    assert math.isnan(correlation(np.ones(5), np.arange(5.0)))


def test_voxels_cut_off_at_the_top_of_a_picture_are_left_out(images, brain):
    top = float(np.quantile(images[Kind.CBF].array[brain.array > 0], 0.85))
    clipped = changed(images, Kind.CBF, np.minimum(images[Kind.CBF].array, top))
    checks = check_patient(clipped, brain)
    assert checks.central_volume.scale == pytest.approx(1, abs=1e-6)
    assert checks.central_volume.n_voxels == pytest.approx(
        0.85 * brain.array.sum(), rel=0.01
    )


def test_patients_on_different_scales_are_told():
    assert "0.521 to 0.829" in scale_differs([0.829, 0.521, math.nan])
    assert scale_differs([1.0, 1.01]) is None
    assert scale_differs([math.nan, 0.5]) is None


@pytest.mark.parametrize("factor", [0.5, 2.5])
def test_equal_errors_in_all_maps_do_not_satisfy_the_audit(images, brain, factor):
    wrong = dict(images)
    for kind in (Kind.CBF, Kind.CBV):
        wrong[kind] = images[kind].with_array(images[kind].array * factor)
    checks = check_patient(wrong, brain)
    assert checks.central_volume.scale == pytest.approx(1, abs=1e-6)
    for name in ("CBF", "CBV"):
        assert any(
            f.startswith(f"{name} has percentile 90 of the brain at")
            and "s = 1 does not exclude it" in f
            for f in checks.findings
        )


def test_errors_that_cancel_in_flow_and_transit_time_are_named(images, brain):
    wrong = changed(images, Kind.CBF, images[Kind.CBF].array / 2.5)
    wrong = changed(wrong, Kind.MTT, images[Kind.MTT].array * 2.5)
    checks = check_patient(wrong, brain)
    assert checks.central_volume.scale == pytest.approx(1, abs=1e-6)
    assert any(f.startswith("CBF has percentile 90") for f in checks.findings)


@pytest.mark.parametrize(
    ("kind", "factor", "said"),
    [
        (Kind.TMAX, 1 / 60, "Tmax has percentile 99 of the brain at 0.1"),
        (Kind.TTP, 0.1, "TTP has percentile 95 of the brain at 1.2 s"),
    ],
)
def test_times_in_another_unit_are_named(images, brain, rng, kind, factor, said):
    tmax = np.where(brain.array > 0, rng.uniform(0.5, 8, SHAPE), 0)
    timed = images | {Kind.TMAX: images[Kind.TTP].with_array(tmax, Kind.TMAX)}
    assert findings(timed, brain) == []
    wrong = changed(timed, kind, timed[kind].array * factor)
    assert any(found.startswith(said) for found in findings(wrong, brain))


def test_times_that_were_cut_off_at_0_are_named(images, brain, rng):
    tmax = np.where(brain.array > 0, rng.uniform(0.5, 8, SHAPE), 0)
    timed = images | {Kind.TMAX: images[Kind.TTP].with_array(tmax, Kind.TMAX)}
    cut = changed(timed, Kind.TMAX, np.maximum(tmax - 3, 0))
    (found,) = findings(cut, brain)
    assert found.startswith("Tmax is 0 in 33 % of the brain that the other maps")


@pytest.mark.parametrize("kind", [Kind.CBF, Kind.CBV, Kind.MTT, Kind.TTP])
def test_a_map_that_is_cut_off_or_flat_is_named(images, brain, kind):
    values = images[kind].array
    for top in (np.median(values[values > 0]), values[values > 0].min()):
        cut = changed(images, kind, np.minimum(values, top))
        assert any(
            f"its largest value, in {share} % of the brain: cut off" in found
            for found in findings(cut, brain)
            for share in (50, 100)
        )


@pytest.mark.parametrize("kind", [Kind.TTP, Kind.TMAX])
@pytest.mark.parametrize(("factor", "told"), [(0.5, True), (1, False), (2, True)])
def test_times_of_another_pace_are_named(images, brain, kind, factor, told):
    """A tenth of the brain is late, by 8 s in Tmax and 10 s in TTP."""
    inside, late = brain.array > 0, np.indices(SHAPE)[0] < 9
    times = {Kind.TMAX: np.where(late, 9, 1), Kind.TTP: np.where(late, 22, 12)}
    wavy = np.indices(SHAPE).sum(axis=0) % 7 * 0.01
    wrong = dict(images)
    for one, values in times.items():
        shown = (values + wavy) * (factor if one is kind else 1)
        wrong[one] = brain.with_array(np.where(inside, shown, 0), one)
    found = findings(wrong, brain)
    assert any("or counted in frames?" in text for text in found) == told


@pytest.mark.parametrize("other", [Kind.MTT, Kind.TMAX])
def test_times_that_are_turned_round_are_named(images, brain, rng, other):
    """TTP is later where the transit takes longer, unless its colours are reversed."""
    inside = brain.array > 0
    late = rng.uniform(0.5, 8, SHAPE)
    times = images[Kind.MTT].array - 1 if other is Kind.MTT else late
    timed = images | {other: brain.with_array(np.where(inside, times, 0), other)}
    for sign, said in ((1, 0), (-1, 1)):
        ttp = np.where(inside, 14 + sign * times, 0)
        found = findings(changed(timed, Kind.TTP, ttp), brain)
        assert sum("is one of them turned round?" in text for text in found) == said


def test_maps_of_two_slices_are_named(images, brain):
    few = {}
    for kind, volume in images.items():
        array = volume.array.copy()
        if kind is not Kind.NCCT:
            array[..., [0, 1, 2, 5]] = 0
        few[kind] = volume.with_array(array)
    assert "the maps hold values in 2 slices only" in findings(few, brain)


def test_one_map_that_was_moved_alone_is_named(images, brain):
    moved = changed(images, Kind.TTP, np.roll(images[Kind.TTP].array, 3, axis=0))
    said = "the outline of ttp lies 12 mm (12 mm right) off the other maps: mend its"
    assert any(found.startswith(said) for found in findings(moved, brain))
    # A program may mask one map less closely than the others.
    wider = binary_dilation(brain.array > 0, iterations=3) * np.float32(12)
    found = findings(changed(images, Kind.TTP, wider), brain)
    assert not any("off the other maps" in text for text in found)
