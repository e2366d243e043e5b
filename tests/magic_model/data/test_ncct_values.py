"""An NCCT whose values are no HU of a plain head: refused or named, each kind."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.ndimage import uniform_filter

from magic_model.data.ncct_values import ncct_findings, require_hounsfield
from magic_model.data.nifti import write_nifti
from magic_model.data.volume import Kind
from magic_model.errors import DataError
from magic_model.importing.record import describe
from magic_model.inference.generate import Generation
from magic_model.inference.prepare import find_sources
from tests.magic_model.data.conftest import ellipsoid, make_head, make_maps

NOT_HU = {
    "offset 1024": (lambda hu: hu + 1024, r"HU \+ 1024"),
    "offset 1000": (lambda hu: hu + 1000, r"HU \+ 1024"),
    "offset, with padding": (
        lambda hu: np.where(np.arange(64)[:, None, None] < 3, -476, hu + 1024),
        r"HU \+ 1024",
    ),
    "8 bit, window 0 to 80": (
        lambda hu: np.rint(np.clip(hu / 80, 0, 1) * 255),
        "8-bit picture",
    ),
    "8 bit, window -160 to 240": (
        lambda hu: np.rint(np.clip((hu + 160) / 400, 0, 1) * 255),
        "8-bit picture",
    ),
    "scaled to 1": (lambda hu: np.clip(hu / 80, 0, 1), "scaled to 1"),
}


@pytest.fixture(scope="module")
def noisy():
    return make_head(noise=4.0)


@pytest.mark.parametrize("kind", NOT_HU)
def test_values_that_are_no_hu_are_refused(noisy, kind):
    change, words = NOT_HU[kind]
    wrong = noisy.ncct.with_array(change(noisy.ncct.array))
    with pytest.raises(DataError, match=f"ncct must be in HU, got .*{words}"):
        require_hounsfield(wrong)
    images = {Kind(name.value): v for name, v in make_maps(noisy).maps.items()}
    with pytest.raises(DataError, match="ncct must be in HU"):
        describe("p1", images | {Kind.NCCT: wrong})


def test_a_plain_head_passes(noisy):
    assert require_hounsfield(noisy.ncct) is noisy.ncct
    assert ncct_findings(noisy.ncct) == []
    assert ncct_findings(noisy.ncct, noisy.brain) == []


def test_values_that_are_hu_in_other_ways_pass(noisy):
    brain = noisy.brain.array > 0
    stripped = noisy.ncct.with_array(np.where(brain, noisy.ncct.array, 0))
    require_hounsfield(stripped)
    require_hounsfield(stripped.with_array(np.clip(stripped.array, 0, 80)))
    only_bone = np.where(noisy.ncct.array > 300, 1050, -1000)
    require_hounsfield(noisy.ncct.with_array(only_bone))
    require_hounsfield(noisy.ncct.with_array(np.zeros(noisy.ncct.shape)))


def test_a_skull_that_is_removed_is_named_unless_a_mask_is_given(noisy):
    brain = noisy.brain.array > 0
    for background in (0, -1000):
        array = np.where(brain, noisy.ncct.array, background)
        stripped = noisy.ncct.with_array(array)
        (found,) = ncct_findings(stripped)
        assert "the skull is removed already" in found
        assert "give a brain_mask" in found
        assert ncct_findings(stripped, noisy.brain, mask_given=True) == []


def test_contrast_agent_is_named(noisy):
    """Vessels of 4 mm, as in a CTA, in 1 to 2 % of the brain."""
    vessel = np.zeros(noisy.ncct.shape, bool)
    for x, y in [(-40, 0), (40, 0), (0, 40), (-20, -40), (20, -40)]:
        vessel |= np.hypot(noisy.mm[0] - x, noisy.mm[1] - y) < 4
    vessel &= ellipsoid(noisy.mm, (55, 75, 52))
    cta = noisy.ncct.with_array(np.where(vessel, 300, noisy.ncct.array))
    found = ncct_findings(cta, noisy.brain, mask_given=True)
    assert [
        f
        for f in found
        if "contrast agent (a CTA)? take the series before contrast" in f
    ]
    smooth = cta.with_array(uniform_filter(cta.array, (1, 1, 3)))
    assert any("(a CTA)" in f for f in ncct_findings(smooth, noisy.brain))


def test_another_scale_and_cut_off_values_are_named(noisy):
    brain = noisy.brain.array > 0
    bright = noisy.ncct.with_array(np.where(brain, noisy.ncct.array + 25, 1000))
    assert any(
        "median of 57 HU in the brain, which must be 20 to 45" in f
        for f in ncct_findings(bright, noisy.brain)
    )
    spread = np.where(brain, (noisy.ncct.array - 32) * 20 + 32, 1000)
    assert any(
        "lies outside 0 to 80 HU, where a network sees no difference" in f
        for f in ncct_findings(noisy.ncct.with_array(spread), noisy.brain)
    )


def padded(hu):
    """The scanner's round field, of 58 pixels, in a square of one value."""
    x, y, _ = np.indices(hu.shape)
    return np.where(np.hypot(x - 31.5, y - 31.5) < 29, hu, -1024)


