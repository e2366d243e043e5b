"""Contrast in the pixels: on a plain head, with noise, and with vessels put in.

The real head (GE, BSD licence, neurolabusc/dcm_qa_ct) lies beside the project or not.
"""

from pathlib import Path

import numpy as np
import pydicom
import pytest

from magic_model.data import enhancement
from magic_model.phantom.patient import PhantomSpec, make_patient
from magic_model.severity import Severity

HEAD = Path(__file__).parents[3].parent / "shared" / "data" / "ct_tilted_head"
PIXEL = 1.0, 1.0


def disc(rng, noise=5.0):
    """Brain of 35 HU in a ring of bone, 200 x 200 mm."""
    y, x = np.indices((200, 200)) - 99.5
    away = np.hypot(x, y)
    image = np.where(away < 80, 35.0, np.where(away < 86, 1200.0, -1000.0))
    return (image + rng.normal(0, noise, image.shape)).astype(np.float32)


def with_vessels(image, rng, count, hounsfield, radius_mm=2.0, pixel_mm=1.0):
    soft = np.argwhere((image > 10) & (image < 60))
    y, x = np.indices(image.shape)
    drawn = image.copy()
    for k in rng.choice(len(soft), count):
        row, column = soft[k]
        near = np.hypot(y - row, x - column) * pixel_mm < radius_mm
        drawn[near] = np.maximum(drawn[near], hounsfield)
    return drawn


@pytest.mark.parametrize("noise", [0, 10, 40])
def test_a_plain_slice_shows_none(noise):
    image = disc(np.random.default_rng(1), noise)
    assert enhancement.vessel_share(image, PIXEL) < enhancement.SHARE


@pytest.mark.parametrize("hounsfield", [180, 350])
def test_vessels_show(hounsfield):
    rng = np.random.default_rng(1)
    image = with_vessels(disc(rng), rng, 6, hounsfield)
    assert enhancement.vessel_share(image, PIXEL) > enhancement.SHARE


def test_neither_bone_nor_metal_nor_blood_is_a_vessel():
    rng = np.random.default_rng(1)
    image = disc(rng)
    image[98:102, 98:102] = 2500
    image[60:80, 90:110] = 75
    image[98:110, 18:24] = 400  # beside the ring
    assert enhancement.vessel_share(image, PIXEL) < enhancement.SHARE


def test_too_little_soft_tissue_tells_nothing():
    assert np.isnan(enhancement.vessel_share(np.full((90, 90), -1000.0), PIXEL))
    assert not enhancement.shows_contrast([float("nan")] * 5)
    assert not enhancement.shows_contrast([])


@pytest.mark.slow
def test_a_phantom_is_plain():
    images = make_patient(PhantomSpec(Severity.SEVERE), np.random.default_rng(1))
    ncct = images["ncct"]
    pixel = ncct.spacing[0], ncct.spacing[1]
    shares = [
        enhancement.vessel_share(ncct.array[:, :, k], pixel)
        for k in range(0, ncct.shape[2], 6)
    ]
    assert not enhancement.shows_contrast(shares)


@pytest.mark.skipif(not HEAD.is_dir(), reason="the real head is not here")
@pytest.mark.parametrize(("vessels", "expected"), [(0, False), (6, True)])
def test_a_real_head_is_plain_until_vessels_are_put_in(vessels, expected):
    rng = np.random.default_rng(0)
    shares = []
    for path in sorted(HEAD.glob("*.dcm"))[::2]:
        dataset = pydicom.dcmread(path)
        image = dataset.pixel_array * float(dataset.RescaleSlope)
        image = (image + float(dataset.RescaleIntercept)).astype(np.float32)
        down, across = map(float, dataset.PixelSpacing)
        if ((image > 10) & (image < 60)).sum() > 1000:
            image = with_vessels(image, rng, vessels, 250, 1.5, down)
        shares.append(enhancement.vessel_share(image, (down, across)))
    assert enhancement.shows_contrast(shares) is expected
