import math

import numpy as np
import pytest

from magic_model.data.alignment.outlines import Offset, outline_offset
from magic_model.data.checks import check_patient
from magic_model.data.grid import resample
from magic_model.data.skull_strip import MorphologicalSkullStripper
from magic_model.data.volume import Kind, Volume
from magic_model.phantom.patient import PhantomSpec, simulate
from magic_model.severity import Severity

TEN, FOUR_LOW, FOUR_TOP = slice(0, 10), slice(0, 4), slice(6, 10)


@pytest.fixture(scope="module")
def maps(phantom):
    return phantom[Kind.CBF]


def off(maps, brain, voxels, slices=TEN):
    """Offset of maps that were moved by whole voxels."""
    moved = np.roll(maps.array != 0, voxels, axis=(0, 1, 2))
    # Slices that came from the other end hold nothing.
    came = np.s_[..., : voxels[2]] if voxels[2] > 0 else np.s_[..., 10 + voxels[2] :]
    inside = brain.copy()
    if voxels[2]:
        moved[came] = inside[came] = False
    return outline_offset(moved[..., slices], inside[..., slices], maps.affine)


@pytest.mark.parametrize("slices", [TEN, FOUR_LOW, FOUR_TOP])
def test_maps_in_place_lie_on_the_brain(maps, brain_on_maps, slices):
    assert off(maps, brain_on_maps, (0, 0, 0), slices).mm < 1


@pytest.mark.parametrize(
    ("voxels", "shift_mm"),
    [
        ((11, 0, 0), (9.9, 0, 0)),
        ((-21, 0, 0), (-18.9, 0, 0)),
        ((0, 11, 0), (0, 9.9, 0)),
        ((0, 0, 1), (0, 0, 10)),
        ((0, 0, -1), (0, 0, -10)),
        ((8, 0, 1), (7.2, 0, 10)),
    ],
)
def test_a_shift_along_any_axis_is_told_in_mm(maps, brain_on_maps, voxels, shift_mm):
    found = off(maps, brain_on_maps, voxels)
    assert found.shift_mm == pytest.approx(shift_mm, abs=2)
    assert found.mm == pytest.approx(np.linalg.norm(shift_mm), abs=2)


@pytest.mark.parametrize("slices", [FOUR_LOW, FOUR_TOP])
@pytest.mark.parametrize("voxels", [(11, 0, 0), (0, -11, 0), (0, 0, 1), (0, 0, -1)])
def test_partial_coverage_does_not_hide_a_shift(maps, brain_on_maps, slices, voxels):
    assert off(maps, brain_on_maps, voxels, slices).mm > 5


def test_the_way_is_named():
    found = Offset(11.2, (-10.1, 0.4, 4.0), 1.0)
    assert str(found) == "11 mm (10 mm left, 4 mm up)"
    assert str(Offset(3.0, (0.1, 0.2, 0.3), 1.0)) == "3 mm"


def test_directions_follow_the_affine(maps, brain_on_maps):
    flipped = maps.affine @ np.diag([-1.0, 1, 1, 1])
    moved = np.roll(maps.array != 0, 11, axis=0)
    found = outline_offset(moved, brain_on_maps, flipped)
    assert found.shift_mm[0] == pytest.approx(-9.9, abs=1)


def test_without_common_slices_nothing_is_known(maps, brain_on_maps):
    support, brain = maps.array != 0, brain_on_maps.copy()
    support[..., 5:] = brain[..., :5] = False
    assert math.isnan(outline_offset(support, brain, maps.affine).mm)
    nothing = np.zeros_like(brain)
    assert math.isnan(outline_offset(nothing, brain_on_maps, maps.affine).mm)
    few = nothing.copy()
    few[100:104, 100:104, 3] = True
    assert math.isnan(outline_offset(few, brain_on_maps, maps.affine).mm)


def findings_of_place(images, shift_mm, brain):
    """Check images whose NCCT was shifted, with the brain found in it."""
    affine = brain.affine.copy()
    affine[:3, 3] += shift_mm
    grid = images[Kind.CBF]
    moved = Volume(brain.array, affine, Kind.BRAIN_MASK)
    inside = resample(moved, grid.affine, grid.shape, order=0)
    checks = check_patient(images, inside)
    assert checks.overlap > 0.8
    return [f for f in checks.findings if "off the brain of the NCCT" in f]


@pytest.mark.slow
def test_the_check_names_maps_10_mm_off_that_overlap_well(phantom):
    brain = phantom[Kind.BRAIN_MASK]
    assert findings_of_place(phantom, (0, 0, 0), brain) == []
    (said,) = findings_of_place(phantom, (10, 0, 0), brain)
    assert "lies 10 mm (10 mm left) off the brain of the NCCT: import with" in said
    assert findings_of_place(phantom, (0, 0, -10), brain)


@pytest.mark.slow
def test_phantoms_in_place_raise_no_alarm_and_all_shifts_do():
    for seed, severity in enumerate(Severity):
        spec = PhantomSpec(severity)
        images = simulate(spec, np.random.default_rng(seed)).images
        brain = MorphologicalSkullStripper()(images[Kind.NCCT])
        assert findings_of_place(images, (0, 0, 0), brain) == []
        for shift_mm in np.vstack([10 * np.eye(3), -10 * np.eye(3)]):
            assert findings_of_place(images, shift_mm, brain), shift_mm
