import numpy as np
import pytest
from numpy.testing import assert_allclose

from magic_model.data.volume import Kind
from magic_model.phantom.ceiling import DOCUMENTED, healthy_means
from magic_model.phantom.lesion import Side
from magic_model.phantom.patient import (
    CSF_HU,
    Hypodensity,
    PhantomSpec,
    make_patient,
    simulate,
)
from magic_model.severity import Severity, mismatch_ratio, severity_class

MAPS = (Kind.CBF, Kind.CBV, Kind.MTT, Kind.TTP, Kind.TMAX)


def inside(phantom, kind, mask=Kind.BRAIN_MASK):
    return phantom.images[kind].array[phantom.images[mask].array > 0]


def volume_ml(images, kind):
    return images[kind].array.sum() * images[kind].voxel_ml


@pytest.fixture(params=list(Severity))
def phantom(request, phantoms):
    return phantoms[request.param]


def test_a_slab_has_ten_maps_and_the_ncct_around_them(phantom):
    ncct, cbf = phantom.images[Kind.NCCT], phantom.images[Kind.CBF]
    assert set(phantom.images) == set(Kind)
    assert cbf.shape == (256, 256, 10)
    assert cbf.spacing == pytest.approx((0.9, 0.9, 10))
    assert ncct.shape == (256, 256, 101)
    assert ncct.spacing == pytest.approx((0.9, 0.9, 1))
    assert (np.diag(ncct.affine) > 0).all()  # RAS
    bottom, top = ncct.affine[2, 3], ncct.affine[2, 3] + 100
    assert cbf.affine[2, 3] - bottom == pytest.approx(5)
    assert top - (cbf.affine[2, 3] + 90) == pytest.approx(5)
    assert_allclose(
        ncct.affine[:2], np.diag([0.9, 0.9, 1, 1])[:2] + ncct.affine[:2] * [0, 0, 0, 1]
    )


def test_the_central_volume_principle_holds(phantom):
    cbf, cbv, mtt = (inside(phantom, kind) for kind in MAPS[:3])
    assert_allclose(cbv, cbf * mtt / 60, rtol=5e-7)
    product = cbf.astype(float) * mtt / 60
    assert (product @ cbv) / (product @ product) == pytest.approx(1, abs=1e-6)
    assert np.corrcoef(product, cbv)[0, 1] > 0.999


def test_maps_are_finite_positive_and_end_at_the_brain(phantom):
    highest = {Kind.CBF: 160, Kind.CBV: 11, Kind.MTT: 20, Kind.TTP: 30, Kind.TMAX: 20}
    outside = phantom.images[Kind.BRAIN_MASK].array == 0
    for kind in MAPS:
        array = phantom.images[kind].require_finite().array
        assert not array[outside].any()
        assert inside(phantom, kind).min() > 0
        assert array.max() < highest[kind]
    assert 1000 < volume_ml(phantom.images, Kind.BRAIN_MASK) < 1900  # template 1883


def test_healthy_grey_matter_is_as_documented(phantom):
    means = healthy_means(phantom)
    for kind, documented in DOCUMENTED.items():
        assert means[kind] == pytest.approx(documented, rel=0.05)
    assert 12 < means[Kind.TTP] < 14  # from the first frame
    assert means[Kind.TMAX] < 2


def test_ventricles_are_dark_and_grey_matter_is_richer_than_white(phantom):
    cbf, tissues = phantom.images[Kind.CBF].array, phantom.tissues
    brain, intact = phantom.images[Kind.BRAIN_MASK].array > 0, phantom.flow == 1
    mean = {
        name: cbf[brain & intact & (getattr(tissues, name) > 0.95)].mean()
        for name in ("grey", "white", "csf")
    }
    assert mean["grey"] > 1.8 * mean["white"]
    assert mean["csf"] < 5
    assert mean["white"] == pytest.approx(25, rel=0.15)


def test_left_and_right_differ(phantom):
    cbf = phantom.images[Kind.CBF].array
    assert np.corrcoef(cbf.ravel(), cbf[::-1].ravel())[0, 1] < 0.95


@pytest.mark.parametrize("severity", Severity)
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.slow
def test_masks_give_the_severity_asked_for(severity, seed):
    images = make_patient(PhantomSpec(severity), np.random.default_rng(seed))
    core, penumbra = (images[k].array > 0 for k in (Kind.CORE_MASK, Kind.PENUMBRA_MASK))
    ratio = mismatch_ratio(core.sum(), penumbra.sum())
    assert severity_class(ratio) is severity
    assert not (core & ~penumbra).any()
    assert not (penumbra & (images[Kind.BRAIN_MASK].array == 0)).any()
    if severity is not Severity.NONE:
        assert 10 < volume_ml(images, Kind.PENUMBRA_MASK) <= 200


