"""Planted motion of a head with a bolus is found, put back, and told."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from benchmarks.perfusion_motion import alike, brain_of, drawn, moved, scanned
from magic_model.maps import PerfusionMap
from magic_model.perfusion.compute import Choices, compute_perfusion
from magic_model.perfusion.look import frame_noise
from magic_model.perfusion.motion import find_motion, put_back
from magic_model.phantom.scan import Scan

BOLUS = np.array([0, 0, 0, 60, 300, 120, 40, 25, 20, 20], np.float32)
FRAMES = len(BOLUS)
NOWHERE = ([0, 0, 0], [0, 0, 0])


def head(shape, spacing, t, mm, degrees, bone=True):
    """A skull with a lump and a vessel beside it, moved about its middle."""
    at = np.moveaxis(np.indices(shape), 0, -1) * spacing
    middle = (np.array(shape) - 1) * spacing / 2
    turn = Rotation.from_rotvec(np.radians(degrees)).as_matrix()
    x, y, z = np.moveaxis((at - middle - mm) @ turn, -1, 0)
    r = np.sqrt((x / 62) ** 2 + (y / 76) ** 2 + (z / 100) ** 2)
    soft = 35 / (1 + np.exp(40 * (r - 1)))
    skull = 900 * np.exp(-(((r - 0.92) / 0.055) ** 2)) * bone
    lump = 500 * np.exp(-((x - 40) ** 2 + (y - 20) ** 2 + (z - 5) ** 2) / 60) * bone
    vessel = np.hypot(x, y + 62) < 5
    tissue = (r < 0.85) * 0.04
    return soft + skull + lump + BOLUS[t] * (vessel + tissue) - 1000 * (r > 1.1)


def scan(shape, spacing, places, bone=True, noise=4.0):
    frames = [
        head(shape, spacing, t, *places.get(t, NOWHERE), bone) for t in range(FRAMES)
    ]
    array = np.stack(frames, axis=-1).astype(np.float32)
    rng = np.random.default_rng(1)
    return array + noise * rng.standard_normal(array.shape, dtype=np.float32)


SLAB, SLAB_MM = (72, 80, 2), (2.0, 2.2, 10.0)
SLAB_PLACES = {
    3: ([1.4, -2.5, 0], [0, 0, 1.5]),
    4: ([-9.0, 5.0, 0], [0, 0, -3.0]),
    8: ([0.1, 0.0, 0], [0, 0, 0]),
}
VOLUME, VOLUME_MM = (48, 56, 20), (3.0, 3.0, 4.0)
VOLUME_PLACES = {4: ([1.5, -2.0, 2.5], [2.0, -1.0, 1.5]), 7: ([0, 0, -2.0], [0, 0, 0])}


@pytest.fixture(scope="module")
def slab():
    return scan(SLAB, SLAB_MM, SLAB_PLACES)


@pytest.fixture(scope="module")
def slab_motion(slab):
    return find_motion(slab, SLAB_MM)


def planted(places):
    found = np.zeros((2, FRAMES, 3))
    for t, (mm, degrees) in places.items():
        found[:, t] = mm, degrees
    return found


def test_a_slab_is_moved_in_plane(slab_motion):
    mm, degrees = planted(SLAB_PLACES)
    assert slab_motion.shift_mm == pytest.approx(mm, abs=0.12)
    assert slab_motion.turn_degrees == pytest.approx(degrees, abs=0.12)
    assert slab_motion.moved == (3, 4)
    (note,) = slab_motion.notes()
    assert "frame 4, from 0: shift 10.3 mm, turn 3.0 degrees" in note
    assert "2 of 10 frames put back" in note


def test_a_volume_is_moved_in_all_directions():
    motion = find_motion(scan(VOLUME, VOLUME_MM, VOLUME_PLACES), VOLUME_MM)
    mm, degrees = planted(VOLUME_PLACES)
    assert motion.shift_mm == pytest.approx(mm, abs=0.05)
    assert motion.turn_degrees == pytest.approx(degrees, abs=0.1)


def test_frames_are_put_back_and_others_stay_to_the_byte(slab, slab_motion):
    still = scan(SLAB, SLAB_MM, {})
    back = put_back(slab, slab_motion)
    others = [t for t in range(FRAMES) if t not in slab_motion.moved]
    assert (back[..., others] == slab[..., others]).all()
    inner = np.s_[12:-12, 12:-12]
    before, after = (
        np.abs(array - still)[inner][..., [3, 4]].mean() for array in (slab, back)
    )
    assert after < before / 4
    assert (
        put_back(back[..., others], find_motion(back[..., others], SLAB_MM))
        == back[..., others]
    ).all()


def test_slices_are_put_back_as_the_whole_is():
    series = scan(VOLUME, VOLUME_MM, VOLUME_PLACES)
    motion = find_motion(series, VOLUME_MM)
    more = min(9, motion.margin(VOLUME))
    low, start, stop = 9 - more, 9, 11
    part = put_back(series[:, :, low : stop + more], motion, low)
    whole = put_back(series, motion)
    assert part[:, :, more : more + stop - start] == pytest.approx(
        whole[:, :, start:stop], abs=0.05
    )
    fine = motion.on((1.5, 1.5, 4.0))
    matrix, offset = motion.onto(4)
    finer, finer_offset = fine.onto(4)
    voxel = np.array([20.0, 25.0, 9.0])
    inside = voxel * [2, 2, 1] + [0.5, 0.5, 0]
    assert (finer @ inside + finer_offset - [0.5, 0.5, 0]) / [2, 2, 1] == pytest.approx(
        matrix @ voxel + offset
    )


def test_motion_across_a_slab_is_not_put_back_but_said():
    array = scan(SLAB, SLAB_MM, {5: ([0, 0, 30.0], [14, 0, 0])})
    notes = find_motion(array, SLAB_MM).notes()
    assert any("bones of frame 5 (from 0) differ" in note for note in notes)


def test_without_bones_motion_is_unknown():
    array = scan(SLAB, SLAB_MM, SLAB_PLACES, bone=False)
    motion = find_motion(array, SLAB_MM)
    assert np.isnan(motion.moved_mm).all()
    assert put_back(array, motion) is array
    assert motion.describe() == "unknown, without bones"
    assert not motion.notes()


def test_a_holder_that_stays_and_padding_do_not_hold_the_head(slab, slab_motion):
    array = slab.copy()
    array[:, :6] = -1024  # padding
    array[4:-4, 74:76] = 60 + array[4:-4, 74:76] * 0.01  # a holder
    assert find_motion(array, SLAB_MM).shift_mm == pytest.approx(
        slab_motion.shift_mm, abs=0.15
    )


@pytest.mark.slow
def test_maps_of_a_phantom_that_moves_are_those_of_one_that_lies_still():
    phantom = drawn(1)
    still, found = moved(phantom, 1.0)
    brain = brain_of(phantom)

    assert not still.blurred.any()
    assert 0 < found.blurred.sum() < 0.12 * brain.sum()
    assert alike(still, found, PerfusionMap.CBV, brain) > 0.93
    assert alike(still, found, PerfusionMap.CBF, brain) > 0.93
    left = replace(found.motion, moved_mm=np.zeros_like(found.motion.moved_mm))
    choices = Choices(brain, motion=left)
    as_is = compute_perfusion(scanned(phantom, Scan(motion_mm=1.0)), choices)
    assert alike(still, as_is, PerfusionMap.CBV, brain) < 0.2


def test_noise_of_a_frame():
    array = scan(SLAB, SLAB_MM, {}, noise=3.0)
    brain = np.zeros(SLAB, bool)
    brain[25:47, 25:55] = True
    assert frame_noise(array, brain, 3) == pytest.approx(np.full(FRAMES, 3.0), rel=0.1)
    one = frame_noise(array, brain, 1)
    assert np.isnan(one[0])
    assert one[1:] == pytest.approx(np.full(FRAMES - 1, 3.0), rel=0.1)
    assert np.isnan(frame_noise(array, brain & False, 3)).all()
