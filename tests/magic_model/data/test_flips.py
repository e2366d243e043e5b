"""Maps that lie mirrored on the NCCT, in each of the seven ways."""

from itertools import product

import numpy as np
import pytest

from magic_model.data.checks import check_patient
from magic_model.data.flips import FLIPS, flip_findings, odd_map_findings
from magic_model.data.grid import resample
from magic_model.data.volume import Kind, Volume
from magic_model.phantom.generate import plan_cohort
from magic_model.phantom.patient import simulate

WORDS = ("left and right", "front and back", "top and bottom")
SHAPE, SPACING = (48, 56, 10), (4.0, 4.0, 10.0)


def head(*, slab=slice(None)):
    """A head like an egg, smaller upwards, with one ventricle and a scar on a side."""
    x, y, z = np.indices(SHAPE)
    width = (18 - 0.9 * z) * (1 - 0.012 * (y - 28))
    inside = ((x - 24.5) / width) ** 2 + ((y - 26) / (23 - z)) ** 2 < 1
    liquor = ((x - 20) / 5) ** 2 + ((y - 18) / 9) ** 2 < 1
    scar = (x > 33) & (y > 30)
    inside &= ~scar
    held = np.zeros(SHAPE, bool)
    held[..., slab] = True
    affine = np.diag([*SPACING, 1.0])
    flow = np.where(liquor, 3.0, 45.0) * (inside & held)
    images = {
        Kind.NCCT: np.where(inside, np.where(liquor, 8.0, 34.0), -1000),
        Kind.CBF: flow,
        Kind.MTT: 4.0 * (flow > 0),
    }
    volumes = {k: Volume(array, affine, k) for k, array in images.items()}
    return volumes, Volume(inside, affine, Kind.BRAIN_MASK)


def mirrored(images, axes):
    return {
        kind: v if kind is Kind.NCCT else v.with_array(np.flip(v.array, axes))
        for kind, v in images.items()
    }


def expected(axes):
    return " and ".join(WORDS[axis] for axis in axes) + " may be swapped"


def test_maps_that_fit_are_not_named():
    images, brain = head()
    assert list(flip_findings(images, brain)) == []
    images, brain = head(slab=slice(4, 7))
    assert list(flip_findings(images, brain)) == []


@pytest.mark.parametrize("axes", FLIPS)
def test_each_flip_is_named(axes):
    images, brain = head()
    (found,) = flip_findings(mirrored(images, axes), brain)
    assert found.startswith(expected(axes))
    checked = check_patient(mirrored(images, axes), brain).findings
    assert any(f.startswith(expected(axes)) for f in checked)


def test_a_slab_whose_slices_are_in_the_wrong_order_is_named():
    images, brain = head(slab=slice(2, 7))
    upset = dict(images)
    for kind in (Kind.CBF, Kind.MTT):
        array = images[kind].array.copy()
        array[..., 2:7] = array[..., 6:1:-1]
        upset[kind] = images[kind].with_array(array)
    (found,) = flip_findings(upset, brain)
    assert found.startswith("top and bottom")


@pytest.mark.parametrize("shift", [(3, 0), (-3, 0), (0, 4), (-2, -3)])
def test_a_shift_is_not_taken_for_a_flip(shift):
    images, brain = head()
    moved = {
        kind: v if kind is Kind.NCCT else v.with_array(np.roll(v.array, shift, (0, 1)))
        for kind, v in images.items()
    }
    assert list(flip_findings(moved, brain)) == []


@pytest.mark.parametrize("order", [(1, 0, 2), (2, 1, 0)])
def test_directions_are_those_of_the_patient_however_it_is_stored(order):
    images, brain = head()
    images = mirrored(images, (1,))

    def stored(volume):
        affine = volume.affine[:, [*order, 3]]
        return Volume(volume.array.transpose(order), affine, volume.kind)

    again = {kind: stored(volume) for kind, volume in images.items()}
    (found,) = flip_findings(again, stored(brain))
    assert found.startswith("front and back")


@pytest.mark.parametrize("axes", FLIPS)
def test_one_map_that_was_mirrored_alone_is_named(axes):
    """CBF, CBV and MTT are bound by the central volume; Tmax is by nothing else."""
    images, brain = head()
    flow = images[Kind.CBF].array
    late = np.where(flow > 0, 3.0 + (flow < 9), 0)
    late[30:, :20] += late[30:, :20] > 0
    images[Kind.TMAX] = Volume(late, brain.affine, Kind.TMAX)
    assert list(odd_map_findings(images)) == []

    flipped = images | {Kind.TMAX: images[Kind.TMAX].with_array(np.flip(late, axes))}
    (found,) = odd_map_findings(flipped)
    assert found.startswith(f"{expected(axes)} in tmax alone (mirrored, it fits")
    assert found in check_patient(flipped, brain).findings


def test_a_map_that_shows_little_or_stands_alone_is_not_called_mirrored():
    images, brain = head()
    del images[Kind.MTT]
    assert list(odd_map_findings(images)) == []
    nothing = Volume(np.zeros(SHAPE), brain.affine, Kind.TMAX)
    assert list(odd_map_findings(images | {Kind.TMAX: nothing})) == []
    lesion = nothing.array.copy()
    lesion[12:18, 20:30, 2:5] = 9.0
    images[Kind.TMAX] = Volume(lesion, brain.affine, Kind.TMAX)
    assert list(odd_map_findings(images)) == []


def test_too_little_tells_nothing():
    images, brain = head()
    empty = brain.with_array(np.zeros(SHAPE))
    assert list(flip_findings(images, empty)) == []


@pytest.mark.slow
def test_on_phantoms_all_flips_are_found_and_nothing_else():
    """`python -m benchmarks.value_checks` does the same on twenty."""
    for patient in plan_cohort(3, 7):
        images = simulate(patient.spec, patient.rng()).images
        brain = images[Kind.BRAIN_MASK]
        ncct = resample(images[Kind.NCCT], brain.affine, brain.shape)
        maps = {k: v for k, v in images.items() if not k.endswith("mask")}
        maps[Kind.NCCT] = ncct
        assert list(flip_findings(maps, brain)) == [], patient.patient_id
        for axes in FLIPS:
            (found,) = flip_findings(mirrored(maps, axes), brain)
            assert found.startswith(expected(axes)), (patient.patient_id, axes)
        assert list(odd_map_findings(images)) == [], patient.patient_id
        for kind, axes in product((Kind.TMAX, Kind.TTP, Kind.MTT), FLIPS):
            alone = images[kind].with_array(np.flip(images[kind].array, axes))
            (found,) = odd_map_findings(images | {kind: alone})
            assert f"in {kind} alone" in found, (patient.patient_id, kind, axes)