@pytest.mark.parametrize("severity", [Severity.MILD_MODERATE, Severity.SEVERE])
def test_thresholds_of_the_paper_find_the_masks_again(phantoms, severity):
    phantom = phantoms[severity]
    penumbra, core = (
        phantom.images[k].array > 0 for k in (Kind.PENUMBRA_MASK, Kind.CORE_MASK)
    )
    tissue = (phantom.images[Kind.BRAIN_MASK].array > 0) & (phantom.tissues.csf < 0.5)
    late = tissue & (phantom.images[Kind.TMAX].array > 6)
    starved = tissue & (phantom.flow < 0.3)
    for found, truth in ((late, penumbra), (starved, core)):
        dice = 2 * (found & truth).sum() / (found.sum() + truth.sum())
        assert dice > 0.9
    assert 20 < inside(phantom, Kind.TTP, Kind.CORE_MASK).mean() < 27
    assert 0.13 < phantom.flow[core].mean() < 0.25  # 0.19 +- 0.06
    assert 0.34 < phantom.flow[penumbra & ~core].mean() < 0.46


def test_a_lesion_lies_on_its_side_only(severe):
    penumbra = severe.images[Kind.PENUMBRA_MASK].array > 0
    indices = np.argwhere(penumbra)
    x = indices @ np.array([0.9, 0, 0]) + severe.images[Kind.CBF].affine[0, 3]
    sign = 1 if severe.lesion.site.side is Side.RIGHT else -1
    assert (sign * x > -8).all()  # the midline is tilted and bent
    assert (sign * x > 0).mean() > 0.98


def test_most_patients_without_core_have_no_lesion_at_all(phantoms):
    phantom = phantoms[Severity.NONE]
    assert phantom.lesion is None
    assert not phantom.images[Kind.PENUMBRA_MASK].array.any()
    assert (phantom.flow == 1).all()


@pytest.mark.slow
def test_the_others_have_tissue_at_risk_that_is_no_core():
    phantom = simulate(PhantomSpec(Severity.NONE), np.random.default_rng(11))
    assert phantom.lesion is not None
    assert volume_ml(phantom.images, Kind.PENUMBRA_MASK) > 10
    assert not phantom.images[Kind.CORE_MASK].array.any()
    assert phantom.flow.min() == pytest.approx(0.33)


def test_noise_is_that_of_120_kv(phantom):
    ncct, clean = phantom.images[Kind.NCCT].array, phantom.noise_free.array
    for low, high in ((28.9, 29.1), (CSF_HU - 0.1, CSF_HU + 0.1)):
        noise = (ncct - clean)[(clean > low) & (clean < high)]
        assert noise.size > 1000
        assert noise.std() == pytest.approx(4.0, abs=0.2)
        assert noise.mean() == pytest.approx(0, abs=0.2)


def test_ct_numbers_are_whole_and_skull_is_bright(phantom):
    ncct = phantom.images[Kind.NCCT].require_finite().array
    assert_allclose(ncct, np.rint(ncct), atol=0)
    assert ncct.min() >= -1024
    assert 1100 < ncct.max() < 1500
    assert 0.2 < (ncct < -900).mean() < 0.7
    brain = phantom.noise_free.array[..., 5::10][
        phantom.images[Kind.BRAIN_MASK].array > 0
    ]
    assert np.quantile(brain, 0.05) > 5
    assert np.quantile(brain, 0.95) < 40


def test_an_infarct_that_shows_is_darker_than_its_mirror(severe):
    assert severe.hypodensity.shows
    clean = severe.noise_free.array[..., 5::10]
    core = severe.images[Kind.CORE_MASK].array > 0
    grey = severe.tissues.grey > 0.95
    fall = clean[grey & (severe.flow == 1)].mean() - clean[grey & core].mean()
    assert 1 < fall < 6


@pytest.mark.parametrize(
    ("earlier", "later"), [(0.5, 1), (1, 3), (3, 6)], ids=lambda h: f"{h} h"
)
def test_hypodensity_deepens_with_time_and_lack_of_flow(earlier, later):
    flows = np.array([0.1, 0.2, 0.3, 0.5, 1], dtype=np.float32)
    first, second = (
        Hypodensity(h, shows=True).fall_hu(flows) for h in (earlier, later)
    )
    assert (np.diff(first) <= 0).all()
    assert (second[:3] > first[:3]).all()
    assert (second <= 6).all()
    assert second[3:].tolist() == [0, 0]
    assert not Hypodensity(later, shows=False).fall_hu(flows).any()


def test_two_of_five_infarcts_do_not_show():
    rng = np.random.default_rng(0)
    drawn = [Hypodensity.draw(rng) for _ in range(2000)]
    assert np.mean([not h.shows for h in drawn]) == pytest.approx(0.4, abs=0.03)
    assert all(0.5 <= h.onset_h <= 9 for h in drawn)


@pytest.mark.slow
def test_a_full_head_has_maps_on_every_plane():
    spec = PhantomSpec(Severity.SEVERE, "full")
    phantom = simulate(spec, np.random.default_rng(1))
    assert phantom.images[Kind.NCCT].shape == (256, 256, 160)
    assert_allclose(phantom.images[Kind.CBF].affine, phantom.images[Kind.NCCT].affine)
    core, penumbra = (
        volume_ml(phantom.images, k) for k in (Kind.CORE_MASK, Kind.PENUMBRA_MASK)
    )
    assert severity_class(mismatch_ratio(core, penumbra)) is Severity.SEVERE
    means = healthy_means(phantom)
    for kind, documented in DOCUMENTED.items():
        assert means[kind] == pytest.approx(documented, rel=0.05)