def grainy(hu):
    """Air as a scanner measures it."""
    noise = np.random.default_rng(1).normal(0, 10, hu.shape)
    return np.where(hu < -900, hu + noise, hu)


@pytest.mark.parametrize("air", [np.asarray, grainy, lambda hu: padded(grainy(hu))])
@pytest.mark.parametrize(
    ("change", "off"),
    [
        (lambda hu: hu, None),
        (lambda hu: hu + 24, 24),
        (lambda hu: hu - 24, -24),
        (lambda hu: hu * 0.8, 200),
        (lambda hu: hu * 1.1, -100),
    ],
)
def test_ct_numbers_that_are_off_a_little_show_in_air(noisy, air, change, off):
    array = change(air(noisy.ncct.array))
    found = " ".join(ncct_findings(noisy.ncct.with_array(array), noisy.brain))
    if off is None:
        assert found == ""
    else:
        assert f"are CT numbers off by {off:+d} HU?" in found


def test_a_background_of_padding_alone_is_not_called_air(noisy):
    hu = noisy.ncct.array
    replaced = noisy.ncct.with_array(np.where(hu < -900, -1024, hu))
    assert ncct_findings(replaced, noisy.brain) == []


@pytest.mark.parametrize(
    ("window", "words"),
    [
        ((-100, 300), "nothing below -100 HU, where air is and nothing above 300 HU"),
        ((-100, 3000), "nothing below -100 HU, where air is: values were cut off"),
        ((-1024, 300), "holds nothing above 300 HU, where bone is: values were cut"),
    ],
)
def test_a_copy_in_another_window_is_named(noisy, window, words):
    cut = noisy.ncct.with_array(np.clip(noisy.ncct.array, *window))
    assert any(words in found for found in ncct_findings(cut, noisy.brain))
    assert ncct_findings(cut, noisy.brain, mask_given=True) == []


def test_findings_of_the_ncct_stand_among_those_of_the_patient(noisy):
    brain = noisy.brain.array > 0
    stripped = noisy.ncct.with_array(np.where(brain, noisy.ncct.array, 0))
    images = {Kind(name.value): v for name, v in make_maps(noisy).maps.items()}
    record, _ = describe("p1", images | {Kind.NCCT: stripped})
    assert any("the skull is removed" in f for f in record.checks.findings)
    assert any("brain taken from the support" in note for note in record.notes)


@pytest.mark.parametrize("kind", ["offset 1024", "8 bit, window 0 to 80"])
def test_generate_refuses_what_import_refuses(noisy, kind, tmp_path):
    wrong = noisy.ncct.with_array(NOT_HU[kind][0](noisy.ncct.array))
    write_nifti(wrong, tmp_path / "scan.nii.gz")
    (source,) = find_sources(tmp_path / "scan.nii.gz", "case-9")
    with pytest.raises(DataError, match=f"case-9: ncct must.*{NOT_HU[kind][1]}"):
        Generation(SimpleNamespace(backend=None)).compute(source)
