from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.perfusion import delay_change, read_object, score
from benchmarks.perfusion_objects import ARTERY, PUBLISHED, VEIN, make_object
from magic_model.errors import DataError
from magic_model.maps import PerfusionMap
from magic_model.perfusion.compute import REVISION, Choices, compute_perfusion
from magic_model.perfusion.deconvolution import Deconvolution

_PLACES = [p / "shared/data/ctp_reference" for p in Path(__file__).resolve().parents]
REFERENCE = next((place for place in _PLACES if place.is_dir()), None)


@pytest.fixture(scope="module")
def result(known):
    return compute_perfusion(known.series, Choices(known.brain))


def test_maps_follow_the_truth(known, result):
    found = score(known, result)

    assert found[PerfusionMap.CBF].r > 0.93
    assert 0.7 < found[PerfusionMap.CBF].slope < 1.2
    assert found[PerfusionMap.CBV].r > 0.985
    assert 0.8 < found[PerfusionMap.CBV].slope < 1.15
    assert found[PerfusionMap.TMAX].mean_absolute < 2.5


def test_maps_keep_what_is_promised(known, result):
    cbf, cbv, mtt = (
        result.maps[name].array.astype(float)
        for name in (PerfusionMap.CBF, PerfusionMap.CBV, PerfusionMap.MTT)
    )

    for volume in result.maps.values():
        assert np.isfinite(volume.array).all()
        assert (volume.array >= 0).all()
        assert not volume.array[~known.brain].any()
        assert (volume.affine == known.series.affine).all()
    assert mtt * cbf == pytest.approx(60 * cbv, rel=1e-5)
    ttp = result.maps[PerfusionMap.TTP].array[known.brain]
    assert 12 < np.median(ttp) < 22


def test_a_digital_object_is_worked_on_with_a_warning(known):
    given = compute_perfusion(
        known.series, Choices(None, ARTERY, VEIN, Deconvolution.CIRCULANT)
    )

    assert any("no skull" in note for note in given.notes)
    assert given.brain[known.brain].mean() > 0.98
    assert not given.artery.found


def test_the_area_of_the_curve_is_too_small_where_that_of_k_is_not(known, result):
    svd = compute_perfusion(
        known.series, Choices(known.brain, method=Deconvolution.SVD)
    )
    slopes = [score(known, r)[PerfusionMap.CBV].slope for r in (svd, result)]

    assert slopes[0] < slopes[1]


def test_what_is_cut_short_is_said(known):
    series = known.series
    short = replace(series, array=series.array[..., 6:23], times=series.times[6:23])
    notes = compute_perfusion(short, Choices(known.brain)).notes

    assert any("ends before the brain has fallen" in note for note in notes)
    assert any("the baseline has" in note for note in notes)


def test_no_brain_and_no_bolus(known):
    empty = replace(known.series, array=np.full_like(known.series.array, -1000))
    with pytest.raises(DataError, match="give one with --brain"):
        compute_perfusion(empty)
    still = replace(known.series, array=known.series.array * 0 + 33)
    with pytest.raises(DataError, match="no bolus"):
        compute_perfusion(still, Choices(known.brain))


@pytest.mark.slow
@pytest.mark.skipif(REFERENCE is None, reason="the reference object is not here")
@pytest.mark.parametrize(
    ("noise", "r", "slope", "late"),
    [("noiseless", 0.97, 0.75, 1.5), ("noise_2hu", 0.95, 0.7, 2.0)],
)
def test_the_reference_object(noise, r, slope, late):
    known = read_object(REFERENCE / noise)
    found = score(known, compute_perfusion(known.series, Choices(known.brain)))

    assert found[PerfusionMap.CBF].r >= r
    assert slope <= found[PerfusionMap.CBF].slope <= 1.2
    assert found[PerfusionMap.CBV].r >= 0.985
    assert 0.8 <= found[PerfusionMap.CBV].slope <= 1.15
    assert found[PerfusionMap.TMAX].mean_absolute <= late


# Kudo K, et al. Radiology 2013;267:201: of 13 programs CBF had r above .9 in seven, MTT
# in four; the tiles are those, artery and noise are the benchmark's.
@pytest.mark.slow
def test_the_tiles_of_a_published_phantom():
    flows, transits, delays = map(set, zip(*PUBLISHED, strict=True))
    assert (len(PUBLISHED), min(flows), max(flows)) == (245, 2.5, 87.5)
    assert (min(transits), max(transits)) == (pytest.approx(3.4, abs=0.05), 24)
    assert (min(delays), max(delays)) == (0, 3)
    known = make_object(2.0, PUBLISHED)
    result = compute_perfusion(known.series, Choices(known.brain, ARTERY, VEIN))

    for compared in score(known, result).values():
        assert compared.r > 0.95
        assert 0.75 < compared.slope < 1.05
    assert abs(delay_change(known, result.maps[PerfusionMap.CBF].array)) < 0.05


def test_other_maps_of_the_same_series_need_another_revision(known, result):
    """Else maps of two versions come together in a folder that is completed."""
    cbf = result.maps[PerfusionMap.CBF].array[known.brain]
    of_revision = {3: (29.943, 14.189)}
    wanted = of_revision[REVISION]
    assert (cbf.mean(), cbf.std()) == pytest.approx(wanted, rel=2e-3)
