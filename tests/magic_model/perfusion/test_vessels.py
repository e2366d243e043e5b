from dataclasses import replace

import numpy as np
import pytest

from benchmarks.perfusion_motion import HELD_OUT, SLICES, Phantoms, measured_vessels
from benchmarks.perfusion_objects import ARTERY, VEIN, artery
from magic_model.errors import DataError
from magic_model.maps import PerfusionMap
from magic_model.perfusion import denoising, vessels
from magic_model.perfusion.compute import Choices, compute_perfusion
from magic_model.perfusion.report import as_json
from magic_model.perfusion.vessels import Vessel

TIMES = np.arange(50.0)


@pytest.fixture(scope="module")
def contrast(known):
    return denoising.enhancement(known.series.array, 7)


def test_artery_and_vein_are_found(known, contrast):
    where = vessels.around(known.brain, known.series.spacing)
    none = np.zeros(where.shape, bool)
    found = vessels.find_artery(TIMES, contrast, where, 2.0, none)
    vein = vessels.find_vein(TIMES, contrast, where, found, none)

    assert found.voxel[0] in {1, 2, 3}
    assert found.voxel[1] in {1, 2, 3}
    assert found.curve.max() == pytest.approx(artery(TIMES).max(), rel=0.02)
    assert vein is not None
    assert 18 <= vein.voxel[1] <= 22
    assert vessels.correct_artery(TIMES, found, vein).factor == pytest.approx(
        1, abs=0.05
    )
    # What the scanner has cut off is not taken.
    cut = np.zeros(where.shape, bool)
    cut[1:4, 1:4, 0] = True
    assert vessels.find_artery(TIMES, contrast, where, 2.0, cut).voxel[2] == 1


def test_large_vessels_are_left_out_of_statistics(known):
    brain = known.brain.copy()
    brain[1:4, 1:4] = brain[1:4, 18:23] = True
    choices = Choices(brain, ARTERY, VEIN)
    found = compute_perfusion(known.series, choices)
    without = compute_perfusion(known.series, replace(choices, brain=known.brain))

    assert (found.vessels == (brain & ~known.brain)).all()
    assert found.maps[PerfusionMap.CBV].array[ARTERY] > 30  # the maps hold them
    assert not without.vessels.any()
    assert found.tissue == pytest.approx(without.tissue, abs=0.02)
    told, other = (as_json(r, np.zeros(50)) for r in (found, without))
    assert told["vessels_ml"] == pytest.approx(48 * 2.2**2 * 5e-3)
    assert told["maps"]["cbv"]["median"] == pytest.approx(
        other["maps"]["cbv"]["median"], rel=0.01
    )


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, HELD_OUT[0]])
def test_the_vessels_of_a_phantom_are_found_and_neither_tissue_nor_core(seed):
    found, truth = measured_vessels(seed, Phantoms("", (seed,), SLICES))

    assert found[truth.blood >= 0.1].mean() > 0.98
    assert not found[truth.blood <= 0.02].any()
    assert truth.core.sum() > 100
    assert not found[truth.core & (truth.blood < 0.05)].any()


def test_no_vein_among_tissue(known, contrast):
    found = vessels.vessel_at(contrast, ARTERY, "--aif", 2.0, known.labels < 0)

    assert (
        vessels.find_vein(TIMES, contrast, known.brain, found, known.labels < 0) is None
    )
    low = Vessel(VEIN, contrast[10, 5, 0] * 0.5 + artery(TIMES) * 0.55, found=True)
    assert (
        vessels.find_vein(TIMES, contrast * 0.3, known.brain, low, known.labels < 0)
        is None
    )


def test_a_diluted_artery_is_scaled_to_the_vein(known, contrast):
    whole = vessels.vessel_at(contrast, ARTERY, "--aif", 2.0, known.labels < 0)
    vein = vessels.vessel_at(contrast, VEIN, "--vof", 2.0, known.labels < 0)
    half = Vessel(whole.voxel, whole.curve / 2, found=False)
    tenth = Vessel(whole.voxel, whole.curve / 10, found=False)

    assert vessels.correct_artery(TIMES, half, vein).curve.max() == pytest.approx(
        whole.curve.max(), rel=0.05
    )
    assert vessels.correct_artery(TIMES, tenth, vein).factor == 1  # not believed


def test_what_is_no_vessel(known, contrast):
    nothing = known.labels < 0
    with pytest.raises(
        DataError, match=r"--aif must lie within 66 x 24 x 2 .*\(99, 0, 0\)"
    ):
        vessels.vessel_at(contrast, (99, 0, 0), "--aif", 2.0, nothing)
    with pytest.raises(DataError, match="--vof must enhance by 30 HU or more"):
        vessels.vessel_at(contrast, (10, 5, 0), "--vof", 2.0, nothing)
    with pytest.raises(DataError, match="cut off at the top"):
        vessels.vessel_at(contrast, ARTERY, "--aif", 2.0, ~nothing)
    with pytest.raises(DataError, match="there is no bolus in this series"):
        vessels.find_artery(TIMES, contrast / 20, known.brain, 0.1, nothing)


def test_a_bolus_that_has_not_passed():
    aif = Vessel(ARTERY, artery(TIMES)[:13], found=True)

    assert vessels.is_truncated(aif.curve)
    with pytest.raises(DataError, match=r"until the bolus has passed.*after 12 s"):
        vessels.require_passage(TIMES[:13], aif)


def test_a_top_that_frames_share_is_a_cut():
    series = np.full((2, 1, 1, 20), 40.0, np.float32)
    series[0, 0, 0, 5:8] = 3071
    assert vessels.clipped(series).ravel().tolist() == [True, False]
    assert not vessels.clipped(series / 10).any()
