"""A simulated series, and the maps measured from it, on two slices of a phantom."""

from dataclasses import fields, replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from magic_model.data.volume import Kind, Volume
from magic_model.errors import DataError
from magic_model.perfusion.compute import Choices, compute_perfusion
from magic_model.perfusion.series import read_series
from magic_model.phantom import scan as phantom_scan
from magic_model.phantom.patient import Contents, measure, scan_patient
from magic_model.phantom.scan import Scan, brain_of_series, write_series
from magic_model.phantom.supply import Flow

SCAN = Scan(step_s=2.0, dose=4.0)
PLANES = (2, 3)
MAPS = (Kind.CBF, Kind.CBV, Kind.MTT, Kind.TTP, Kind.TMAX)


def some_planes(phantom):
    """The same patient on two neighbouring slices."""
    brain = phantom.supply.brain
    kept = np.zeros_like(brain)
    kept[..., PLANES] = brain[..., PLANES]
    rows = kept[brain]
    at = slice(PLANES[0], PLANES[-1] + 1)

    def part(flow):
        return Flow(*(getattr(flow, f.name)[rows] for f in fields(Flow)))

    supply = replace(
        phantom.supply,
        brain=brain[..., at],
        whole=part(phantom.supply.whole),
        tissue=part(phantom.supply.tissue),
        arteries=phantom.supply.arteries[rows],
        arteries_delay_s=phantom.supply.arteries_delay_s[rows],
        veins=phantom.supply.veins[rows],
    )
    images = dict(phantom.images)
    affine = images[Kind.CBF].affine.copy()
    affine[2, 3] += PLANES[0] * affine[2, 2]
    for kind in set(Kind) - {Kind.NCCT}:
        images[kind] = Volume(images[kind].array[..., at], affine, kind)
    return replace(
        phantom,
        images=images,
        supply=supply,
        flow=phantom.flow[..., at],
    )


@pytest.fixture(scope="module")
def thin(severe):
    return some_planes(severe)


@pytest.fixture(scope="module")
def series(thin):
    return scan_patient(thin, np.random.default_rng(0), SCAN)


@pytest.fixture(scope="module")
def measured(thin, series):
    return measure(thin, series)


@pytest.fixture(scope="module")
def brain(thin):
    return thin.images[Kind.BRAIN_MASK].array > 0


def test_noise_is_that_of_the_dose(thin, series):
    brain = brain_of_series(thin.images[Kind.BRAIN_MASK]).array > 0
    assert series.array.shape == (128, 128, 2, 30)
    half = scan_patient(thin, np.random.default_rng(0), replace(SCAN, dose=2.0))
    for found, sd in ((series, 1.0), (half, 2**0.5)):
        at_rest = np.diff(found.array[brain][:, :2], axis=1)  # before the bolus
        assert at_rest.std() / 2**0.5 == pytest.approx(sd, rel=0.05)
    assert_array_equal(series.array, np.rint(series.array))
    assert (series.array[0, 0] == -1000).all()


def test_the_same_chance_gives_the_same_series(thin, series):
    again = scan_patient(thin, np.random.default_rng(0), SCAN)
    assert_array_equal(again.array, series.array)
    other = scan_patient(thin, np.random.default_rng(1), SCAN)
    assert (other.array != series.array).mean() > 0.3


def test_tissue_arteries_and_veins_enhance_as_they_are_supplied(thin, series):
    rise = phantom_scan.halved(np.ones((4, 4)))  # a plain mean
    assert rise.tolist() == [[1, 1], [1, 1]]
    peaks = (series.array - series.array[..., :2].mean(axis=-1)[..., None]).max(axis=-1)
    brain = thin.supply.brain
    shares = {"arteries": thin.supply.arteries, "veins": thin.supply.veins}
    for share in shares.values():
        whole = np.zeros(brain.shape, np.float32)
        whole[brain] = share
        assert peaks[phantom_scan.halved(whole) > 0.4].mean() > 80
    assert 5 < np.median(peaks[phantom_scan.halved(brain) == 1]) < 25


def test_a_head_that_moves_shows_at_its_edges(thin, series):
    moved = scan_patient(
        thin, np.random.default_rng(0), replace(SCAN, motion_mm=1.0)
    ).array
    edge = np.abs(np.diff(thin.noise_free.array[..., 45], axis=0)).max(axis=1) > 500
    assert edge.any()
    first, last = (np.abs(moved[..., n] - series.array[..., n]) for n in (0, -1))
    assert first.max() < 100 < last.max()


def test_measured_maps_are_whole_and_keep_the_central_volume(measured, brain):
    for kind in MAPS:
        array = measured.images[kind].require_finite().array
        assert not array[~brain].any()
        assert array.min() >= 0
    cbf, cbv, mtt = (measured.images[kind].array[brain] for kind in MAPS[:3])
    flows = cbf > 0
    assert flows.mean() > 0.9
    assert_allclose(mtt[flows], 60 * cbv[flows] / cbf[flows], rtol=1e-5)
    assert not mtt[~flows].any()


def test_measured_maps_are_near_the_exact_ones_but_noisy(thin, measured, brain):
    healthy = brain & (thin.flow == 1)
    healthy[brain] &= (thin.supply.arteries + thin.supply.veins) < 0.02
    exact, found = thin.images, measured.images
    for kind, least in ((Kind.CBF, 0.4), (Kind.CBV, 0.4), (Kind.TTP, 0.5)):
        a, b = exact[kind].array[healthy], found[kind].array[healthy]
        assert least < np.corrcoef(a, b)[0, 1] < 0.999
        assert np.median(b) == pytest.approx(np.median(a), rel=0.5)
    lost = exact[Kind.CORE_MASK].array > 0
    cbf, ttp = found[Kind.CBF].array, found[Kind.TTP].array
    assert np.median(cbf[lost]) < 0.6 * np.median(cbf[healthy])
    assert np.median(ttp[lost]) > np.median(ttp[healthy]) + 5


def test_what_is_not_measured_stays(thin, measured):
    for kind in set(Kind) - set(MAPS):
        assert measured.images[kind] is thin.images[kind]


def test_a_series_on_disk_gives_the_same_maps(thin, series, measured, tmp_path):
    write_series(series, tmp_path / "ctp.nii.gz", tmp_path / "times.txt")
    again = read_series(tmp_path / "ctp.nii.gz", tmp_path / "times.txt")
    assert_array_equal(again.array, series.array)
    assert_allclose(again.times, series.times)
    assert_array_equal(
        read_series(tmp_path / "ctp.nii.gz").times, series.times
    )  # the header states them, too
    mask = brain_of_series(thin.images[Kind.BRAIN_MASK])
    own = compute_perfusion(again, Choices(mask.array > 0)).maps
    for kind in (Kind.CBF, Kind.TMAX):
        fine = measured.images[kind].array
        deep = phantom_scan.halved((fine > 0).astype(np.float32)) == 1
        coarse = phantom_scan.halved(fine)
        middle = np.corrcoef(coarse[deep], own[kind.value].array[deep])[0, 1]
        assert middle > 0.85


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"size": "full"}, "--full must go with --exact"),
        ({"series": True, "exact": True}, "--series must go without --exact"),
    ],
)
def test_what_does_not_go_together_is_refused(chosen, message):
    with pytest.raises(DataError, match=message):
        Contents(**chosen)


@pytest.mark.parametrize("chosen", [{"step_s": 0}, {"dose": 0}, {"motion_mm": -1}])
def test_a_scan_that_cannot_be_is_refused(chosen):
    with pytest.raises(ValueError, match="above 0 and motion 0 or more"):
        Scan(**chosen)
